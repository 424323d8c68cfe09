/* SPDX-License-Identifier: Apache-2.0 */
/* What every part of the benchmark shares: time, numbers that look random, and what a run is asked to do. */
#ifndef SOFTSGX_BENCH_BENCH_H
#define SOFTSGX_BENCH_BENCH_H

#include <time.h>

#include "base/compiler.h"
#include "mmu/mmu.h"

enum pattern { PATTERN_RANDOM, PATTERN_SEQUENTIAL, PATTERNS };

#define MAX_THREADS 16
#define MAX_ROUNDS 32

struct options {
	uint64_t epc_bytes;
	enum mmu_mechanism mechanism;
	unsigned threads;   /* of the cells that measure scaling; the others have one */
	unsigned rounds;    /* each visits every cell of a footprint once */
	double seconds;     /* of measurement per cell, all rounds together */
	bool no_background; /* direct reclaim only */
	const char *json;   /* file to write, or NULL */
};

static inline uint64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

static inline uint64_t now_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

/** mix64() - a bijection that leaves no pattern (the finalizer of splitmix64). */
static inline uint64_t mix64(uint64_t x)
{
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

/** random_below() - splitmix64 scaled to [0, @n), @n < 2^32. */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	*state += 0x9e3779b97f4a7c15ULL;
	return ((mix64(*state) >> 32) * n) >> 32;
}

#endif
