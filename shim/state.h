/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shim's one machine, and when it comes to life: at the first open of an SGX device. Until then the process has
 * no handler, no alternate stack and no thread of ours.
 */
#ifndef SOFTSGX_SHIM_STATE_H
#define SOFTSGX_SHIM_STATE_H

#include <stdatomic.h>

#include "encl/machine.h"
#include "encl/stats.h"
#include "shim/config.h"
#include "shim/vdso.h"

struct shim {
	struct machine machine; /* valid while `active` */
	struct shim_config config;
	struct vdso vdso;
	_Atomic bool active;
	bool handlers; /* signals are ours; stays so in a forked child, where `active` ends */
	int pid;       /* while `handlers`: whose memory this is */
	struct stats_page *stats_page;
	struct stats_process *stats;
};
extern struct shim shim;

static inline bool shim_active(void)
{
	return atomic_load_explicit(&shim.active, memory_order_acquire);
}

/**
 * shim_activate() - make the machine, once. Return: 0; -ENODEV with cause and cure on standard error, one line.
 * Context: ordinary code.
 */
int must_check shim_activate(void);

/**
 * shim_on_loan() - this is the child of a vfork(), and all that is written to memory here is the parent's: what the
 * child changes for itself must go to the kernel only. True also in children that libc does not know of.
 */
bool shim_on_loan(void);

/** shim_fork_prepare(), shim_fork_done() - no activation is under way. Context: all signals blocked. */
void shim_fork_prepare(void);
void shim_fork_done(void);

/** shim_publish() - bring the shared numbers up to date. Context: any with the host's FS base, signals blocked. */
void shim_publish(void);

/** shim_last_words() - the process is about to end in an orderly way. */
void shim_last_words(void);

#endif
