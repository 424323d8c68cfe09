/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EENTER without a trap, the part in C. It runs in the application's context with nothing blocked: signals that come
 * meanwhile are put off (PHASE_ENGINE), and extended state, which an enclave may expect to be passed through, is set
 * aside before anything that may use vector registers is called. This file itself is compiled for general registers.
 */
#include "shim/enclu.h"
#include "shim/entry.h"
#include "shim/state.h"
#include "shim/xstate.h"

#define RFLAGS_TF (1ULL << 8)

static void save_xstate(void *area)
{
	if (xstate_xsavec())
		__asm__ volatile("xsavec64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
	else
		__asm__ volatile("xsave64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
}

static void restore_xstate(const void *area)
{
	__asm__ volatile("xrstor64 (%0)" : : "r"(area), "a"(-1), "d"(-1) : "memory");
}

/* Signals that were put off are blocked: nothing can come between the two stores. */
static void back_to_host(struct thread *t)
{
	atomic_store_explicit(&t->phase, PHASE_HOST, memory_order_release);
	if (atomic_load(&t->deferred)) {
		atomic_store(&t->deferred, 0);
		signals_restore(t->mask);
	}
}

static void fill_registers(struct thread *t, const struct entry_regs *host)
{
	struct entry_regs *r = &t->regs;

	*r = *host;
	r->rsp = (uint64_t)&host->rip; /* where RSP was before the registers were pushed */
	r->rip = t->entry.rip;
	r->rax = t->entry.cssa;
	r->rcx = host->rcx + ENCLU_BYTES;
	r->rflags = host->rflags & ~RFLAGS_TF;
}

struct thread *direct_enter(const struct entry_regs *host)
{
	struct thread *t = thread_self();
	bool ok;

	/* A thread that has no context yet, or has lost its stack, gets one by the trap. */
	if (!t || !shim_active() || host->rflags & RFLAGS_TF || (t->suspect && !thread_has_stack(t)))
		return NULL;
	/* Before anything is saved: a handler that enters, too, would save its own state in the same place. */
	atomic_store_explicit(&t->phase, PHASE_ENGINE, memory_order_seq_cst);
	save_xstate(thread_xsave(t));
	ok = enclu_start(t, host->rbx, host->rcx, (uint64_t)&host->rip, host->rbp, NULL);
	if (ok)
		fill_registers(t, host);
	restore_xstate(thread_xsave(t));
	if (!ok)
		back_to_host(t);
	return ok ? t : NULL;
}
