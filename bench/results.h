/* SPDX-License-Identifier: Apache-2.0 */
/* What a run has measured, and the figures made from it. docs/bench.md says what each means. */
#ifndef SOFTSGX_BENCH_RESULTS_H
#define SOFTSGX_BENCH_RESULTS_H

#include <stdio.h>

#include "bench/facts.h"
#include "bench/primitives.h"
#include "bench/workload.h"

/* The workload of a stage runs with one thread, and with as many as asked for. */
enum crew_size { CREW_ONE, CREW_MANY, CREWS };

/* One round of a stage: measured one after the other, so that a ratio within it compares like with like. */
struct round {
	struct costs costs;
	struct sample run[CREWS];
};

/* One pattern over one footprint. */
struct stage {
	enum pattern pattern;
	double footprint; /* in sizes of the EPC */
	uint64_t bytes;
	bool pages_out; /* the footprint is larger than the EPC: there are faults to measure */
	struct round round[MAX_ROUNDS];
};

#define FOOTPRINTS 3
#define STAGES (FOOTPRINTS * PATTERNS)

/* Bytes that the engine keeps beside the pages themselves, from its own structures with the largest enclave alive. */
struct metadata {
	double per_epc_page;
	double per_enclave_page;
	uint64_t enclave_pages;
	/* What SGX itself prescribes for a page that is out: in the EPC (its version) and in backing memory (PCMD). */
	double version_bytes, pcmd_bytes;
};

struct results {
	struct options options;
	enum mmu_mechanism mechanism;
	struct facts facts;
	struct metadata metadata;
	struct stage stage[STAGES];
	uint64_t mismatches;
};

struct metadata metadata_of(const struct machine *m, const struct encl *e);

enum figure {
	/* Primitives, ns per page: see struct costs. */
	FIGURE_TRAP,
	FIGURE_DECRYPT,
	FIGURE_MAP,
	FIGURE_ENCRYPT,
	FIGURE_UNMAP,
	FIGURE_SUM,
	/* The workload, with one crew. */
	FIGURE_FAULTS_PER_SECOND,
	FIGURE_NS_PER_FAULT,     /* of one thread's time: with n threads, n times the inverse of faults per second */
	FIGURE_CPU_NS_PER_FAULT, /* of processor time, the background reclaimer's included */
	FIGURE_TOUCHES_PER_SECOND,
	FIGURE_NS_PER_TOUCH,
	FIGURE_RATIO,   /* ns per fault over the sum of the primitives */
	FIGURE_SPEEDUP, /* faults (touches, where the footprint fits) per second over those of CREW_ONE */
};

/** stage_figure() - the median over the rounds; of a ratio, the median of each round's own. 0 where undefined. */
double stage_figure(const struct results *r, const struct stage *s, enum figure figure, enum crew_size crew);

static inline unsigned crew_threads(const struct results *r, enum crew_size crew)
{
	return crew == CREW_ONE ? 1 : r->options.threads;
}
/** crews_run() - with --threads 1 there is nothing to scale. */
static inline unsigned crews_run(const struct results *r)
{
	return r->options.threads == 1 ? 1 : CREWS;
}

void print_table(const struct results *r, FILE *out);
/** write_json() - Return: false, having said why, if @path cannot be written. */
bool must_check write_json(const struct results *r, const char *path);

const char *pattern_name(enum pattern p);

#endif
