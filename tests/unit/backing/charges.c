/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A charge lives exactly as long as the page. The first kernel patch that accounted backing pages uncharged when a
 * page was merely unpinned, counted no PCMD pages, and forgot pages on release; none of that may happen here.
 */
#include "fixture.h"

/* A load that fails its MAC check looks the page up and puts it back, as often as the application retries. */
static void lookup_and_put_never_change_a_charge(void **state)
{
	struct fixture f;
	fixture_open(&f, 100, 4);
	alloc_slots(&f, 0, 40);
	for (int i = 0; i < 10000; i++) {
		struct backing_page page, again;
		assert_int_equal(backing_lookup(&f.backing, (uint32_t)i % 40, &page), 0);
		assert_int_equal(backing_lookup(&f.backing, (uint32_t)i % 40, &again), 0);
		assert_ptr_equal(page.contents, again.contents);
		assert_ptr_equal(page.pcmd, again.pcmd);
		backing_put(&again);
		backing_put(&page);
		if (i % 100 == 0)
			assert_charged(&f, 40, 2, 0);
	}
	assert_charged(&f, 40, 2, 0);
	for (uint32_t slot = 0; slot < 40; slot++)
		backing_free(&f.backing, slot);
	fixture_close(&f);
}

static void lookup_of_what_is_not_there_allocates_nothing(void **state)
{
	struct fixture f;
	struct backing_page page;
	fixture_open(&f, 100, 4);
	assert_int_equal(backing_lookup(&f.backing, 0, &page), -ENOENT);
	alloc_slots(&f, 0, 2);
	assert_int_equal(backing_lookup(&f.backing, 2, &page), -ENOENT);
	assert_int_equal(backing_lookup(&f.backing, 99, &page), -ENOENT);
	assert_int_equal(backing_lookup(&f.backing, 100, &page), -ENOENT);
	assert_int_equal(backing_lookup(&f.backing, BACKING_NONE, &page), -ENOENT);
	backing_free(&f.backing, 1);
	assert_int_equal(backing_lookup(&f.backing, 1, &page), -ENOENT); /* recycled: held, but nobody's */
	assert_charged(&f, 1, 1, 1);
	backing_free(&f.backing, 0);
	fixture_close(&f);
}

static void pcmd_pages_are_charged_one_in_32(void **state)
{
	struct fixture f;
	fixture_open(&f, 1000, 0);
	for (uint32_t n = 1; n <= 200; n++) {
		alloc_slot(&f);
		assert_charged(&f, n, (n + 31) / 32, 0);
	}
	for (uint32_t n = 200; n-- > 0;) {
		backing_free(&f.backing, n);
		assert_charged(&f, n, (n + 31) / 32, 0);
	}
	fixture_close(&f);
}

/* Wherever in its 32 the last entry is. */
static void pcmd_page_goes_with_its_last_entry(void **state)
{
	for (uint32_t last = 32; last < 64; last++) {
		struct fixture f;
		fixture_open(&f, 100, 0);
		alloc_slots(&f, 0, 96);
		for (uint32_t slot = 32; slot < 64; slot++) {
			if (slot != last)
				backing_free(&f.backing, slot);
		}
		assert_charged(&f, 65, 3, 0);
		backing_free(&f.backing, last);
		assert_charged(&f, 64, 2, 0);
		for (uint32_t slot = 0; slot < 96; slot++) {
			if (slot < 32 || slot >= 64)
				backing_free(&f.backing, slot);
		}
		fixture_close(&f);
	}
}

static void put_forgets_the_address(void **state)
{
	struct fixture f;
	struct backing_page page;
	fixture_open(&f, 100, 0);
	assert_int_equal(backing_alloc(&f.backing, &page), 0);
	backing_put(&page);
	assert_null(page.contents);
	assert_null(page.pcmd);
	assert_int_equal(page.slot, BACKING_NONE);
	backing_free(&f.backing, 0);
	fixture_close(&f);
}

static void destroying_returns_the_recycled(void **state)
{
	struct fixture f;
	fixture_open(&f, 100, 100);
	alloc_slots(&f, 0, 70);
	for (uint32_t slot = 0; slot < 70; slot += 2)
		backing_free(&f.backing, slot);
	for (uint32_t slot = 1; slot < 70; slot += 2)
		backing_free(&f.backing, slot);
	assert_charged(&f, 0, 3, 70);
	fixture_close(&f);
	assert_int_equal(f.root.counter[RES_BACKING].peak, 73);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lookup_and_put_never_change_a_charge),
		cmocka_unit_test(lookup_of_what_is_not_there_allocates_nothing),
		cmocka_unit_test(pcmd_pages_are_charged_one_in_32),
		cmocka_unit_test(pcmd_page_goes_with_its_last_entry),
		cmocka_unit_test(put_forgets_the_address),
		cmocka_unit_test(destroying_returns_the_recycled),
	};
	return cmocka_run_group_tests_name("backing: charges", tests, NULL, NULL);
}
