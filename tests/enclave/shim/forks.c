/* SPDX-License-Identifier: Apache-2.0 */
/* A forked child has none of its parent's enclaves, may make its own, and disturbs nothing of the parent's. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bare.h"

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

void bare_test(void)
{
	bare_open(&b, NULL);
	set_value(&b, 42);
	check(ends_by(reads_the_parents) == SIGSEGV);
	for (int i = 0; i < 5; i++)
		check(ends_by(makes_its_own) == SIGKILL);
	check(ends_by(enters_the_parents) == SIGKILL);
	runs_programs();
	check(value_of(&b) == 42);
	set_value(&b, 43);
	check(value_of(&b) == 43);
	bare_close(&b);
	check(bare_stats()->enclaves == 0 && bare_stats()->epc_used == 0);
}
