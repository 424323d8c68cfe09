/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: set, lowered under what is charged, made from the overcommit percentage; what room they leave. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/group.h"

static uint64_t backing_limit(struct group *g)
{
	return g->counter[RES_BACKING].limit;
}

static void lowered_limit_takes_nothing_away(void **state)
{
	struct group g;
	group_init(&g, "g", NULL);
	assert_int_equal(group_charge(&g, RES_BACKING, 8, NULL), 0);
	group_set_limit(&g, RES_BACKING, 5);
	assert_int_equal(g.counter[RES_BACKING].current, 8);
	assert_int_equal(group_headroom(&g, RES_BACKING), 0);
	group_uncharge(&g, RES_BACKING, 2);
	assert_int_equal(group_charge(&g, RES_BACKING, 1, NULL), -ENOMEM);
	group_uncharge(&g, RES_BACKING, 2);
	assert_int_equal(group_charge(&g, RES_BACKING, 1, NULL), 0);
	assert_int_equal(group_charge(&g, RES_BACKING, 1, NULL), -ENOMEM);
	group_set_limit(&g, RES_BACKING, LEDGER_NO_LIMIT);
	assert_int_equal(group_charge(&g, RES_BACKING, 1000, NULL), 0);
}

static void headroom_is_the_least_on_the_path(void **state)
{
	struct group root, leaf, other;
	group_init(&root, "root", NULL);
	group_init(&leaf, "leaf", &root);
	group_init(&other, "other", &root);
	group_set_limit(&root, RES_EPC, 100);
	group_set_limit(&leaf, RES_EPC, 30);
	assert_int_equal(group_headroom(&leaf, RES_EPC), 30);
	assert_int_equal(group_charge(&other, RES_EPC, 80, NULL), 0);
	assert_int_equal(group_headroom(&leaf, RES_EPC), 20);
	assert_int_equal(group_charge(&leaf, RES_EPC, 20, NULL), 0);
	assert_int_equal(group_headroom(&leaf, RES_EPC), 0);
	assert_true(group_headroom(&leaf, RES_BACKING) == LEDGER_NO_LIMIT);
}

static void overcommit_makes_the_backing_limit(void **state)
{
	struct group g;
	group_init(&g, "g", NULL);
	group_set_overcommit(&g, 32768, 150); /* the documented example: 128 MB of EPC allow 192 MB */
	assert_int_equal(backing_limit(&g), 49152);
	assert_int_equal(g.overcommit_percent, 150);
	group_set_overcommit(&g, 1001, 50);
	assert_int_equal(backing_limit(&g), 500);
	group_set_overcommit(&g, 1000, 0);
	assert_int_equal(backing_limit(&g), 0);
	assert_int_equal(group_charge(&g, RES_BACKING, 1, NULL), -ENOMEM);
	group_set_overcommit(&g, 1000, -1);
	assert_true(backing_limit(&g) == LEDGER_NO_LIMIT);
	assert_int_equal(g.counter[RES_EPC].limit, LEDGER_NO_LIMIT);
}

static void overcommit_beyond_measure_is_no_limit(void **state)
{
	struct group g;
	group_init(&g, "g", NULL);
	group_set_overcommit(&g, UINT32_MAX, INT64_MAX);
	assert_true(backing_limit(&g) == LEDGER_NO_LIMIT);
	group_set_overcommit(&g, 1ULL << 60, 1600); /* 2^64 exactly: must not wrap to 0 */
	assert_true(backing_limit(&g) == LEDGER_NO_LIMIT);
	group_set_overcommit(&g, 4, INT64_MIN);
	assert_true(backing_limit(&g) == LEDGER_NO_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowered_limit_takes_nothing_away),
		cmocka_unit_test(headroom_is_the_least_on_the_path),
		cmocka_unit_test(overcommit_makes_the_backing_limit),
		cmocka_unit_test(overcommit_beyond_measure_is_no_limit),
	};
	return cmocka_run_group_tests_name("ledger: limits", tests, NULL, NULL);
}
