/* SPDX-License-Identifier: Apache-2.0 */
/* Version slots: dense, never handed out twice, and always enough by the rule that growth follows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "encl/paging.h"

#define VA_PAGES 300 /* past one growth of the array */

static void test_dense_and_unique(void **state)
{
	static bool taken[VA_PAGES * SGX_VA_SLOTS];
	struct va_array va = { 0 };

	(void)state;
	for (uint32_t i = 0; i < VA_PAGES; i++)
		assert_int_equal(va_add(&va, i), 0);
	for (uint32_t i = 0; i < VA_PAGES * SGX_VA_SLOTS; i++) {
		assert_int_equal(va_alloc(&va), i);
		taken[i] = true;
	}
	srandom(2);
	for (int i = 0; i < 20000; i++) {
		uint32_t slot = (uint32_t)random() % (VA_PAGES * SGX_VA_SLOTS), again;

		va_free(&va, slot);
		taken[slot] = false;
		again = va_alloc(&va);
		assert_false(taken[again]);
		taken[again] = true;
	}
	for (uint32_t i = 0; i < VA_PAGES * SGX_VA_SLOTS; i++)
		va_free(&va, i);
	for (uint32_t i = VA_PAGES; i-- > 0;)
		assert_int_equal(va_drop(&va), i);
	va_destroy(&va);
}

static void test_room(void **state)
{
	struct va_array va = { 0 };

	(void)state;
	assert_false(va_room(&va, 1));
	assert_int_equal(va_add(&va, 7), 0);
	assert_true(va_room(&va, SGX_VA_SLOTS));
	assert_false(va_room(&va, SGX_VA_SLOTS + 1));
	assert_int_equal(va_drop(&va), 7);
	va_destroy(&va);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dense_and_unique),
		cmocka_unit_test(test_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
