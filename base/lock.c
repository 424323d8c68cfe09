/* SPDX-License-Identifier: Apache-2.0 */
#include "base/lock.h"

#include <linux/futex.h>
#include <time.h>

#include "base/sys.h"

/*
 * Longer than the critical sections of the fault path, and about what sleeping and being woken by another core costs:
 * whoever spins in vain has at most doubled its wait.
 */
#define SPIN_ROUNDS 500

static void futex_wait(_Atomic uint32_t *word, uint32_t value, const struct timespec *timeout)
{
	sys_call4(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout);
}

static void futex_wake(_Atomic uint32_t *word, int count)
{
	sys_call3(SYS_futex, word, FUTEX_WAKE_PRIVATE, count);
}

bool lock_try(struct lock *l)
{
	uint32_t expected = 0;
	return atomic_compare_exchange_strong_explicit(&l->word, &expected, 1, memory_order_acquire,
						       memory_order_relaxed);
}

void lock_acquire(struct lock *l)
{
	for (int i = 0; i < SPIN_ROUNDS; i++) {
		/* Looking first leaves the line to the holder, who has work to do on it. */
		if (!lock_is_held(l) && lock_try(l))
			return;
		__builtin_ia32_pause();
	}
	/* From here on the word says 2 while we hold it: the release must look for sleepers. */
	while (atomic_exchange_explicit(&l->word, 2, memory_order_acquire) != 0)
		futex_wait(&l->word, 2, NULL);
}

void lock_release(struct lock *l)
{
	/* Pairs with the acquire in lock_try() and lock_acquire(). */
	if (atomic_exchange_explicit(&l->word, 0, memory_order_release) == 2)
		futex_wake(&l->word, 1);
}

bool lock_is_held(struct lock *l)
{
	return atomic_load_explicit(&l->word, memory_order_relaxed) != 0;
}

uint32_t waitq_ticket(struct waitq *q)
{
	return atomic_load_explicit(&q->ticket, memory_order_acquire);
}

void waitq_wait(struct waitq *q, uint32_t ticket, unsigned timeout_ms)
{
	struct timespec ts = { .tv_sec = timeout_ms / 1000, .tv_nsec = (long)(timeout_ms % 1000) * 1000000 };

	for (int i = 0; i < SPIN_ROUNDS; i++) {
		if (waitq_ticket(q) != ticket)
			return;
		__builtin_ia32_pause();
	}
	/* seq_cst here and in waitq_wake(): either the waker sees the waiter, or the waiter sees the new ticket. */
	atomic_fetch_add(&q->waiters, 1);
	if (atomic_load(&q->ticket) == ticket)
		futex_wait(&q->ticket, ticket, timeout_ms ? &ts : NULL);
	atomic_fetch_sub(&q->waiters, 1);
}

void waitq_wake(struct waitq *q)
{
	atomic_fetch_add(&q->ticket, 1);
	if (atomic_load(&q->waiters) != 0)
		futex_wake(&q->ticket, 0x7fffffff);
}
