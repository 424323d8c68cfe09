/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/enclave/kit/toy.h"

#include <asm/prctl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch/errors.h"
#include "kit/host/host.h"

#define ENCLU "\x0f\x01\xd7"
#define ENCLU_BYTES 3
#define FLAG_DF (1U << 10)
#define FLAG_AC (1U << 18)

static struct toy *running;

static const int order[16] = { REG_RAX, REG_RBX, REG_RCX, REG_RDX, REG_RSI, REG_RDI, REG_RBP, REG_RSP,
			       REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

static void note_registers(const ucontext_t *uc, struct toy_registers *r)
{
	for (unsigned i = 0; i < 16; i++)
		r->gpr[i] = (uint64_t)uc->uc_mcontext.gregs[order[i]];
	r->rflags = (uint64_t)uc->uc_mcontext.gregs[REG_EFL];
	r->mxcsr = uc->uc_mcontext.fpregs->mxcsr;
	r->fcw = uc->uc_mcontext.fpregs->cwd;
	memcpy(r->xmm, uc->uc_mcontext.fpregs->_xmm, sizeof(r->xmm));
}

/* The kernel writes flags and vector registers back from the frame. XSTATE_BV must say that they are there. */
static void surprise(ucontext_t *uc)
{
	uint64_t *xstate_bv = (uint64_t *)((uint8_t *)uc->uc_mcontext.fpregs + 512);

	uc->uc_mcontext.gregs[REG_EFL] |= FLAG_DF | FLAG_AC;
	uc->uc_mcontext.fpregs->mxcsr = 0x7f80; /* round towards zero */
	uc->uc_mcontext.fpregs->cwd = 0x0c7f;
	memset(uc->uc_mcontext.fpregs->_xmm, 0xa5, 16 * 16);
	*xstate_bv |= SGX_XFRM_LEGACY;
}

static struct sgx_gprsgx *ssa_gpr(const struct toy *toy, uint32_t frame)
{
	const struct sgx_tcs *tcs = (const struct sgx_tcs *)toy_tcs(toy);

	return (struct sgx_gprsgx *)(toy->base + tcs->ossa + (frame + 1) * PAGE_SIZE) - 1;
}

static void set_gs(uint64_t base)
{
	syscall(SYS_arch_prctl, ARCH_SET_GS, base);
}

static void eenter(struct toy *toy, ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	const struct sgx_tcs *tcs = (const struct sgx_tcs *)g[REG_RBX];
	struct sgx_gprsgx *ssa = ssa_gpr(toy, toy->cssa);

	if (toy->cssa >= tcs->nssa)
		abort();
	note_registers(uc, &toy->enter);
	ssa->ursp = (uint64_t)g[REG_RSP];
	ssa->urbp = (uint64_t)g[REG_RBP];
	if (toy->hostile)
		surprise(uc);
	g[REG_RAX] = toy->cssa;
	g[REG_RCX] = g[REG_RIP] + ENCLU_BYTES;
	g[REG_RIP] = (greg_t)(toy->base + tcs->oentry);
	set_gs(toy->base + tcs->ogsbase);
	toy->enters++;
}

static void go_to_aep(const struct toy *toy, ucontext_t *uc, enum sgx_enclu_leaf leaf)
{
	uc->uc_mcontext.gregs[REG_RAX] = leaf;
	uc->uc_mcontext.gregs[REG_RBX] = (greg_t)toy_tcs(toy);
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)kit_raw_aep;
}

static void eexit(struct toy *toy, ucontext_t *uc)
{
	uc->uc_mcontext.gregs[REG_RIP] = uc->uc_mcontext.gregs[REG_RBX];
	note_registers(uc, &toy->leave);
	set_gs(0);
	toy->exits++;
	if (toy->cssa == 0)
		return;
	/* The enclave has looked at an exception; here the host decides what it asks for. */
	if (uc->uc_mcontext.gregs[REG_RDI] == KIT_EXIT_RESUME)
		go_to_aep(toy, uc, ENCLU_ERESUME);
	else
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)kit_raw_fixup;
}

static void eresume(struct toy *toy, ucontext_t *uc)
{
	greg_t *g = uc->uc_mcontext.gregs;
	struct sgx_gprsgx *ssa;

	if (toy->cssa == 0)
		abort();
	ssa = ssa_gpr(toy, --toy->cssa);
	/* Only what the tests look at: a real processor restores everything. */
	g[REG_RSP] = (greg_t)ssa->rsp;
	g[REG_RBP] = (greg_t)ssa->rbp;
	g[REG_RBX] = (greg_t)ssa->rbx;
	g[REG_R12] = (greg_t)ssa->r12;
	g[REG_R13] = (greg_t)ssa->r13;
	g[REG_R14] = (greg_t)ssa->r14;
	g[REG_R15] = (greg_t)ssa->r15;
	g[REG_RIP] = (greg_t)ssa->rip;
	set_gs(toy->base + ((const struct sgx_tcs *)toy_tcs(toy))->ogsbase);
	toy->resumes++;
}

static void aex(struct toy *toy, ucontext_t *uc, unsigned vector)
{
	greg_t *g = uc->uc_mcontext.gregs;
	struct sgx_gprsgx *ssa = ssa_gpr(toy, toy->cssa++);

	ssa->rsp = (uint64_t)g[REG_RSP];
	ssa->rbp = (uint64_t)g[REG_RBP];
	ssa->rbx = (uint64_t)g[REG_RBX];
	ssa->r12 = (uint64_t)g[REG_R12];
	ssa->r13 = (uint64_t)g[REG_R13];
	ssa->r14 = (uint64_t)g[REG_R14];
	ssa->r15 = (uint64_t)g[REG_R15];
	ssa->rip = (uint64_t)g[REG_RIP];
	ssa->exitinfo = SGX_EXITINFO_VALID | SGX_EXITINFO_TYPE_HW | vector;
	for (unsigned i = 0; i < 16; i++)
		g[order[i]] = 0;
	g[REG_RSP] = (greg_t)ssa->ursp;
	g[REG_RBP] = (greg_t)ssa->urbp;
	go_to_aep(toy, uc, ENCLU_EENTER);
	set_gs(0);
	toy->exceptions++;
}

static void on_exception(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	bool inside = rip - running->base < running->image->size;

	(void)info;
	if (signo == SIGFPE || memcmp((const void *)rip, ENCLU, ENCLU_BYTES) != 0) {
		if (!inside || signo == SIGSEGV)
			abort();
		aex(running, uc, signo == SIGFPE ? VECTOR_DE : VECTOR_UD);
		return;
	}
	switch (uc->uc_mcontext.gregs[REG_RAX]) {
	case ENCLU_EENTER:
		eenter(running, uc);
		break;
	case ENCLU_ERESUME:
		eresume(running, uc);
		break;
	case ENCLU_EEXIT:
		eexit(running, uc);
		break;
	default:
		abort();
	}
}

static void load(struct toy *toy)
{
	const struct kit_image *image = toy->image;
	void *at = mmap(NULL, image->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		abort();
	toy->base = (uint64_t)at;
	for (size_t i = 0; i < image->run_count; i++) {
		const struct kit_run *run = &image->runs[i];
		void *start = (void *)(toy->base + run->offset);
		uint64_t bytes = run->pages * PAGE_SIZE;

		if (mprotect(start, bytes, PROT_READ | PROT_WRITE) != 0)
			abort();
		if (run->contents)
			memcpy(start, run->contents, bytes);
		if (run->secinfo_flags & SGX_SECINFO_X && mprotect(start, bytes, PROT_READ | PROT_EXEC) != 0)
			abort();
	}
}

void toy_start(struct toy *toy, const struct kit_image *image)
{
	static uint8_t alternate[64 << 10];
	stack_t stack = { .ss_sp = alternate, .ss_size = sizeof(alternate) };

	*toy = (struct toy){ .image = image };
	load(toy);
	running = toy;
	sigaltstack(&stack, NULL);
}

void toy_stop(struct toy *toy)
{
	munmap((void *)toy->base, toy->image->size);
	running = NULL;
}

uint64_t toy_tcs(const struct toy *toy)
{
	return toy->base + kit_image_tcs(toy->image, 0);
}

int toy_enter(struct toy *toy, struct kit_call *call, struct kit_raw_exit *exit)
{
	/* Where the processor knows SGX but may not use it, ENCLU is #GP and not #UD. */
	static const int signals[] = { SIGILL, SIGFPE, SIGSEGV };
	struct sigaction sa = { .sa_sigaction = on_exception, .sa_flags = SA_SIGINFO | SA_ONSTACK }, old[3];
	int ret;

	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &sa, &old[i]);
	ret = kit_enter_raw(toy_tcs(toy), (uint64_t)call, exit);
	for (unsigned i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &old[i], NULL);
	return ret;
}
