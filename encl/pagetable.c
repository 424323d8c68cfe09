/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/sys.h"
#include "encl/page.h"

#define MID_PAGES ((uint64_t)PAGETABLE_LEAF * PAGETABLE_FANOUT)

void page_move(struct encl_page *p, enum page_state to)
{
	static const bool legal[PAGE_STATES][PAGE_STATES] = {
		[PAGE_ABSENT][PAGE_RESIDENT] = true,   [PAGE_RESIDENT][PAGE_EVICTING] = true,
		[PAGE_RESIDENT][PAGE_ABSENT] = true,   [PAGE_EVICTING][PAGE_EVICTED] = true,
		[PAGE_EVICTING][PAGE_RESIDENT] = true, [PAGE_EVICTED][PAGE_LOADING] = true,
		[PAGE_EVICTED][PAGE_ABSENT] = true,    [PAGE_LOADING][PAGE_RESIDENT] = true,
		[PAGE_LOADING][PAGE_EVICTED] = true,
	};

	if (unlikely(p->state >= PAGE_STATES || !legal[p->state][to]))
		log_fatal("illegal page transition %u -> %u", p->state, to);
	p->state = (uint8_t)to;
}

int pagetable_init(struct pagetable *pt, uint64_t pages, struct slab *leaf_slab, struct slab *mid_slab)
{
	size_t top_len = (pages + MID_PAGES - 1) / MID_PAGES;
	long top = sys_mmap(0, page_round_up(top_len * sizeof(void *)), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (sys_is_err(top))
		return -ENOMEM;
	*pt = (struct pagetable){
		.leaf_slab = leaf_slab,
		.mid_slab = mid_slab,
		.top = (struct pagetable_mid **)top,
		.top_len = top_len,
		.pages = pages,
	};
	return 0;
}

static void free_mid(struct pagetable *pt, struct pagetable_mid *mid)
{
	for (size_t i = 0; i < PAGETABLE_FANOUT; i++) {
		if (mid->leaf[i])
			slab_free(pt->leaf_slab, mid->leaf[i]);
	}
	slab_free(pt->mid_slab, mid);
}

void pagetable_destroy(struct pagetable *pt)
{
	if (!pt->top)
		return;
	for (size_t i = 0; i < pt->top_len; i++) {
		if (pt->top[i])
			free_mid(pt, pt->top[i]);
	}
	sys_munmap((uint64_t)pt->top, page_round_up(pt->top_len * sizeof(void *)));
	*pt = (struct pagetable){ 0 };
}

struct encl_page *pagetable_lookup(const struct pagetable *pt, uint64_t index)
{
	struct pagetable_mid *mid;
	struct pagetable_leaf *leaf;

	if (index >= pt->pages)
		return NULL;
	mid = pt->top[index / MID_PAGES];
	if (!mid)
		return NULL;
	leaf = mid->leaf[index / PAGETABLE_LEAF % PAGETABLE_FANOUT];
	return leaf ? &leaf->page[index % PAGETABLE_LEAF] : NULL;
}

struct encl_page *pagetable_make(struct pagetable *pt, uint64_t index)
{
	struct pagetable_mid **mid;
	struct pagetable_leaf **leaf;

	if (index >= pt->pages)
		return NULL;
	mid = &pt->top[index / MID_PAGES];
	if (!*mid && !(*mid = slab_alloc(pt->mid_slab)))
		return NULL;
	leaf = &(*mid)->leaf[index / PAGETABLE_LEAF % PAGETABLE_FANOUT];
	if (!*leaf && !(*leaf = slab_alloc(pt->leaf_slab)))
		return NULL;
	return &(*leaf)->page[index % PAGETABLE_LEAF];
}

/* The first index after @index that could lie under another entry of a level whose entries span @span pages. */
static uint64_t next_entry(uint64_t index, uint64_t span)
{
	return (index / span + 1) * span;
}

struct encl_page *pagetable_next(const struct pagetable *pt, uint64_t *index)
{
	uint64_t i = *index;

	while (i < pt->pages) {
		struct pagetable_mid *mid = pt->top[i / MID_PAGES];
		struct pagetable_leaf *leaf = mid ? mid->leaf[i / PAGETABLE_LEAF % PAGETABLE_FANOUT] : NULL;

		if (!leaf) {
			i = next_entry(i, mid ? PAGETABLE_LEAF : MID_PAGES);
			continue;
		}
		for (size_t k = i % PAGETABLE_LEAF; k < PAGETABLE_LEAF; k++, i++) {
			if (leaf->page[k].state != PAGE_ABSENT) {
				*index = i;
				return &leaf->page[k];
			}
		}
	}
	return NULL;
}
