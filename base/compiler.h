/* SPDX-License-Identifier: Apache-2.0 */
/* Small compiler helpers shared by every layer. */
#ifndef SOFTSGX_BASE_COMPILER_H
#define SOFTSGX_BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE_SHIFT 12
#define PAGE_SIZE 4096UL
#define PAGE_MASK (~(PAGE_SIZE - 1))

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define must_check __attribute__((warn_unused_result))
#define public_api __attribute__((visibility("default")))
#define min_of(a, b) ((a) < (b) ? (a) : (b))
#define max_of(a, b) ((a) > (b) ? (a) : (b))

static inline bool is_page_aligned(uint64_t x)
{
	return (x & (PAGE_SIZE - 1)) == 0;
}

static inline uint64_t page_round_up(uint64_t x)
{
	return (x + PAGE_SIZE - 1) & PAGE_MASK;
}

/** is_canonical() - bits 63:47 of the address are equal (48-bit linear addresses, SDM 1 3.3.7.1). */
static inline bool is_canonical(uint64_t addr)
{
	return (uint64_t)((int64_t)(addr << 16) >> 16) == addr;
}

static inline bool mem_is_zero(const void *bytes, size_t len)
{
	const uint8_t *p = (const uint8_t *)bytes;
	uint8_t any = 0;

	for (size_t i = 0; i < len; i++)
		any |= p[i];
	return any == 0;
}

static inline bool is_power_of_2(uint64_t x)
{
	return x != 0 && (x & (x - 1)) == 0;
}

#endif
