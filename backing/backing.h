/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backing pages of one enclave: a dense slot allocator over a store, charged to a group.
 *
 * An evicted page occupies one slot: a contents page, and a 128-byte PCMD, 32 to a PCMD page at slot / 32. A slot is
 *   free      no RAM, no charge
 *   used      holds an evicted page; RAM and charge
 *   recycled  its page was loaded again; keeps RAM and charge and serves the next eviction (giving memory back page
 *             by page costs as much as a fault). At most `recycle_max` of them; trimmed in batches.
 * Laws, executed by backing_is_valid():
 *   charged == used + recycled + pcmd_pages == store_held()
 *   pcmd page k is held  <=>  some slot in [32k, 32k+32) is used or recycled
 *
 * Context of every call: holds the enclave's lock. All but init/destroy are async-signal-safe.
 */
#ifndef SOFTSGX_BACKING_BACKING_H
#define SOFTSGX_BACKING_BACKING_H

#include "backing/store.h"
#include "ledger/group.h"

#define BACKING_NONE UINT32_MAX

struct backing {
	struct store store;
	struct group *group;
	uint64_t slots;        /* how many can ever be used */
	uint64_t *used, *held; /* bitmaps over slots; recycled = held & ~used. Sparse: untouched parts cost nothing */
	uint64_t lowest_free;  /* no slot below is free (hint, exact from below) */
	uint64_t lowest_roomy; /* no free slot below has its PCMD page held (likewise) */
	uint64_t lowest_recycled; /* likewise for recycled slots */
	uint64_t highest_held;    /* no slot above is held (hint, exact from above); 0 also when none is */
	uint64_t used_count, recycled_count, pcmd_pages;
	uint32_t recycle_max;
};

/** struct backing_page - a pinned slot: addresses valid until backing_put(). */
struct backing_page {
	uint32_t slot;
	void *contents;
	struct sgx_pcmd *pcmd;
};

/**
 * backing_init() - @slots: pages the enclave can have, SECS included; @group must outlive @b.
 * Return: 0, -EINVAL, or as store_init().
 */
int must_check backing_init(struct backing *b, struct group *group, uint64_t slots, uint32_t recycle_max);
/** backing_destroy() - every slot must be free or recycled (law: nothing evicted is forgotten); uncharges the rest. */
void backing_destroy(struct backing *b);

/**
 * backing_alloc() - the only thing that charges: take the lowest recycled slot; else the lowest free one whose PCMD page
 * is held, for the charge of its contents alone; else the lowest free one and its PCMD page. So slots given back are
 * never dearer to get again.
 * Contents and PCMD of a slot taken anew are what they were when it was last in use, or zero.
 * Return: 0; -ENOMEM over a limit or without memory, with nothing changed but events (EVENT_MAX or EVENT_OOM).
 */
int must_check backing_alloc(struct backing *b, struct backing_page *page);
/** backing_lookup() - never charges, never allocates. Return: 0, or -ENOENT if @slot is not used. */
int must_check backing_lookup(struct backing *b, uint32_t slot, struct backing_page *page);
/** backing_put() - unpins; never changes a charge. */
void backing_put(struct backing_page *page);
/**
 * backing_free() - the page in used slot @slot is gone: the slot is recycled. When that makes more than recycle_max,
 * half of them are kept, and the others freed and uncharged in one go.
 */
void backing_free(struct backing *b, uint32_t slot);
/**
 * backing_trim() - free and uncharge recycled slots, highest first, until @keep are left, and the PCMD pages that go
 * with them; one system call a contiguous run. Return: pages uncharged.
 */
uint64_t backing_trim(struct backing *b, uint64_t keep);

/** backing_charged() - pages charged to the group for this enclave: contents, PCMD and recycled. */
/**
 * backing_move() - bring the copy in used @slot to a free slot below @below, and give the old one back at once: how PCMD
 * pages with few slots in use are emptied. Nothing may be recycled (backing_trim() first). For a moment both are
 * charged. Return: 0 and the slot in *to; -ENOSPC: none is free there; -ENOMEM as backing_alloc(), nothing changed.
 */
int must_check backing_move(struct backing *b, uint32_t slot, uint64_t below, uint32_t *to);
/** backing_waste() - PCMD pages that as many used slots, packed, would not need. */
uint64_t backing_waste(const struct backing *b);

uint64_t backing_charged(const struct backing *b);
/** backing_is_valid() - the laws above. Costs a system call and a look at the bitmaps up to the highest held slot. */
bool backing_is_valid(const struct backing *b);

#endif
