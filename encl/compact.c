/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packing the copies of evicted pages. One enclave alone never needs it: its freed slots serve its own next evictions.
 * But when charge moves from one enclave to another, the first may be left with a PCMD page for every copy, and the
 * waste, up to 1/32 of all backing, is more than the slack that loads at the limit live on. It matters only there, so
 * it is looked for only there; a copy is as good in another slot, for nothing in it says where it lies.
 */
#include "base/log.h"
#include "encl/paging.h"

bool slack_is_short(struct machine *m)
{
	uint64_t slack = epc_free_count(&m->epc) + atomic_load(&m->root.use[USE_RECYCLED]) +
			 group_headroom(&m->root, RES_BACKING);

	return slack < m->marks.reserve;
}

/* Return: false when no further copy can be moved. */
static bool pack_page(struct encl *e, struct encl_page *p, uint64_t below)
{
	uint32_t to;

	if (p->state != PAGE_EVICTED || p->where < below)
		return true;
	if (backing_move(&e->backing, p->where, below, &to) != 0)
		return false;
	p->where = to;
	return true;
}

void encl_compact(struct encl *e)
{
	uint64_t below = (e->backing.used_count + PCMD_PER_PAGE - 1) / PCMD_PER_PAGE * PCMD_PER_PAGE;
	struct encl_page *p;

	law(lock_is_held(&e->lock));
	if (backing_waste(&e->backing) == 0 || !pack_page(e, &e->secs_page, below))
		return;
	for (uint64_t index = 0; (p = pagetable_next(&e->pages, &index)); index++) {
		if (!pack_page(e, p, below))
			return;
	}
}
