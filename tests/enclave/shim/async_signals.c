/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that come while the processor is inside, at any instruction: every register is what it was afterwards, the
 * handlers run on the host's state, and may enter the enclave again.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "bare.h"
#include "tests/testing.h"

static struct bare b;
static uint64_t width;
static __thread uint64_t tls = 0x7157;

static _Atomic uint64_t from_inside, wrong;
static volatile sig_atomic_t nest, jump;
static sigjmp_buf away;
static uint8_t altstack[65536];

/* --- the handler: on the host's FS base, its own stack, with nothing of the enclave's in the registers --- */

static void look(const ucontext_t *uc, bool on_altstack)
{
	const greg_t *r = uc->uc_mcontext.gregs;
	uint64_t here = (uint64_t)__builtin_frame_address(0), rip = (uint64_t)r[REG_RIP];

	if (tls != 0x7157 || (here - (uint64_t)altstack < sizeof(altstack)) != on_altstack)
		atomic_fetch_add(&wrong, 1);
	if (rip - b.base < b.size)
		atomic_fetch_add(&wrong, 1);
	if (r[REG_RAX] != ENCLU_ERESUME)
		return;
	if (memcmp((const void *)rip, "\x0f\x01\xd7", 3) != 0)
		return;
	atomic_fetch_add(&from_inside, 1);
	/* SDM 3D table 37-1. */
	if (r[REG_R8] | r[REG_R9] | r[REG_R10] | r[REG_R11] | r[REG_R12] | r[REG_R13] | r[REG_R14] | r[REG_R15] |
	    r[REG_RDX] | r[REG_RSI] | r[REG_RDI])
		atomic_fetch_add(&wrong, 1);
	if (nest) {
		struct bare_request again = { .op = OP_ECHO };
		struct sgx_enclave_run run;

		if (bare_call(&b, 0, &again, &run) || run.function != ENCLU_EEXIT || again.cssa != 1)
			atomic_fetch_add(&wrong, 1);
	}
	if (jump)
		siglongjmp(away, 1);
}

static void on_alarm(int sig, siginfo_t *info, void *context)
{
	look(context, false);
}

static void on_alarm_altstack(int sig, siginfo_t *info, void *context)
{
	look(context, true);
}

static void timer(long microseconds)
{
	struct itimerval it = { { 0, microseconds }, { 0, microseconds } };

	check(setitimer(ITIMER_REAL, &it, NULL) == 0);
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* --- computing under fire --- */

static void spin(unsigned tcs, uint64_t seed, uint64_t count)
{
	struct bare_request r = {
		.op = seed & 1 ? OP_SPIN : OP_SETFS, .value = 0x1234567000 + seed, .count = count, .width = width
	};
	struct bare_regs expected;
	uint64_t fs = seed & 1 ? bare_thread_page(&b, tcs) : r.value;

	bare_fill(&r.in, seed);
	expected = r.in;
	bare_do(&b, tcs, &r);
	check(memcmp(&r.out, &expected, 16 * sizeof(uint64_t)) == 0);
	check((r.out.rflags & 0xff) == 1);
	check(bare_same_vectors(&r.out, &expected, width));
	check(r.fsbase == fs && r.gsbase == bare_thread_page(&b, tcs));
}

/* Long computations are interrupted in the loop, short ones mostly on the way in and out. */
static void compute(uint64_t at_least)
{
	double end = seconds() + 20;

	atomic_store(&from_inside, 0);
	for (uint64_t i = 0; atomic_load(&from_inside) < at_least && seconds() < end; i++)
		spin(0, i, i % 4 ? 1 + i % 64 : 2000000);
	check(atomic_load(&from_inside) >= at_least);
	check(atomic_load(&wrong) == 0);
}

static void install(void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_RESTART | flags };

	check(sigaction(SIGALRM, &sa, NULL) == 0);
}

static void computes_under_a_timer(void)
{
	install(on_alarm, 0);
	timer(200);
	compute(test_scaled(1000, 20));
	nest = 1;
	compute(test_scaled(500, 20));
	nest = 0;
	timer(0);
}

static void handles_on_its_own_stack(void)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) }, none = { .ss_flags = SS_DISABLE }, old;

	check(sigaltstack(&ss, NULL) == 0);
	install(on_alarm_altstack, SA_ONSTACK);
	timer(500);
	compute(test_scaled(300, 10));
	timer(0);
	check(sigaltstack(&none, &old) == 0 && old.ss_sp == altstack && old.ss_flags == 0);
}

/* --- the direct entry sets vectors aside: a handler that enters at that very moment must not take them --- */

static void on_alarm_enters(int sig)
{
	struct bare_request r = { .op = OP_ECHO };
	struct sgx_enclave_run run;

	if (bare_call(&b, 0, &r, &run) || run.function != ENCLU_EEXIT)
		atomic_fetch_add(&wrong, 1);
	atomic_fetch_add(&from_inside, 1);
}

static void vectors_pass_while_handlers_enter(void)
{
	static struct bare_request r;
	static struct bare_regs in, out;
	double end = seconds() + 20;

	check(signal(SIGALRM, on_alarm_enters) != SIG_ERR);
	atomic_store(&from_inside, 0);
	timer(100);
	for (uint64_t i = 0; atomic_load(&from_inside) < test_scaled(10000, 100) && seconds() < end; i++) {
		struct sgx_enclave_run run = { .tcs = bare_tcs(&b, 1) };

		r = (struct bare_request){ .op = OP_ECHO, .width = width };
		bare_fill(&in, i);
		in.rdi = (uint64_t)&r;
		check(bare_vdso(&in, &out, &run, ENCLU_EENTER, width) == 0 && run.function == ENCLU_EEXIT);
		check(bare_same_vectors(&r.out, &in, width));
	}
	timer(0);
	check(atomic_load(&from_inside) > 0 && atomic_load(&wrong) == 0);
}

/* --- leaving by siglongjmp: the thread is outside, the TCS idle with one frame used --- */

static void jumps_away(void)
{
	static struct bare_request r, again;
	struct sgx_enclave_run run;
	const struct itimerval soon = { { 0, 0 }, { 0, 2000 } };

	r = (struct bare_request){ .op = OP_SPIN, .count = UINT64_MAX, .width = 16 };
	again = (struct bare_request){ .op = OP_ECHO };
	install(on_alarm, 0);
	jump = 1;
	if (sigsetjmp(away, 1) == 0) {
		check(setitimer(ITIMER_REAL, &soon, NULL) == 0);
		bare_call(&b, 1, &r, &run);
		check_failed(__FILE__, __LINE__, "it came back");
	}
	jump = 0;
	check(bare_call(&b, 1, &again, &run) == 0 && run.function == ENCLU_EEXIT && again.cssa == 1);
}

/* --- several threads, each interrupted by the others --- */

#define THREADS 3
static pthread_t threads[THREADS];
static _Atomic unsigned done;

static __thread volatile sig_atomic_t mine;

static void on_user(int sig)
{
	if (tls != 0x7157)
		atomic_fetch_add(&wrong, 1);
	mine++;
}

static void *worker(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;

	for (uint64_t n = 0; mine < (int)test_scaled(200, 10); n++)
		spin(2 + i, n * 7 + i, n % 3 ? 50 : 100000);
	atomic_fetch_add(&done, 1);
	return NULL;
}

static void threads_interrupt_each_other(void)
{
	check(signal(SIGUSR1, on_user) != SIG_ERR);
	for (uintptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&threads[i], NULL, worker, (void *)i) == 0);
	while (atomic_load(&done) < THREADS)
		for (unsigned i = 0; i < THREADS; i++) {
			pthread_kill(threads[i], SIGUSR1);
			nanosleep(&(struct timespec){ .tv_nsec = 100000 }, NULL);
		}
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	check(atomic_load(&wrong) == 0);
}

void bare_test(void)
{
	struct bare_options options = { .tcs = 2 + THREADS, .xfrm = bare_xfrm_full() };
	const struct stats_process *stats;

	width = bare_width(options.xfrm);
	bare_open(&b, &options);
	computes_under_a_timer();
	handles_on_its_own_stack();
	vectors_pass_while_handlers_enter();
	threads_interrupt_each_other();
	jumps_away();
	bare_close(&b);
	stats = bare_fresh_stats();
	check(stats->aex > 0 && stats->eresume > 0 && stats->eresume <= stats->aex);
}
