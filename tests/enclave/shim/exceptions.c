/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exceptions inside: what the vDSO reports, what the SSA frame holds, and that ERESUME goes on from it. Each is
 * repaired by a nested entry that edits the frame, as runtimes do.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bare.h"

static struct bare b;

static const struct sgx_exinfo *exinfo(void)
{
	return (const struct sgx_exinfo *)bare_gpr(&b, 0, 0) - 1;
}

/* From inside, at CSSA 1: set the interrupted RIP. */
static void skip_to(uint64_t rip)
{
	struct bare_request nested = { .op = OP_WRITE, .address = (uint64_t)&bare_gpr(&b, 0, 0)->rip, .value = rip };

	bare_do(&b, 0, &nested);
	check(nested.cssa == 1);
}

struct expected {
	unsigned vector, error_code;
	uint64_t address; /* as reported: a page */
	uint64_t maddr;   /* as EXINFO has it: in full */
	const uint8_t *at;
	unsigned bytes; /* of the instruction */
};

static void raises(struct bare_request *r, const struct expected *x)
{
	struct sgx_enclave_run run;

	check(bare_call(&b, 0, r, &run) == 0 && run.function == ENCLU_ERESUME);
	if (run.exception_vector != x->vector || run.exception_error_code != x->error_code ||
	    run.exception_addr != x->address)
		fprintf(stderr, "vector %u, error code %#x, address %#llx; expected %u, %#x, %#llx\n",
			run.exception_vector, run.exception_error_code, (unsigned long long)run.exception_addr,
			x->vector, x->error_code, (unsigned long long)x->address);
	check(run.exception_vector == x->vector && run.exception_error_code == x->error_code);
	check(run.exception_addr == x->address);
	check(bare_gpr(&b, 0, 0)->rip == bare_address(&b, x->at));
	check(bare_gpr(&b, 0, 0)->exitinfo == (SGX_EXITINFO_VALID | SGX_EXITINFO_TYPE_HW | x->vector));
	check(bare_gpr(&b, 0, 0)->fsbase == bare_thread_page(&b, 0));
	if (x->vector == VECTOR_PF || x->vector == VECTOR_GP)
		check(exinfo()->maddr == x->maddr && exinfo()->errcd == x->error_code);
	skip_to(bare_address(&b, x->at) + x->bytes);
	check(bare_resume(&b, 0, &run) == 0 && run.function == ENCLU_EEXIT);
}

static void read_at(uint64_t address, unsigned vector, unsigned error_code)
{
	struct bare_request r = { .op = OP_READ, .address = address };
	bool pf = vector == VECTOR_PF;

	raises(&r, &(struct expected){ vector, error_code, pf ? address & PAGE_MASK : 0, pf ? address : 0, bare_at_read,
				       3 });
}

static void write_at(uint64_t address, unsigned error_code)
{
	struct bare_request r = { .op = OP_WRITE, .address = address };

	raises(&r, &(struct expected){ VECTOR_PF, error_code, address & PAGE_MASK, address, bare_at_write, 3 });
}

static void instructions(void)
{
	struct bare_request ud = { .op = OP_UD }, de = { .op = OP_DE };

	raises(&ud, &(struct expected){ VECTOR_UD, 0, 0, 0, bare_at_ud, 2 });
	raises(&de, &(struct expected){ VECTOR_DE, 0, 0, 0, bare_at_de, 2 });
	read_at(0x8000000000000123, VECTOR_GP, 0);
}

static void page_faults(void)
{
	uint64_t data = b.base + BARE_DATA, ro = b.base + BARE_READ_ONLY;

	check(mprotect((void *)data, PAGE_SIZE, PROT_READ) == 0);
	struct bare_request fill = { .op = OP_READ, .address = data };
	bare_do(&b, 0, &fill);
	write_at(data + 0x128, PF_PRESENT | PF_WRITE | PF_USER); /* the mapping forbids it */
	check(mprotect((void *)data, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
	read_at(bare_tcs(&b, 0) + 0x48, VECTOR_PF,
		PF_PRESENT | PF_USER | PF_SGX); /* the mapping allows, the EPCM denies */
	write_at(bare_tcs(&b, 0) + 0x48, PF_PRESENT | PF_WRITE | PF_USER | PF_SGX);
	read_at(0x1238, VECTOR_PF, PF_USER);          /* nothing there, outside */
	read_at(b.base + 0x4010, VECTOR_PF, PF_USER); /* a hole in ELRANGE */
	check(mmap((void *)ro, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, b.fd, 0) == MAP_FAILED);
	check(errno == EACCES);
}

/* Leaves that this processor does not have, and entries from inside: #GP. */
static void leaves(void)
{
	static const uint64_t leaf[] = { ENCLU_EENTER, ENCLU_ERESUME, 0x42, 0xffffffff };

	for (size_t i = 0; i < ARRAY_SIZE(leaf); i++) {
		struct bare_request r = { .op = OP_LEAF, .value = leaf[i] };

		raises(&r, &(struct expected){ VECTOR_GP, 0, 0, 0, bare_at_leaf, 3 });
	}
}

/* --- #BP is no business of the vDSO's --- */

static struct {
	int sig, code, count;
	uint64_t rip, rax, rbx, rcx;
} trap;

static void on_trap(int sig, siginfo_t *info, void *context)
{
	const greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	trap.sig = sig;
	trap.code = info->si_code;
	trap.rip = (uint64_t)r[REG_RIP];
	trap.rax = (uint64_t)r[REG_RAX];
	trap.rbx = (uint64_t)r[REG_RBX];
	trap.count++;
}

static void breakpoint(void)
{
	struct sigaction sa = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO }, old;
	struct bare_request r = { .op = OP_BP };
	struct sgx_enclave_run run;

	check(sigaction(SIGTRAP, &sa, &old) == 0);
	/* The handler returns to the AEP, where the vDSO resumes: the call succeeds. */
	check(bare_call(&b, 0, &r, &run) == 0 && run.function == ENCLU_EEXIT);
	check(trap.count == 1 && trap.sig == SIGTRAP && trap.code == SI_KERNEL);
	check(memcmp((const void *)trap.rip, "\x0f\x01\xd7", 3) == 0);
	check(trap.rax == ENCLU_ERESUME && trap.rbx == bare_tcs(&b, 0));
	check(bare_gpr(&b, 0, 0)->exitinfo == (SGX_EXITINFO_VALID | SGX_EXITINFO_TYPE_SW | VECTOR_BP));
	check(bare_gpr(&b, 0, 0)->rip == bare_address(&b, bare_at_bp) + 1);
	check(sigaction(SIGTRAP, &old, NULL) == 0);
}

void bare_test(void)
{
	struct bare_options options = { .exinfo = true };

	bare_open(&b, &options);
	instructions();
	page_faults();
	leaves();
	breakpoint();
	bare_close(&b);
}
