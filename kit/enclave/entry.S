/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The way into the enclave and out of it; see kit/abi.h for what the host may rely on.
 *
 * Everything that comes in registers is the host's and may be hostile: flags, extended state and the stack pointer are
 * replaced before the first C function runs. Everything that leaves in registers is cleared first.
 */
#include "kit/abi.h"

#define EENTER_CSSA %eax  /* RAX holds CSSA after EENTER */
#define ENCLU_EEXIT 4

	/* Forget the interrupted or the host's x87, SSE and wider state: every component XFRM allows. Uses RAX, RDX, RSI. */
	.macro reset_extended_state
	mov	%gs:KIT_THREAD_XFRM, %eax
	mov	%gs:(KIT_THREAD_XFRM + 4), %edx
	lea	kit_initial_state(%rip), %rsi
	xrstor	(%rsi)
	.endm

	/* AC, DF and all else that the host may have set. Needs a stack. */
	.macro reset_flags
	push	$2
	popfq
	.endm

	.macro save_host return
	mov	%rsp, %gs:KIT_THREAD_HOST_RSP
	mov	%rbp, %gs:KIT_THREAD_HOST_RBP
	mov	%r12, %gs:KIT_THREAD_HOST_R12
	mov	%r13, %gs:KIT_THREAD_HOST_R13
	mov	%r14, %gs:KIT_THREAD_HOST_R14
	mov	%r15, %gs:KIT_THREAD_HOST_R15
	mov	\return, %gs:KIT_THREAD_HOST_RETURN
	stmxcsr	%gs:KIT_THREAD_HOST_MXCSR
	fnstcw	%gs:KIT_THREAD_HOST_FCW
	.endm

	.section .text.entry, "ax", @progbits
	.globl	kit_entry
	.hidden	kit_entry
	.type	kit_entry, @function
kit_entry:
	test	EENTER_CSSA, EENTER_CSSA
	jnz	enter_exception
	save_host return=%rcx
	lea	kit_base(%rip), %rcx
	mov	%gs:KIT_THREAD_OCALL_RSP, %rsp
	test	%rsp, %rsp
	jnz	ocall_return

	mov	%gs:KIT_THREAD_STACK_TOP, %rsp
	add	%rcx, %rsp
	reset_flags
	reset_extended_state
	xor	%ebp, %ebp
	call	kit_enter /* (struct kit_call *) -> enum kit_exit */
	mov	%eax, %edi
	jmp	exit_to_host
	.size	kit_entry, . - kit_entry

	/* An OCALL has been served: go on where kit_leave_for_ocall() was called. */
	.type	ocall_return, @function
ocall_return:
	movq	$0, %gs:KIT_THREAD_OCALL_RSP
	reset_flags
	reset_extended_state
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	add	$8, %rsp
	ret
	.size	ocall_return, . - ocall_return

	/* void kit_leave_for_ocall(void) */
	.text
	.globl	kit_leave_for_ocall
	.hidden	kit_leave_for_ocall
	.type	kit_leave_for_ocall, @function
kit_leave_for_ocall:
	sub	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	mov	%rsp, %gs:KIT_THREAD_OCALL_RSP
	mov	$KIT_EXIT_OCALL, %edi
	jmp	exit_to_host
	.size	kit_leave_for_ocall, . - kit_leave_for_ocall

	/* noreturn void kit_leave_for_good(enum kit_exit) */
	.globl	kit_leave_for_good
	.hidden	kit_leave_for_good
	.type	kit_leave_for_good, @function
kit_leave_for_good:
	/* EDI = why. */
exit_to_host:
	mov	%gs:KIT_THREAD_HOST_RSP, %rsp
	mov	%gs:KIT_THREAD_HOST_RBP, %rbp
	mov	%gs:KIT_THREAD_HOST_R12, %r12
	mov	%gs:KIT_THREAD_HOST_R13, %r13
	mov	%gs:KIT_THREAD_HOST_R14, %r14
	mov	%gs:KIT_THREAD_HOST_R15, %r15
	mov	%gs:KIT_THREAD_HOST_RETURN, %rbx
	reset_extended_state
	ldmxcsr	%gs:KIT_THREAD_HOST_MXCSR
	fldcw	%gs:KIT_THREAD_HOST_FCW
eexit:
	xor	%edx, %edx
	xor	%esi, %esi
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	xor	%r10d, %r10d
	xor	%r11d, %r11d /* the last to set flags: nothing of the enclave's is left in them */
	mov	$ENCLU_EEXIT, %eax
	enclu
	ud2
	.size	kit_leave_for_good, . - kit_leave_for_good

	/*
	 * Entry after an asynchronous exit. The interrupted call's host registers stay saved in struct kit_thread, so
	 * this entry keeps its own on the exception stack. One level only: there is one such stack.
	 */
	.type	enter_exception, @function
enter_exception:
	cmp	$1, EENTER_CSSA
	jne	1f
	mov	%rsp, %r8
	lea	kit_base(%rip), %r9
	mov	%gs:KIT_THREAD_EXCEPTION_STACK_TOP, %rsp
	add	%r9, %rsp
	push	%r8
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rcx
	sub	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	reset_flags
	reset_extended_state
	xor	%ebp, %ebp
	call	kit_enter_exception /* (void) -> enum kit_exit */
	mov	%eax, %edi
	reset_extended_state
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	add	$8, %rsp
	pop	%rbx
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rsp
	jmp	eexit
1:
	mov	%rcx, %rbx
	mov	$KIT_EXIT_UNHANDLED, %edi
	jmp	eexit
	.size	enter_exception, . - enter_exception

	/* XRSTOR from here gives every component its initial value; MXCSR is always loaded from the image. */
	.section .rodata.kit_initial_state, "a", @progbits
	.balign	64
	.type	kit_initial_state, @object
kit_initial_state:
	.zero	24
	.long	0x1f80
	.zero	512 - 28
	.zero	64
	.size	kit_initial_state, . - kit_initial_state

	.section .note.GNU-stack, "", @progbits
