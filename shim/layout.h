/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers shared by C and assembly: where things are in a thread's slot and in struct thread (thread.h asserts them).
 */
#ifndef SOFTSGX_SHIM_LAYOUT_H
#define SOFTSGX_SHIM_LAYOUT_H

/*
 * A thread's slot: its context, a scratch page for decryption, room for its extended state, a guard page, and above
 * them the alternate signal stack, whose lowest address every signal frame carries in uc_stack.ss_sp.
 */
#define SLOT_BYTES 0x20000
#define SLOT_SCRATCH 0x1000
#define SLOT_XSAVE 0x2000
#define SLOT_GUARD 0x6000
#define SLOT_STACK 0x7000

/* struct thread */
#define THREAD_PHASE 0
#define THREAD_DEFERRED 4
#define THREAD_MASK 8
#define THREAD_FSBASE 16
#define THREAD_GSBASE 24
#define THREAD_REGS 32

/* struct entry_regs: the general registers at a soft EENTER, in the order shim_direct_enter pushes them */
#define REGS_R15 0
#define REGS_R14 8
#define REGS_R13 16
#define REGS_R12 24
#define REGS_R11 32
#define REGS_R10 40
#define REGS_R9 48
#define REGS_R8 56
#define REGS_RBP 64
#define REGS_RDI 72
#define REGS_RSI 80
#define REGS_RDX 88
#define REGS_RCX 96
#define REGS_RBX 104
#define REGS_RAX 112
#define REGS_RFLAGS 120
#define REGS_RIP 128
#define REGS_RSP 136

#define PHASE_HOST 0
#define PHASE_ENGINE 1
#define PHASE_INSIDE 2

#endif
