/* SPDX-License-Identifier: Apache-2.0 */
/* Slab objects are distinct, aligned and zeroed, also when used before; what is freed is used again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/slab.h"
#include "tests/testing.h"

static bool is_filled(const void *object, uint8_t byte, size_t len)
{
	const uint8_t *p = object;

	for (size_t i = 0; i < len; i++) {
		if (p[i] != byte)
			return false;
	}
	return true;
}

static void objects_are_zeroed_aligned_and_their_own(void **state)
{
	enum { COUNT = 5000, SIZE = 40 }; /* several chunks */
	static uint8_t *object[COUNT];
	struct slab s;

	slab_init(&s, SIZE);
	for (int i = 0; i < COUNT; i++) {
		object[i] = slab_alloc(&s);
		assert_non_null(object[i]);
		assert_int_equal((uintptr_t)object[i] % 16, 0);
		assert_true(is_filled(object[i], 0, SIZE));
		memset(object[i], (uint8_t)(i % 251 + 1), SIZE);
	}
	assert_true(s.live == COUNT);
	for (int i = 0; i < COUNT; i++)
		assert_true(is_filled(object[i], (uint8_t)(i % 251 + 1), SIZE));
	slab_destroy(&s);
	assert_true(s.live == 0 && s.bytes == 0);
}

static void freed_objects_are_used_again_and_zeroed(void **state)
{
	struct slab s;
	size_t bytes;
	void *a, *b;

	slab_init(&s, 64);
	a = slab_alloc(&s);
	assert_non_null(a);
	bytes = s.bytes;
	memset(a, 0xff, 64);
	slab_free(&s, a);
	assert_true(s.live == 0);
	b = slab_alloc(&s);
	assert_ptr_equal(a, b);
	assert_true(is_filled(b, 0, 64));
	for (int i = 0; i < 10000; i++) {
		slab_free(&s, b);
		b = slab_alloc(&s);
	}
	assert_true(s.bytes == bytes);
	slab_destroy(&s);
}

static void objects_larger_than_a_chunk(void **state)
{
	enum { SIZE = 300000 };
	struct slab s;
	void *a, *b;

	slab_init(&s, SIZE);
	a = slab_alloc(&s);
	b = slab_alloc(&s);
	assert_non_null(a);
	assert_non_null(b);
	memset(a, 1, SIZE);
	memset(b, 2, SIZE);
	assert_true(is_filled(a, 1, SIZE) && is_filled(b, 2, SIZE));
	slab_destroy(&s);
}

static void *churn(void *arg)
{
	struct slab *s = arg;
	uint64_t rounds = test_scaled(50000, 500);
	intptr_t wrong = 0;

	for (uint64_t i = 0; i < rounds; i++) {
		uint64_t *object = slab_alloc(s);

		/* Somebody else who holds the same object would leave a mark here. */
		wrong += !object || object[0] != 0 || object[1] != 0;
		object[0] = object[1] = (uintptr_t)&rounds;
		wrong += object[0] != (uintptr_t)&rounds;
		slab_free(s, object);
	}
	return (void *)wrong;
}

static void threads_never_share_an_object(void **state)
{
	struct slab s;
	pthread_t t[2];

	slab_init(&s, 16);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, churn, &s), 0);
	for (int i = 0; i < 2; i++) {
		void *wrong;

		pthread_join(t[i], &wrong);
		assert_null(wrong);
	}
	assert_true(s.live == 0);
	slab_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_are_zeroed_aligned_and_their_own),
		cmocka_unit_test(freed_objects_are_used_again_and_zeroed),
		cmocka_unit_test(objects_larger_than_a_chunk),
		cmocka_unit_test(threads_never_share_an_object),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
