/* SPDX-License-Identifier: Apache-2.0 */
/* A forked child has none of its parent's enclaves, may make its own, and disturbs nothing of the parent's. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"
#include "tests/testing.h"

static struct bare b;

static uint64_t value_of(const struct bare *e)
{
	struct bare_request r = { .op = OP_READ, .address = e->base + BARE_DATA };

	bare_do(e, 0, &r);
	return r.value;
}

static void set_value(const struct bare *e, uint64_t value)
{
	struct bare_request r = { .op = OP_WRITE, .address = e->base + BARE_DATA, .value = value };

	bare_do(e, 0, &r);
}

static void reads_the_parents(void)
{
	signal(SIGSEGV, SIG_DFL);
	(void)*(volatile uint64_t *)(b.base + BARE_DATA);
}

static void makes_its_own(void)
{
	struct bare own;
	struct sgx_enclave_create arg = { 0 };

	check(ioctl(b.fd, SGX_IOC_ENCLAVE_CREATE, &arg) < 0 && errno == ENOTTY);
	bare_open(&own, NULL);
	set_value(&own, 3);
	check(value_of(&own) == 3);
	bare_close(&own);
	check(ends_by(reads_the_parents) == SIGSEGV);
	kill(getpid(), SIGKILL); /* to be told from a failed check */
}

static void enters_the_parents(void)
{
	struct bare_request r = { .op = OP_READ, .address = b.base + BARE_DATA };
	struct sgx_enclave_run run;
	struct bare own;

	/* So that there is a machine, and its enclave not by chance where the parent's is. */
	check(mmap((void *)b.base, b.size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	      (void *)b.base);
	bare_open(&own, NULL);
	check(bare_call(&b, 0, &r, &run) == 0 && run.function == ENCLU_EENTER && run.exception_vector == VECTOR_PF);
	kill(getpid(), SIGKILL);
}

static void runs_programs(void)
{
	check(system("exit 3") == 3 << 8);
}

/*
 * What runtimes do between vfork() and exec: handlers back to default, masks as the program is to have them. The
 * parent, whose memory it is, keeps its own.
 */
static volatile sig_atomic_t handled;

static void handler(int sig)
{
	handled++;
}

static void resets_signals(void)
{
	static const int signals[] = { SIGUSR1, SIGSEGV };
	struct sigaction dfl = { .sa_handler = SIG_DFL }, now;
	sigset_t all;

	sigfillset(&all);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
		if (sigaction(signals[i], NULL, &now) || now.sa_handler != handler)
			_exit(1);
		if (sigaction(signals[i], &dfl, NULL) || sigaction(signals[i], NULL, &now) || now.sa_handler != SIG_DFL)
			_exit(2);
	}
	if (pthread_sigmask(SIG_SETMASK, &all, NULL))
		_exit(3);
	execlp("grep", "grep", "-q", "^SigBlk:.fffffffe7ffbfeff", "/proc/self/status", NULL);
	_exit(4);
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static void vforks(void)
{
	sigset_t now;
	int status;

	check(signal(SIGUSR1, handler) != SIG_ERR && signal(SIGSEGV, handler) != SIG_ERR);
	pid_t pid = vfork();
	if (pid == 0)
		resets_signals();
	check(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	check(raise(SIGUSR1) == 0 && raise(SIGSEGV) == 0 && handled == 2);
	check(sigprocmask(SIG_BLOCK, NULL, &now) == 0 && sigisemptyset(&now));
	check(signal(SIGSEGV, SIG_DFL) == handler);
}
#pragma GCC diagnostic pop

/* Whatever the other threads are in the middle of when one forks, the child is not stuck with it. */
static _Atomic bool stop;

static void *nothing(void *arg)
{
	return arg;
}

static void *opens_and_creates(void *arg)
{
	while (!stop) {
		pthread_t t;

		close(open("/dev/sgx_enclave", O_RDWR));
		if (pthread_create(&t, NULL, nothing, NULL) == 0)
			pthread_join(t, NULL);
	}
	return NULL;
}

static void opens_in_child(void)
{
	pthread_t t;
	int fd;

	alarm(20);
	fd = open("/dev/sgx_enclave", O_RDWR);
	check(fd >= 0 && close(fd) == 0 && pthread_create(&t, NULL, nothing, NULL) == 0);
}

static void forks_among_threads(void)
{
	pthread_t t[3];

	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		check(pthread_create(&t[i], NULL, opens_and_creates, NULL) == 0);
	for (uint64_t i = 0; i < test_scaled(300, 10); i++)
		check(ends_by(opens_in_child) == 0);
	stop = true;
	for (size_t i = 0; i < ARRAY_SIZE(t); i++)
		pthread_join(t[i], NULL);
}

void bare_test(void)
{
	bare_open(&b, NULL);
	set_value(&b, 42);
	check(ends_by(reads_the_parents) == SIGSEGV);
	for (int i = 0; i < 5; i++)
		check(ends_by(makes_its_own) == SIGKILL);
	check(ends_by(enters_the_parents) == SIGKILL);
	runs_programs();
	vforks();
	forks_among_threads();
	check(value_of(&b) == 42);
	set_value(&b, 43);
	check(value_of(&b) == 43);
	bare_close(&b);
	check(bare_stats()->enclaves == 0 && bare_stats()->epc_used == 0);
}
