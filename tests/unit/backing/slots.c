/* SPDX-License-Identifier: Apache-2.0 */
/* Which slot serves an eviction, which are kept for the next one, and how the others are given back. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

static void lowest_free_slot_first(void **state)
{
	struct fixture f;
	fixture_open(&f, 1000, 0);
	alloc_slots(&f, 0, 100);
	backing_free(&f.backing, 70);
	backing_free(&f.backing, 3);
	backing_free(&f.backing, 64);
	assert_charged(&f, 97, 4, 0);
	assert_int_equal(alloc_slot(&f), 3);
	assert_int_equal(alloc_slot(&f), 64);
	assert_int_equal(alloc_slot(&f), 70);
	assert_int_equal(alloc_slot(&f), 100);
	for (uint32_t slot = 0; slot <= 100; slot++)
		backing_free(&f.backing, slot);
	assert_charged(&f, 0, 0, 0);
	fixture_close(&f);
}

/* What a trim gave back can be had again for no more, wherever the holes are: no new PCMD page while one has room. */
static void slots_with_a_pcmd_page_first(void **state)
{
	struct fixture f;
	fixture_open(&f, 1000, 100);
	alloc_slots(&f, 0, 96);
	for (uint32_t slot = 0; slot < 32; slot++)
		backing_free(&f.backing, slot);
	for (uint32_t slot = 70; slot < 80; slot++)
		backing_free(&f.backing, slot);
	assert_int_equal(backing_trim(&f.backing, 0), 32 + 10 + 1);
	group_set_limit(&f.root, RES_BACKING, f.root.counter[RES_BACKING].current + 10);
	alloc_slots(&f, 70, 10);
	assert_charged(&f, 64, 2, 0);
	group_set_limit(&f.root, RES_BACKING, LEDGER_NO_LIMIT);
	alloc_slots(&f, 0, 32);
	alloc_slots(&f, 96, 1);
	assert_charged(&f, 97, 4, 0);
	for (uint32_t slot = 0; slot < 97; slot++)
		backing_free(&f.backing, slot);
	fixture_close(&f);
}

static void every_slot_can_be_used_and_no_more(void **state)
{
	struct fixture f;
	struct backing_page page;
	fixture_open(&f, 65, 0);
	alloc_slots(&f, 0, 65);
	assert_int_equal(backing_alloc(&f.backing, &page), -ENOMEM);
	assert_charged(&f, 65, 3, 0);
	for (uint32_t slot = 0; slot < 65; slot++)
		backing_free(&f.backing, slot);
	fixture_close(&f);
}

static void slots_do_not_overlap(void **state)
{
	struct fixture f;
	struct backing_page page;
	fixture_open(&f, 64, 64);
	for (int i = 0; i < 64; i++) {
		assert_int_equal(backing_alloc(&f.backing, &page), 0);
		memset(page.contents, i, SGX_PAGE_SIZE);
		memset(page.pcmd, 0x80 | i, sizeof(*page.pcmd));
		backing_put(&page);
	}
	for (uint32_t slot = 0; slot < 64; slot++) {
		uint8_t expected[SGX_PAGE_SIZE];
		assert_int_equal(backing_lookup(&f.backing, slot, &page), 0);
		memset(expected, (int)slot, sizeof(expected));
		assert_memory_equal(page.contents, expected, SGX_PAGE_SIZE);
		memset(expected, (int)(0x80 | slot), sizeof(expected));
		assert_memory_equal(page.pcmd, expected, sizeof(*page.pcmd));
		backing_put(&page);
		backing_free(&f.backing, slot);
	}
	fixture_close(&f);
}

static void recycled_slot_serves_without_the_kernel(void **state)
{
	struct fixture f;
	fixture_open(&f, 200, 10);
	alloc_slots(&f, 0, 50);
	struct store_spy before = f.spy;
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t loaded = i * 7 % 50;
		backing_free(&f.backing, loaded);
		assert_charged(&f, 49, 2, 1);
		assert_int_equal(alloc_slot(&f), loaded);
		assert_charged(&f, 50, 2, 0);
	}
	assert_memory_equal(&f.spy, &before, sizeof(before));
	for (uint32_t slot = 0; slot < 50; slot++)
		backing_free(&f.backing, slot);
	fixture_close(&f);
}

/* One more than the bound, and the upper half of the pool goes, in one call for the run of it. */
static void recycled_slots_are_bounded(void **state)
{
	struct fixture f;
	fixture_open(&f, 200, 20);
	alloc_slots(&f, 0, 100);
	for (uint32_t slot = 99; slot >= 80; slot--)
		backing_free(&f.backing, slot);
	assert_charged(&f, 80, 4, 20);
	assert_int_equal(f.spy.punches[STORE_CONTENTS], 0);
	backing_free(&f.backing, 79);
	assert_charged(&f, 79, 3, 10);
	assert_int_equal(f.spy.punches[STORE_CONTENTS], 1);
	assert_int_equal(f.spy.punched[STORE_CONTENTS], 11);
	assert_int_equal(f.spy.punches[STORE_PCMD], 1);
	assert_int_equal(alloc_slot(&f), 79);
	for (uint32_t slot = 0; slot < 80; slot++)
		backing_free(&f.backing, slot);
	fixture_close(&f);
}

static void trim_takes_the_highest_run_by_run(void **state)
{
	struct fixture f;
	fixture_open(&f, 400, 400);
	alloc_slots(&f, 0, 320); /* 10 PCMD pages */
	for (uint32_t slot = 10; slot < 20; slot++)
		backing_free(&f.backing, slot);
	for (uint32_t slot = 30; slot < 100; slot++)
		backing_free(&f.backing, slot);
	for (uint32_t slot = 200; slot < 300; slot++)
		backing_free(&f.backing, slot);
	assert_charged(&f, 140, 10, 180);

	assert_int_equal(backing_trim(&f.backing, 180), 0);
	assert_int_equal(f.spy.punches[STORE_CONTENTS], 0);

	/* [200, 300) and the top 10 of [30, 100): PCMD pages 7 and 8 lie wholly in the first, none in the second. */
	assert_int_equal(backing_trim(&f.backing, 70), 112);
	assert_charged(&f, 140, 8, 70);
	assert_int_equal(f.spy.punches[STORE_CONTENTS], 2);
	assert_int_equal(f.spy.punches[STORE_PCMD], 1);

	/* The rest: [30, 90) empties page 1; page 2 has slots up to 99, gone before. */
	assert_int_equal(backing_trim(&f.backing, 0), 72);
	assert_charged(&f, 140, 6, 0);
	assert_int_equal(f.spy.punches[STORE_CONTENTS], 4);
	assert_int_equal(f.spy.punches[STORE_PCMD], 2);

	assert_int_equal(alloc_slot(&f), 10);
	for (uint32_t slot = 0; slot < 320; slot++) {
		struct backing_page page;
		if (backing_lookup(&f.backing, slot, &page) == 0)
			backing_free(&f.backing, slot);
	}
	fixture_close(&f);
}

/* A run of recycled slots that crosses into a partly held PCMD page at both ends empties only the pages between. */
static void shared_pcmd_pages_stay(void **state)
{
	struct fixture f;
	fixture_open(&f, 200, 200);
	alloc_slots(&f, 0, 160);
	for (uint32_t slot = 31; slot <= 128; slot++)
		backing_free(&f.backing, slot);
	assert_int_equal(backing_trim(&f.backing, 0), 98 + 3);
	assert_charged(&f, 62, 2, 0);
	assert_int_equal(f.spy.punches[STORE_PCMD], 1);
	for (uint32_t slot = 0; slot < 160; slot++) {
		if (slot < 31 || slot > 128)
			backing_free(&f.backing, slot);
	}
	backing_trim(&f.backing, 0);
	assert_charged(&f, 0, 0, 0);
	fixture_close(&f);
}

static uint64_t resident_bytes(void)
{
	unsigned long size, resident;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%lu %lu", &size, &resident), 2);
	fclose(file);
	return resident * PAGE_SIZE;
}

static void a_terabyte_enclave_costs_what_it_uses(void **state)
{
	struct fixture f;
	resident_bytes();
	uint64_t before = resident_bytes();
	fixture_open(&f, 1ULL << 28, 16);
	alloc_slots(&f, 0, 40);
	assert_charged(&f, 40, 2, 0);
	assert_true(resident_bytes() - before < 1 << 20);
	for (uint32_t slot = 0; slot < 40; slot++)
		backing_free(&f.backing, slot);
	fixture_close(&f);
	assert_int_equal(backing_init(&f.backing, &f.group, 0, 1), -EINVAL);
	assert_int_equal(backing_init(&f.backing, &f.group, BACKING_NONE, 1), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_free_slot_first),
		cmocka_unit_test(slots_with_a_pcmd_page_first),
		cmocka_unit_test(every_slot_can_be_used_and_no_more),
		cmocka_unit_test(slots_do_not_overlap),
		cmocka_unit_test(recycled_slot_serves_without_the_kernel),
		cmocka_unit_test(recycled_slots_are_bounded),
		cmocka_unit_test(trim_takes_the_highest_run_by_run),
		cmocka_unit_test(shared_pcmd_pages_stay),
		cmocka_unit_test(a_terabyte_enclave_costs_what_it_uses),
	};
	return cmocka_run_group_tests_name("backing: slots", tests, NULL, NULL);
}
