/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "encl/paging.h"

struct encl_page *encl_page_at(struct encl *e, uint64_t page_index)
{
	return page_index == encl_secs_index(e) ? &e->secs_page : pagetable_lookup(&e->pages, page_index);
}

int encl_alloc_backing(struct encl *e, uint64_t page_index, struct backing_page *b)
{
	law(lock_is_held(&e->lock));
	law(encl_page_at(e, page_index)->state == PAGE_RESIDENT);
	return backing_alloc(&e->backing, b);
}

int encl_lookup_backing(struct encl *e, uint64_t page_index, struct backing_page *b)
{
	struct encl_page *p = encl_page_at(e, page_index);

	law(lock_is_held(&e->lock));
	if (!p || p->state != PAGE_EVICTED)
		return -ENOENT;
	return backing_lookup(&e->backing, p->where, b);
}

void encl_put_backing(struct backing_page *b)
{
	backing_put(b);
}

void encl_free_backing(struct encl *e, uint32_t slot)
{
	law(lock_is_held(&e->lock));
	backing_free(&e->backing, slot);
}
