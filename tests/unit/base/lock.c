/* SPDX-License-Identifier: Apache-2.0 */
/* Locks exclude, wait queues lose no wake-up and keep their time-outs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <time.h>

#include "base/lock.h"
#include "tests/testing.h"

#define THREADS 4
#define WAIT_MS 50

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void one_holder_at_a_time(void **state)
{
	struct lock l = { 0 };

	assert_false(lock_is_held(&l));
	lock_acquire(&l);
	assert_true(lock_is_held(&l));
	assert_false(lock_try(&l));
	lock_release(&l);
	assert_false(lock_is_held(&l));
	assert_true(lock_try(&l));
	lock_release(&l);
}

struct shared {
	struct lock lock;
	uint64_t rounds;
	uint64_t count; /* not atomic: only the lock keeps it right */
};

static void *count_up(void *arg)
{
	struct shared *s = arg;

	for (uint64_t i = 0; i < s->rounds; i++) {
		lock_acquire(&s->lock);
		s->count++;
		lock_release(&s->lock);
	}
	return NULL;
}

static void threads_exclude_each_other(void **state)
{
	struct shared s = { .rounds = test_scaled(200000, 2000) };
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&t[i], NULL, count_up, &s), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	assert_true(s.count == THREADS * s.rounds);
	assert_false(lock_is_held(&s.lock));
}

/* Sleeps in the futex, not only in the spin before it. */
static void *hold_for_a_while(void *arg)
{
	struct timespec ts = { .tv_nsec = WAIT_MS * 1000000 };

	nanosleep(&ts, NULL);
	lock_release(arg);
	return NULL;
}

static void a_sleeper_is_woken(void **state)
{
	struct lock l = { 0 };
	pthread_t t;

	lock_acquire(&l);
	assert_int_equal(pthread_create(&t, NULL, hold_for_a_while, &l), 0);
	lock_acquire(&l);
	lock_release(&l);
	pthread_join(t, NULL);
}

static void a_moved_ticket_does_not_wait(void **state)
{
	struct waitq q = { 0 };
	uint32_t ticket = waitq_ticket(&q);

	waitq_wake(&q);
	waitq_wait(&q, ticket, 0); /* would never return */
	assert_int_not_equal(waitq_ticket(&q), ticket);
}

static void waiting_times_out(void **state)
{
	struct waitq q = { 0 };
	uint64_t start = now_ms();

	waitq_wait(&q, waitq_ticket(&q), WAIT_MS);
	assert_true(now_ms() - start >= WAIT_MS - 1);
	assert_int_equal(q.waiters, 0);
}

/* Two threads hand a turn to each other; one lost wake-up and they wait for ever. */
struct turns {
	struct lock lock;
	struct waitq changed;
	uint64_t rounds, turn;
};

static void take_turns(struct turns *t, uint64_t parity)
{
	for (uint64_t i = 0; i < t->rounds; i++) {
		lock_acquire(&t->lock);
		while (t->turn % 2 != parity) {
			uint32_t ticket = waitq_ticket(&t->changed);

			lock_release(&t->lock);
			waitq_wait(&t->changed, ticket, 0);
			lock_acquire(&t->lock);
		}
		t->turn++;
		lock_release(&t->lock);
		waitq_wake(&t->changed);
	}
}

static void *odd_turns(void *arg)
{
	take_turns(arg, 1);
	return NULL;
}

static void no_wakeup_is_lost(void **state)
{
	struct turns t = { .rounds = test_scaled(50000, 500) };
	pthread_t other;

	assert_int_equal(pthread_create(&other, NULL, odd_turns, &t), 0);
	take_turns(&t, 0);
	pthread_join(other, NULL);
	assert_true(t.turn == 2 * t.rounds);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_holder_at_a_time), cmocka_unit_test(threads_exclude_each_other),
		cmocka_unit_test(a_sleeper_is_woken),   cmocka_unit_test(a_moved_ticket_does_not_wait),
		cmocka_unit_test(waiting_times_out),    cmocka_unit_test(no_wakeup_is_lost),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
