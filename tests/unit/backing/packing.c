/* SPDX-License-Identifier: Apache-2.0 */
/* Copies are moved together so that PCMD pages with few of them can be given back; contents and PCMD go along. */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#define GROUPS 20U
#define GROUP ((uint32_t)PCMD_PER_PAGE)

static void write_copy(struct fixture *f, uint32_t slot, uint8_t value)
{
	struct backing_page page;

	assert_int_equal(backing_lookup(&f->backing, slot, &page), 0);
	memset(page.contents, value, SGX_PAGE_SIZE);
	memset(page.pcmd, value ^ 0xff, sizeof(*page.pcmd));
	backing_put(&page);
}

static void assert_copy(struct fixture *f, uint32_t slot, uint8_t value)
{
	struct backing_page page;
	uint8_t contents[SGX_PAGE_SIZE], pcmd[sizeof(*page.pcmd)];

	memset(contents, value, sizeof(contents));
	memset(pcmd, value ^ 0xff, sizeof(pcmd));
	assert_int_equal(backing_lookup(&f->backing, slot, &page), 0);
	assert_memory_equal(page.contents, contents, sizeof(contents));
	assert_memory_equal(page.pcmd, pcmd, sizeof(pcmd));
	backing_put(&page);
}

/* One copy left in each group of 32. */
static void open_fragmented(struct fixture *f)
{
	fixture_open(f, 1000, 1000);
	alloc_slots(f, 0, GROUPS * GROUP);
	for (uint32_t slot = 0; slot < GROUPS * GROUP; slot++) {
		if (slot % PCMD_PER_PAGE == 5)
			write_copy(f, slot, (uint8_t)(slot / PCMD_PER_PAGE));
		else
			backing_free(&f->backing, slot);
	}
	backing_trim(&f->backing, 0);
	assert_charged(f, GROUPS, GROUPS, 0);
	assert_int_equal(backing_waste(&f->backing), GROUPS - 1);
}

static void moved_copies_free_their_pcmd_pages(void **state)
{
	uint32_t where[GROUPS];
	struct fixture f;

	open_fragmented(&f);
	/* At the limit but for one page: a move needs no more. */
	group_set_limit(&f.root, RES_BACKING, 2 * GROUPS + 1);
	where[0] = 5;
	for (uint32_t i = 1; i < GROUPS; i++) {
		assert_int_equal(backing_move(&f.backing, i * GROUP + 5, PCMD_PER_PAGE, &where[i]), 0);
		assert_true(where[i] < PCMD_PER_PAGE);
		assert_charged(&f, GROUPS, GROUPS - i, 0);
	}
	assert_int_equal(backing_waste(&f.backing), 0);
	for (uint32_t i = 0; i < GROUPS; i++) {
		assert_copy(&f, where[i], (uint8_t)i);
		backing_free(&f.backing, where[i]);
	}
	fixture_close(&f);
}

static void refused_moves_change_nothing(void **state)
{
	struct fixture f;
	uint32_t to = 77;

	open_fragmented(&f);
	group_set_limit(&f.root, RES_BACKING, 2 * GROUPS);
	assert_int_equal(backing_move(&f.backing, PCMD_PER_PAGE + 5, PCMD_PER_PAGE, &to), -ENOMEM);
	group_set_limit(&f.root, RES_BACKING, LEDGER_NO_LIMIT);
	f.spy.refuse = 1;
	assert_int_equal(backing_move(&f.backing, PCMD_PER_PAGE + 5, PCMD_PER_PAGE, &to), -ENOMEM);
	assert_int_equal(backing_move(&f.backing, PCMD_PER_PAGE + 5, 0, &to), -ENOSPC);
	assert_int_equal(to, 77);
	assert_charged(&f, GROUPS, GROUPS, 0);
	assert_copy(&f, PCMD_PER_PAGE + 5, 1);
	for (uint32_t i = 0; i < GROUPS; i++)
		backing_free(&f.backing, i * GROUP + 5);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moved_copies_free_their_pcmd_pages),
		cmocka_unit_test(refused_moves_change_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
