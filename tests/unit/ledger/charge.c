/* SPDX-License-Identifier: Apache-2.0 */
/* Charges climb to the root; a limit at any level refuses and leaves nothing changed but its own event. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/group.h"

struct tree {
	struct group root, middle, leaf, sibling;
};

static void tree_init(struct tree *t)
{
	group_init(&t->root, "root", NULL);
	group_init(&t->middle, "middle", &t->root);
	group_init(&t->leaf, "leaf", &t->middle);
	group_init(&t->sibling, "sibling", &t->middle);
}

static void assert_current(struct tree *t, enum resource res, uint64_t leaf, uint64_t middle, uint64_t root)
{
	assert_int_equal(t->leaf.counter[res].current, leaf);
	assert_int_equal(t->middle.counter[res].current, middle);
	assert_int_equal(t->root.counter[res].current, root);
}

static void starts_empty_and_unlimited(void **state)
{
	struct tree t;
	tree_init(&t);
	assert_current(&t, RES_EPC, 0, 0, 0);
	assert_current(&t, RES_BACKING, 0, 0, 0);
	assert_true(group_headroom(&t.leaf, RES_EPC) == LEDGER_NO_LIMIT);
	assert_true(group_is_valid(&t.leaf));
}

static void charges_every_level(void **state)
{
	struct tree t;
	tree_init(&t);
	assert_int_equal(group_charge(&t.leaf, RES_EPC, 3, NULL), 0);
	assert_int_equal(group_charge(&t.sibling, RES_EPC, 4, NULL), 0);
	assert_int_equal(group_charge(&t.middle, RES_EPC, 5, NULL), 0);
	assert_current(&t, RES_EPC, 3, 12, 12);
	assert_current(&t, RES_BACKING, 0, 0, 0);
	group_uncharge(&t.middle, RES_EPC, 5);
	group_uncharge(&t.leaf, RES_EPC, 3);
	assert_current(&t, RES_EPC, 0, 4, 4);
	group_uncharge(&t.sibling, RES_EPC, 4);
	assert_current(&t, RES_EPC, 0, 0, 0);
	assert_int_equal(t.root.counter[RES_EPC].peak, 12);
	assert_int_equal(t.leaf.counter[RES_EPC].peak, 3);
}

static void limit_is_reached_exactly(void **state)
{
	struct tree t;
	tree_init(&t);
	group_set_limit(&t.root, RES_BACKING, 10);
	assert_int_equal(group_charge(&t.leaf, RES_BACKING, 10, NULL), 0);
	assert_int_equal(group_charge(&t.leaf, RES_BACKING, 1, NULL), -ENOMEM);
	group_uncharge(&t.leaf, RES_BACKING, 1);
	assert_int_equal(group_charge(&t.leaf, RES_BACKING, 1, NULL), 0);
	assert_int_equal(group_charge(&t.leaf, RES_BACKING, 0, NULL), 0);
	assert_current(&t, RES_BACKING, 10, 10, 10);
}

/* Whichever level refuses, it alone has an event to show, and it is the one that is named. */
static void refusal_leaves_no_trace(void **state)
{
	for (int level = 0; level < 3; level++) {
		struct tree t;
		tree_init(&t);
		struct group *path[] = { &t.leaf, &t.middle, &t.root }, *refused = NULL;
		assert_int_equal(group_charge(&t.leaf, RES_BACKING, 2, NULL), 0);
		group_set_limit(path[level], RES_BACKING, 4);
		assert_int_equal(group_charge(&t.leaf, RES_BACKING, 3, &refused), -ENOMEM);
		assert_ptr_equal(refused, path[level]);
		assert_current(&t, RES_BACKING, 2, 2, 2);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(path[i]->counter[RES_BACKING].peak, 2);
			assert_int_equal(path[i]->event[EVENT_MAX], i == level);
			assert_int_equal(path[i]->event[EVENT_FAIL], 0);
		}
		assert_int_equal(group_charge(&t.leaf, RES_BACKING, 2, &refused), 0);
	}
}

static void nearest_limit_answers_first(void **state)
{
	struct tree t;
	struct group *refused = NULL;
	tree_init(&t);
	group_set_limit(&t.leaf, RES_EPC, 1);
	group_set_limit(&t.root, RES_EPC, 1);
	assert_int_equal(group_charge(&t.leaf, RES_EPC, 2, &refused), -ENOMEM);
	assert_ptr_equal(refused, &t.leaf);
	assert_int_equal(group_charge(&t.sibling, RES_EPC, 2, &refused), -ENOMEM);
	assert_ptr_equal(refused, &t.root);
}

static void huge_charges_do_not_wrap(void **state)
{
	struct tree t;
	tree_init(&t);
	group_set_limit(&t.root, RES_EPC, LEDGER_NO_LIMIT - 1);
	assert_int_equal(group_charge(&t.leaf, RES_EPC, 5, NULL), 0);
	assert_int_equal(group_charge(&t.leaf, RES_EPC, UINT64_MAX - 2, NULL), -ENOMEM);
	assert_int_equal(group_charge(&t.leaf, RES_EPC, UINT64_MAX, NULL), -ENOMEM);
	assert_current(&t, RES_EPC, 5, 5, 5);
}

static void breakdown_adds_up_at_every_level(void **state)
{
	struct tree t;
	tree_init(&t);
	assert_int_equal(group_charge(&t.leaf, RES_BACKING, 3, NULL), 0);
	assert_false(group_is_valid(&t.leaf));
	group_use(&t.leaf, USE_CONTENTS, 2);
	group_use(&t.leaf, USE_PCMD, 1);
	assert_true(group_is_valid(&t.leaf) && group_is_valid(&t.middle) && group_is_valid(&t.root));
	group_use(&t.leaf, USE_CONTENTS, -1);
	group_use(&t.leaf, USE_RECYCLED, 1);
	assert_int_equal(t.root.use[USE_CONTENTS], 1);
	assert_int_equal(t.root.use[USE_RECYCLED], 1);
	assert_int_equal(t.sibling.use[USE_PCMD], 0);
	assert_true(group_is_valid(&t.root));
}

static void each_use_has_a_peak_of_its_own(void **state)
{
	struct tree t;
	tree_init(&t);
	group_use(&t.leaf, USE_PCMD, 3);
	group_use(&t.leaf, USE_PCMD, -2);
	group_use(&t.sibling, USE_PCMD, 1);
	group_use(&t.leaf, USE_CONTENTS, 1);
	assert_int_equal(t.leaf.use_peak[USE_PCMD], 3);
	assert_int_equal(t.sibling.use_peak[USE_PCMD], 1);
	assert_int_equal(t.root.use_peak[USE_PCMD], 3);
	assert_int_equal(t.root.use_peak[USE_CONTENTS], 1);
	assert_int_equal(t.root.use_peak[USE_RECYCLED], 0);
}

static void events_reach_the_root(void **state)
{
	struct tree t;
	tree_init(&t);
	group_count(&t.leaf, EVENT_POISON);
	group_count(&t.middle, EVENT_POISON);
	assert_int_equal(t.leaf.event[EVENT_POISON], 1);
	assert_int_equal(t.middle.event[EVENT_POISON], 2);
	assert_int_equal(t.root.event[EVENT_POISON], 2);
	assert_int_equal(t.sibling.event[EVENT_POISON], 0);
	assert_int_equal(t.root.event[EVENT_OOM], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty_and_unlimited),
		cmocka_unit_test(charges_every_level),
		cmocka_unit_test(limit_is_reached_exactly),
		cmocka_unit_test(refusal_leaves_no_trace),
		cmocka_unit_test(nearest_limit_answers_first),
		cmocka_unit_test(huge_charges_do_not_wrap),
		cmocka_unit_test(breakdown_adds_up_at_every_level),
		cmocka_unit_test(each_use_has_a_peak_of_its_own),
		cmocka_unit_test(events_reach_the_root),
	};
	return cmocka_run_group_tests_name("ledger: charge", tests, NULL, NULL);
}
