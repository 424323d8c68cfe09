/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random tree of groups, charged and limited at random, beside a naive ledger that only remembers what each group
 * holds of its own and adds it up anew for every question.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/group.h"
#include "tests/testing.h"

#define GROUPS 12

struct model {
	int parent[GROUPS]; /* -1: the root */
	uint64_t own[GROUPS], limit[GROUPS], peak[GROUPS], refusals[GROUPS];
};

static bool is_under(const struct model *m, int g, int ancestor)
{
	while (g >= 0 && g != ancestor)
		g = m->parent[g];
	return g == ancestor;
}

static uint64_t model_charge(const struct model *m, int ancestor)
{
	uint64_t sum = 0;
	for (int g = 0; g < GROUPS; g++)
		sum += is_under(m, g, ancestor) ? m->own[g] : 0;
	return sum;
}

/* Return: the group that refuses, -1 if none does. */
static int model_refuses(const struct model *m, int g, uint64_t pages)
{
	while (g >= 0 && model_charge(m, g) + pages <= m->limit[g])
		g = m->parent[g];
	return g;
}

static void make_tree(struct model *m, struct group *groups, struct rng *r)
{
	for (int g = 0; g < GROUPS; g++) {
		m->parent[g] = g == 0 ? -1 : (int)rng_below(r, (uint64_t)g);
		group_init(&groups[g], "random", g == 0 ? NULL : &groups[m->parent[g]]);
		m->own[g] = m->peak[g] = m->refusals[g] = 0;
		m->limit[g] = LEDGER_NO_LIMIT;
	}
}

static void step_charge(struct model *m, struct group *groups, int g, uint64_t pages)
{
	struct group *refused = NULL;
	int refuses = model_refuses(m, g, pages);
	assert_int_equal(group_charge(&groups[g], RES_BACKING, pages, &refused), refuses >= 0 ? -ENOMEM : 0);
	if (refuses >= 0) {
		assert_ptr_equal(refused, &groups[refuses]);
		m->refusals[refuses]++;
		return;
	}
	m->own[g] += pages;
	group_use(&groups[g], USE_CONTENTS, (int64_t)pages);
	for (int a = g; a >= 0; a = m->parent[a])
		m->peak[a] = max_of(m->peak[a], model_charge(m, a));
}

static void step_uncharge(struct model *m, struct group *groups, int g, uint64_t pages)
{
	m->own[g] -= pages;
	group_use(&groups[g], USE_CONTENTS, -(int64_t)pages);
	group_uncharge(&groups[g], RES_BACKING, pages);
}

static void step_limit(struct model *m, struct group *groups, int g, struct rng *r)
{
	m->limit[g] = rng_below(r, 4) == 0 ? LEDGER_NO_LIMIT : rng_below(r, 400);
	group_set_limit(&groups[g], RES_BACKING, m->limit[g]);
}

static void assert_same(const struct model *m, struct group *groups)
{
	for (int g = 0; g < GROUPS; g++) {
		assert_int_equal(groups[g].counter[RES_BACKING].current, model_charge(m, g));
		assert_int_equal(groups[g].counter[RES_BACKING].peak, m->peak[g]);
		assert_int_equal(groups[g].event[EVENT_MAX], m->refusals[g]);
		assert_int_equal(groups[g].counter[RES_EPC].current, 0);
		assert_true(group_is_valid(&groups[g]));
	}
}

static void agrees_with_the_naive_ledger(void **state)
{
	struct rng r = rng_seeded(1);
	for (int round = 0; round < 50; round++) {
		struct model m;
		struct group groups[GROUPS];
		make_tree(&m, groups, &r);
		for (int step = 0; step < 2000; step++) {
			int g = (int)rng_below(&r, GROUPS);
			uint64_t what = rng_below(&r, 16);
			if (what == 0)
				step_limit(&m, groups, g, &r);
			else if (what < 9)
				step_charge(&m, groups, g, rng_below(&r, 40));
			else
				step_uncharge(&m, groups, g, rng_below(&r, m.own[g] + 1));
			assert_same(&m, groups);
		}
		for (int g = 0; g < GROUPS; g++)
			step_uncharge(&m, groups, g, m.own[g]);
		assert_same(&m, groups);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_the_naive_ledger) };
	return cmocka_run_group_tests_name("ledger: random", tests, NULL, NULL);
}
