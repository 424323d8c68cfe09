/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads charge one tree at once. An observer that only ever sees `current` values must never see one above its
 * limit, peaks agree, and when everybody has given back everything, nothing is left anywhere.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/group.h"
#include "tests/testing.h"

enum { ROOT, LEFT, RIGHT, LEFT_LEAF, RIGHT_LEAF, GROUPS };
static const int parents[GROUPS] = { -1, ROOT, ROOT, LEFT, RIGHT };
/* Tight enough that every level refuses now and then: children's limits add up to more than their parent's. */
static const uint64_t limits[GROUPS] = { 100, 70, 70, 50, 60 };

#define WORKERS 4

struct arena {
	struct group groups[GROUPS];
	_Atomic bool stop;
	_Atomic uint64_t over_limit; /* times the observer saw too much */
};

struct worker {
	struct arena *arena;
	pthread_t thread;
	uint64_t seed, steps, refused;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct rng r = { .state = w->seed };
	uint64_t own[GROUPS] = { 0 };
	for (uint64_t i = 0; i < w->steps; i++) {
		int g = (int)rng_below(&r, GROUPS);
		uint64_t pages = 1 + rng_below(&r, 20);
		if (own[g] > 0 && rng_below(&r, 2)) {
			group_uncharge(&w->arena->groups[g], RES_EPC, own[g]);
			own[g] = 0;
		} else if (group_charge(&w->arena->groups[g], RES_EPC, pages, NULL) == 0) {
			own[g] += pages;
		} else {
			w->refused++;
		}
	}
	for (int g = 0; g < GROUPS; g++)
		group_uncharge(&w->arena->groups[g], RES_EPC, own[g]);
	return NULL;
}

static void *observe(void *arg)
{
	struct arena *a = arg;
	while (!atomic_load_explicit(&a->stop, memory_order_relaxed)) {
		for (int g = 0; g < GROUPS; g++)
			a->over_limit += atomic_load(&a->groups[g].counter[RES_EPC].current) > limits[g];
	}
	return NULL;
}

static void run(struct arena *a, struct worker *workers, int count)
{
	pthread_t observer;
	assert_int_equal(pthread_create(&observer, NULL, observe, a), 0);
	for (int i = 0; i < count; i++) {
		workers[i] = (struct worker){ .arena = a, .seed = (uint64_t)i, .steps = test_scaled(300000, 2000) };
		assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
	}
	for (int i = 0; i < count; i++)
		pthread_join(workers[i].thread, NULL);
	atomic_store(&a->stop, true);
	pthread_join(observer, NULL);
}

static void no_limit_is_passed_and_nothing_is_left(void **state)
{
	for (int count = 2; count <= WORKERS; count++) {
		struct arena a = { .stop = false };
		struct worker workers[WORKERS];
		for (int g = 0; g < GROUPS; g++) {
			group_init(&a.groups[g], "threads", parents[g] < 0 ? NULL : &a.groups[parents[g]]);
			group_set_limit(&a.groups[g], RES_EPC, limits[g]);
		}
		run(&a, workers, count);
		assert_int_equal(a.over_limit, 0);
		uint64_t refused = 0, events = 0;
		for (int i = 0; i < count; i++)
			refused += workers[i].refused;
		for (int g = 0; g < GROUPS; g++) {
			assert_int_equal(a.groups[g].counter[RES_EPC].current, 0);
			assert_true(a.groups[g].counter[RES_EPC].peak <= limits[g]);
			assert_true(a.groups[g].counter[RES_EPC].peak > 0);
			events += a.groups[g].event[EVENT_MAX];
		}
		assert_int_equal(events, refused); /* each refusal is counted once, at one level */
		assert_true(refused > 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_limit_is_passed_and_nothing_is_left) };
	return cmocka_run_group_tests_name("ledger: threads", tests, NULL, NULL);
}
