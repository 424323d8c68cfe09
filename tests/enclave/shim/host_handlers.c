/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program's own signals, once an SGX device is open: everything POSIX and Linux promise about handlers, masks,
 * alternate stacks and deaths still holds, for threads that were there before and for new ones.
 */
#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "bare.h"

static sigjmp_buf back;
static volatile sig_atomic_t count, last, depth;
/* Volatile: raise() and the like are declared never to call back. */
static volatile siginfo_t info_seen;
static volatile uint64_t stack_seen;
static uint8_t altstack[65536] __attribute__((aligned(16)));
static volatile int *volatile nowhere = (volatile int *)0x10;

static bool blocked(int sig)
{
	sigset_t set;

	check(sigprocmask(SIG_BLOCK, NULL, &set) == 0);
	return sigismember(&set, sig);
}

static void handle(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction sa = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags };

	count = 0;
	check(sigaction(sig, &sa, NULL) == 0);
}

static void mask(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, sig);
	check(sigprocmask(how, &set, NULL) == 0);
}

/* --- handlers --- */

static void counting(int sig, siginfo_t *info, void *context)
{
	count++;
	last = sig;
	info_seen = *info;
	stack_seen = (uint64_t)__builtin_frame_address(0);
}

static void jumping(int sig, siginfo_t *info, void *context)
{
	counting(sig, info, context);
	siglongjmp(back, 1);
}

static void skipping(int sig, siginfo_t *info, void *context)
{
	counting(sig, info, context);
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
}

static void jumps_out_again_and_again(void)
{
	handle(SIGSEGV, jumping, 0);
	for (volatile int i = 0; i < 200; i++) {
		if (sigsetjmp(back, 1) == 0)
			*nowhere = 1;
		check(count == i + 1 && info_seen.si_addr == nowhere && info_seen.si_code == SEGV_MAPERR);
		check(!blocked(SIGSEGV));
	}
}

static void changes_the_context(void)
{
	handle(SIGILL, skipping, 0);
	__asm__ volatile("ud2");
	check(count == 1 && last == SIGILL && info_seen.si_code > 0);
}

static uint64_t ud2_address;
static volatile sig_atomic_t unwound;

static void looking_back(int sig, siginfo_t *info, void *context)
{
	void *frame[64];
	int n = backtrace(frame, ARRAY_SIZE(frame));

	for (int i = 0; i < n; i++)
		unwound |= (uint64_t)frame[i] == ud2_address;
	skipping(sig, info, context);
}

/* Unwinders know the frame that a handler runs on. */
static void unwinds(void)
{
	handle(SIGILL, looking_back, 0);
	__asm__ volatile("lea 1f(%%rip), %%rax\n\tmov %%rax, %0\n1:\tud2" : "=m"(ud2_address) : : "rax");
	check(count == 1 && unwound);
}

/* --- masks --- */

static volatile sig_atomic_t usr1_blocked, usr2_blocked, segv_blocked;

static void looking_at_masks(int sig, siginfo_t *info, void *context)
{
	usr1_blocked = blocked(SIGUSR1);
	usr2_blocked = blocked(SIGUSR2);
	segv_blocked = blocked(SIGSEGV);
	count++;
}

static void masks_in_handlers(void)
{
	struct sigaction sa = { .sa_sigaction = looking_at_masks, .sa_flags = SA_SIGINFO }, old;

	sigemptyset(&sa.sa_mask);
	sigaddset(&sa.sa_mask, SIGUSR2);
	sigaddset(&sa.sa_mask, SIGSEGV);
	count = 0;
	check(sigaction(SIGUSR1, &sa, NULL) == 0 && raise(SIGUSR1) == 0);
	check(count == 1 && usr1_blocked && usr2_blocked && segv_blocked);
	check(!blocked(SIGUSR1) && !blocked(SIGUSR2) && !blocked(SIGSEGV));
	check(sigaction(SIGUSR1, NULL, &old) == 0 && old.sa_sigaction == looking_at_masks);
	check(old.sa_flags == SA_SIGINFO && sigismember(&old.sa_mask, SIGSEGV) && !sigismember(&old.sa_mask, SIGILL));
	handle(SIGUSR1, looking_at_masks, SA_NODEFER);
	check(raise(SIGUSR1) == 0 && !usr1_blocked && !usr2_blocked && !segv_blocked);
}

static void blocked_signals_wait(void)
{
	static const int signals[] = { SIGSEGV, SIGILL, SIGBUS, SIGFPE, SIGTRAP, SIGUSR1, SIGTERM };

	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		sigset_t waiting;

		handle(signals[i], counting, 0);
		mask(SIG_BLOCK, signals[i]);
		check(blocked(signals[i]) && kill(getpid(), signals[i]) == 0 && count == 0);
		check(sigpending(&waiting) == 0 && sigismember(&waiting, signals[i]));
		mask(SIG_UNBLOCK, signals[i]);
		check(count == 1 && last == signals[i] && info_seen.si_pid == getpid() && !blocked(signals[i]));
	}
}

static void queued_values_arrive(void)
{
	handle(SIGRTMIN + 1, counting, 0);
	check(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 4711 }) == 0);
	check(count == 1 && info_seen.si_value.sival_int == 4711 && info_seen.si_code == SI_QUEUE);
}

static void nested(int sig, siginfo_t *info, void *context)
{
	if (++depth < 3)
		raise(sig);
	depth--;
	count++;
}

static void nests_with_nodefer(void)
{
	handle(SIGUSR2, nested, SA_NODEFER);
	check(raise(SIGUSR2) == 0 && count == 3);
	handle(SIGSEGV, nested, SA_NODEFER);
	check(raise(SIGSEGV) == 0 && count == 3);
}

/* --- dispositions --- */

static void plain(int sig)
{
	count++;
	last = sig;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void old_interfaces(void)
{
	check(signal(SIGUSR1, plain) != SIG_ERR && signal(SIGUSR1, plain) == plain);
	count = 0;
	check(raise(SIGUSR1) == 0 && count == 1 && raise(SIGUSR1) == 0 && count == 2);
	check(signal(SIGUSR1, SIG_IGN) == plain && raise(SIGUSR1) == 0 && count == 2);
	check(signal(0, plain) == SIG_ERR && errno == EINVAL && signal(SIGKILL, plain) == SIG_ERR);
	check(sigset(SIGUSR1, plain) == SIG_IGN && sigset(SIGUSR1, SIG_HOLD) == plain && blocked(SIGUSR1));
	check(sigset(SIGUSR1, SIG_DFL) == SIG_HOLD && !blocked(SIGUSR1));

	struct sigaction now;
	check(siginterrupt(SIGUSR1, 1) == 0 && signal(SIGUSR1, plain) == SIG_DFL);
	check(sigaction(SIGUSR1, NULL, &now) == 0 && !(now.sa_flags & SA_RESTART));
	check(siginterrupt(SIGUSR1, 0) == 0 && sigaction(SIGUSR1, NULL, &now) == 0 && now.sa_flags & SA_RESTART);
	check(signal(SIGUSR1, SIG_DFL) == plain && siginterrupt(0, 1) < 0 && errno == EINVAL);
}
#pragma GCC diagnostic pop

/* --- deaths --- */

static void faults(void)
{
	*nowhere = 1;
}

static void faults_by_default(void)
{
	signal(SIGSEGV, SIG_DFL);
	*nowhere = 1;
}

static void faults_ignored(void)
{
	signal(SIGSEGV, SIG_IGN);
	*nowhere = 1;
}

static void faults_blocked(void)
{
	handle(SIGSEGV, counting, 0);
	mask(SIG_BLOCK, SIGSEGV);
	*nowhere = 1;
}

static void faulting(int sig, siginfo_t *info, void *context)
{
	*nowhere = 1;
}

static void faults_in_the_handler(void)
{
	handle(SIGSEGV, faulting, 0);
	*nowhere = 1;
}

static void faults_after_reset(void)
{
	handle(SIGILL, skipping, (int)SA_RESETHAND);
	__asm__ volatile("ud2");
	check(count == 1);
	__asm__ volatile("ud2");
}

static void traps(void)
{
	signal(SIGTRAP, SIG_DFL);
	__asm__ volatile("int3");
}

static void is_killed(void)
{
	signal(SIGBUS, SIG_DFL);
	kill(getpid(), SIGBUS);
	pause();
}

static void aborts(void)
{
	abort();
}

static uint64_t go_deep(volatile uint8_t *caller, uint64_t left)
{
	volatile uint8_t page[8192];

	page[0] = caller[0];
	return left ? go_deep(page, left - 1) + page[0] : 0;
}

static void overflows_its_stack(void)
{
	volatile uint8_t here = 1;

	go_deep(&here, UINT64_MAX);
}

static void overflows_its_altstack(void)
{
	stack_t small = { .ss_sp = altstack, .ss_size = 2048 };

	check(sigaltstack(&small, NULL) == 0);
	handle(SIGUSR1, counting, SA_ONSTACK);
	raise(SIGUSR1);
}

static void deaths_are_right(void)
{
	check(ends_by(faults_by_default) == SIGSEGV);
	check(ends_by(faults_ignored) == SIGSEGV);
	check(ends_by(faults_blocked) == SIGSEGV);
	check(ends_by(faults_in_the_handler) == SIGSEGV);
	check(ends_by(faults_after_reset) == SIGILL);
	check(ends_by(traps) == SIGTRAP);
	check(ends_by(is_killed) == SIGBUS);
	check(ends_by(aborts) == SIGABRT);
	signal(SIGSEGV, SIG_DFL);
	check(ends_by(overflows_its_stack) == SIGSEGV);
	check(ends_by(faults) == SIGSEGV);
	/* A frame with AVX-512 state does not fit in 2 KiB. */
	if (bare_width(bare_xfrm_full()) == 64)
		check(ends_by(overflows_its_altstack) == SIGSEGV);
}

/* --- alternate stacks --- */

static volatile sig_atomic_t flags_inside, error_inside;

static void on_altstack(int sig, siginfo_t *info, void *context)
{
	stack_t old, other = { .ss_sp = altstack, .ss_size = 32768 };

	counting(sig, info, context);
	flags_inside = sigaltstack(NULL, &old) == 0 ? old.ss_flags : -1;
	error_inside = sigaltstack(&other, NULL) < 0 ? errno : 0;
}

static void alternate_stacks(void)
{
	stack_t ss = { .ss_sp = altstack, .ss_size = sizeof(altstack) }, old, none = { .ss_flags = SS_DISABLE };
	stack_t small = { .ss_sp = altstack, .ss_size = 1024 }, odd = { .ss_sp = altstack, .ss_flags = 0x40 };

	check(sigaltstack(NULL, &old) == 0 && old.ss_flags == SS_DISABLE);
	check(sigaltstack(&small, NULL) < 0 && errno == ENOMEM && sigaltstack(&odd, NULL) < 0 && errno == EINVAL);
	check(sigaltstack(&ss, &old) == 0 && old.ss_flags == SS_DISABLE);
	check(sigaltstack(NULL, &old) == 0 && old.ss_sp == altstack && old.ss_size == sizeof(altstack) &&
	      !old.ss_flags);
	handle(SIGUSR1, on_altstack, SA_ONSTACK);
	raise(SIGUSR1);
	check(count == 1 && stack_seen - (uint64_t)altstack < sizeof(altstack));
	check(flags_inside == SS_ONSTACK && error_inside == EPERM);
	handle(SIGUSR1, counting, 0);
	raise(SIGUSR1);
	check(stack_seen - (uint64_t)altstack >= sizeof(altstack));
	handle(SIGSEGV, jumping, SA_ONSTACK);
	for (volatile int i = 0; i < 50; i++) {
		if (sigsetjmp(back, 1) == 0)
			*nowhere = 1;
		check(stack_seen - (uint64_t)altstack < sizeof(altstack));
	}
	check(sigaltstack(&none, NULL) == 0);
}

/* --- what a handler does to registers is its own business --- */

static void clobbering(int sig, siginfo_t *info, void *context)
{
	__asm__ volatile("fninit\n\tvzeroall\n\tfld1" : : : "xmm0", "xmm1", "memory");
	count++;
}

static void extended_state_survives(void)
{
	double x = 1.25, y;
	uint64_t a[4] = { 1, 2, 3, 4 }, z[4];

	if (bare_width(bare_xfrm_full()) < 32)
		return;
	handle(SIGUSR1, clobbering, 0);
	__asm__ volatile("vmovups %[a], %%ymm7\n\tfldl %[x]\n\t"
			 "mov %[pid], %%edi\n\tmov %[sig], %%esi\n\tmov %[kill], %%eax\n\tsyscall\n\t"
			 "vmovups %%ymm7, %[z]\n\tfstpl %[y]"
			 : [z] "=m"(z), [y] "=m"(y)
			 : [a] "m"(a), [x] "m"(x), [pid] "r"(getpid()), [sig] "i"(SIGUSR1), [kill] "i"(SYS_kill)
			 : "rax", "rcx", "r11", "rdi", "rsi", "xmm7", "memory");
	check(count == 1 && memcmp(a, z, sizeof(a)) == 0 && x == y);
}

/* --- threads --- */

static sem_t go, came;
static volatile sig_atomic_t thread_count;

static void in_thread(int sig, siginfo_t *info, void *context)
{
	thread_count++;
	sem_post(&came);
}

static void *early_thread(void *arg)
{
	sigjmp_buf *here = &back;

	while (sem_wait(&go) < 0)
		;
	if (sigsetjmp(*here, 1) == 0)
		*nowhere = 1;
	return (void *)(uintptr_t)count;
}

static void *waiting_thread(void *arg)
{
	sem_post(&came);
	for (;;)
		pause();
	return NULL;
}

static void *brief_thread(void *arg)
{
	return arg;
}

static void threads(pthread_t early)
{
	pthread_t late;
	void *result;

	handle(SIGUSR1, in_thread, 0);
	/* One that has no context of ours yet. */
	check(pthread_kill(early, SIGUSR1) == 0);
	sem_wait(&came);
	handle(SIGSEGV, jumping, 0);
	sem_post(&go);
	check(pthread_join(early, &result) == 0 && (uintptr_t)result == 1);

	check(pthread_create(&late, NULL, waiting_thread, NULL) == 0);
	sem_wait(&came);
	check(pthread_kill(late, SIGUSR1) == 0);
	sem_wait(&came);
	check(thread_count == 2);
	check(pthread_cancel(late) == 0 && pthread_join(late, &result) == 0 && result == PTHREAD_CANCELED);
	for (int i = 0; i < 3000; i++) { /* contexts are given back */
		check(pthread_create(&late, NULL, brief_thread, NULL) == 0);
		check(pthread_join(late, NULL) == 0);
	}
}

void bare_test(void)
{
	struct sigaction before = { .sa_handler = plain, .sa_flags = SA_RESTART }, after;
	pthread_t early;
	struct bare b;

	sem_init(&go, 0, 0);
	sem_init(&came, 0, 0);
	check(pthread_create(&early, NULL, early_thread, NULL) == 0);
	check(sigaction(SIGWINCH, &before, NULL) == 0);
	mask(SIG_BLOCK, SIGBUS);
	bare_open(&b, NULL);

	/* What was there is taken over. */
	check(sigaction(SIGWINCH, NULL, &after) == 0 && after.sa_handler == plain && after.sa_flags & SA_RESTART);
	count = 0;
	check(raise(SIGWINCH) == 0 && count == 1 && blocked(SIGBUS));
	mask(SIG_UNBLOCK, SIGBUS);
	check(!blocked(SIGBUS));
	threads(early);
	jumps_out_again_and_again();
	changes_the_context();
	unwinds();
	masks_in_handlers();
	blocked_signals_wait();
	queued_values_arrive();
	nests_with_nodefer();
	old_interfaces();
	alternate_stacks();
	extended_state_survives();
	deaths_are_right();
	bare_close(&b);
}
