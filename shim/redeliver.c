/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/redeliver.h"

#include <string.h>

#include "base/log.h"
#include "shim/actions.h"
#include "shim/entry.h"
#include "shim/exception.h"
#include "shim/state.h"
#include "shim/xstate.h"

#define RED_ZONE 128
#define FLAGS_CLEARED 0x10500LL /* TF, DF, RF, as the kernel does for handlers */
#define XSTATE_PKRU (1ULL << 9)

/* --- the frame, asm/sigframe.h; libc's ucontext_t is longer than the kernel's --- */

#define KERNEL_UCONTEXT 304
#define FP_SW_BYTES 464
#define FP_XSTATE_MAGIC1 0x46505853U
#define FXSAVE_BYTES 512

struct frame {
	uint64_t return_address;
	uint8_t context[KERNEL_UCONTEXT];
	siginfo_t info;
};
_Static_assert(sizeof(struct frame) == 440, "struct rt_sigframe");

siginfo_t *frame_info(void *frame)
{
	return &((struct frame *)frame)->info;
}

ucontext_t *frame_context(void *frame)
{
	return (ucontext_t *)((struct frame *)frame)->context;
}

static uint64_t fpstate_bytes(const void *fpstate)
{
	uint32_t magic, extended_size;

	if (!fpstate)
		return 0;
	memcpy(&magic, (const char *)fpstate + FP_SW_BYTES, sizeof(magic));
	memcpy(&extended_size, (const char *)fpstate + FP_SW_BYTES + 4, sizeof(extended_size));
	return magic == FP_XSTATE_MAGIC1 ? extended_size : FXSAVE_BYTES;
}

/* Linux: get_sigframe(), arch/x86/kernel/signal.c: RSP + 8 is a multiple of 16, as after a call. */
static uint64_t frame_place(uint64_t top, const ucontext_t *uc, uint64_t *fpstate)
{
	*fpstate = (top - fpstate_bytes(uc->uc_mcontext.fpregs)) & ~63ULL;
	return ((*fpstate - sizeof(struct frame)) & ~15ULL) - 8;
}

void *frame_copy(uint64_t top, const ucontext_t *uc, const siginfo_t *info)
{
	uint64_t fpstate;
	struct frame *f = (struct frame *)frame_place(top, uc, &fpstate);
	ucontext_t *copy = frame_context(f);

	f->return_address = (uint64_t)shim_restorer;
	memcpy(f->context, uc, sizeof(f->context));
	f->info = *info;
	if (uc->uc_mcontext.fpregs) {
		memcpy((void *)fpstate, uc->uc_mcontext.fpregs, fpstate_bytes(uc->uc_mcontext.fpregs));
		copy->uc_mcontext.fpregs = (fpregset_t)fpstate;
	}
	return f;
}

/* --- masks --- */

static uint64_t kernel_mask(const ucontext_t *uc)
{
	uint64_t mask;

	memcpy(&mask, &uc->uc_sigmask, sizeof(mask));
	return mask;
}

/* The kernel's mask is one word, libc's sigset_t reaches beyond the frame's. */
static void set_kernel_mask(ucontext_t *uc, uint64_t mask)
{
	memcpy(&uc->uc_sigmask, &mask, sizeof(mask));
}

static bool on_altstack(const struct thread *t, uint64_t sp)
{
	return !(t->altstack.ss_flags & SS_DISABLE) && sp - (uint64_t)t->altstack.ss_sp < t->altstack.ss_size;
}

/*
 * A handler's return goes straight to the kernel, which knows nothing of the virtual mask. But a frame is dead once
 * the stack pointer is above it, or has left the alternate stack that it was on.
 */
static bool is_dead(const struct thread *t, const struct delivery *d, uint64_t sp)
{
	if (on_altstack(t, sp))
		return d->on_altstack && sp > d->frame;
	return d->on_altstack || sp > d->frame;
}

void deliveries_settle(struct thread *t, uint64_t sp)
{
	while (t->deliveries && is_dead(t, &t->delivery[t->deliveries - 1], sp))
		t->virtual_mask = t->delivery[--t->deliveries].mask;
}

static void deliveries_push(struct thread *t, uint64_t frame, uint64_t blocked)
{
	if (t->deliveries == DELIVERIES) {
		memmove(t->delivery, t->delivery + 1, sizeof(t->delivery[0]) * (DELIVERIES - 1));
		t->deliveries--;
	}
	t->delivery[t->deliveries++] = (struct delivery){ frame, t->virtual_mask, on_altstack(t, frame) };
	t->virtual_mask |= blocked & SYNCHRONOUS_SIGNALS;
}

/* --- sending on --- */

static void send_to_self(int sig, const siginfo_t *info)
{
	sys_call4(SYS_rt_tgsigqueueinfo, sys_call0(SYS_getpid), sys_call0(SYS_gettid), sig, info);
}

/* Default action of a signal that ends the process: the kernel performs it when our handler returns. */
static void die(int sig, const siginfo_t *info, ucontext_t *uc)
{
	shim_publish();
	actions_kernel_default(sig);
	send_to_self(sig, info);
	set_kernel_mask(uc, kernel_mask(uc) & ~SIGBIT(sig));
}

void redeliver_later(struct thread *t, int sig, siginfo_t *info, ucontext_t *uc)
{
	if (!atomic_load(&t->deferred)) {
		t->mask = kernel_mask(uc) & ~SYNCHRONOUS_SIGNALS;
		atomic_store(&t->deferred, 1);
	}
	send_to_self(sig, info);
	set_kernel_mask(uc, ~0ULL);
}

/* Make our frame resume in the handler. Linux: x64_setup_rt_frame(). */
static void resume_in_handler(ucontext_t *uc, int sig, const struct action *a, struct frame *f)
{
	greg_t *r = uc->uc_mcontext.gregs;

	r[REG_RDI] = sig;
	r[REG_RSI] = (greg_t)frame_info(f);
	r[REG_RDX] = (greg_t)frame_context(f);
	r[REG_RAX] = 0;
	r[REG_RSP] = (greg_t)f;
	r[REG_RIP] = (greg_t)a->handler;
	r[REG_EFL] &= ~FLAGS_CLEARED;
	if (uc->uc_mcontext.fpregs)
		xstate_set_initial(uc->uc_mcontext.fpregs, ~XSTATE_PKRU);
}

static bool altstack_overflows(const struct thread *t, uint64_t top, const ucontext_t *uc)
{
	uint64_t fpstate;

	/* `top` may be the address just above the stack. */
	return on_altstack(t, top - 1) && !on_altstack(t, frame_place(top, uc, &fpstate));
}

static void run_handler(struct thread *t, int sig, const struct action *a, siginfo_t *info, ucontext_t *uc)
{
	uint64_t sp = (uint64_t)uc->uc_mcontext.gregs[REG_RSP], top = sp - RED_ZONE;
	uint64_t blocked = a->mask | (a->flags & SA_NODEFER ? 0 : SIGBIT(sig));

	deliveries_settle(t, sp);
	if (a->flags & SA_ONSTACK && !(t->altstack.ss_flags & SS_DISABLE) && !on_altstack(t, sp))
		top = (uint64_t)t->altstack.ss_sp + t->altstack.ss_size;
	if (altstack_overflows(t, top, uc)) {
		die(SIGSEGV, info, uc);
		return;
	}
	struct frame *f = frame_copy(top, uc, info);
	set_kernel_mask(frame_context(f), kernel_mask(uc) & ~SYNCHRONOUS_SIGNALS);
	deliveries_push(t, (uint64_t)f, blocked);
	resume_in_handler(uc, sig, a, f);
	set_kernel_mask(uc, (kernel_mask(uc) | blocked) & ~SYNCHRONOUS_SIGNALS);
}

/* Linux: force_sig_info_to_task(): a fault that is blocked or ignored has its default action. */
void redeliver_exception(struct thread *t, int sig, siginfo_t *info, ucontext_t *uc)
{
	deliveries_settle(t, (uint64_t)uc->uc_mcontext.gregs[REG_RSP]);
	bool blocked = t->virtual_mask & SIGBIT(sig);
	struct action a = blocked ? (struct action){ 0 } : actions_deliver(sig);

	if (action_is_default(&a) || action_is_ignore(&a))
		die(sig, info, uc);
	else
		run_handler(t, sig, &a, info, uc);
}

static int synchronous_index(int sig)
{
	return __builtin_popcountll(SYNCHRONOUS_SIGNALS & (SIGBIT(sig) - 1));
}

static void keep_back(struct thread *t, int sig, const siginfo_t *info)
{
	t->virtual_pending |= SIGBIT(sig);
	t->pending_info[synchronous_index(sig)] = *info;
}

void deliveries_unblocked(struct thread *t)
{
	uint64_t due = t->virtual_pending & ~t->virtual_mask;

	for (; due; due &= due - 1) {
		int sig = __builtin_ctzll(due) + 1;

		t->virtual_pending &= ~SIGBIT(sig);
		send_to_self(sig, &t->pending_info[synchronous_index(sig)]);
	}
}

void redeliver_arrived(struct thread *t, int sig, siginfo_t *info, ucontext_t *uc)
{
	if (atomic_load(&t->phase) != PHASE_INSIDE)
		deliveries_settle(t, (uint64_t)uc->uc_mcontext.gregs[REG_RSP]);
	if (t->virtual_mask & SIGBIT(sig)) {
		keep_back(t, sig, info);
		return;
	}
	struct action a = actions_deliver(sig);
	if (action_is_ignore(&a))
		return;
	if (action_is_default(&a)) {
		die(sig, info, uc);
		return;
	}
	if (atomic_load(&t->phase) == PHASE_INSIDE)
		aex(t, NULL, uc);
	run_handler(t, sig, &a, info, uc);
}
