/* SPDX-License-Identifier: Apache-2.0 */
	/*
	 * void probe_spin(uint64_t rounds %rdi, const struct probe_registers *in %rsi, struct probe_registers *out %rdx)
	 * Load every register, count down in memory, and store every register: whatever interrupts the loop must leave no
	 * trace. DEC does not touch the carry flag.
	 */
	.text
	.globl	probe_spin
	.hidden	probe_spin
	.type	probe_spin, @function
probe_spin:
	push	%rbx
	push	%rbp
	push	%r12
	push	%r13
	push	%r14
	push	%r15
	push	%rdx
	push	%rdi

	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	(128 + 16 * \n)(%rsi), %xmm\n
	.endr
	mov	0(%rsi), %rax
	mov	8(%rsi), %rbx
	mov	16(%rsi), %rcx
	mov	24(%rsi), %rdx
	mov	40(%rsi), %rdi
	mov	48(%rsi), %rbp
	mov	56(%rsi), %r8
	mov	64(%rsi), %r9
	mov	72(%rsi), %r10
	mov	80(%rsi), %r11
	mov	88(%rsi), %r12
	mov	96(%rsi), %r13
	mov	104(%rsi), %r14
	mov	112(%rsi), %r15
	btq	$0, 120(%rsi)
	mov	32(%rsi), %rsi

1:	decq	(%rsp)
	jnz	1b

	mov	%rsi, (%rsp)
	mov	8(%rsp), %rsi
	mov	%rax, 0(%rsi)
	mov	%rbx, 8(%rsi)
	mov	%rcx, 16(%rsi)
	mov	%rdx, 24(%rsi)
	mov	%rdi, 40(%rsi)
	mov	%rbp, 48(%rsi)
	mov	%r8, 56(%rsi)
	mov	%r9, 64(%rsi)
	mov	%r10, 72(%rsi)
	mov	%r11, 80(%rsi)
	mov	%r12, 88(%rsi)
	mov	%r13, 96(%rsi)
	mov	%r14, 104(%rsi)
	mov	%r15, 112(%rsi)
	mov	(%rsp), %rax
	mov	%rax, 32(%rsi)
	setc	120(%rsi)
	.irp	n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	movups	%xmm\n, (128 + 16 * \n)(%rsi)
	.endr

	add	$16, %rsp
	pop	%r15
	pop	%r14
	pop	%r13
	pop	%r12
	pop	%rbp
	pop	%rbx
	ret
	.size	probe_spin, . - probe_spin

	.section .note.GNU-stack, "", @progbits
