/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/exception.h"

#include "shim/redeliver.h"
#include "shim/state.h"

struct exception exception_of_signal(int sig, const siginfo_t *info, const ucontext_t *uc)
{
	const greg_t *r = uc->uc_mcontext.gregs;

	return (struct exception){
		.vector = (unsigned)r[REG_TRAPNO],
		.error_code = (uint32_t)r[REG_ERR],
		.address = r[REG_TRAPNO] == VECTOR_PF ? (uint64_t)r[REG_CR2] : 0,
		.sig = sig,
		.code = info->si_code,
	};
}

struct exception exception_gp(void)
{
	return (struct exception){ .vector = VECTOR_GP, .sig = SIGSEGV, .code = SI_KERNEL };
}

/*
 * Linux: the page tables allowed the access and the EPCM did not, then hardware sets the SGX bit (SDM 3D 35.3), and
 * the page was present. A page that is not there at all is the driver's VM_FAULT_SIGBUS.
 */
struct exception exception_pf(uint64_t address, uint32_t error_code, enum encl_fault verdict)
{
	struct exception e = { .vector = VECTOR_PF, .error_code = error_code, .address = address };

	e.sig = verdict == ENCL_FAULT_BUS ? SIGBUS : SIGSEGV;
	e.code = verdict == ENCL_FAULT_BUS ? BUS_ADRERR : SEGV_ACCERR;
	if (verdict == ENCL_FAULT_EPCM)
		e.error_code |= PF_SGX | PF_PRESENT;
	return e;
}

/* Linux: fixup_vdso_exception(), arch/x86/entry/vdso/extable.c. */
static bool report_by_vdso(const struct exception *e, uint64_t address, ucontext_t *uc)
{
	greg_t *r = uc->uc_mcontext.gregs;

	if ((uint64_t)r[REG_RIP] != shim.vdso.aep || e->vector == VECTOR_DB || e->vector == VECTOR_BP)
		return false;
	r[REG_RIP] = (greg_t)shim.vdso.fixup;
	r[REG_RDI] = (greg_t)e->vector;
	r[REG_RSI] = (greg_t)e->error_code;
	r[REG_RDX] = (greg_t)address;
	return true;
}

static void rewrite_signal(const struct exception *e, uint64_t address, siginfo_t *info, ucontext_t *uc)
{
	greg_t *r = uc->uc_mcontext.gregs;

	info->si_signo = e->sig;
	info->si_code = e->code;
	if (e->vector == VECTOR_PF || e->vector == VECTOR_GP)
		info->si_addr = (void *)address;
	r[REG_TRAPNO] = (greg_t)e->vector;
	r[REG_ERR] = (greg_t)e->error_code;
	if (e->vector == VECTOR_PF)
		r[REG_CR2] = (greg_t)address;
}

void exception_raise(struct thread *t, const struct exception *e, siginfo_t *info, ucontext_t *uc)
{
	bool inside = atomic_load(&t->phase) == PHASE_INSIDE;
	/* Outside the enclave only the page is known (SDM 3D 37.3); EXINFO has it all. */
	uint64_t address = inside ? e->address & PAGE_MASK : e->address;

	if (inside)
		aex(t, e, uc);
	if (report_by_vdso(e, address, uc))
		return;
	rewrite_signal(e, address, info, uc);
	redeliver_exception(t, e->sig, info, uc);
}
