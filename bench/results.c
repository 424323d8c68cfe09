/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/results.h"

#include <stdlib.h>

const char *pattern_name(enum pattern p)
{
	return p == PATTERN_RANDOM ? "random" : "sequential";
}

struct metadata metadata_of(const struct machine *m, const struct encl *e)
{
	const struct pagetable *pt = &e->pages;
	/* The backing's bitmaps are sparse: only the part up to the highest slot ever in use is there. */
	uint64_t bitmaps = 2 * (e->backing.highest_held / 8 + 1);
	uint64_t bytes = sizeof(*e) + m->leaf_slab.bytes + m->mid_slab.bytes + pt->top_len * sizeof(*pt->top) +
			 e->va.cap * sizeof(*e->va.page) + e->vmap.cap * sizeof(*e->vmap.range) + bitmaps;

	return (struct metadata){
		.per_epc_page = (double)sizeof(*m->epc.pages),
		.per_enclave_page = (double)bytes / (double)e->page_count,
		.enclave_pages = e->page_count,
		.version_bytes = sizeof(uint64_t),
		.pcmd_bytes = sizeof(struct sgx_pcmd),
	};
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *value, unsigned n)
{
	qsort(value, n, sizeof(*value), compare);
	return (value[(n - 1) / 2] + value[n / 2]) / 2;
}

static double per(double amount, double count)
{
	return count > 0 ? amount / count : 0;
}

static double workload_figure(const struct sample *s, enum figure figure, unsigned threads)
{
	switch (figure) {
	case FIGURE_FAULTS_PER_SECOND:
		return (double)s->faults / s->seconds;
	case FIGURE_NS_PER_FAULT:
		return per(s->seconds * 1e9 * threads, (double)s->faults);
	case FIGURE_CPU_NS_PER_FAULT:
		return per(s->cpu_seconds * 1e9, (double)s->faults);
	case FIGURE_TOUCHES_PER_SECOND:
		return (double)s->touches / s->seconds;
	default: /* FIGURE_NS_PER_TOUCH */
		return per(s->seconds * 1e9 * threads, (double)s->touches);
	}
}

static double figure_in(const struct results *r, const struct stage *s, const struct round *round, enum figure figure,
			enum crew_size crew)
{
	const enum figure rate = s->pages_out ? FIGURE_FAULTS_PER_SECOND : FIGURE_TOUCHES_PER_SECOND;

	switch (figure) {
	case FIGURE_TRAP:
		return round->costs.trap;
	case FIGURE_DECRYPT:
		return round->costs.decrypt;
	case FIGURE_MAP:
		return round->costs.map;
	case FIGURE_ENCRYPT:
		return round->costs.encrypt;
	case FIGURE_UNMAP:
		return round->costs.unmap;
	case FIGURE_SUM:
		return costs_sum(&round->costs);
	case FIGURE_RATIO:
		return per(workload_figure(&round->run[crew], FIGURE_NS_PER_FAULT, crew_threads(r, crew)),
			   costs_sum(&round->costs));
	case FIGURE_SPEEDUP:
		return per(workload_figure(&round->run[crew], rate, 1),
			   workload_figure(&round->run[CREW_ONE], rate, 1));
	default:
		return workload_figure(&round->run[crew], figure, crew_threads(r, crew));
	}
}

double stage_figure(const struct results *r, const struct stage *s, enum figure figure, enum crew_size crew)
{
	double value[MAX_ROUNDS];

	for (unsigned i = 0; i < r->options.rounds; i++)
		value[i] = figure_in(r, s, &s->round[i], figure, crew);
	return median(value, r->options.rounds);
}
