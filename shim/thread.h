/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the shim keeps for each thread: whether it is in an enclave, what it needs to get out again, its alternate
 * stack, and the parts of the signal state that the application believes to own.
 *
 * A signal handler must find this before it may touch TLS, because an enclave brings its own FS base: the kernel
 * writes the alternate stack into every signal frame, and the context lies at a fixed distance below it.
 */
#ifndef SOFTSGX_SHIM_THREAD_H
#define SOFTSGX_SHIM_THREAD_H

#include <signal.h>
#include <stdatomic.h>

#include "base/sys.h"
#include "encl/encl.h"
#include "leaf/enclu.h"
#include "shim/layout.h"

/* The general registers of a soft EENTER. */
struct entry_regs {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8;
	uint64_t rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t rflags, rip, rsp;
};

/* The five signals that the processor raises: the application can block them only as far as it can tell. */
#define SIGBIT(sig) (1ULL << ((sig)-1))
#define SYNCHRONOUS_SIGNALS (SIGBIT(SIGILL) | SIGBIT(SIGTRAP) | SIGBIT(SIGBUS) | SIGBIT(SIGFPE) | SIGBIT(SIGSEGV))

/* A delivered handler's frame, and the virtual mask that comes back when the frame is left. */
struct delivery {
	uint64_t frame;
	uint64_t mask;
	bool on_altstack;
};
#define DELIVERIES 16

struct thread {
	/*
	 * PHASE_HOST: application code. PHASE_ENGINE: a direct entry is being prepared; signals that arrive are put off
	 * until its end. PHASE_INSIDE: `entry` and `pin` are valid and the processor is in the enclave, or about to be,
	 * within the instructions that roll forward.
	 */
	_Atomic uint32_t phase;
	_Atomic uint32_t deferred; /* a signal was put off; `mask` is what to unblock */
	uint64_t mask;
	uint64_t fsbase, gsbase; /* the enclave's, to be loaded on the way in */
	struct entry_regs regs;  /* registers of a direct entry, for rolling it forward */
	uint64_t host_fsbase, host_gsbase;
	struct enclu_entry entry;
	struct encl_pin pin;

	/*
	 * Attached later than at its start: the return of an older handler, whose frame still names the stack of before,
	 * would take our alternate stack away.
	 */
	bool suspect;
	uint64_t virtual_mask;    /* subset of SYNCHRONOUS_SIGNALS */
	uint64_t virtual_pending; /* of these, sent while blocked */
	siginfo_t pending_info[5];
	stack_t altstack; /* the application's own alternate stack; SS_DISABLE: none */
	struct delivery delivery[DELIVERIES];
	unsigned deliveries;
};

_Static_assert(offsetof(struct thread, phase) == THREAD_PHASE, "entry.S");
_Static_assert(offsetof(struct thread, deferred) == THREAD_DEFERRED, "entry.S");
_Static_assert(offsetof(struct thread, mask) == THREAD_MASK, "entry.S");
_Static_assert(offsetof(struct thread, fsbase) == THREAD_FSBASE, "entry.S");
_Static_assert(offsetof(struct thread, gsbase) == THREAD_GSBASE, "entry.S");
_Static_assert(offsetof(struct thread, regs) == THREAD_REGS, "entry.S");
_Static_assert(offsetof(struct entry_regs, rax) == REGS_RAX, "entry.S");
_Static_assert(offsetof(struct entry_regs, rsp) == REGS_RSP, "entry.S");
_Static_assert(sizeof(struct thread) <= SLOT_SCRATCH, "the context is below the scratch page");

/** thread_self() - this thread's context, or NULL. Context: the host's FS base is in place. */
struct thread *thread_self(void);

/**
 * thread_of_stack() - the context that belongs to alternate stack @sp, or NULL if that is not one of ours.
 * Context: anywhere, no TLS.
 */
struct thread *thread_of_stack(uint64_t sp);

/**
 * thread_attach() - give the calling thread its context and alternate stack, taking over the stack it had.
 * Return: the context, which the thread may have had already; NULL without memory, or while the thread runs on an
 * alternate stack of its own (the kernel refuses to change it then; a signal gets around that: thread_adopt()).
 * Context: any; blocks all signals meanwhile.
 */
struct thread *thread_attach(void);
/** thread_attach_blocked() - likewise, with all signals blocked already; @mask: what the application has blocked. */
struct thread *thread_attach_blocked(uint64_t mask);

/**
 * thread_adopt() - attach a thread from inside a signal handler, or attach it again, if its alternate stack was lost.
 * The caller must move to thread_stack() and install that stack from there: the kernel refuses while the stack pointer is
 * on another one.
 * @old: the stack in force; @mask: what the interrupted code has blocked. Return: the context or NULL.
 */
struct thread *thread_adopt(const stack_t *old, uint64_t mask);

/** thread_has_stack() - the kernel still has our alternate stack. Context: ordinary code. */
static inline bool thread_has_stack(struct thread *t)
{
	stack_t now;

	return sys_call2(SYS_sigaltstack, NULL, &now) == 0 && now.ss_sp == (char *)t + SLOT_STACK;
}

/** thread_detach() - at the end of the thread: its context and its alternate stack are gone. */
void thread_detach(struct thread *t);
/** thread_fork_prepare(), thread_fork_done() - nothing is in the middle of a change. Context: all signals blocked. */
void thread_fork_prepare(void);
void thread_fork_done(void);
/** thread_forget_others() - in a forked child: only the calling thread is left. */
void thread_forget_others(void);

/** thread_wrap_start() - what to run instead of @start(@arg) so that the new thread is attached first; NULL: no memory. */
struct thread_start;
struct thread_start *thread_wrap_start(void *(*start)(void *), void *arg);
void *thread_run(void *wrapped);
void thread_wrap_cancel(struct thread_start *wrapped);

static inline stack_t thread_stack(struct thread *t)
{
	return (stack_t){ .ss_sp = (char *)t + SLOT_STACK, .ss_size = SLOT_BYTES - SLOT_STACK };
}

static inline void *thread_scratch(struct thread *t)
{
	return (char *)t + SLOT_SCRATCH;
}

static inline void *thread_xsave(struct thread *t)
{
	return (char *)t + SLOT_XSAVE;
}

/* What every engine call from ordinary code is wrapped in: the engine's locks are held with all signals blocked. */
static inline uint64_t signals_block_all(void)
{
	uint64_t all = ~0ULL, old = 0;

	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &all, &old, sizeof(old));
	return old;
}

static inline void signals_restore(uint64_t mask)
{
	sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &mask, NULL, sizeof(mask));
}

#endif
