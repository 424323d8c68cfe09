/* SPDX-License-Identifier: Apache-2.0 */
/* One enclave's backing, charged to a group under a root, and the checks that hold after every step. */
#ifndef SOFTSGX_TESTS_BACKING_FIXTURE_H
#define SOFTSGX_TESTS_BACKING_FIXTURE_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backing/backing.h"
#include "spy_store.h"

struct fixture {
	struct group root, group;
	struct backing backing;
	struct store_spy spy;
};

static inline void fixture_open(struct fixture *f, uint64_t slots, uint32_t recycle_max)
{
	*f = (struct fixture){ .spy = { .refuse = 0 } };
	group_init(&f->root, "root", NULL);
	group_init(&f->group, "group", &f->root);
	assert_int_equal(backing_init(&f->backing, &f->group, slots, recycle_max), 0);
	store_spy = &f->spy;
}

/* Charged, by every account of it. */
static inline void assert_charged(struct fixture *f, uint64_t contents, uint64_t pcmd, uint64_t recycled)
{
	uint64_t pages = contents + pcmd + recycled;
	assert_int_equal(backing_charged(&f->backing), pages);
	assert_int_equal(store_held(&f->backing.store), pages);
	assert_true(backing_is_valid(&f->backing));
	struct group *levels[] = { &f->group, &f->root };
	for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
		assert_int_equal(levels[i]->counter[RES_BACKING].current, pages);
		assert_int_equal(levels[i]->use[USE_CONTENTS], contents);
		assert_int_equal(levels[i]->use[USE_PCMD], pcmd);
		assert_int_equal(levels[i]->use[USE_RECYCLED], recycled);
		assert_true(group_is_valid(levels[i]));
	}
}

static inline uint32_t alloc_slot(struct fixture *f)
{
	struct backing_page page;
	assert_int_equal(backing_alloc(&f->backing, &page), 0);
	uint32_t slot = page.slot;
	backing_put(&page);
	return slot;
}

static inline void alloc_slots(struct fixture *f, uint32_t first, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(alloc_slot(f), first + i);
}

static inline void fixture_close(struct fixture *f)
{
	backing_destroy(&f->backing);
	store_spy = NULL;
	assert_int_equal(f->root.counter[RES_BACKING].current, 0);
	assert_int_equal(f->group.counter[RES_BACKING].current, 0);
	assert_true(group_is_valid(&f->root) && group_is_valid(&f->group));
}

#endif
