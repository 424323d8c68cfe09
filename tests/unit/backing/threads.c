/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Enclaves of several groups evict and load at once, each under its own lock, against limits that they share. No limit
 * is ever passed; at the end the operating system and the ledger agree; after the enclaves are gone nothing is left.
 */
#include "fixture.h"

#include <pthread.h>

#include "tests/testing.h"

#define ENCLAVES 4
#define SLOTS 400
#define ROOT_LIMIT 700
#define GROUP_LIMIT 450

struct arena {
	struct group root, groups[2];
	_Atomic bool stop;
	_Atomic uint64_t over_limit;
};

struct enclave {
	struct backing backing;
	struct rng rng;
	pthread_t thread;
	uint64_t steps, refused;
};

static void *evict_and_load(void *arg)
{
	struct enclave *e = arg;
	for (uint64_t i = 0; i < e->steps; i++) {
		struct backing_page page;
		uint32_t slot = (uint32_t)rng_below(&e->rng, SLOTS);
		if (rng_below(&e->rng, 8) < 5) {
			if (backing_alloc(&e->backing, &page))
				e->refused++;
			else
				backing_put(&page);
		} else if (backing_lookup(&e->backing, slot, &page) == 0) {
			backing_put(&page);
			backing_free(&e->backing, slot);
		}
	}
	return NULL;
}

static void *observe(void *arg)
{
	struct arena *a = arg;
	while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
		a->over_limit += a->root.counter[RES_BACKING].current > ROOT_LIMIT;
		for (int g = 0; g < 2; g++)
			a->over_limit += a->groups[g].counter[RES_BACKING].current > GROUP_LIMIT;
	}
	return NULL;
}

static void arena_init(struct arena *a)
{
	*a = (struct arena){ .stop = false };
	group_init(&a->root, "root", NULL);
	group_set_limit(&a->root, RES_BACKING, ROOT_LIMIT);
	for (int g = 0; g < 2; g++) {
		group_init(&a->groups[g], "group", &a->root);
		group_set_limit(&a->groups[g], RES_BACKING, GROUP_LIMIT);
	}
}

static void run(struct arena *a, struct enclave *enclaves)
{
	pthread_t observer;
	assert_int_equal(pthread_create(&observer, NULL, observe, a), 0);
	for (int i = 0; i < ENCLAVES; i++)
		assert_int_equal(pthread_create(&enclaves[i].thread, NULL, evict_and_load, &enclaves[i]), 0);
	for (int i = 0; i < ENCLAVES; i++)
		pthread_join(enclaves[i].thread, NULL);
	atomic_store(&a->stop, true);
	pthread_join(observer, NULL);
}

static void assert_laws(struct arena *a, struct enclave *enclaves)
{
	uint64_t held[2] = { 0 };
	for (int i = 0; i < ENCLAVES; i++) {
		assert_true(backing_is_valid(&enclaves[i].backing));
		held[i % 2] += (uint64_t)store_held(&enclaves[i].backing.store);
	}
	for (int g = 0; g < 2; g++) {
		assert_int_equal(a->groups[g].counter[RES_BACKING].current, held[g]);
		assert_true(a->groups[g].counter[RES_BACKING].peak <= GROUP_LIMIT);
		assert_true(group_is_valid(&a->groups[g]));
	}
	assert_int_equal(a->root.counter[RES_BACKING].current, held[0] + held[1]);
	assert_true(a->root.counter[RES_BACKING].peak <= ROOT_LIMIT);
	assert_true(group_is_valid(&a->root));
	assert_int_equal(a->over_limit, 0);
}

static void enclaves_share_limits(void **state)
{
	static struct arena a;
	static struct enclave enclaves[ENCLAVES];
	uint64_t refused = 0;
	arena_init(&a);
	for (int i = 0; i < ENCLAVES; i++) {
		enclaves[i] = (struct enclave){ .rng = { .state = (uint64_t)i }, .steps = test_scaled(300000, 3000) };
		assert_int_equal(backing_init(&enclaves[i].backing, &a.groups[i % 2], SLOTS, 20), 0);
	}
	run(&a, enclaves);
	assert_laws(&a, enclaves);
	for (int i = 0; i < ENCLAVES; i++) {
		refused += enclaves[i].refused;
		for (uint32_t slot = 0; slot < SLOTS; slot++) {
			struct backing_page page;
			if (backing_lookup(&enclaves[i].backing, slot, &page) == 0)
				backing_free(&enclaves[i].backing, slot);
		}
		backing_destroy(&enclaves[i].backing);
	}
	assert_true(refused > 0);
	assert_int_equal(a.root.counter[RES_BACKING].current, 0);
	assert_int_equal(a.groups[0].counter[RES_BACKING].current, 0);
	assert_int_equal(a.groups[1].counter[RES_BACKING].current, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(enclaves_share_limits) };
	return cmocka_run_group_tests_name("backing: threads", tests, NULL, NULL);
}
