/* SPDX-License-Identifier: Apache-2.0 */
/* FS and GS bases, by the FSGSBASE instructions. They are not part of a signal frame. */
#ifndef SOFTSGX_SHIM_BASES_H
#define SOFTSGX_SHIM_BASES_H

#include <stdint.h>

static inline uint64_t read_fsbase(void)
{
	uint64_t base;

	__asm__ volatile("rdfsbase %0" : "=r"(base));
	return base;
}

static inline uint64_t read_gsbase(void)
{
	uint64_t base;

	__asm__ volatile("rdgsbase %0" : "=r"(base));
	return base;
}

/* The barrier keeps TLS accesses on their side of the change. */
static inline void write_fsbase(uint64_t base)
{
	__asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

static inline void write_gsbase(uint64_t base)
{
	__asm__ volatile("wrgsbase %0" : : "r"(base) : "memory");
}

#endif
