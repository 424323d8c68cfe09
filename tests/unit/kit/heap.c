/* SPDX-License-Identifier: Apache-2.0 */
/* The enclave's heap: objects never overlap, memory comes back, misuse is noticed, the start contents do not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "tests/testing.h"
#include "tests/unit/kit/libc.h"

#define HEAP_BYTES (4UL << 20)

/* What heap.c wants of the runtime. */
struct kit_lock;
void kit_lock(struct kit_lock *lock);
void kit_unlock(struct kit_lock *lock);
void kit_abort(void) __attribute__((noreturn));

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static jmp_buf aborted;

void kit_lock(struct kit_lock *lock)
{
	pthread_mutex_lock(&mutex);
}

void kit_unlock(struct kit_lock *lock)
{
	pthread_mutex_unlock(&mutex);
}

void kit_abort(void)
{
	pthread_mutex_unlock(&mutex);
	longjmp(aborted, 1);
}

static uint8_t *arena;

/* The host chooses what the heap holds at first: anything but zeros here. */
static int start(void **state)
{
	arena = aligned_alloc(4096, HEAP_BYTES);
	if (!arena)
		return -1;
	memset(arena, 0xf2, HEAP_BYTES);
	kit_heap_init(arena, HEAP_BYTES);
	return 0;
}

static int stop(void **state)
{
	free(arena);
	return 0;
}

static bool in_arena(const void *ptr, size_t bytes)
{
	const uint8_t *p = ptr;

	return p >= arena && p + bytes <= arena + HEAP_BYTES;
}

struct object {
	uint8_t *at;
	size_t bytes;
	uint8_t fill;
};

static void check_and_free(struct object *o)
{
	for (size_t i = 0; i < o->bytes; i++)
		assert_int_equal(o->at[i], o->fill);
	kit_free(o->at);
	*o = (struct object){ 0 };
}

static void allocate(struct rng *rng, struct object *o, size_t bytes)
{
	o->at = kit_malloc(bytes);
	if (!o->at)
		return;
	o->bytes = bytes;
	o->fill = (uint8_t)rng_next(rng);
	assert_true(in_arena(o->at, bytes));
	assert_int_equal((uintptr_t)o->at % 16, 0);
	memset(o->at, o->fill, bytes);
}

static void reallocate(struct rng *rng, struct object *o, size_t bytes)
{
	size_t kept = min_of(bytes, o->bytes);
	uint8_t *at = kit_realloc(o->at, bytes);

	if (!at)
		return;
	for (size_t i = 0; i < kept; i++)
		assert_int_equal(at[i], o->fill);
	assert_true(in_arena(at, bytes));
	o->at = at;
	o->bytes = bytes;
	o->fill = (uint8_t)rng_next(rng);
	memset(at, o->fill, bytes);
}

static size_t random_size(struct rng *rng)
{
	switch (rng_below(rng, 8)) {
	case 0:
		return rng_below(rng, 60000);
	case 1:
		return rng_below(rng, 6000);
	default:
		return rng_below(rng, 400);
	}
}

static void random_use_keeps_contents_and_gives_all_back(void **state)
{
	enum { OBJECTS = 400 };
	static struct object object[OBJECTS];
	struct rng rng = rng_seeded(9);
	size_t free_at_first = kit_heap_left();

	for (unsigned i = 0; i < 100000; i++) {
		struct object *o = &object[rng_below(&rng, OBJECTS)];

		if (!o->at)
			allocate(&rng, o, random_size(&rng));
		else if (rng_below(&rng, 3) == 0)
			reallocate(&rng, o, random_size(&rng));
		else
			check_and_free(o);
	}
	for (unsigned i = 0; i < OBJECTS; i++) {
		if (object[i].at)
			check_and_free(&object[i]);
	}
	assert_int_equal(kit_heap_left(), free_at_first);
}

/* Everything can be used, and after it came back, in one piece. */
static void no_page_is_lost(void **state)
{
	size_t all = kit_heap_left();
	void **list = NULL, *whole;

	for (;;) {
		void **page = kit_malloc(4096);

		if (!page)
			break;
		*page = list;
		list = page;
	}
	assert_int_equal(kit_heap_left(), 0);
	assert_null(kit_malloc(1));
	while (list) {
		void **next = *list;

		kit_free(list);
		list = next;
	}
	whole = kit_malloc(all);
	assert_non_null(whole);
	kit_free(whole);
	assert_int_equal(kit_heap_left(), all);
}

static void small_objects_share_pages(void **state)
{
	size_t all = kit_heap_left();
	void *o[256];

	for (unsigned i = 0; i < 256; i++)
		o[i] = kit_malloc(16);
	assert_int_equal(all - kit_heap_left(), 4096);
	for (unsigned i = 0; i < 256; i++)
		kit_free(o[i]);
	assert_int_equal(kit_heap_left(), all);
}

static void large_blocks_grow_in_place(void **state)
{
	uint8_t *block = kit_malloc(8192), *behind;

	assert_ptr_equal(kit_realloc(block, 100000), block);
	behind = kit_malloc(5000);
	assert_ptr_not_equal(kit_realloc(block, 200000), block);
	kit_free(behind);
}

static void impossible_sizes_are_refused(void **state)
{
	void *p = kit_malloc(100);

	assert_null(kit_malloc(HEAP_BYTES));
	assert_null(kit_malloc(SIZE_MAX));
	assert_null(kit_malloc(SIZE_MAX - 4095));
	assert_null(kit_calloc(SIZE_MAX / 2, 4));
	assert_null(kit_realloc(p, SIZE_MAX / 2));
	kit_free(p);
}

static void cleared_memory_is_clear(void **state)
{
	uint8_t *p = kit_malloc(3000), *q;

	memset(p, 0xff, 3000);
	kit_free(p);
	q = kit_calloc(30, 100);
	assert_ptr_equal(p, q);
	for (unsigned i = 0; i < 3000; i++)
		assert_int_equal(q[i], 0);
}

static bool free_aborts(void *ptr)
{
	if (setjmp(aborted))
		return true;
	kit_free(ptr);
	return false;
}

static void wrong_frees_are_noticed(void **state)
{
	uint8_t *small = kit_malloc(48), *other = kit_malloc(48), *large = kit_malloc(10000), *next = kit_malloc(10000);
	static uint8_t elsewhere;

	assert_true(free_aborts(small + 16));
	assert_true(free_aborts(large + 4096));
	assert_true(free_aborts(&elsewhere));
	assert_true(free_aborts(arena));
	assert_true(free_aborts(other + 48));
	assert_false(free_aborts(large));
	assert_true(free_aborts(large));
	assert_false(free_aborts(next));
	assert_true(free_aborts(next));
	assert_false(free_aborts(small));
	assert_false(free_aborts(other));
	assert_true(free_aborts(other));
}

static void a_heap_without_room_refuses(void **state)
{
	kit_heap_init(arena, 0);
	assert_null(kit_malloc(1));
	assert_int_equal(kit_heap_left(), 0);
	kit_heap_init(arena, 4096);
	assert_null(kit_malloc(1));
	kit_heap_init(arena, 8192);
	assert_non_null(kit_malloc(1));
}

static void *churn(void *arg)
{
	struct rng rng = { .state = (uint64_t)arg };
	struct object object[50] = { 0 };

	for (unsigned i = 0; i < 20000; i++) {
		struct object *o = &object[rng_below(&rng, ARRAY_SIZE(object))];

		if (o->at)
			check_and_free(o);
		else
			allocate(&rng, o, rng_below(&rng, 3000));
	}
	for (unsigned i = 0; i < ARRAY_SIZE(object); i++) {
		if (object[i].at)
			check_and_free(&object[i]);
	}
	return NULL;
}

static void threads_do_not_share_objects(void **state)
{
	size_t all = kit_heap_left();
	pthread_t thread[2];

	for (uintptr_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, churn, (void *)i), 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(kit_heap_left(), all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_use_keeps_contents_and_gives_all_back, start, stop),
		cmocka_unit_test_setup_teardown(no_page_is_lost, start, stop),
		cmocka_unit_test_setup_teardown(small_objects_share_pages, start, stop),
		cmocka_unit_test_setup_teardown(large_blocks_grow_in_place, start, stop),
		cmocka_unit_test_setup_teardown(impossible_sizes_are_refused, start, stop),
		cmocka_unit_test_setup_teardown(cleared_memory_is_clear, start, stop),
		cmocka_unit_test_setup_teardown(wrong_frees_are_noticed, start, stop),
		cmocka_unit_test_setup_teardown(a_heap_without_room_refuses, start, stop),
		cmocka_unit_test_setup_teardown(threads_do_not_share_objects, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
