/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hosts without the vDSO: an ENCLU and an AEP of their own. Exceptions come as signals at the AEP; the handler enters
 * the enclave again to have it repaired, and returns to the AEP, where ERESUME goes on.
 */
#include <string.h>

#include "bare.h"

static struct bare b;
static uint64_t skip_to; /* 0: give up */

static struct {
	int count, sig, code;
	uint64_t address, rip, rax, rbx, rcx, rdx, r8, trapno, err, cr2;
	bool nested_ok;
} seen;

static int enter(struct bare_request *r)
{
	static __thread struct bare_regs in, out;

	in.rdi = (uint64_t)r;
	r->width = 16;
	return bare_raw(&in, &out, bare_tcs(&b, 0), ENCLU_EENTER, 16);
}

static void note(int sig, const siginfo_t *info, const greg_t *r)
{
	seen.count++;
	seen.sig = sig;
	seen.code = info->si_code;
	seen.address = (uint64_t)info->si_addr;
	seen.rip = (uint64_t)r[REG_RIP];
	seen.rax = (uint64_t)r[REG_RAX];
	seen.rbx = (uint64_t)r[REG_RBX];
	seen.rcx = (uint64_t)r[REG_RCX];
	seen.rdx = (uint64_t)r[REG_RDX];
	seen.r8 = (uint64_t)r[REG_R8];
	seen.trapno = (uint64_t)r[REG_TRAPNO];
	seen.err = (uint64_t)r[REG_ERR];
	seen.cr2 = (uint64_t)r[REG_CR2];
}

static void on_exception(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
	struct bare_request repair = { .op = OP_WRITE,
				       .address = (uint64_t)&bare_gpr(&b, 0, 0)->rip,
				       .value = skip_to };

	note(sig, info, r);
	if (!skip_to) {
		r[REG_RIP] = (greg_t)bare_raw_fixup;
		return;
	}
	seen.nested_ok = enter(&repair) == 0 && repair.cssa == 1;
}

static void raises(struct bare_request *r, int sig, int code, uint64_t trapno, uint64_t err, uint64_t address,
		   uint64_t next)
{
	memset(&seen, 0, sizeof(seen));
	skip_to = next;
	check(enter(r) == 0);
	check(seen.count == 1 && seen.nested_ok && seen.sig == sig && seen.code == code);
	check(seen.rip == (uint64_t)bare_raw_aep && seen.rax == ENCLU_ERESUME && seen.rbx == bare_tcs(&b, 0));
	check(seen.rcx == (uint64_t)bare_raw_aep && seen.rdx == 0 && seen.r8 == 0);
	check(seen.trapno == trapno && seen.err == err);
	if (trapno == VECTOR_PF)
		check(seen.address == address && seen.cr2 == address);
}

static void exceptions(void)
{
	struct bare_request ud = { .op = OP_UD }, de = { .op = OP_DE };
	struct bare_request gp = { .op = OP_READ, .address = 0x8000000000000000 };
	struct bare_request pf = { .op = OP_WRITE, .address = b.base + BARE_READ_ONLY + 0x77 };
	struct bare_request epcm = { .op = OP_READ, .address = bare_tcs(&b, 0) + 8 };

	raises(&ud, SIGILL, ILL_ILLOPN, VECTOR_UD, 0, 0, bare_address(&b, bare_at_ud) + 2);
	raises(&de, SIGFPE, FPE_INTDIV, VECTOR_DE, 0, 0, bare_address(&b, bare_at_de) + 2);
	raises(&gp, SIGSEGV, SI_KERNEL, VECTOR_GP, 0, 0, bare_address(&b, bare_at_read) + 3);
	raises(&epcm, SIGSEGV, SEGV_ACCERR, VECTOR_PF, PF_USER | PF_PRESENT | PF_SGX, bare_tcs(&b, 0),
	       bare_address(&b, bare_at_read) + 3);
	/* Present, so that the hardware itself says that writing is forbidden. */
	struct bare_request touch = { .op = OP_READ, .address = pf.address };
	check(enter(&touch) == 0);
	raises(&pf, SIGSEGV, SEGV_ACCERR, VECTOR_PF, PF_USER | PF_PRESENT | PF_WRITE, b.base + BARE_READ_ONLY,
	       bare_address(&b, bare_at_write) + 3);
}

/* The entry itself fails: at its own ENCLU, with the leaf still in RAX. */
static void failing_entries(void)
{
	static struct bare_regs in, out;

	memset(&seen, 0, sizeof(seen));
	skip_to = 0;
	check(bare_raw(&in, &out, bare_tcs(&b, 0) + 16, ENCLU_EENTER, 16) == -14);
	check(seen.count == 1 && seen.sig == SIGSEGV && seen.trapno == VECTOR_GP && seen.code == SI_KERNEL);
	check(seen.rip == (uint64_t)bare_raw_enclu && seen.rax == ENCLU_EENTER);
	check(bare_raw(&in, &out, b.base + BARE_DATA, ENCLU_EENTER, 16) == -14);
	check(seen.count == 2 && seen.trapno == VECTOR_PF && seen.address == b.base + BARE_DATA);
	check(seen.err == (PF_USER | PF_PRESENT | PF_SGX) && seen.rip == (uint64_t)bare_raw_enclu);
	/* A leaf that is not to be had outside. */
	check(bare_raw(&in, &out, bare_tcs(&b, 0), ENCLU_EEXIT, 16) == -14);
	check(seen.count == 3 && seen.trapno == VECTOR_GP);
}

/* An ordinary UD2 and an ordinary fault stay what they are. */
static void ordinary_exceptions(void)
{
	memset(&seen, 0, sizeof(seen));
	skip_to = 0;
	__asm__ volatile("lea 1f(%%rip), %%rax\n\tpush %%rbp\n\tud2\n1:\tpop %%rbp" : : : "rax", "memory");
}

static void on_ud2(int sig, siginfo_t *info, void *context)
{
	greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;

	note(sig, info, r);
	r[REG_RIP] += 2;
}

void bare_test(void)
{
	static const int signals[] = { SIGILL, SIGFPE, SIGSEGV, SIGBUS, SIGTRAP };
	struct sigaction sa = { .sa_sigaction = on_exception, .sa_flags = SA_SIGINFO | SA_NODEFER };

	bare_open(&b, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		check(sigaction(signals[i], &sa, NULL) == 0);
	exceptions();
	failing_entries();
	sa.sa_sigaction = on_ud2;
	check(sigaction(SIGILL, &sa, NULL) == 0);
	ordinary_exceptions();
	check(seen.count == 1 && seen.sig == SIGILL && seen.trapno == VECTOR_UD);
	bare_close(&b);
}
