/* SPDX-License-Identifier: Apache-2.0 */
#include "ledger/group.h"

#include <errno.h>

#include "base/log.h"

void group_init(struct group *g, const char *name, struct group *parent)
{
	g->parent = parent;
	g->name = name;
	for (int r = 0; r < RES_COUNT; r++) {
		atomic_init(&g->counter[r].current, 0);
		atomic_init(&g->counter[r].peak, 0);
		atomic_init(&g->counter[r].limit, LEDGER_NO_LIMIT);
	}
	for (int u = 0; u < USE_COUNT; u++) {
		atomic_init(&g->use[u], 0);
		atomic_init(&g->use_peak[u], 0);
	}
	for (int e = 0; e < EVENT_COUNT; e++)
		atomic_init(&g->event[e], 0);
	atomic_init(&g->overcommit_percent, -1);
}

/* Adds @pages unless the sum would pass the limit: checked against the very value that the swap replaces. */
static bool counter_add(struct counter *c, uint64_t pages, uint64_t *sum)
{
	uint64_t current = atomic_load(&c->current);
	do {
		uint64_t limit = atomic_load(&c->limit);
		if (pages > limit || current > limit - pages)
			return false;
	} while (!atomic_compare_exchange_weak(&c->current, &current, current + pages));
	*sum = current + pages;
	return true;
}

static void counter_sub(struct counter *c, uint64_t pages)
{
	uint64_t before = atomic_fetch_sub(&c->current, pages);
	law(before >= pages);
}

static void raise_peak(_Atomic uint64_t *peak, uint64_t value)
{
	uint64_t highest = atomic_load_explicit(peak, memory_order_relaxed);
	while (highest < value && !atomic_compare_exchange_weak(peak, &highest, value))
		;
}

/*
 * From @g up to the root. Each level takes its share before the next is asked, and gives it back if one above refuses;
 * a peak counts only what was granted all the way. Return: NULL, or the group that refused.
 */
static struct group *charge_path(struct group *g, enum resource res, uint64_t pages)
{
	if (!g)
		return NULL;
	struct counter *c = &g->counter[res];
	uint64_t sum;
	if (!counter_add(c, pages, &sum))
		return g;
	struct group *refused = charge_path(g->parent, res, pages);
	if (refused)
		counter_sub(c, pages);
	else
		raise_peak(&c->peak, sum);
	return refused;
}

int group_charge(struct group *g, enum resource res, uint64_t pages, struct group **refused)
{
	struct group *limiting = charge_path(g, res, pages);
	if (!limiting)
		return 0;
	atomic_fetch_add(&limiting->event[EVENT_MAX], 1);
	if (refused)
		*refused = limiting;
	return -ENOMEM;
}

void group_uncharge(struct group *g, enum resource res, uint64_t pages)
{
	for (; g; g = g->parent)
		counter_sub(&g->counter[res], pages);
}

void group_use(struct group *g, enum backing_use use, int64_t delta)
{
	for (; g; g = g->parent) {
		uint64_t before = atomic_fetch_add(&g->use[use], (uint64_t)delta);
		law(delta >= 0 || before >= -(uint64_t)delta);
		if (delta > 0)
			raise_peak(&g->use_peak[use], before + (uint64_t)delta);
	}
}

void group_count(struct group *g, enum group_event event)
{
	for (; g; g = g->parent)
		atomic_fetch_add(&g->event[event], 1);
}

static uint64_t counter_headroom(struct counter *c)
{
	uint64_t current = atomic_load(&c->current), limit = atomic_load(&c->limit);
	return current < limit ? limit - current : 0;
}

uint64_t group_headroom(struct group *g, enum resource res)
{
	uint64_t least = UINT64_MAX;
	for (; g; g = g->parent) {
		uint64_t room = counter_headroom(&g->counter[res]);
		least = min_of(least, room);
	}
	return least;
}

void group_set_limit(struct group *g, enum resource res, uint64_t pages)
{
	atomic_store(&g->counter[res].limit, pages);
}

void group_set_overcommit(struct group *g, uint64_t epc_pages, int64_t percent)
{
	unsigned __int128 pages = (unsigned __int128)epc_pages * (uint64_t)max_of(percent, 0) / 100;
	bool limited = percent >= 0 && pages < LEDGER_NO_LIMIT;
	atomic_store(&g->overcommit_percent, percent);
	group_set_limit(g, RES_BACKING, limited ? (uint64_t)pages : LEDGER_NO_LIMIT);
}

bool group_is_valid(struct group *g)
{
	uint64_t used = 0;
	for (int u = 0; u < USE_COUNT; u++)
		used += atomic_load(&g->use[u]);
	for (int r = 0; r < RES_COUNT; r++) {
		if (atomic_load(&g->counter[r].peak) < atomic_load(&g->counter[r].current))
			return false;
	}
	return used == atomic_load(&g->counter[RES_BACKING].current);
}
