/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The handler of all signals. It runs on the thread's own alternate stack with every signal blocked. Until the host's
 * FS base is back there is no TLS; after the enclave's has been loaded again at the end there is none either. This
 * file is compiled without stack protector, which lives in TLS.
 */
#include "shim/signals.h"

#include "base/log.h"
#include "shim/actions.h"
#include "shim/bases.h"
#include "shim/enclu.h"
#include "shim/entry.h"
#include "shim/redeliver.h"
#include "shim/state.h"

/* Stopped between the point where the entry took place and the enclave's first instruction. */
static bool in_commit(const greg_t *r)
{
	uint64_t rip = (uint64_t)r[REG_RIP];

	return rip >= (uint64_t)shim_commit_start && rip < (uint64_t)shim_commit_end;
}

static void roll_forward(const struct thread *t, greg_t *r)
{
	const struct entry_regs *e = &t->regs;

	r[REG_R15] = (greg_t)e->r15;
	r[REG_R14] = (greg_t)e->r14;
	r[REG_R13] = (greg_t)e->r13;
	r[REG_R12] = (greg_t)e->r12;
	r[REG_R11] = (greg_t)e->r11;
	r[REG_R10] = (greg_t)e->r10;
	r[REG_R9] = (greg_t)e->r9;
	r[REG_R8] = (greg_t)e->r8;
	r[REG_RBP] = (greg_t)e->rbp;
	r[REG_RDI] = (greg_t)e->rdi;
	r[REG_RSI] = (greg_t)e->rsi;
	r[REG_RDX] = (greg_t)e->rdx;
	r[REG_RCX] = (greg_t)e->rcx;
	r[REG_RBX] = (greg_t)e->rbx;
	r[REG_RAX] = (greg_t)e->rax;
	r[REG_EFL] = (greg_t)e->rflags;
	r[REG_RIP] = (greg_t)e->rip;
	r[REG_RSP] = (greg_t)e->rsp;
}

static void leave_bases(struct thread *t, greg_t *r)
{
	if (in_commit(r)) {
		roll_forward(t, r);
	} else {
		t->fsbase = read_fsbase();
		t->gsbase = read_gsbase();
	}
	write_fsbase(t->host_fsbase);
	write_gsbase(t->host_gsbase);
}

/*
 * A thread without a context: it was there before the machine, or libc made it. The frame moves to a stack of ours, and
 * from there everything is as if it had always had one.
 */
static void adopt(int sig, siginfo_t *info, ucontext_t *uc)
{
	struct thread *t;
	uint64_t mask;

	__builtin_memcpy(&mask, &uc->uc_sigmask, sizeof(mask));
	t = thread_adopt(&uc->uc_stack, mask);
	if (!t)
		log_fatal("no memory for a thread's signal stack");
	mask &= ~SYNCHRONOUS_SIGNALS;
	__builtin_memcpy(&uc->uc_sigmask, &mask, sizeof(mask));
	uc->uc_stack = thread_stack(t);
	void *frame = frame_copy((uint64_t)t + SLOT_BYTES, uc, info);
	shim_handle_on(sig, frame_info(frame), frame_context(frame), frame);
}

void shim_adopted(int sig, siginfo_t *info, ucontext_t *uc)
{
	/* Older kernels (6.1) would not do it in rt_sigreturn when the code returned to runs on the stack of before. */
	sys_call2(SYS_sigaltstack, &uc->uc_stack, NULL);
	shim_signal(sig, info, uc);
}

/* A sender's signal carries the registers of some earlier exception: only the kernel's own codes are positive. */
static bool is_exception(int sig, const siginfo_t *info)
{
	return SIGBIT(sig) & SYNCHRONOUS_SIGNALS && info->si_code > 0;
}

static enum encl_fault page_fault(struct thread *t, const struct exception *e)
{
	if (!shim_active())
		return ENCL_FAULT_NOT_OURS;
	return encl_fault(&shim.machine, e->address, e->error_code, thread_scratch(t));
}

/* Return: true if the program can simply go on; else *e is what to report. */
static bool resolve(struct thread *t, ucontext_t *uc, struct exception *e)
{
	enum encl_fault verdict;

	if (enclu_may_be(e, uc)) {
		enum enclu_outcome outcome = enclu_trap(t, uc, e);

		if (outcome != ENCLU_NOT)
			return outcome == ENCLU_DONE;
	}
	if (e->vector != VECTOR_PF)
		return false;
	verdict = page_fault(t, e);
	if (verdict != ENCL_FAULT_FIXED && verdict != ENCL_FAULT_NOT_OURS)
		*e = exception_pf(e->address, e->error_code, verdict);
	return verdict == ENCL_FAULT_FIXED;
}

static void exception(struct thread *t, int sig, siginfo_t *info, ucontext_t *uc)
{
	struct exception e = exception_of_signal(sig, info, uc);

	if (atomic_load(&t->phase) == PHASE_ENGINE)
		actions_kernel_default(sig); /* a defect of ours: let it show where it is */
	else if (!resolve(t, uc, &e))
		exception_raise(t, &e, info, uc);
}

void shim_signal(int sig, siginfo_t *info, ucontext_t *uc)
{
	struct thread *t = thread_of_stack((uint64_t)uc->uc_stack.ss_sp);

	if (!t)
		adopt(sig, info, uc);
	if (atomic_load(&t->phase) == PHASE_INSIDE)
		leave_bases(t, uc->uc_mcontext.gregs);
	if (is_exception(sig, info))
		exception(t, sig, info, uc);
	else if (atomic_load(&t->phase) == PHASE_ENGINE)
		redeliver_later(t, sig, info, uc);
	else
		redeliver_arrived(t, sig, info, uc);
	if (atomic_load(&t->phase) == PHASE_INSIDE) {
		write_gsbase(t->gsbase);
		write_fsbase(t->fsbase);
	}
}

int signals_mask(int how, const uint64_t *set, uint64_t *old)
{
	struct thread *t = shim_on_loan() ? NULL : thread_attach();
	uint64_t now, want;

	if (!t)
		return (int)sys_call4(SYS_rt_sigprocmask, how, set, old, sizeof(*set));
	uint64_t before = signals_block_all();
	deliveries_settle(t, (uint64_t)__builtin_frame_address(0));
	now = before | t->virtual_mask;
	if (old)
		*old = now;
	want = !set ? now : how == SIG_BLOCK ? now | *set : how == SIG_UNBLOCK ? now & ~*set : *set;
	t->virtual_mask = want & SYNCHRONOUS_SIGNALS;
	deliveries_unblocked(t);
	signals_restore(want & ~SYNCHRONOUS_SIGNALS);
	return 0;
}

/* The kernel's checks: do_sigaltstack(), kernel/signal.c. */
static int check_altstack(const struct thread *t, const stack_t *new, bool on_it)
{
	int mode = new->ss_flags & ~(int)SS_AUTODISARM_FLAG;

	if (on_it)
		return -EPERM;
	if (mode != 0 && mode != SS_ONSTACK && mode != SS_DISABLE)
		return -EINVAL;
	if (mode != SS_DISABLE && new->ss_size < KERNEL_MINSIGSTKSZ)
		return -ENOMEM;
	return 0;
}

int signals_altstack(const stack_t *new, stack_t *old, uint64_t sp)
{
	struct thread *t = thread_attach();
	int ret = 0;

	if (!t)
		return (int)sys_call2(SYS_sigaltstack, new, old);
	uint64_t mask = signals_block_all();
	bool enabled = !(t->altstack.ss_flags & SS_DISABLE);
	bool on_it = enabled && sp - (uint64_t)t->altstack.ss_sp < t->altstack.ss_size;
	stack_t before = t->altstack;
	if (new)
		ret = check_altstack(t, new, on_it);
	if (new && !ret) {
		t->altstack = *new;
		if (new->ss_flags & SS_DISABLE)
			t->altstack = (stack_t){ .ss_flags = SS_DISABLE };
	}
	if (!ret && old) {
		*old = before;
		old->ss_flags = !enabled ? SS_DISABLE : on_it ? SS_ONSTACK : 0;
	}
	signals_restore(mask);
	return ret;
}
