/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fault cannot do without, each part alone: a stand-in for the engine that has no enclave, no locks, no page
 * table and no accounting, and moves pages of a range of its own by the same mmu/ and crypto/ calls.
 *
 * It is driven through the same states as the workload leaves its enclave in - as much address space, as many pages
 * mapped, loads in the same pattern, windows swept in address order - so that each call meets the same density of
 * mapped pages and memory as cold. Its steps are timed in batches, so that reading the clock costs nothing.
 */
#ifndef SOFTSGX_BENCH_PRIMITIVES_H
#define SOFTSGX_BENCH_PRIMITIVES_H

#include "bench/rig.h"

/* Nanoseconds per page moved in, or moved out. */
struct costs {
	double trap;    /* delivery of a signal with nothing done, and return */
	double decrypt; /* pagecrypt_open() of a page picked by the pattern */
	double map;     /* mmu_map() of the page just decrypted */
	double encrypt; /* pagecrypt_seal() of the mapped pages of a window in address order */
	double unmap;   /* mmu_block() and mmu_unmap() of a window, per mapped page in it */
};

static inline double costs_sum(const struct costs *c)
{
	return c->trap + c->decrypt + c->map + c->encrypt + c->unmap;
}

struct primitives {
	struct rig *rig;
	uint64_t base, pages; /* the range */
	uint64_t mapped, mapped_max;
	uint32_t *slot_of;    /* per page: where its encrypted copy is, or SLOT_NONE while mapped */
	uint32_t *free_slots; /* a stack: what was freed last is taken first, and is as warm as recycling makes it */
	uint64_t free_count;
	uint64_t slots;
	uint8_t *contents;     /* per slot 4096 bytes */
	struct sgx_pcmd *pcmd; /* per slot; only the MAC is used */
	uint64_t *version;     /* per slot */
	uint64_t hand;         /* page where the next window starts */
	uint64_t next;         /* sequential: page to load next */
	uint64_t random;
	enum pattern pattern;
};

/** primitives_init() - a range of @pages of which @mapped_max are mapped at most. Return: false without memory. */
bool must_check primitives_init(struct primitives *p, struct rig *rig, uint64_t pages, uint64_t mapped_max);
void primitives_destroy(struct primitives *p);

/**
 * primitives_settle() - reach the state that @pattern leaves behind. Context: a thread in rig_thread_enter(), also
 * for primitives_measure(). Return: false if a call failed or a page did not authenticate.
 */
bool must_check primitives_settle(struct primitives *p, enum pattern pattern);
/** primitives_measure() - move pages in and out for about @seconds. */
bool must_check primitives_measure(struct primitives *p, double seconds, struct costs *out);

#endif
