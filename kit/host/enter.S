/* SPDX-License-Identifier: Apache-2.0 */
/* Entering an enclave from C: through the vDSO, and with an ENCLU of one's own. */

#define ENCLU_EENTER 2

	/*
	 * The vDSO preserves RBX and RBP only, and an asynchronous exit leaves R12-R15, MXCSR and the x87 control word as
	 * the processor's synthetic state has them: all that C counts on is saved here.
	 */
	.macro save_callee_saved
	push	%rbp
	.cfi_def_cfa_offset 16
	.cfi_rel_offset %rbp, 0
	mov	%rsp, %rbp
	.cfi_def_cfa_register %rbp
	push	%rbx
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	.cfi_offset %rbx, -24
	.cfi_offset %r12, -32
	.cfi_offset %r13, -40
	.cfi_offset %r14, -48
	.cfi_offset %r15, -56
	sub	$8, %rsp
	stmxcsr	(%rsp)
	fnstcw	4(%rsp)
	.endm

	.macro restore_callee_saved
	cld
	lea	-48(%rbp), %rsp
	ldmxcsr	(%rsp)
	fldcw	4(%rsp)
	add	$8, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbx
	pop	%rbp
	.cfi_def_cfa %rsp, 8
	.endm

	.text

	/* int kit_vdso_enter(entry %rdi, uint64_t rdi %rsi, struct sgx_enclave_run * %rdx, uint32_t function %ecx) */
	.globl	kit_vdso_enter
	.type	kit_vdso_enter, @function
kit_vdso_enter:
	.cfi_startproc
	save_callee_saved
	push	%rdx
	push	%rdx /* the seventh argument, 16-byte aligned at the call */
	mov	%rdi, %rax
	mov	%rsi, %rdi
	xor	%esi, %esi
	xor	%edx, %edx
	xor	%r8d, %r8d
	xor	%r9d, %r9d
	call	*%rax
	restore_callee_saved
	ret
	.cfi_endproc
	.size	kit_vdso_enter, . - kit_vdso_enter

	/* int kit_enter_raw(uint64_t tcs %rdi, uint64_t rdi %rsi, struct kit_raw_exit * %rdx) */
	.globl	kit_enter_raw, kit_raw_eenter, kit_raw_aep, kit_raw_fixup
	.type	kit_enter_raw, @function
kit_enter_raw:
	.cfi_startproc
	save_callee_saved
	push	%rdx
	push	%rdx
	mov	%rdi, %rbx
	mov	%rsi, %rdi
	lea	kit_raw_aep(%rip), %rcx
	mov	$ENCLU_EENTER, %eax
kit_raw_eenter:
	enclu
	/* EEXIT comes here, with RSP and RBP as they were. */
	mov	(%rsp), %rdx
	mov	%rdi, (%rdx)
	mov	%rsi, 8(%rdx)
	xor	%eax, %eax
1:	restore_callee_saved
	ret
	.cfi_def_cfa %rbp, 16
kit_raw_aep:
	enclu /* RAX, RBX, RCX are ready for ERESUME */
	ud2
kit_raw_fixup:
	mov	$-14, %eax /* -EFAULT */
	jmp	1b
	.cfi_endproc
	.size	kit_enter_raw, . - kit_enter_raw

	.section .note.GNU-stack, "", @progbits
