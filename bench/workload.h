/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workload: threads that touch the enclave's pages at random or in sequence. A touch reads one word and writes
 * it. Every thread has a word of its own in each page and knows what it last wrote there, so each read is verified
 * and threads share pages, not words.
 */
#ifndef SOFTSGX_BENCH_WORKLOAD_H
#define SOFTSGX_BENCH_WORKLOAD_H

#include "bench/rig.h"

struct workload {
	struct rig *rig;
	unsigned threads;              /* that may ever run */
	uint32_t *writes[MAX_THREADS]; /* per thread and page: how often its word was written */
	struct {
		uint64_t state;
	} __attribute__((aligned(64))) random[MAX_THREADS];
	uint64_t mismatches; /* words read that were not what was written */
};

/* One measurement: what happened between two moments while the threads were running. */
struct sample {
	double seconds;     /* of wall time */
	double cpu_seconds; /* of the whole process, the reclaimer's thread included */
	uint64_t touches;
	uint64_t faults; /* pages loaded */
};

bool must_check workload_init(struct workload *w, struct rig *rig, unsigned threads);
void workload_destroy(struct workload *w);

/**
 * workload_run() - run @threads threads until what is resident is what this pattern leaves resident, then measure
 * for @seconds. Return: false without memory or threads; mismatches add up in @w.
 */
bool must_check workload_run(struct workload *w, enum pattern pattern, unsigned threads, double seconds,
			     struct sample *out);

/** workload_verify() - read every word of every page, those never written included; mismatches add up in @w. */
bool must_check workload_verify(struct workload *w);

#endif
