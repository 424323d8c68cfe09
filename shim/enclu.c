/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EENTER, ERESUME and EEXIT. General registers and FS/GS bases are exchanged as the SDM says; extended state passes
 * through EENTER and EEXIT unchanged, as on hardware. What hardware adds to that, XCR0 = XFRM while inside, cannot be
 * had without privilege: instructions outside XFRM work in the enclave instead of raising #UD.
 *
 * Other leaves inside (EREPORT, EGETKEY, the EACCEPT family) raise #GP, as leaves that a processor does not have.
 */
#include "shim/enclu.h"

#include <string.h>

#include "base/usercopy.h"
#include "shim/bases.h"
#include "shim/state.h"
#include "shim/xstate.h"

static const uint8_t enclu_opcode[ENCLU_BYTES] = { 0x0f, 0x01, 0xd7 };
#define RFLAGS_TF (1LL << 8)

/* --- faults --- */

/* #PF of the instruction itself: the page is not there, not mapped, or not of the type that the leaf wants. */
static struct exception entry_fault(struct thread *t, uint64_t address)
{
	enum encl_fault verdict = encl_fault(&shim.machine, address, PF_USER, thread_scratch(t));

	return exception_pf(address & PAGE_MASK, PF_USER, verdict == ENCL_FAULT_FIXED ? ENCL_FAULT_EPCM : verdict);
}

static bool refuse(struct thread *t, enum sgx_status status, uint64_t address, struct exception *e)
{
	if (e)
		*e = status == SGX_FAULT_PF ? entry_fault(t, address) : exception_gp();
	return false;
}

/* --- entering --- */

static void take_entry(struct thread *t)
{
	t->fsbase = t->entry.fsbase;
	t->gsbase = t->entry.gsbase;
	t->host_fsbase = read_fsbase();
	t->host_gsbase = read_gsbase();
}

bool enclu_start(struct thread *t, uint64_t tcs, uint64_t aep, uint64_t rsp, uint64_t rbp, struct exception *e)
{
	struct encl_pin *pin = &t->pin;
	uint64_t address = tcs;
	enum sgx_status status;

	status = encl_pin_tcs(&shim.machine, tcs, ENCL_FRAME_CURRENT, thread_scratch(t), pin, &address);
	if (status != SGX_SUCCESS)
		return refuse(t, status, address, e);
	status = enclu_eenter(&pin->encl->secs, pin->tcs, tcs, pin->frame, aep, rsp, rbp, &t->entry);
	if (status != SGX_SUCCESS) {
		address = pin->frame;
		encl_unpin_tcs(pin);
		return refuse(t, status, address, e);
	}
	take_entry(t);
	atomic_fetch_add_explicit(&pin->encl->count.eenter, 1, memory_order_relaxed);
	return true;
}

static enum enclu_outcome eenter(struct thread *t, greg_t *r, struct exception *e)
{
	if (!enclu_start(t, (uint64_t)r[REG_RBX], (uint64_t)r[REG_RCX], (uint64_t)r[REG_RSP], (uint64_t)r[REG_RBP], e))
		return ENCLU_FAULTED;
	r[REG_RAX] = t->entry.cssa;
	r[REG_RCX] = r[REG_RIP] + ENCLU_BYTES;
	r[REG_RIP] = (greg_t)t->entry.rip;
	r[REG_EFL] &= ~RFLAGS_TF;
	atomic_store(&t->phase, PHASE_INSIDE);
	return ENCLU_DONE;
}

static void load_registers(greg_t *r, const struct sgx_gprsgx *gpr)
{
	r[REG_RAX] = (greg_t)gpr->rax;
	r[REG_RCX] = (greg_t)gpr->rcx;
	r[REG_RDX] = (greg_t)gpr->rdx;
	r[REG_RBX] = (greg_t)gpr->rbx;
	r[REG_RSP] = (greg_t)gpr->rsp;
	r[REG_RBP] = (greg_t)gpr->rbp;
	r[REG_RSI] = (greg_t)gpr->rsi;
	r[REG_RDI] = (greg_t)gpr->rdi;
	r[REG_R8] = (greg_t)gpr->r8;
	r[REG_R9] = (greg_t)gpr->r9;
	r[REG_R10] = (greg_t)gpr->r10;
	r[REG_R11] = (greg_t)gpr->r11;
	r[REG_R12] = (greg_t)gpr->r12;
	r[REG_R13] = (greg_t)gpr->r13;
	r[REG_R14] = (greg_t)gpr->r14;
	r[REG_R15] = (greg_t)gpr->r15;
	/* The kernel lets through what user mode may set. */
	r[REG_EFL] = (greg_t)gpr->rflags & ~RFLAGS_TF;
}

static enum enclu_outcome eresume(struct thread *t, ucontext_t *uc, struct exception *e)
{
	greg_t *r = uc->uc_mcontext.gregs;
	uint64_t tcs = (uint64_t)r[REG_RBX], address = tcs;
	struct encl_pin *pin = &t->pin;
	enum sgx_status status;

	status = encl_pin_tcs(&shim.machine, tcs, ENCL_FRAME_PREVIOUS, thread_scratch(t), pin, &address);
	if (status == SGX_SUCCESS) {
		status = enclu_eresume(&pin->encl->secs, pin->tcs, tcs, pin->frame, (uint64_t)r[REG_RCX],
				       (uint64_t)r[REG_RSP], (uint64_t)r[REG_RBP], &t->entry);
		if (status != SGX_SUCCESS)
			encl_unpin_tcs(pin);
	}
	if (status != SGX_SUCCESS) {
		(void)refuse(t, status, address, e);
		return ENCLU_FAULTED;
	}
	take_entry(t);
	load_registers(r, (const struct sgx_gprsgx *)enclu_ssa_gpr(&pin->encl->secs, pin->tcs, t->entry.cssa));
	r[REG_RIP] = (greg_t)t->entry.rip;
	xstate_load(uc->uc_mcontext.fpregs, (const void *)pin->frame, pin->encl->secs.xfrm);
	atomic_store(&t->phase, PHASE_INSIDE);
	atomic_fetch_add_explicit(&pin->encl->count.eresume, 1, memory_order_relaxed);
	return ENCLU_DONE;
}

static enum enclu_outcome outside(struct thread *t, ucontext_t *uc, struct exception *e)
{
	greg_t *r = uc->uc_mcontext.gregs;

	switch ((uint32_t)r[REG_RAX]) {
	case ENCLU_EENTER:
		return eenter(t, r, e);
	case ENCLU_ERESUME:
		return eresume(t, uc, e);
	default:
		*e = exception_gp();
		return ENCLU_FAULTED;
	}
}

/* --- leaving --- */

static enum enclu_outcome eexit(struct thread *t, greg_t *r, struct exception *e)
{
	uint64_t target = (uint64_t)r[REG_RBX];

	if (enclu_eexit(&t->entry, target) != SGX_SUCCESS) {
		*e = exception_gp();
		return ENCLU_FAULTED;
	}
	r[REG_RCX] = (greg_t)t->entry.aep;
	r[REG_RIP] = (greg_t)target;
	atomic_store(&t->phase, PHASE_HOST);
	atomic_fetch_add_explicit(&t->pin.encl->count.eexit, 1, memory_order_relaxed);
	encl_unpin_tcs(&t->pin);
	return ENCLU_DONE;
}

static enum enclu_outcome inside(struct thread *t, ucontext_t *uc, struct exception *e)
{
	greg_t *r = uc->uc_mcontext.gregs;

	switch ((uint32_t)r[REG_RAX]) {
	case ENCLU_EEXIT:
		return eexit(t, r, e);
	default:
		*e = exception_gp();
		return ENCLU_FAULTED;
	}
}

/* --- the instruction --- */

/*
 * An enclave page may have been evicted since the instruction was fetched, and may be executable without being
 * readable: it is read through the engine, and where that fails, executing it again brings the page back.
 */
static bool fetch(bool in_enclave, uint64_t rip, uint8_t *bytes)
{
	if (in_enclave)
		return mmu_read(&shim.machine.mmu, rip, bytes, ENCLU_BYTES) == 0;
	return copy_from_user(bytes, rip, ENCLU_BYTES) == 0;
}

bool enclu_may_be(const struct exception *e, const ucontext_t *uc)
{
	const greg_t *r = uc->uc_mcontext.gregs;
	uint32_t leaf = (uint32_t)r[REG_RAX];

	if (e->vector == VECTOR_PF)
		return (leaf == ENCLU_EENTER || leaf == ENCLU_ERESUME) && !(e->error_code & PF_INSTR) &&
		       ((e->address ^ (uint64_t)r[REG_RBX]) & PAGE_MASK) == 0;
	return e->vector == VECTOR_UD || e->vector == VECTOR_GP;
}

enum enclu_outcome enclu_trap(struct thread *t, ucontext_t *uc, struct exception *e)
{
	uint64_t rip = (uint64_t)uc->uc_mcontext.gregs[REG_RIP];
	bool in_enclave = atomic_load(&t->phase) == PHASE_INSIDE;
	uint8_t bytes[ENCLU_BYTES];

	if (!shim_active())
		return ENCLU_NOT;
	if (!fetch(in_enclave, rip, bytes))
		return in_enclave ? ENCLU_DONE : ENCLU_NOT;
	if (memcmp(bytes, enclu_opcode, ENCLU_BYTES) != 0)
		return ENCLU_NOT;
	return in_enclave ? inside(t, uc, e) : outside(t, uc, e);
}
