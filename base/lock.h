/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks that work in a signal handler: a futex word, no TLS, no libc. Holders must have every signal that could run
 * application code blocked, or be in a handler that does; see the lock order in encl/machine.h.
 */
#ifndef SOFTSGX_BASE_LOCK_H
#define SOFTSGX_BASE_LOCK_H

#include <stdatomic.h>

#include "base/compiler.h"

/** struct lock - mutual exclusion. 0 = free, 1 = held, 2 = held with possible waiters. Zero-initialised is free. */
struct lock {
	_Atomic uint32_t word;
};

void lock_acquire(struct lock *l);
bool lock_try(struct lock *l);
void lock_release(struct lock *l);
/** lock_is_held() - for assertions only: somebody holds it, not necessarily the caller. */
bool lock_is_held(struct lock *l);

/**
 * struct waitq - wait for "something changed" without holding a lock.
 *
 * A waiter reads the ticket under the lock that protects the condition, drops the lock, and waits for the ticket to
 * move; whoever changes the condition calls waitq_wake() after changing it. Spurious returns are allowed.
 */
struct waitq {
	_Atomic uint32_t ticket;
	_Atomic uint32_t waiters;
};

uint32_t waitq_ticket(struct waitq *q);
/** waitq_wait() - return when the ticket differs from @ticket, or after about @timeout_ms (0 = no limit). */
void waitq_wait(struct waitq *q, uint32_t ticket, unsigned timeout_ms);
void waitq_wake(struct waitq *q);

#endif
