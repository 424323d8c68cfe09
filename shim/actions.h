/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signal dispositions as the application sees them. Once the machine is active the kernel calls shim_handler() for
 * every signal that the application handles, and for the five that the processor raises.
 */
#ifndef SOFTSGX_SHIM_ACTIONS_H
#define SOFTSGX_SHIM_ACTIONS_H

#include <signal.h>

#include "base/compiler.h"

#define SIGNALS 64

/* The kernel's struct sigaction (asm/signal.h), which is not libc's. */
struct action {
	uint64_t handler; /* or SIG_DFL, SIG_IGN */
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

static inline bool action_is_default(const struct action *a)
{
	return a->handler == (uint64_t)SIG_DFL;
}

static inline bool action_is_ignore(const struct action *a)
{
	return a->handler == (uint64_t)SIG_IGN;
}

/** actions_take_over() - adopt what is installed in the kernel for all signals. Context: all signals blocked. */
void actions_take_over(void);
/** actions_refresh() - likewise for one signal that libc may have installed behind our back. Any context. */
void actions_refresh(int sig);
/**
 * actions_change() - sigaction(): @new and @old may be NULL. Return: 0 or -errno of the kernel. Context: ordinary code.
 */
int must_check actions_change(int sig, const struct action *new, struct action *old);
/** actions_deliver() - what to do with a signal now; SA_RESETHAND takes effect. Context: signal handler. */
struct action actions_deliver(int sig);
/** actions_look() - likewise without any effect. */
struct action actions_look(int sig);
/** actions_kernel_default() - let the kernel do its own to @sig from now on. Context: signal handler. */
void actions_kernel_default(int sig);

/** actions_fork_prepare(), actions_fork_done() - hold the table still over a fork. Context: all signals blocked. */
void actions_fork_prepare(void);
void actions_fork_done(void);

#endif
