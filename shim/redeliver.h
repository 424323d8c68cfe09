/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Handing signals on to the application. Its handlers are never called from ours: the signal frame is copied to where
 * the kernel would have put it, and our own frame is edited to resume in the handler. So a handler runs on the stack
 * it expects, with our alternate stack free again; it may return, siglongjmp() out, or enter an enclave.
 */
#ifndef SOFTSGX_SHIM_REDELIVER_H
#define SOFTSGX_SHIM_REDELIVER_H

#include <signal.h>

#include "shim/thread.h"

/* Context of all: signal handler, PHASE_HOST unless said otherwise. */

/** redeliver_exception() - a fault of the application's: a blocked, ignored or unhandled one kills. */
void redeliver_exception(struct thread *t, int sig, siginfo_t *info, ucontext_t *uc);
/**
 * redeliver_arrived() - a signal sent by somebody; PHASE_INSIDE allowed: with a handler to run, the enclave is left
 * first.
 */
void redeliver_arrived(struct thread *t, int sig, siginfo_t *info, ucontext_t *uc);
/** redeliver_later() - send the signal again, to this thread, and block everything in @uc until then. */
void redeliver_later(struct thread *t, int sig, siginfo_t *info, ucontext_t *uc);

/** deliveries_settle() - handlers whose frames lie below @sp have been left: their masks are history. */
void deliveries_settle(struct thread *t, uint64_t sp);
/** deliveries_unblocked() - send this thread what the virtual mask has kept back and no longer does. */
void deliveries_unblocked(struct thread *t);

/** frame_copy() - copy a signal frame, its extended state and its inner pointers to just below @top. Return: it. */
void *frame_copy(uint64_t top, const ucontext_t *uc, const siginfo_t *info);
siginfo_t *frame_info(void *frame);
ucontext_t *frame_context(void *frame);

#endif
