/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image of a vDSO that has __vdso_sgx_enter_enclave(). vdso.c copies it to a page of its own, fills in the hash
 * values and the addresses of the real vDSO's functions, and points AT_SYSINFO_EHDR at the copy. File offset equals
 * virtual address throughout. Programs find the function by PT_DYNAMIC and either hash table, or by section headers.
 */
#include "shim/layout.h"

#define ENCLU_EENTER 2
#define ENCLU_ERESUME 3
#define ENCLU_EEXIT 4
#define EINVAL 22

/* struct sgx_enclave_run, asm/sgx.h */
#define RUN_TCS 0
#define RUN_FUNCTION 8
#define RUN_VECTOR 12
#define RUN_ERROR_CODE 14
#define RUN_ADDRESS 16
#define RUN_USER_HANDLER 24
#define RUN_RESERVED 40
#define RUN_END 256

/* where `run`, the seventh argument, is */
#define FRAME_RUN 16(%rbp)

#define AT(label) ((label) - vdso_image)

	.section .rodata
	.balign 4096
	.globl vdso_image, vdso_image_end
	.globl vdso_slots, vdso_symbols, vdso_symbols_end, vdso_strings, vdso_gnu_chain, vdso_verdef
	.globl vdso_enclu, vdso_exception
	.hidden vdso_image, vdso_image_end
	.hidden vdso_slots, vdso_symbols, vdso_symbols_end, vdso_strings, vdso_gnu_chain, vdso_verdef
	.hidden vdso_enclu, vdso_exception

vdso_image:
	/* ELF header: 64-bit, little endian, System V, ET_DYN, x86-64 */
	.byte 0x7f, 'E', 'L', 'F', 2, 1, 1, 0
	.quad 0
	.short 3, 62
	.long 1
	.quad 0, AT(phdrs), AT(shdrs)
	.long 0
	.short 64, 56, (phdrs_end - phdrs) / 56
	.short 64, (shdrs_end - shdrs) / 64, (sh_shstrtab - shdrs) / 64

.macro phdr type, flags, start, size, align
	.long \type, \flags
	.quad AT(\start), AT(\start), AT(\start), \size, \size, \align
.endm
#define PT_LOAD 1
#define PT_DYNAMIC 2
#define PT_GNU_EH_FRAME 0x6474e550
	.balign 8
phdrs:
	phdr PT_LOAD, 5, vdso_image, (vdso_image_end - vdso_image), 4096
	phdr PT_DYNAMIC, 4, dynamic, (dynamic_end - dynamic), 8
	phdr PT_GNU_EH_FRAME, 4, eh_frame_hdr, (eh_frame_hdr_end - eh_frame_hdr), 4
phdrs_end:

#define DT_NULL 0
#define DT_HASH 4
#define DT_STRTAB 5
#define DT_SYMTAB 6
#define DT_STRSZ 10
#define DT_SYMENT 11
#define DT_SONAME 14
#define DT_GNU_HASH 0x6ffffef5
#define DT_VERSYM 0x6ffffff0
#define DT_VERDEF 0x6ffffffc
#define DT_VERDEFNUM 0x6ffffffd
dynamic:
	.quad DT_SONAME, name_soname - vdso_strings
	.quad DT_HASH, AT(hash)
	.quad DT_GNU_HASH, AT(gnu_hash)
	.quad DT_STRTAB, AT(vdso_strings)
	.quad DT_SYMTAB, AT(vdso_symbols)
	.quad DT_STRSZ, vdso_strings_end - vdso_strings
	.quad DT_SYMENT, 24
	.quad DT_VERSYM, AT(versym)
	.quad DT_VERDEF, AT(vdso_verdef)
	.quad DT_VERDEFNUM, 2
	.quad DT_NULL, 0
dynamic_end:

/* Functions that go on to the real vDSO stand in the order of vdso_slots, first; vdso.c relies on it. */
#define SYMBOLS 13
#define STT_FUNC_GLOBAL 0x12
#define STT_FUNC_WEAK 0x22
#define STT_OBJECT_GLOBAL 0x11
.macro symbol name, info, start, end
	.long name_\name - vdso_strings
	.byte \info, 0
	.short (sh_text - shdrs) / 64
	.quad AT(\start), \end - \start
.endm
vdso_symbols:
	.fill 24, 1, 0
	symbol vdso_clock_gettime, STT_FUNC_GLOBAL, go_clock_gettime, go_gettimeofday
	symbol vdso_gettimeofday, STT_FUNC_GLOBAL, go_gettimeofday, go_time
	symbol vdso_time, STT_FUNC_GLOBAL, go_time, go_clock_getres
	symbol vdso_clock_getres, STT_FUNC_GLOBAL, go_clock_getres, go_getcpu
	symbol vdso_getcpu, STT_FUNC_GLOBAL, go_getcpu, go_end
	symbol vdso_sgx_enter_enclave, STT_FUNC_GLOBAL, enter_enclave, enter_enclave_end
	symbol clock_gettime, STT_FUNC_WEAK, go_clock_gettime, go_gettimeofday
	symbol gettimeofday, STT_FUNC_WEAK, go_gettimeofday, go_time
	symbol time, STT_FUNC_WEAK, go_time, go_clock_getres
	symbol clock_getres, STT_FUNC_WEAK, go_clock_getres, go_getcpu
	symbol getcpu, STT_FUNC_WEAK, go_getcpu, go_end
	/* The version's own name, as linkers make it: an absolute object. */
	.long name_version - vdso_strings
	.byte STT_OBJECT_GLOBAL, 0
	.short 0xfff1
	.quad 0, 0
vdso_symbols_end:
	.if (vdso_symbols_end - vdso_symbols) != SYMBOLS * 24
	.error "SYMBOLS"
	.endif

hash:	/* one bucket: every lookup walks the chain */
	.long 1, SYMBOLS, 1
	.long 0
	.set i, 2
	.rept SYMBOLS - 2
	.long i
	.set i, i + 1
	.endr
	.long 0

	.balign 8
gnu_hash: /* one bucket from symbol 1, a filter that lets everything pass; the chain's values come from vdso.c */
	.long 1, 1, 1, 6
	.quad -1
	.long 1
vdso_gnu_chain:
	.fill SYMBOLS - 1, 4, 0

versym:
	.short 0
	.rept SYMBOLS - 1
	.short 2
	.endr
versym_end:

	.balign 8
vdso_verdef: /* version, flags, index, auxiliaries, hash (from vdso.c), offset of them, next */
	.short 1, 1, 1, 1
	.long 0, 20, 28
	.long name_soname - vdso_strings, 0
	.short 1, 0, 2, 1
	.long 0, 20, 0
	.long name_version - vdso_strings, 0

vdso_strings:
	.byte 0
name_soname: .asciz "linux-vdso.so.1"
name_version: .asciz "LINUX_2.6"
name_vdso_clock_gettime: .ascii "__vdso_"
name_clock_gettime: .asciz "clock_gettime"
name_vdso_gettimeofday: .ascii "__vdso_"
name_gettimeofday: .asciz "gettimeofday"
name_vdso_time: .ascii "__vdso_"
name_time: .asciz "time"
name_vdso_clock_getres: .ascii "__vdso_"
name_clock_getres: .asciz "clock_getres"
name_vdso_getcpu: .ascii "__vdso_"
name_getcpu: .asciz "getcpu"
name_vdso_sgx_enter_enclave: .asciz "__vdso_sgx_enter_enclave"
vdso_strings_end:

	.balign 4
eh_frame_hdr: /* version 1; eh_frame pointer pcrel sdata4; count udata4; table datarel sdata4 */
	.byte 1, 0x1b, 0x03, 0x3b
	.long eh_frame - .
	.long 1
	.long enter_enclave - eh_frame_hdr, fde - eh_frame_hdr
eh_frame_hdr_end:

/*
 * Call frame information, written out: the assembler would put its own into the shim, not into the image.
 * Registers: 3 = rbx, 6 = rbp, 7 = rsp, 16 = return address.
 */
#define DW_CFA_advance_loc(n) 0x40 + (n)
#define DW_CFA_offset(reg, factored) 0x80 + (reg), (factored)
#define DW_CFA_def_cfa(reg, off) 0x0c, (reg), (off)
#define DW_CFA_def_cfa_offset(off) 0x0e, (off)
#define DW_CFA_def_cfa_register(reg) 0x0d, (reg)
	.balign 8
eh_frame:
	.long cie_end - cie_id
cie_id:	.long 0
	.byte 1
	.asciz "zR"
	.byte 1, 0x78, 16, 1, 0x1b
	.byte DW_CFA_def_cfa(7, 8), DW_CFA_offset(16, 1)
	.balign 8, 0
cie_end:
fde:	.long fde_end - fde_cie
fde_cie: .long fde_cie - eh_frame
	.long enter_enclave - .
	.long enter_enclave_end - enter_enclave
	.byte 0
	.byte DW_CFA_advance_loc(pushed_rbp - enter_enclave), DW_CFA_def_cfa_offset(16), DW_CFA_offset(6, 2)
	.byte DW_CFA_advance_loc(framed - pushed_rbp), DW_CFA_def_cfa_register(6)
	.byte DW_CFA_advance_loc(pushed_rbx - framed), DW_CFA_offset(3, 3)
	.balign 8, 0
fde_end:
	.long 0

	.balign 16
text:
/*
 * int __vdso_sgx_enter_enclave(rdi, rsi, rdx, function in ecx, r8, r9, run on the stack)
 * Every way out but the last instruction keeps the frame, so that one unwinding rule covers all of it.
 */
enter_enclave:
	push %rbp
pushed_rbp:
	mov %rsp, %rbp
framed:
	push %rbx
pushed_rbx:
	mov %ecx, %eax
attempt:
	lea -ENCLU_EENTER(%rax), %ecx
	cmp $(ENCLU_ERESUME - ENCLU_EENTER), %ecx
	ja invalid
	mov FRAME_RUN, %rcx
	mov $RUN_RESERVED, %ebx
reserved_is_zero:
	cmpq $0, (%rcx, %rbx)
	jne invalid
	add $8, %ebx
	cmp $RUN_END, %ebx
	jb reserved_is_zero

	mov RUN_TCS(%rcx), %rbx
	lea vdso_enclu(%rip), %rcx
	/* EENTER goes to the shim directly and comes to the instruction only if that would fault. */
	cmp $ENCLU_EENTER, %eax
	jne vdso_enclu
	jmp *slot_direct_enter(%rip)
vdso_enclu: /* for ERESUME too; and the asynchronous exit pointer */
	.byte 0x0f, 0x01, 0xd7

	/* EEXIT continues here, with whatever RBX and RSP the enclave has left. */
	mov FRAME_RUN, %rbx
	movl $ENCLU_EEXIT, RUN_FUNCTION(%rbx)
report:
	cmpq $0, RUN_USER_HANDLER(%rbx)
	jne call_handler
	xor %eax, %eax
out:
	mov -8(%rbp), %rbx
	leave
	ret

invalid:
	mov $-EINVAL, %eax
	jmp out

vdso_exception: /* vector, error code and address are in RDI, RSI, RDX; the leaf is still in EAX */
	mov FRAME_RUN, %rbx
	mov %eax, RUN_FUNCTION(%rbx)
	mov %di, RUN_VECTOR(%rbx)
	mov %si, RUN_ERROR_CODE(%rbx)
	mov %rdx, RUN_ADDRESS(%rbx)
	jmp report

call_handler: /* handler(rdi, rsi, rdx, rsp at exit, r8, r9, run), on an aligned stack */
	mov %rsp, %rcx
	mov %rbx, %rax
	mov %rsp, %rbx
	and $-16, %rsp
	sub $8, %rsp
	push %rax
	cld
	call *RUN_USER_HANDLER(%rax)
	mov %rbx, %rsp
	test %eax, %eax
	jle out
	jmp attempt
enter_enclave_end:

go_clock_gettime: jmp *vdso_slots(%rip)
go_gettimeofday: jmp *vdso_slots + 8(%rip)
go_time: jmp *vdso_slots + 16(%rip)
go_clock_getres: jmp *vdso_slots + 24(%rip)
go_getcpu: jmp *vdso_slots + 32(%rip)
go_end:
text_end:

	.balign 8
vdso_slots:
	.fill 5, 8, 0
slot_direct_enter:
	.quad 0
slots_end:

#define SHT_PROGBITS 1
#define SHT_STRTAB 3
#define SHT_HASH 5
#define SHT_DYNAMIC 6
#define SHT_DYNSYM 11
#define SHT_GNU_HASH 0x6ffffff6
#define SHT_GNU_VERDEF 0x6ffffffd
#define SHT_GNU_VERSYM 0x6fffffff
#define SHF_ALLOC 2
#define SHF_ALLOC_EXEC 6
.macro section name, type, flags, start, end, link, info, align, entsize
	.long sname_\name - shstrtab, \type
	.quad \flags, AT(\start), AT(\start), \end - \start
	.long (\link - shdrs) / 64, \info
	.quad \align, \entsize
.endm
	.balign 8
shdrs:	.fill 64, 1, 0
	section hash, SHT_HASH, SHF_ALLOC, hash, gnu_hash, sh_dynsym, 0, 4, 4
	section gnu_hash, SHT_GNU_HASH, SHF_ALLOC, gnu_hash, versym, sh_dynsym, 0, 8, 0
sh_dynsym:
	section dynsym, SHT_DYNSYM, SHF_ALLOC, vdso_symbols, vdso_symbols_end, sh_dynstr, 1, 8, 24
sh_dynstr:
	section dynstr, SHT_STRTAB, SHF_ALLOC, vdso_strings, vdso_strings_end, shdrs, 0, 1, 0
	section versym, SHT_GNU_VERSYM, SHF_ALLOC, versym, versym_end, sh_dynsym, 0, 2, 2
	section verdef, SHT_GNU_VERDEF, SHF_ALLOC, vdso_verdef, vdso_strings, sh_dynstr, 2, 8, 0
	section dynamic, SHT_DYNAMIC, SHF_ALLOC, dynamic, dynamic_end, sh_dynstr, 0, 8, 16
	section eh_frame_hdr, SHT_PROGBITS, SHF_ALLOC, eh_frame_hdr, eh_frame_hdr_end, shdrs, 0, 4, 0
	section eh_frame, SHT_PROGBITS, SHF_ALLOC, eh_frame, text, shdrs, 0, 8, 0
sh_text:
	section text, SHT_PROGBITS, SHF_ALLOC_EXEC, text, text_end, shdrs, 0, 16, 0
	section rodata, SHT_PROGBITS, SHF_ALLOC, vdso_slots, slots_end, shdrs, 0, 8, 0
sh_shstrtab:
	section shstrtab, SHT_STRTAB, 0, shstrtab, shstrtab_end, shdrs, 0, 1, 0
shdrs_end:
shstrtab:
	.byte 0
sname_hash: .asciz ".hash"
sname_gnu_hash: .asciz ".gnu.hash"
sname_dynsym: .asciz ".dynsym"
sname_dynstr: .asciz ".dynstr"
sname_versym: .asciz ".gnu.version"
sname_verdef: .asciz ".gnu.version_d"
sname_dynamic: .asciz ".dynamic"
sname_eh_frame_hdr: .asciz ".eh_frame_hdr"
sname_eh_frame: .asciz ".eh_frame"
sname_text: .asciz ".text"
sname_rodata: .asciz ".rodata"
sname_shstrtab: .asciz ".shstrtab"
shstrtab_end:
	/* One page: the assembler refuses if the image has outgrown it. */
	.org vdso_image + 4096, 0
vdso_image_end:
	.section .note.GNU-stack, "", @progbits
