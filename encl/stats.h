/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Live numbers of one process, in shared memory that `softsgx run` hands to its process tree: readable at any moment
 * and after any death, SIGKILL included. Fixed layout; a writer and a reader of the same build.
 */
#ifndef SOFTSGX_ENCL_STATS_H
#define SOFTSGX_ENCL_STATS_H

#include "encl/machine.h"

#define STATS_MAGIC 0x3153584753464f53ULL
#define STATS_PROCESSES 256

/* Pages and counts; *_peak since the process began. */
struct stats_process {
	_Atomic int32_t pid; /* 0: entry free */
	uint32_t mechanism;  /* enum mmu_mechanism */
	uint64_t epc_total, epc_used, epc_peak;
	uint64_t backing_used, backing_peak, backing_limit; /* limit LEDGER_NO_LIMIT: none */
	uint64_t contents, pcmd, recycled, pcmd_peak;
	uint64_t enclaves, enclaves_created;
	uint64_t faults, ewb, eldu, waits, wp_faults;
	uint64_t eenter, eresume, eexit, aex;
	uint64_t event_max, event_fail, event_oom, event_exchange, event_poison;
	int64_t overcommit_percent;
	char limit_hit[64]; /* what the limit stopped last, in words; empty: nothing */
	char comm[16];
};
struct stats_page {
	uint64_t magic;
	struct stats_process process[STATS_PROCESSES];
};

/** stats_claim() - this process's entry in @page (NULL: keep numbers privately). Return: the entry or NULL if full. */
struct stats_process *stats_claim(struct stats_page *page);
/** stats_publish() - copy the machine's numbers into @out. Cheap, tear-tolerant, async-signal-safe. */
void stats_publish(struct machine *m, struct stats_process *out);

#endif
