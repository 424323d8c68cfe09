/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's protection of a page is the application's mapping AND the page's EPCM permissions. Each difference
 * between neighbours splits a kernel mapping, and a process may have 65,530 of them: neighbours are set together.
 */
#include <sys/mman.h>

#include "base/log.h"
#include "encl/paging.h"

int encl_prot_at(struct encl *e, uint64_t page_index, const struct encl_page *p)
{
	int mapped = vmap_prot(&e->vmap, e->base + (page_index << PAGE_SHIFT), NULL);

	return mapped == VMAP_UNMAPPED ? PROT_NONE : mapped & PAGE_PERMS(p);
}

/* A range of equal protection being collected. */
struct run {
	uint64_t start, end;
	int prot;
};

static int flush(struct encl *e, struct run *r)
{
	return r->end > r->start ? mmu_protect(&e->machine->mmu, r->start, r->end - r->start, r->prot) : 0;
}

static int extend(struct encl *e, struct run *r, uint64_t to, int prot)
{
	int ret = 0;

	if (prot != r->prot) {
		ret = flush(e, r);
		*r = (struct run){ r->end, r->end, prot };
	}
	r->end = to;
	return ret;
}

/*
 * Only REG pages are ever mapped: wherever there is none, the mapping's own protection stands, so that a touch faults
 * as it does on a hole of the device's mapping.
 */
static int protect_mapped(struct encl *e, uint64_t start, uint64_t end, int prot)
{
	struct run r = { start, start, prot };
	uint64_t index = (start - e->base) >> PAGE_SHIFT;
	struct encl_page *p;
	int ret = 0;

	while (!ret && (p = pagetable_next(&e->pages, &index)) && e->base + (index << PAGE_SHIFT) < end) {
		uint64_t at = e->base + (index << PAGE_SHIFT);

		if (p->type == SGX_PT_REG && (prot & PAGE_PERMS(p)) != r.prot) {
			ret = extend(e, &r, at, prot);
			if (!ret)
				ret = extend(e, &r, at + PAGE_SIZE, prot & PAGE_PERMS(p));
		} else if (p->type == SGX_PT_REG) {
			r.end = at + PAGE_SIZE;
		}
		index++;
	}
	if (!ret)
		ret = extend(e, &r, end, prot);
	return ret ? ret : flush(e, &r);
}

int encl_show(struct encl *e, uint64_t start, uint64_t end, int prot)
{
	law(lock_is_held(&e->lock) && e->windows == 0);
	start = max_of(start, e->base);
	end = min_of(end, e->base + e->size);
	return start < end ? protect_mapped(e, start, end, prot == VMAP_UNMAPPED ? PROT_NONE : prot) : 0;
}

int encl_apply_protection(struct encl *e, uint64_t start, uint64_t end)
{
	int ret = 0;

	while (!ret && start < end) {
		uint64_t stop;
		int prot = vmap_prot(&e->vmap, start, &stop);

		stop = min_of(stop, end);
		ret = encl_show(e, start, stop, prot);
		start = stop;
	}
	return ret;
}

void encl_wait_for_windows(struct encl *e)
{
	struct machine *m = e->machine;

	if (!e->windows)
		return;
	/* No new window begins meanwhile; whoever looks for frames sees that it will be possible again. */
	atomic_fetch_add(&m->in_flight, 1);
	e->remappers++;
	while (e->windows)
		encl_wait(e);
	e->remappers--;
	waitq_wake(&m->frames);
	atomic_fetch_sub(&m->in_flight, 1);
}
