/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/mman.h>

#include "base/log.h"
#include "shim/exception.h"
#include "shim/xstate.h"

/* SDM 3D table 37-1: cleared by an AEX, the other flags stay. CF, PF, AF, ZF, SF, TF, OF, RF */
#define FLAGS_CLEARED 0x109d5ULL

static void save_registers(const struct thread *t, const greg_t *r, struct sgx_gprsgx *gpr)
{
	*gpr = (struct sgx_gprsgx){
		.rax = (uint64_t)r[REG_RAX],
		.rcx = (uint64_t)r[REG_RCX],
		.rdx = (uint64_t)r[REG_RDX],
		.rbx = (uint64_t)r[REG_RBX],
		.rsp = (uint64_t)r[REG_RSP],
		.rbp = (uint64_t)r[REG_RBP],
		.rsi = (uint64_t)r[REG_RSI],
		.rdi = (uint64_t)r[REG_RDI],
		.r8 = (uint64_t)r[REG_R8],
		.r9 = (uint64_t)r[REG_R9],
		.r10 = (uint64_t)r[REG_R10],
		.r11 = (uint64_t)r[REG_R11],
		.r12 = (uint64_t)r[REG_R12],
		.r13 = (uint64_t)r[REG_R13],
		.r14 = (uint64_t)r[REG_R14],
		.r15 = (uint64_t)r[REG_R15],
		.rip = (uint64_t)r[REG_RIP],
		.rflags = (uint64_t)r[REG_EFL],
		.fsbase = t->fsbase,
		.gsbase = t->gsbase,
	};
}

static void load_synthetic_state(greg_t *r, const struct aex_exit *out)
{
	static const int zeroed[] = { REG_RDX, REG_RSI, REG_RDI, REG_R8,  REG_R9, REG_R10,
				      REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };

	for (size_t i = 0; i < ARRAY_SIZE(zeroed); i++)
		r[zeroed[i]] = 0;
	r[REG_RAX] = (greg_t)out->rax;
	r[REG_RBX] = (greg_t)out->rbx;
	r[REG_RCX] = (greg_t)out->rcx;
	r[REG_RSP] = (greg_t)out->rsp;
	r[REG_RBP] = (greg_t)out->rbp;
	r[REG_RIP] = (greg_t)out->rip;
	r[REG_EFL] &= (greg_t)~FLAGS_CLEARED;
}

/*
 * The frame was writable when the enclave was entered. Should the application have unmapped or protected it since, the
 * processor would write it all the same: it has translated the addresses at the entry.
 */
static int frame_protection(const struct encl_pin *pin)
{
	struct encl *e = pin->encl;
	int prot;

	lock_acquire(&e->lock);
	prot = vmap_prot(&e->vmap, pin->frame, NULL);
	lock_release(&e->lock);
	return prot == VMAP_UNMAPPED ? PROT_NONE : prot;
}

static void protect_frame(const struct encl_pin *pin, int prot)
{
	if (mmu_protect(&pin->encl->machine->mmu, pin->frame, (uint64_t)pin->frame_pages * PAGE_SIZE, prot))
		log_fatal("the SSA frame at %#llx cannot be reached any more", (unsigned long long)pin->frame);
}

static void save_and_leave(struct thread *t, struct aex_state *state, struct aex_exit *out, const ucontext_t *uc)
{
	const int rw = PROT_READ | PROT_WRITE;
	int prot = frame_protection(&t->pin);

	if ((prot & rw) != rw)
		protect_frame(&t->pin, rw);
	/* First the extended state: after enclu_aex() another thread may resume the TCS. */
	xstate_save(uc->uc_mcontext.fpregs, (void *)t->pin.frame, t->pin.encl->secs.xfrm);
	enclu_aex(&t->entry, state, out);
	if ((prot & rw) != rw)
		protect_frame(&t->pin, prot);
}

void aex(struct thread *t, const struct exception *e, ucontext_t *uc)
{
	struct encl *encl = t->pin.encl;
	struct aex_state state = { 0 };
	struct aex_exit out;

	if (e) {
		state.exception = 1;
		state.vector = e->vector;
		state.error_code = e->error_code;
		state.fault_address = e->address;
	}
	save_registers(t, uc->uc_mcontext.gregs, &state.gpr);
	save_and_leave(t, &state, &out, uc);
	load_synthetic_state(uc->uc_mcontext.gregs, &out);
	xstate_set_initial(uc->uc_mcontext.fpregs, encl->secs.xfrm);
	atomic_store(&t->phase, PHASE_HOST);
	atomic_fetch_add_explicit(&encl->count.aex, 1, memory_order_relaxed);
	encl_unpin_tcs(&t->pin);
}
