/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processor exceptions as the kernel's signals report them, and what becomes of them.
 */
#ifndef SOFTSGX_SHIM_EXCEPTION_H
#define SOFTSGX_SHIM_EXCEPTION_H

#include <signal.h>

#include "shim/thread.h"

struct exception {
	unsigned vector; /* enum x86_vector */
	uint32_t error_code;
	uint64_t address; /* of a #PF, in full */
	int sig, code;    /* the signal that Linux makes of it */
};

/** exception_of_signal() - what the processor raised. @info->si_code > 0: its registers are not stale. */
struct exception exception_of_signal(int sig, const siginfo_t *info, const ucontext_t *uc);
struct exception exception_gp(void);
/** exception_pf() - at @address of enclave memory; @verdict: what encl_fault() has to say about it. */
struct exception exception_pf(uint64_t address, uint32_t error_code, enum encl_fault verdict);

/**
 * exception_raise() - leave the enclave if inside; then the vDSO's report if the instruction is its ENCLU, else a
 * signal. @info and @uc are rewritten. Context: signal handler, the host's FS base.
 */
void exception_raise(struct thread *t, const struct exception *e, siginfo_t *info, ucontext_t *uc);

/** aex() - asynchronous exit; @e: the exception that caused it, NULL for an interrupt. Context: likewise, inside. */
void aex(struct thread *t, const struct exception *e, ucontext_t *uc);

#endif
