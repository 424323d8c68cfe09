/* SPDX-License-Identifier: Apache-2.0 */
/* Signal masks and alternate stacks as the application sees them, once the machine is active. */
#ifndef SOFTSGX_SHIM_SIGNALS_H
#define SOFTSGX_SHIM_SIGNALS_H

#include <errno.h>
#include <signal.h>

#include "base/compiler.h"

/* Not in every libc's headers. With the first, the stack is not disarmed while in use: see signals_altstack(). */
#define SS_AUTODISARM_FLAG (1U << 31)
#define KERNEL_MINSIGSTKSZ 2048

/** signals_mask() - rt_sigprocmask() with the five synchronous signals virtual. Return: 0 or -errno. */
int must_check signals_mask(int how, const uint64_t *set, uint64_t *old);

/**
 * signals_altstack() - sigaltstack(); @sp: the caller's stack pointer. SS_AUTODISARM is accepted and remembered, but
 * the stack stays armed while a handler runs on it. Return: 0 or -errno.
 */
int must_check signals_altstack(const stack_t *new, stack_t *old, uint64_t sp);

#endif
