/* SPDX-License-Identifier: Apache-2.0 */
/* Several threads, several TCS: independent of each other; one TCS lets in one thread at a time. */
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"
#include "tests/testing.h"

#define THREADS 4

static struct bare b;

static void *own_tcs(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	for (uint64_t n = 0; n < test_scaled(3000, 30); n++) {
		struct bare_request r = { .op = OP_ECHO };

		bare_do(&b, i, &r);
		check(r.out.rbx == bare_tcs(&b, i) && r.gsbase == bare_thread_page(&b, i) && r.out.rax == 0);
	}
	return NULL;
}

static void independent(void)
{
	pthread_t t[THREADS];

	for (uintptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&t[i], NULL, own_tcs, (void *)i) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static struct bare_request endless = { .op = OP_SPIN, .count = UINT64_MAX, .width = 16 };

static void *spinner(void *arg)
{
	struct sgx_enclave_run run;

	pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
	bare_call(&b, 0, &endless, &run);
	return NULL;
}

/* The counter runs, so the thread is in its loop. */
static void wait_for_spinner(void)
{
	volatile uint64_t *counter = (uint64_t *)(bare_thread_page(&b, 0) + 16);
	uint64_t before;

	do {
		before = *counter;
		sched_yield();
	} while (before == 0 || *counter == before);
}

static void busy(pthread_t *inside)
{
	struct bare_request r = { .op = OP_ECHO };
	struct sgx_enclave_run run;

	check(pthread_create(inside, NULL, spinner, NULL) == 0);
	wait_for_spinner();
	for (int i = 0; i < 3; i++) {
		check(bare_call(&b, 0, &r, &run) == 0 && run.function == ENCLU_EENTER);
		check(run.exception_vector == VECTOR_GP && run.exception_error_code == 0 && run.exception_addr == 0);
	}
	bare_do(&b, 1, &r);
}

/* Cancelled in the enclave, the thread unwinds from the vDSO's frame; its TCS is idle with a frame in use. */
static void cancelled_inside(pthread_t inside)
{
	struct bare_request r = { .op = OP_ECHO };
	void *result;

	check(pthread_cancel(inside) == 0 && pthread_join(inside, &result) == 0 && result == PTHREAD_CANCELED);
	bare_do(&b, 0, &r);
	check(r.cssa == 1);
}

/* Two threads want one TCS: each entry is let in alone or refused. */
static _Atomic uint64_t entered, refused;

static void *rival(void *arg)
{
	for (uint64_t n = 0; n < test_scaled(3000, 30); n++) {
		struct bare_request r = { .op = OP_SPIN, .count = 200, .width = 16 };
		struct sgx_enclave_run run;

		bare_fill(&r.in, n);
		check(bare_call(&b, 2, &r, &run) == 0);
		if (run.function == ENCLU_EEXIT) {
			check(memcmp(&r.in, &r.out, 16 * sizeof(uint64_t)) == 0);
			atomic_fetch_add(&entered, 1);
		} else {
			check(run.exception_vector == VECTOR_GP && run.function == ENCLU_EENTER);
			atomic_fetch_add(&refused, 1);
		}
	}
	return NULL;
}

static void rivals(void)
{
	pthread_t t[2];

	for (unsigned i = 0; i < 2; i++)
		check(pthread_create(&t[i], NULL, rival, NULL) == 0);
	for (unsigned i = 0; i < 2; i++)
		pthread_join(t[i], NULL);
	check(entered > 0 && entered + refused == 2 * test_scaled(3000, 30));
}

/*
 * A thread that was there before the device was opened, and that meets its first ENCLU in a handler on an alternate
 * stack of its own.
 */
static uint8_t early_stack[65536];
static sem_t started, opened;

static void enters_in_handler(int sig)
{
	struct bare_request r = { .op = OP_SPIN, .count = 1000, .width = 16 };
	static struct bare_regs in, out;

	sem_post(&started);
	while (sem_wait(&opened) < 0)
		;
	in.rdi = (uint64_t)&r;
	bare_fill(&r.in, 5);
	check((uint64_t)__builtin_frame_address(0) - (uint64_t)early_stack < sizeof(early_stack));
	check(bare_raw(&in, &out, bare_tcs(&b, 3), ENCLU_EENTER, 16) == 0);
	check(memcmp(&r.in, &r.out, 16 * sizeof(uint64_t)) == 0);
	bare_do(&b, 3, &r);
}

static void *early_thread(void *arg)
{
	stack_t ss = { .ss_sp = early_stack, .ss_size = sizeof(early_stack) }, old;
	struct sigaction sa = { .sa_handler = enters_in_handler, .sa_flags = SA_ONSTACK };

	check(sigaltstack(&ss, NULL) == 0 && sigaction(SIGUSR2, &sa, NULL) == 0 && raise(SIGUSR2) == 0);
	check(sigaltstack(NULL, &old) == 0 && old.ss_sp == early_stack && old.ss_flags == 0);
	struct bare_request r = { .op = OP_ECHO };
	bare_do(&b, 3, &r);
	return NULL;
}

/*
 * A thread that was there before, with every signal blocked: its entries and its page faults are no less the
 * processor's, and its mask is what it was.
 */
static void *blocked_thread(void *arg)
{
	struct bare_request r = { .op = OP_ECHO };
	sigset_t now;

	while (sem_wait(&opened) < 0)
		;
	bare_do(&b, 3, &r);
	check(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
	for (int sig = 1; sig < 32; sig++)
		check(sigismember(&now, sig) == (sig != SIGKILL && sig != SIGSTOP));
	return NULL;
}

static pthread_t start_blocked(void *(*start)(void *))
{
	sigset_t all, before;
	pthread_t t;

	sigfillset(&all);
	check(pthread_sigmask(SIG_SETMASK, &all, &before) == 0 && pthread_create(&t, NULL, start, NULL) == 0);
	check(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	return t;
}

static void blocked_from_the_start(void)
{
	pthread_t late = start_blocked(blocked_thread);

	sem_post(&opened);
	check(pthread_join(late, NULL) == 0);
}

/*
 * A handler that ran when the device was opened, and has looked at its mask since: its return brings the alternate
 * stack of before back.
 */
static sem_t in_handler;

static void looks_at_mask(int sig)
{
	sigset_t now;

	sem_post(&in_handler);
	while (sem_wait(&opened) < 0)
		;
	check(pthread_sigmask(SIG_BLOCK, NULL, &now) == 0);
}

static void *handling_thread(void *arg)
{
	struct bare_request r = { .op = OP_SPIN, .count = 100000000, .width = 16 };

	check(signal(SIGURG, looks_at_mask) != SIG_ERR && raise(SIGURG) == 0);
	sem_post(&in_handler);
	bare_do(&b, 1, &r);
	return NULL;
}

/* Whatever it is doing; most of the time it is in its loop. */
static void interrupt_inside(pthread_t t)
{
	check(signal(SIGURG, SIG_IGN) != SIG_ERR);
	sem_wait(&in_handler);
	for (int i = 0; i < 20; i++) {
		usleep(1000);
		pthread_kill(t, SIGTRAP);
	}
}

static void ignores_it(int sig)
{
}

/* Memory is taken away while a thread is inside: its exits still have a frame to be saved in. */
static void frame_unmapped_inside(void)
{
	struct bare_options options = { .tcs = 1 };
	struct bare whole = b;
	pthread_t inside;
	void *result;

	bare_open(&b, &options);
	check(pthread_create(&inside, NULL, spinner, NULL) == 0);
	wait_for_spinner();
	check(munmap((void *)bare_ssa(&b, 0, 0), BARE_NSSA * PAGE_SIZE) == 0);
	check(pthread_cancel(inside) == 0 && pthread_join(inside, &result) == 0 && result == PTHREAD_CANCELED);
	bare_close(&b);
	b = whole;
}

void bare_test(void)
{
	struct bare_options options = { .tcs = THREADS };
	pthread_t inside, early, blocked, handling;

	sem_init(&started, 0, 0);
	sem_init(&opened, 0, 0);
	check(pthread_create(&early, NULL, early_thread, NULL) == 0);
	sem_wait(&started);
	blocked = start_blocked(blocked_thread);
	sem_init(&in_handler, 0, 0);
	check(signal(SIGTRAP, ignores_it) != SIG_ERR);
	check(pthread_create(&handling, NULL, handling_thread, NULL) == 0);
	sem_wait(&in_handler);
	bare_open(&b, &options);
	for (int i = 0; i < 3; i++)
		sem_post(&opened);
	interrupt_inside(handling);
	check(pthread_join(early, NULL) == 0 && pthread_join(blocked, NULL) == 0 && pthread_join(handling, NULL) == 0);
	blocked_from_the_start();
	independent();
	rivals();
	busy(&inside);
	cancelled_inside(inside);
	frame_unmapped_inside();
	bare_close(&b);
}
