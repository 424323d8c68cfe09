/* SPDX-License-Identifier: Apache-2.0 */
/* What a figure means nothing without: the machine, and who else was using it meanwhile. */
#ifndef SOFTSGX_BENCH_FACTS_H
#define SOFTSGX_BENCH_FACTS_H

#include "base/compiler.h"

struct facts {
	char cpu[128];
	char kernel[160];
	long cpus;
	long l3_bytes;      /* 0: unknown */
	bool optimized;     /* compiled with optimization ... */
	bool laws;          /* ... and with the accounting laws executed, which no figure should be taken with */
	double load_before; /* 1-minute load average */
	double load_after;
	/* Over the run, in percent of all CPUs. */
	double others_percent; /* used by anything but this process */
	double stolen_percent; /* not given by the hypervisor */
};

void facts_begin(struct facts *f);
void facts_end(struct facts *f);

#endif
