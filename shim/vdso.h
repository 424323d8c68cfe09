/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vDSO of our own, with __vdso_sgx_enter_enclave(), in the place of the kernel's. Linux: arch/x86/entry/vdso.
 */
#ifndef SOFTSGX_SHIM_VDSO_H
#define SOFTSGX_SHIM_VDSO_H

#include "base/compiler.h"

struct vdso {
	uint64_t base;  /* of our image; 0: none */
	uint64_t real;  /* the kernel's; 0: none */
	uint64_t aep;   /* the ENCLU instruction, which is also the asynchronous exit pointer */
	uint64_t fixup; /* where exceptions raised there or inside are reported */
};

/**
 * vdso_install() - build the image and make AT_SYSINFO_EHDR in @auxv (the one on the stack; Elf64_auxv_t pairs) name
 * it. Return: 0 or -ENOMEM.
 */
int must_check vdso_install(struct vdso *vdso, uint64_t *auxv);

/** vdso_symbol() - address of function @name in the image at @base, found by its dynamic section; 0: none. */
uint64_t vdso_symbol(uint64_t base, const char *name);

#endif
