/* SPDX-License-Identifier: Apache-2.0 */
/* entry.S, and what it calls. */
#ifndef SOFTSGX_SHIM_ENTRY_H
#define SOFTSGX_SHIM_ENTRY_H

#include <signal.h>

#include "shim/thread.h"

/* Given to the kernel as the handler of every signal that the application handles; goes on to shim_signal(). */
void shim_handler(int sig, siginfo_t *info, void *context);
void shim_signal(int sig, siginfo_t *info, ucontext_t *uc);
/* Reached by shim_handle_on(). */
void shim_adopted(int sig, siginfo_t *info, ucontext_t *uc);

/** shim_handle_on() - leave the current handler and its frame for good, and handle the copy at @frame. */
void shim_handle_on(int sig, siginfo_t *info, ucontext_t *uc, void *frame) __attribute__((noreturn));

/* Return address of handlers: rt_sigreturn, in the bytes that unwinders look for. */
void shim_restorer(void);

/* Jumped to by the vDSO image instead of EENTER. */
void shim_direct_enter(void);

/**
 * direct_enter() - @host: the registers at the instruction, all but rip and rsp. Return: this thread, ready to enter
 * with PHASE_ENGINE, or NULL with nothing changed: execute the instruction and let it fault.
 */
struct thread *direct_enter(const struct entry_regs *host);

/* [start, end): the entry is done but the registers may not all be loaded. */
extern const char shim_commit_start[], shim_commit_end[];

#endif
