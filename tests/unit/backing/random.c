/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random evictions, loads, trims, limits and kernel refusals beside a naive model: an array with the state of every
 * slot, scanned from the start for every answer. After every step the model, the counters of every level, the bitmaps
 * and the operating system's st_blocks agree, and every page holds what was last written to it.
 */
#include "fixture.h"
#include "tests/testing.h"

#define SLOTS 150

enum slot_state { SLOT_FREE, SLOT_USED, SLOT_RECYCLED };

struct model {
	enum slot_state state[SLOTS];
	uint64_t stamp[SLOTS]; /* what its contents and PCMD hold; 0: as the kernel gave it */
	uint64_t limit, recycle_max;
	uint64_t refused, no_memory;
};

static uint64_t count(const struct model *m, enum slot_state state)
{
	uint64_t n = 0;
	for (int i = 0; i < SLOTS; i++)
		n += m->state[i] == state;
	return n;
}

static bool pcmd_held(const struct model *m, int page)
{
	for (int i = page * 32; i < page * 32 + 32 && i < SLOTS; i++) {
		if (m->state[i] != SLOT_FREE)
			return true;
	}
	return false;
}

static uint64_t pcmd_count(const struct model *m)
{
	uint64_t n = 0;
	for (int page = 0; page * 32 < SLOTS; page++)
		n += pcmd_held(m, page);
	return n;
}

static uint64_t charged(const struct model *m)
{
	return count(m, SLOT_USED) + count(m, SLOT_RECYCLED) + pcmd_count(m);
}

static int lowest(const struct model *m, enum slot_state state)
{
	int i = 0;
	while (i < SLOTS && m->state[i] != state)
		i++;
	return i;
}

/* The one that costs least: its PCMD page is held, or else the lowest. */
static int cheapest_free(const struct model *m)
{
	for (int i = 0; i < SLOTS; i++) {
		if (m->state[i] == SLOT_FREE && pcmd_held(m, i / 32))
			return i;
	}
	return lowest(m, SLOT_FREE);
}

static void model_trim(struct model *m, uint64_t keep)
{
	for (int i = SLOTS; i-- > 0 && count(m, SLOT_RECYCLED) > keep;) {
		if (m->state[i] == SLOT_RECYCLED) {
			m->state[i] = SLOT_FREE;
			m->stamp[i] = 0;
		}
	}
}

static void assert_stamp(const struct backing_page *page, uint64_t stamp)
{
	const uint64_t *words = page->contents;
	assert_int_equal(words[0], stamp);
	assert_int_equal(words[SGX_PAGE_SIZE / sizeof(*words) - 1], stamp);
	assert_int_equal(page->pcmd->enclaveid, stamp);
}

static void write_stamp(struct backing_page *page, uint64_t stamp)
{
	uint64_t *words = page->contents;
	words[0] = words[SGX_PAGE_SIZE / sizeof(*words) - 1] = stamp;
	page->pcmd->enclaveid = stamp;
}

/* The slot that the next allocation must take, or SLOTS if it must fail: then the event that says why is counted. */
static int expected_slot(struct model *m, bool refuse_first)
{
	if (count(m, SLOT_RECYCLED) > 0)
		return lowest(m, SLOT_RECYCLED);
	int slot = cheapest_free(m);
	if (slot == SLOTS)
		return SLOTS;
	uint64_t pages = pcmd_held(m, slot / 32) ? 1 : 2;
	if (charged(m) + pages > m->limit) {
		m->refused++;
		return SLOTS;
	}
	if (refuse_first) {
		m->no_memory++;
		return SLOTS;
	}
	return slot;
}

static void step_alloc(struct model *m, struct fixture *f, uint64_t stamp, bool refuse_first)
{
	struct backing_page page;
	int slot = expected_slot(m, refuse_first);
	f->spy.refuse = refuse_first;
	int ret = backing_alloc(&f->backing, &page);
	f->spy.refuse = 0;
	assert_int_equal(ret, slot < SLOTS ? 0 : -ENOMEM);
	if (ret)
		return;
	assert_int_equal(page.slot, slot);
	/* The PCMD of a slot taken anew may be another's leftover in a page that was held all the while. */
	assert_int_equal(*(uint64_t *)page.contents, m->stamp[slot]);
	write_stamp(&page, stamp);
	backing_put(&page);
	m->state[slot] = SLOT_USED;
	m->stamp[slot] = stamp;
}

static void step_load(struct model *m, struct fixture *f, int slot, bool give_up)
{
	struct backing_page page;
	int ret = backing_lookup(&f->backing, (uint32_t)slot, &page);
	assert_int_equal(ret, m->state[slot] == SLOT_USED ? 0 : -ENOENT);
	if (ret)
		return;
	assert_stamp(&page, m->stamp[slot]);
	backing_put(&page);
	if (give_up)
		return;
	backing_free(&f->backing, (uint32_t)slot);
	m->state[slot] = SLOT_RECYCLED;
	if (count(m, SLOT_RECYCLED) > m->recycle_max)
		model_trim(m, m->recycle_max / 2);
}

static void step_trim(struct model *m, struct fixture *f, uint64_t keep)
{
	uint64_t before = charged(m);
	model_trim(m, keep);
	assert_int_equal(backing_trim(&f->backing, keep), before - charged(m));
}

static void step_limit(struct model *m, struct fixture *f, struct rng *r)
{
	m->limit = rng_below(r, 3) == 0 ? LEDGER_NO_LIMIT : rng_below(r, SLOTS + 8);
	group_set_limit(rng_below(r, 2) ? &f->root : &f->group, RES_BACKING, m->limit);
	uint64_t root = f->root.counter[RES_BACKING].limit, group = f->group.counter[RES_BACKING].limit;
	m->limit = min_of(root, group);
}

static void assert_same(const struct model *m, struct fixture *f)
{
	assert_charged(f, count(m, SLOT_USED), pcmd_count(m), count(m, SLOT_RECYCLED));
	assert_int_equal(f->root.event[EVENT_MAX] + f->group.event[EVENT_MAX], m->refused);
	assert_int_equal(f->root.event[EVENT_OOM], m->no_memory);
}

/* @growth: evictions in 16 steps; loads take most of the others. */
static void step(struct model *m, struct fixture *f, struct rng *r, uint64_t growth, uint64_t stamp)
{
	uint64_t what = rng_below(r, 256);
	if (what == 0)
		step_limit(m, f, r);
	else if (what == 1)
		step_trim(m, f, rng_below(r, m->recycle_max + 2));
	else if (what < growth * 16)
		step_alloc(m, f, stamp, rng_below(r, 32) == 0);
	else
		step_load(m, f, (int)rng_below(r, SLOTS), rng_below(r, 16) == 0);
}

static void empty(struct model *m, struct fixture *f)
{
	for (int slot = 0; slot < SLOTS; slot++)
		step_load(m, f, slot, false);
	step_trim(m, f, 0);
	assert_same(m, f);
	assert_charged(f, 0, 0, 0);
}

static void agrees_with_the_naive_model(void **state)
{
	static const uint32_t recycle_max[] = { 0, 1, 5, 40, 200 };
	struct rng r = rng_seeded(2);
	for (size_t i = 0; i < ARRAY_SIZE(recycle_max); i++) {
		struct model m = { .limit = LEDGER_NO_LIMIT, .recycle_max = recycle_max[i] };
		struct fixture f;
		uint64_t steps = test_scaled(20000, 500), stamp = 1;
		fixture_open(&f, SLOTS, recycle_max[i]);
		for (uint64_t s = 0; s < steps; s++) {
			/* Fill up and empty in long waves, so that every height is met. */
			step(&m, &f, &r, s / 500 % 2 ? 3 : 11, stamp++);
			assert_same(&m, &f);
		}
		empty(&m, &f);
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(agrees_with_the_naive_model) };
	return cmocka_run_group_tests_name("backing: random", tests, NULL, NULL);
}
