/* SPDX-License-Identifier: Apache-2.0 */
#include "bare.h"

#define ENCLU_EEXIT 4

/* struct bare_regs */
#define R_RAX 0
#define R_RBX 8
#define R_RCX 16
#define R_RDX 24
#define R_RSI 32
#define R_RDI 40
#define R_RBP 48
#define R_RSP 56
#define R_R8 64
#define R_R9 72
#define R_R10 80
#define R_R11 88
#define R_R12 96
#define R_R13 104
#define R_R14 112
#define R_R15 120
#define R_RFLAGS 128

/* The thread page, at GS. */
#define T_RETURN %gs:0
#define T_NESTED_RETURN %gs:8
#define T_COUNT %gs:16
#define T_SAVE %gs:24
#define T_REQUEST %gs:32
#define T_CALL %gs:40

/* Vectors to or from at(%base), as wide as the word at (width) says. Clobbers flags. */
.macro vectors move, base, at, width
	cmpq $32, \width
	ja 2f
	je 1f
	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\move movups, xmm\n, \base, (\at + 64 * \n)
	.endr
	jmp 3f
1:	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\move vmovups, ymm\n, \base, (\at + 64 * \n)
	.endr
	jmp 3f
2:	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
	\move vmovups, zmm\n, \base, (\at + 64 * \n)
	.endr
	.irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	\move vmovups, zmm\n, \base, (\at + 64 * \n)
	.endr
3:
.endm
.macro vload insn, reg, base, off
	\insn \off(%\base), %\reg
.endm
.macro vstore insn, reg, base, off
	\insn %\reg, \off(%\base)
.endm

	.section .rodata.bare, "a"
	.balign 4096
	.globl bare_code, bare_code_end
	.globl bare_at_ud, bare_at_de, bare_at_bp, bare_at_read, bare_at_write, bare_at_leaf
	.globl bare_spin_start, bare_spin_end
bare_code:
	/* Entry: RAX = CSSA, RBX = TCS, RCX = where EEXIT goes, RDI = request. Nothing but RFLAGS is touched here. */
	test %rax, %rax
	jnz nested
	mov %rcx, T_RETURN
	cmpq $OP_ECHO, REQ_OP(%rdi)
	je echo
	mov REQ_ADDRESS(%rdi), %rsi
	mov REQ_VALUE(%rdi), %rdx
	mov %rdi, T_REQUEST
	mov REQ_OP(%rdi), %rax
	cmp $OP_READ, %rax
	je bare_at_read
	cmp $OP_WRITE, %rax
	je bare_at_write
	cmp $OP_EXEC, %rax
	je exec
	cmp $OP_UD, %rax
	je bare_at_ud
	cmp $OP_DE, %rax
	je divide
	cmp $OP_BP, %rax
	je bare_at_bp
	cmp $OP_LEAF, %rax
	je leaf
	cmp $OP_WALK, %rax
	je walk
	cmp $OP_SETFS, %rax
	jne spin
	wrfsbase %rdx
	jmp spin

bare_at_read:
	mov (%rsi), %rdx
	mov %rdx, REQ_VALUE(%rdi)
	jmp leave
bare_at_write:
	mov %rdx, (%rsi)
	jmp leave
exec:
	rdgsbase %rax
	lea 4096 - 64(%rax), %rsp
	call *%rsi
	jmp leave
bare_at_ud:
	ud2
	jmp leave
divide:
	xor %edx, %edx
	xor %ecx, %ecx
	mov $1, %eax
bare_at_de:
	div %ecx
	jmp leave
bare_at_bp:
	int3
	jmp leave
leaf:
	mov %rdx, %rax
bare_at_leaf:
	enclu
	jmp leave

leave:
	mov T_RETURN, %rbx
	mov $ENCLU_EEXIT, %eax
	enclu

echo:
	mov %rax, REQ_OUT + R_RAX(%rdi)
	mov %rbx, REQ_OUT + R_RBX(%rdi)
	mov %rcx, REQ_OUT + R_RCX(%rdi)
	mov %rdx, REQ_OUT + R_RDX(%rdi)
	mov %rsi, REQ_OUT + R_RSI(%rdi)
	mov %rdi, REQ_OUT + R_RDI(%rdi)
	mov %rbp, REQ_OUT + R_RBP(%rdi)
	mov %rsp, REQ_OUT + R_RSP(%rdi)
	mov %r8, REQ_OUT + R_R8(%rdi)
	mov %r9, REQ_OUT + R_R9(%rdi)
	mov %r10, REQ_OUT + R_R10(%rdi)
	mov %r11, REQ_OUT + R_R11(%rdi)
	mov %r12, REQ_OUT + R_R12(%rdi)
	mov %r13, REQ_OUT + R_R13(%rdi)
	mov %r14, REQ_OUT + R_R14(%rdi)
	mov %r15, REQ_OUT + R_R15(%rdi)
	rdfsbase %rax
	mov %rax, REQ_FSBASE(%rdi)
	rdgsbase %rax
	mov %rax, REQ_GSBASE(%rdi)
	vectors vstore, rdi, REQ_OUT + REGS_VECTORS, REQ_WIDTH(%rdi)
	vectors vload, rdi, REQ_IN + REGS_VECTORS, REQ_WIDTH(%rdi)
	mov REQ_IN + R_RDX(%rdi), %rdx
	mov REQ_IN + R_RSI(%rdi), %rsi
	mov REQ_IN + R_R8(%rdi), %r8
	mov REQ_IN + R_R9(%rdi), %r9
	mov REQ_IN + R_R10(%rdi), %r10
	mov REQ_IN + R_R11(%rdi), %r11
	mov REQ_IN + R_R12(%rdi), %r12
	mov REQ_IN + R_R13(%rdi), %r13
	mov REQ_IN + R_R14(%rdi), %r14
	mov REQ_IN + R_R15(%rdi), %r15
	mov REQ_IN + R_RDI(%rdi), %rdi
	jmp leave

	/* Every register, RSP included, holds the test's values while the loop runs: it needs none. */
spin:
	mov REQ_COUNT(%rdi), %rax
	mov %rax, T_COUNT
	mov %rsp, T_SAVE
	mov %rbp, T_CALL
	vectors vload, rdi, REQ_IN + REGS_VECTORS, REQ_WIDTH(%rdi)
	mov REQ_IN + R_RAX(%rdi), %rax
	mov REQ_IN + R_RBX(%rdi), %rbx
	mov REQ_IN + R_RCX(%rdi), %rcx
	mov REQ_IN + R_RDX(%rdi), %rdx
	mov REQ_IN + R_RSI(%rdi), %rsi
	mov REQ_IN + R_RBP(%rdi), %rbp
	mov REQ_IN + R_RSP(%rdi), %rsp
	mov REQ_IN + R_R8(%rdi), %r8
	mov REQ_IN + R_R9(%rdi), %r9
	mov REQ_IN + R_R10(%rdi), %r10
	mov REQ_IN + R_R11(%rdi), %r11
	mov REQ_IN + R_R12(%rdi), %r12
	mov REQ_IN + R_R13(%rdi), %r13
	mov REQ_IN + R_R14(%rdi), %r14
	mov REQ_IN + R_R15(%rdi), %r15
	mov REQ_IN + R_RDI(%rdi), %rdi
	stc
bare_spin_start:
	decq T_COUNT
	jnz bare_spin_start
bare_spin_end:
	xchg %rdi, T_REQUEST
	mov %rax, REQ_OUT + R_RAX(%rdi)
	mov %rbx, REQ_OUT + R_RBX(%rdi)
	mov %rcx, REQ_OUT + R_RCX(%rdi)
	mov %rdx, REQ_OUT + R_RDX(%rdi)
	mov %rsi, REQ_OUT + R_RSI(%rdi)
	mov %rbp, REQ_OUT + R_RBP(%rdi)
	mov %rsp, REQ_OUT + R_RSP(%rdi)
	mov %r8, REQ_OUT + R_R8(%rdi)
	mov %r9, REQ_OUT + R_R9(%rdi)
	mov %r10, REQ_OUT + R_R10(%rdi)
	mov %r11, REQ_OUT + R_R11(%rdi)
	mov %r12, REQ_OUT + R_R12(%rdi)
	mov %r13, REQ_OUT + R_R13(%rdi)
	mov %r14, REQ_OUT + R_R14(%rdi)
	mov %r15, REQ_OUT + R_R15(%rdi)
	setc REQ_OUT + R_RFLAGS(%rdi)
	mov T_REQUEST, %rax
	mov %rax, REQ_OUT + R_RDI(%rdi)
	rdfsbase %rax
	mov %rax, REQ_FSBASE(%rdi)
	rdgsbase %rax
	mov %rax, REQ_GSBASE(%rdi)
	vectors vstore, rdi, REQ_OUT + REGS_VECTORS, REQ_WIDTH(%rdi)
	mov T_SAVE, %rsp
	mov T_CALL, %rbp
	jmp leave

	/* value odd: count mismatches of word != value + address into `value`; even: store value + 1 + address. */
walk:
	mov REQ_COUNT(%rdi), %rcx
	shl $9, %rcx
	xor %r8d, %r8d
	test $1, %rdx
	jz fill
1:	lea (%rdx, %rsi), %rax
	cmp (%rsi), %rax
	setne %al
	movzb %al, %eax
	add %rax, %r8
	add $8, %rsi
	dec %rcx
	jnz 1b
	mov %r8, REQ_VALUE(%rdi)
	jmp leave
fill:
	lea 1(%rdx, %rsi), %rax
	mov %rax, (%rsi)
	add $8, %rsi
	dec %rcx
	jnz fill
	jmp leave

	/* CSSA > 0: say so; with OP_WRITE, *address := value on the way (to edit the interrupted state). */
nested:
	mov %rcx, T_NESTED_RETURN
	mov %rax, REQ_CSSA(%rdi)
	cmpq $OP_WRITE, REQ_OP(%rdi)
	jne 1f
	mov REQ_ADDRESS(%rdi), %rsi
	mov REQ_VALUE(%rdi), %rdx
	mov %rdx, (%rsi)
1:	mov T_NESTED_RETURN, %rbx
	mov $ENCLU_EEXIT, %eax
	enclu
bare_code_end:
	.balign 4096

/* --- the host's side --- */

	.text
.macro save_callee
	push %rbp
	mov %rsp, %rbp
	push %rbx
	push %r12
	push %r13
	push %r14
	push %r15
	sub $24, %rsp
.endm
.macro restore_callee
	lea -40(%rbp), %rsp
	pop %r15
	pop %r14
	pop %r13
	pop %r12
	pop %rbx
	pop %rbp
.endm
/* in: %r11. RAX, RBX, RCX, RSP, RBP are the entry's own. */
.macro load_host
	mov R_RDX(%r11), %rdx
	mov R_RSI(%r11), %rsi
	mov R_RDI(%r11), %rdi
	mov R_R8(%r11), %r8
	mov R_R9(%r11), %r9
	mov R_R10(%r11), %r10
	mov R_R12(%r11), %r12
	mov R_R13(%r11), %r13
	mov R_R14(%r11), %r14
	mov R_R15(%r11), %r15
	mov R_R11(%r11), %r11
.endm
/* out: %rbx (restored later); RAX holds the result. */
.macro store_host
	mov %rax, R_RAX(%rbx)
	mov %rcx, R_RCX(%rbx)
	mov %rdx, R_RDX(%rbx)
	mov %rsi, R_RSI(%rbx)
	mov %rdi, R_RDI(%rbx)
	mov %rbp, R_RBP(%rbx)
	mov %r8, R_R8(%rbx)
	mov %r9, R_R9(%rbx)
	mov %r10, R_R10(%rbx)
	mov %r11, R_R11(%rbx)
	mov %r12, R_R12(%rbx)
	mov %r13, R_R13(%rbx)
	mov %r14, R_R14(%rbx)
	mov %r15, R_R15(%rbx)
.endm

	/* int bare_vdso(in %rdi, out %rsi, run %rdx, function %rcx, width %r8) */
	.globl bare_vdso
	.type bare_vdso, @function
bare_vdso:
	.cfi_startproc
	.cfi_def_cfa_offset 16
	.cfi_offset %rbp, -16
	save_callee
	.cfi_def_cfa %rbp, 16
	push %r8	/* -72(%rbp) */
	push %rsi	/* -80(%rbp) */
	sub $8, %rsp
	push %rdx	/* the seventh argument, RSP aligned at the call */
	mov %rdi, %r11
	vectors vload, r11, REGS_VECTORS, -72(%rbp)
	load_host
	call *bare_vdso_entry(%rip)
	mov -80(%rbp), %rbx
	store_host
	vectors vstore, rbx, REGS_VECTORS, -72(%rbp)
	cld
	restore_callee
	ret
	.cfi_endproc
	.size bare_vdso, . - bare_vdso

	/* int bare_raw(in %rdi, out %rsi, tcs %rdx, leaf %rcx, width %r8) */
	.globl bare_raw, bare_raw_enclu, bare_raw_aep, bare_raw_fixup
	.type bare_raw, @function
bare_raw:
	save_callee
	push %r8	/* -72(%rbp) */
	push %rsi	/* -80(%rbp) */
	mov %rdx, %rbx
	mov %rcx, %rax
	mov %rdi, %r11
	vectors vload, r11, REGS_VECTORS, -72(%rbp)
	lea bare_raw_aep(%rip), %rcx
	load_host
bare_raw_enclu:
	enclu
	xor %eax, %eax
raw_exit:
	mov -80(%rbp), %rbx
	store_host
	vectors vstore, rbx, REGS_VECTORS, -72(%rbp)
	cld
	restore_callee
	ret
bare_raw_aep:
	enclu
	ud2
bare_raw_fixup:
	mov $-14, %eax
	jmp raw_exit
	.size bare_raw, . - bare_raw

	.section .note.GNU-stack, "", @progbits
