/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave page as the driver tracks it, its lifecycle, and the sparse table of them.
 */
#ifndef SOFTSGX_ENCL_PAGE_H
#define SOFTSGX_ENCL_PAGE_H

#include "base/compiler.h"
#include "base/slab.h"

/*
 * Lifecycle. `loading` and `evicting` are "in flight": one thread owns the page and works on it without the enclave's
 * lock; all others wait on encl->changed.
 *
 *   absent -> resident                   EADD
 *   resident -> evicting -> evicted      reclaim: EBLOCK ... EWB
 *   evicted -> loading -> resident       fault, pin: ELDU
 *   loading -> evicted                   ELDU refused (MAC), or no memory: everything as before
 *   evicting -> resident                 the kernel would not block the window: everything as before
 *   resident -> absent, evicted -> absent   removal
 */
enum page_state { PAGE_ABSENT, PAGE_RESIDENT, PAGE_EVICTING, PAGE_EVICTED, PAGE_LOADING, PAGE_STATES };

/** struct encl_page - 12 bytes: all that is kept for an enclave page, in the EPC or out of it. */
struct encl_page {
	uint32_t where; /* resident, evicting, loading: EPC page number; evicted: backing slot */
	uint32_t va;    /* evicted, loading: version slot (va_alloc()); else VA_NONE */
	uint8_t state;  /* enum page_state; changed only by page_move() */
	uint8_t type;   /* enum sgx_page_type */
	uint8_t prot;   /* low 3 bits: PROT_* the application may map it with at most; next 3: EPCM permissions */
	uint8_t pins;   /* > 0: not evictable */
};
_Static_assert(sizeof(struct encl_page) == 12, "the enclave page metadata budget");

#define PAGE_MAX_PROT(p) ((p)->prot & 7)
#define PAGE_PERMS(p) (((p)->prot >> 3) & 7)

/** page_move() - the only way a state changes; an illegal transition is fatal. Context: holds encl->lock. */
void page_move(struct encl_page *p, enum page_state to);
static inline bool page_in_flight(const struct encl_page *p)
{
	return p->state == PAGE_EVICTING || p->state == PAGE_LOADING;
}

#define PAGETABLE_LEAF 512
#define PAGETABLE_FANOUT 512

struct pagetable_leaf {
	struct encl_page page[PAGETABLE_LEAF];
};
struct pagetable_mid {
	struct pagetable_leaf *leaf[PAGETABLE_FANOUT];
};

/* Sparse: index -> page in three levels; ELRANGE of 2^40 bytes has 1024 entries on top, the rest on demand. */
struct pagetable {
	struct slab *leaf_slab, *mid_slab;
	struct pagetable_mid **top;
	size_t top_len;
	uint64_t pages; /* ELRANGE in pages */
};

int must_check pagetable_init(struct pagetable *pt, uint64_t pages, struct slab *leaf_slab, struct slab *mid_slab);
void pagetable_destroy(struct pagetable *pt);
/** pagetable_lookup() - never allocates. Return: the page, which may be PAGE_ABSENT, or NULL. */
struct encl_page *pagetable_lookup(const struct pagetable *pt, uint64_t index);
/** pagetable_make() - the entry for @index, made if need be (PAGE_ABSENT). Return: NULL without memory. */
struct encl_page *must_check pagetable_make(struct pagetable *pt, uint64_t index);
/** pagetable_next() - the first page at or after *@index that is not absent, *@index set to it; NULL: none left. */
struct encl_page *pagetable_next(const struct pagetable *pt, uint64_t *index);

/* Version slots: VA pages of the enclave, 512 slots each, always enough of them for every page and the SECS. */
#define VA_NONE UINT32_MAX

struct va_page {
	uint32_t epc;  /* its EPC page number */
	uint32_t used; /* slots taken */
	uint64_t bitmap[8];
};
struct va_array {
	struct va_page *page; /* mapped array, grown by doubling */
	uint32_t count, cap;
	uint32_t hint; /* no VA page below has a free slot */
};

#endif
