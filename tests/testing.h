/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of every layer share: how much to do, and reproducible randomness. */
#ifndef SOFTSGX_TESTS_TESTING_H
#define SOFTSGX_TESTS_TESTING_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

/** test_is_small() - SOFTSGX_TEST_SCALE=small, for emulated machines: a thousandth of the work. */
static inline bool test_is_small(void)
{
	const char *scale = getenv("SOFTSGX_TEST_SCALE");

	return scale && strcmp(scale, "small") == 0;
}

/** test_scaled() - @full, or a thousandth of it but at least @least. */
static inline uint64_t test_scaled(uint64_t full, uint64_t least)
{
	return test_is_small() ? max_of(full / 1000, least) : full;
}

/* ThreadSanitizer keeps most of the address space for itself. */
#if defined(__SANITIZE_THREAD__)
#define TEST_UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TEST_UNDER_TSAN 1
#endif
#endif
#ifndef TEST_UNDER_TSAN
#define TEST_UNDER_TSAN 0
#endif

/* splitmix64: every seed is good, 0 included. */
struct rng {
	uint64_t state;
};

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t z = r->state += 0x9e3779b97f4a7c15ULL;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/** rng_below() - in [0, @n); the bias of the remainder is of no matter to tests. */
static inline uint64_t rng_below(struct rng *r, uint64_t n)
{
	return rng_next(r) % n;
}

/** rng_seeded() - from SOFTSGX_TEST_SEED if set, else @seed; says which, so that a failure can be repeated. */
static inline struct rng rng_seeded(uint64_t seed)
{
	const char *text = getenv("SOFTSGX_TEST_SEED");
	if (text)
		seed = strtoull(text, NULL, 0);
	printf("# SOFTSGX_TEST_SEED=%#llx\n", (unsigned long long)seed);
	return (struct rng){ .state = seed };
}

#endif
