/* SPDX-License-Identifier: Apache-2.0 */
/* A bad application pointer is -EFAULT, wherever in the range it goes bad; it never faults, and errno stays. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <sys/mman.h>

#include "base/usercopy.h"

/* One page, followed by one that is not there. */
static int map_edge(void **state)
{
	uint8_t *p = mmap(NULL, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return -1;
	*state = p;
	return munmap(p + PAGE_SIZE, PAGE_SIZE);
}

static int unmap_edge(void **state)
{
	return munmap(*state, PAGE_SIZE);
}

static void good_pointers_are_copied(void **state)
{
	uint8_t *page = *state, buf[256], back[256] = { 0 };

	for (size_t i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)i;
	assert_int_equal(copy_to_user((uint64_t)page + PAGE_SIZE - sizeof(buf), buf, sizeof(buf)), 0);
	assert_memory_equal(page + PAGE_SIZE - sizeof(buf), buf, sizeof(buf));
	assert_int_equal(copy_from_user(back, (uint64_t)page + PAGE_SIZE - sizeof(buf), sizeof(back)), 0);
	assert_memory_equal(back, buf, sizeof(buf));
	assert_int_equal(copy_from_user(back, 0, 0), 0);
}

static void bad_pointers_are_efault(void **state)
{
	uint64_t page = (uint64_t)*state;
	static const uint64_t bad[] = { 0, 1, 0xdead000000000000ULL, UINT64_MAX - 7 };
	uint8_t buf[16] = { 0 };

	errno = 0;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(copy_from_user(buf, bad[i], sizeof(buf)), -EFAULT);
		assert_int_equal(copy_to_user(bad[i], buf, sizeof(buf)), -EFAULT);
	}
	/* Half of it there is not enough. */
	assert_int_equal(copy_from_user(buf, page + PAGE_SIZE - 8, sizeof(buf)), -EFAULT);
	assert_int_equal(copy_to_user(page + PAGE_SIZE - 8, buf, sizeof(buf)), -EFAULT);
	assert_int_equal(errno, 0);
}

static void protection_counts(void **state)
{
	uint8_t *page = *state, buf[16] = { 0 };

	assert_int_equal(mprotect(page, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(copy_from_user(buf, (uint64_t)page, sizeof(buf)), 0);
	assert_int_equal(copy_to_user((uint64_t)page, buf, sizeof(buf)), -EFAULT);
	assert_int_equal(mprotect(page, PAGE_SIZE, PROT_NONE), 0);
	assert_int_equal(copy_from_user(buf, (uint64_t)page, sizeof(buf)), -EFAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(good_pointers_are_copied, map_edge, unmap_edge),
		cmocka_unit_test_setup_teardown(bad_pointers_are_efault, map_edge, unmap_edge),
		cmocka_unit_test_setup_teardown(protection_counts, map_edge, unmap_edge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
