/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The few paths where every register counts: the entry of all signal handlers, the way back from a signal, and the
 * direct EENTER.
 */
#include "shim/layout.h"

#define SYS_rt_sigprocmask 14
#define SYS_rt_sigreturn 15
#define SIG_SETMASK 2

	.text

/*
 * shim_handler(sig, info, context) - what the kernel calls. It clears DF and TF but not AC, and with AC left by an
 * enclave every unaligned access from here on would trap.
 */
	.globl shim_handler
	.hidden shim_handler
	.type shim_handler, @function
	.balign 16
shim_handler:
	push $2
	popf
	jmp shim_signal
	.size shim_handler, . - shim_handler

/* shim_handle_on(sig, info, context, frame) - go on as if the kernel had put the handler's frame at `frame`. */
	.globl shim_handle_on
	.hidden shim_handle_on
	.type shim_handle_on, @function
shim_handle_on:
	mov %rcx, %rsp
	jmp shim_adopted
	.size shim_handle_on, . - shim_handle_on

/*
 * shim_restorer - where handlers return to. Unwinders know a signal frame by these very bytes and by the absence of
 * call frame information for them, also one byte earlier.
 */
	.globl shim_restorer
	.hidden shim_restorer
	.type shim_restorer, @function
	.balign 16
	nop
shim_restorer:
	mov $SYS_rt_sigreturn, %rax
	syscall
	.size shim_restorer, . - shim_restorer

/*
 * shim_direct_enter - EENTER without a trap. Jumped to with the registers of the instruction, on the host's stack,
 * RCX being both the AEP and the address of an ENCLU, to which it goes with all registers unchanged if the entry
 * would fault. Below RSP nothing is anybody's: the vDSO function is no leaf.
 */
	.globl shim_direct_enter, shim_commit_start, shim_commit_end
	.hidden shim_direct_enter, shim_commit_start, shim_commit_end
	.type shim_direct_enter, @function
	.balign 16
shim_direct_enter:
	pushf
	push %rax
	push %rbx
	push %rcx
	push %rdx
	push %rsi
	push %rdi
	push %rbp
	push %r8
	push %r9
	push %r10
	push %r11
	push %r12
	push %r13
	push %r14
	push %r15
	push $2
	popf
	mov %rsp, %rdi
	mov %rsp, %rbp
	and $-16, %rsp
	call direct_enter
	test %rax, %rax
	jz fall_back
	mov %rax, %rbx
	/*
	 * From the next instruction's end to shim_commit_end the entry has happened: a signal finds the registers in
	 * struct thread and goes on as if it had come at the enclave's first instruction. A signal that came before
	 * has been put off with everything blocked; unblocking makes it come now.
	 */
	movl $PHASE_INSIDE, THREAD_PHASE(%rbx)
shim_commit_start:
	cmpl $0, THREAD_DEFERRED(%rbx)
	je load
	movl $0, THREAD_DEFERRED(%rbx)
	mov $SYS_rt_sigprocmask, %eax
	mov $SIG_SETMASK, %edi
	lea THREAD_MASK(%rbx), %rsi
	xor %edx, %edx
	mov $8, %r10d
	syscall
load:
	mov THREAD_FSBASE(%rbx), %rax
	wrfsbase %rax
	mov THREAD_GSBASE(%rbx), %rax
	wrgsbase %rax
	lea THREAD_REGS(%rbx), %rax
	mov REGS_RSP(%rax), %rsp
	push REGS_RIP(%rax)
	push REGS_RFLAGS(%rax)
	mov REGS_R15(%rax), %r15
	mov REGS_R14(%rax), %r14
	mov REGS_R13(%rax), %r13
	mov REGS_R12(%rax), %r12
	mov REGS_R11(%rax), %r11
	mov REGS_R10(%rax), %r10
	mov REGS_R9(%rax), %r9
	mov REGS_R8(%rax), %r8
	mov REGS_RBP(%rax), %rbp
	mov REGS_RDI(%rax), %rdi
	mov REGS_RSI(%rax), %rsi
	mov REGS_RDX(%rax), %rdx
	mov REGS_RCX(%rax), %rcx
	mov REGS_RBX(%rax), %rbx
	mov REGS_RAX(%rax), %rax
	popf
	lea 8(%rsp), %rsp
	/* Just below RSP, yet safe: handlers run on their own stack, and redelivery spares the red zone. */
	jmp *-8(%rsp)
shim_commit_end:

fall_back:
	mov %rbp, %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %r11
	pop %r10
	pop %r9
	pop %r8
	pop %rbp
	pop %rdi
	pop %rsi
	pop %rdx
	pop %rcx
	pop %rbx
	pop %rax
	popf
	jmp *%rcx
	.size shim_direct_enter, . - shim_direct_enter

	.section .note.GNU-stack, "", @progbits
