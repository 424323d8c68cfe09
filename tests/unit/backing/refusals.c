/* SPDX-License-Identifier: Apache-2.0 */
/* Every way in which an allocation can fail: nothing has changed afterwards but an event, and it works again later. */
#include "fixture.h"

#include <unistd.h>

static void assert_refused(struct fixture *f)
{
	struct backing_page page;
	assert_int_equal(backing_alloc(&f->backing, &page), -ENOMEM);
}

static void free_all(struct fixture *f, uint32_t slots)
{
	for (uint32_t slot = 0; slot < slots; slot++)
		backing_free(&f->backing, slot);
}

static void limit_refuses_contents(void **state)
{
	struct fixture f;
	fixture_open(&f, 100, 8);
	group_set_limit(&f.root, RES_BACKING, 11);
	alloc_slots(&f, 0, 10);
	assert_refused(&f);
	assert_charged(&f, 10, 1, 0);
	assert_int_equal(f.root.event[EVENT_MAX], 1);
	assert_int_equal(f.root.event[EVENT_OOM], 0);
	assert_int_equal(f.spy.populates[STORE_CONTENTS], 10);
	backing_free(&f.backing, 4);
	assert_int_equal(alloc_slot(&f), 4); /* exchange: a slot loaded from serves the next eviction, limit or not */
	assert_refused(&f);
	group_set_limit(&f.root, RES_BACKING, 12);
	alloc_slots(&f, 10, 1);
	assert_charged(&f, 11, 1, 0);
	free_all(&f, 11);
	fixture_close(&f);
}

/* Room for the contents, none for the PCMD page that the 33rd page opens: neither is taken. */
static void limit_refuses_the_pcmd_page(void **state)
{
	struct fixture f;
	fixture_open(&f, 100, 0);
	group_set_limit(&f.group, RES_BACKING, 34);
	alloc_slots(&f, 0, 32);
	assert_refused(&f);
	assert_charged(&f, 32, 1, 0);
	assert_int_equal(f.group.event[EVENT_MAX], 1);
	assert_int_equal(f.group.counter[RES_BACKING].peak, 33);
	group_set_limit(&f.group, RES_BACKING, 35);
	alloc_slots(&f, 32, 1);
	assert_charged(&f, 33, 2, 0);
	free_all(&f, 33);
	fixture_close(&f);
}

static void no_backing_at_all(void **state)
{
	struct fixture f;
	fixture_open(&f, 100, 8);
	group_set_overcommit(&f.root, 1000, 0);
	assert_refused(&f);
	assert_charged(&f, 0, 0, 0);
	assert_int_equal(f.spy.populates[STORE_CONTENTS] + f.spy.populates[STORE_PCMD], 0);
	fixture_close(&f);
}

static void lowered_limit_refuses_growth_only(void **state)
{
	struct fixture f;
	fixture_open(&f, 100, 8);
	alloc_slots(&f, 0, 20);
	group_set_limit(&f.root, RES_BACKING, 5);
	assert_charged(&f, 20, 1, 0);
	assert_refused(&f);
	backing_free(&f.backing, 7);
	assert_int_equal(alloc_slot(&f), 7);
	assert_charged(&f, 20, 1, 0);
	for (uint32_t slot = 3; slot < 20; slot++)
		backing_free(&f.backing, slot);
	assert_int_equal(backing_trim(&f.backing, 0) > 0, true);
	assert_charged(&f, 3, 1, 0);
	alloc_slots(&f, 3, 1);
	assert_refused(&f);
	free_all(&f, 4);
	fixture_close(&f);
}

/* The kernel gives no page for each of the two that the first slot of a PCMD page needs. */
static void kernel_refuses(void **state)
{
	for (int nth = 1; nth <= 2; nth++) {
		struct fixture f;
		fixture_open(&f, 100, 8);
		alloc_slots(&f, 0, 32);
		f.spy.refuse = nth;
		assert_refused(&f);
		assert_charged(&f, 32, 1, 0);
		assert_int_equal(f.root.event[EVENT_OOM], 1);
		assert_int_equal(f.group.event[EVENT_OOM], 1);
		assert_int_equal(f.root.event[EVENT_MAX], 0);
		alloc_slots(&f, 32, 1);
		assert_charged(&f, 33, 2, 0);
		free_all(&f, 33);
		fixture_close(&f);
	}
}

/* The same without a stand-in: the PCMD region lies behind the contents, beyond the end of a file cut short. */
static void kernel_really_refuses(void **state)
{
	struct fixture f;
	fixture_open(&f, 100, 8);
	assert_int_equal(ftruncate(f.backing.store.fd, (off_t)f.backing.store.offset[STORE_PCMD]), 0);
	assert_refused(&f);
	assert_charged(&f, 0, 0, 0);
	assert_int_equal(f.root.event[EVENT_OOM], 1);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limit_refuses_contents), cmocka_unit_test(limit_refuses_the_pcmd_page),
		cmocka_unit_test(no_backing_at_all),      cmocka_unit_test(lowered_limit_refuses_growth_only),
		cmocka_unit_test(kernel_refuses),         cmocka_unit_test(kernel_really_refuses),
	};
	return cmocka_run_group_tests_name("backing: refusals", tests, NULL, NULL);
}
