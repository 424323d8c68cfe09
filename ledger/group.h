/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Groups: who is charged for EPC pages and for the backing RAM of evicted ones, in the vocabulary of cgroup v2.
 *
 * Laws (group_is_valid(), executed at quiescent points):
 *   charge(g) == own(g) + sum of charge(children of g)
 *   charge(g) <= limit(g) at every instant, for every g on the path to the root
 *   backing: charge == contents + pcmd + recycled, in pages
 * Charging is lock-free: a compare-and-swap a level, so that a limit is never exceeded even for an instant, with
 * everything given back when a level in the middle refuses. Every function here is async-signal-safe.
 */
#ifndef SOFTSGX_LEDGER_GROUP_H
#define SOFTSGX_LEDGER_GROUP_H

#include <stdatomic.h>

#include "base/compiler.h"

#define LEDGER_NO_LIMIT UINT64_MAX

enum resource {
	RES_EPC,     /* EPC pages held: resident, VA, SECS, in flight */
	RES_BACKING, /* pages of backing RAM held: contents, PCMD, recycled */
	RES_COUNT,
};

struct counter {
	_Atomic uint64_t current;
	_Atomic uint64_t peak;
	_Atomic uint64_t limit;
};

/*
 * What happened; each counts occurrences since the group was made: its own and its descendants', but for EVENT_MAX,
 * which counts at the group whose limit it was.
 */
enum group_event {
	EVENT_MAX,      /* a charge met a limit (it may have succeeded after reclaim) */
	EVENT_FAIL,     /* growth was refused with ENOMEM */
	EVENT_OOM,      /* the kernel gave no memory for a page that the limits allowed */
	EVENT_EXCHANGE, /* at the limit, a load paid for the eviction it forced */
	EVENT_POISON,   /* a copy failed its MAC or version check */
	EVENT_COUNT,
};

/* What charged backing pages are used for; they add up to counter RES_BACKING. */
enum backing_use { USE_CONTENTS, USE_PCMD, USE_RECYCLED, USE_COUNT };

struct group {
	struct group *parent; /* NULL: the root */
	const char *name;
	struct counter counter[RES_COUNT];
	_Atomic uint64_t use[USE_COUNT]; /* pages, this group's own and its descendants' */
	_Atomic uint64_t use_peak[USE_COUNT];
	_Atomic uint64_t event[EVENT_COUNT];
	_Atomic int64_t overcommit_percent; /* informative: what the backing limit was made from; negative = none */
};

/** group_init() - nothing charged, no limit. @name is kept, not copied; @parent (NULL: a root) must outlive @g. */
void group_init(struct group *g, const char *name, struct group *parent);

/**
 * group_charge() - charge @pages to @g and every ancestor.
 * Return: 0; -ENOMEM if any level's limit refuses, with nothing changed but that level's EVENT_MAX; *refused (may be
 * NULL) is then the group whose limit it was.
 */
int must_check group_charge(struct group *g, enum resource res, uint64_t pages, struct group **refused);
/** group_uncharge() - never more than is charged (law). */
void group_uncharge(struct group *g, enum resource res, uint64_t pages);
/** group_use() - move the breakdown of charged backing pages by @delta, on @g and every ancestor. */
void group_use(struct group *g, enum backing_use use, int64_t delta);
/** group_count() - one more of @event, for @g and every ancestor. */
void group_count(struct group *g, enum group_event event);
/** group_headroom() - pages that could be charged now, the smallest over the path. A hint when others charge too. */
uint64_t group_headroom(struct group *g, enum resource res);

/** group_set_limit() - may be lower than what is charged: nothing is taken away, growth fails until it fits. */
void group_set_limit(struct group *g, enum resource res, uint64_t pages);
/**
 * group_set_overcommit() - backing limit = @epc_pages * @percent / 100; negative percent: no limit; 0: no paging.
 */
void group_set_overcommit(struct group *g, uint64_t epc_pages, int64_t percent);

/** group_is_valid() - what one group can tell alone: breakdown adds up, peaks are peaks. Quiescent callers only. */
bool group_is_valid(struct group *g);

#endif
