/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "base/log.h"
#include "encl/paging.h"

/* One page on its way in: what must be put back if it cannot arrive. */
struct load {
	uint64_t index;
	struct encl_page *page;
	struct backing_page copy;
	uint32_t epc;
	uint64_t *slot;
	uint64_t version;
};

void encl_wait(struct encl *e)
{
	uint32_t ticket = waitq_ticket(&e->changed);

	lock_release(&e->lock);
	waitq_wait(&e->changed, ticket, 0);
	lock_acquire(&e->lock);
}

static bool in_private_memory(const struct encl_page *p)
{
	return p->type != SGX_PT_REG;
}

void *page_bytes(struct encl *e, uint64_t page_index, const struct encl_page *p)
{
	if (in_private_memory(p))
		return epc_private(&e->machine->epc, p->where);
	return (void *)(e->base + (page_index << PAGE_SHIFT));
}

/* Context: the page is ours (loading); no lock held. Return: 0, -EIO (not authentic), -ENOMEM. */
static int fetch(struct encl *e, const struct load *l, void *scratch)
{
	struct machine *m = e->machine;
	uint64_t linaddr = l->page->type == SGX_PT_SECS ? 0 : e->base + (l->index << PAGE_SHIFT);
	enum sgx_status status = encls_eldu(&m->epc, m->pagecrypt, l->epc, &e->secs, linaddr, l->copy.contents,
					    l->copy.pcmd, l->slot, scratch);

	if (status != SGX_SUCCESS)
		return -EIO;
	/* ELDU has put others than REG pages into their place by itself. */
	if (!in_private_memory(l->page) && mmu_map(&m->mmu, linaddr, scratch) != 0) {
		/* Out of the EPC again, and its copy as good as before. */
		encls_eldu_undo(&m->epc, l->epc, l->slot, l->version);
		return -ENOMEM;
	}
	return 0;
}

/* Context: holds encl->lock; there is a frame. Fails only if there is no copy, a bug that law 3 excludes. */
static void take_off(struct encl *e, struct load *l, uint32_t epc)
{
	if (encl_lookup_backing(e, l->index, &l->copy) != 0)
		log_fatal("evicted page %#llx has no backing", (unsigned long long)l->index);
	l->epc = epc;
	l->slot = va_slot(e, l->page->va);
	l->version = *l->slot;
	page_move(l->page, PAGE_LOADING);
	l->page->where = epc;
	e->evicted--;
	e->in_flight++;
}

static uint32_t unpin_copy(struct load *l)
{
	uint32_t slot = l->copy.slot;

	encl_put_backing(&l->copy);
	return slot;
}

static void arrive(struct encl *e, struct load *l)
{
	page_move(l->page, PAGE_RESIDENT);
	e->resident++;
	va_free(&e->va, l->page->va);
	l->page->va = VA_NONE;
	encl_free_backing(e, unpin_copy(l));
	atomic_fetch_add_explicit(&e->count.eldu, 1, memory_order_relaxed);
}

/* Everything stays as it was, as evidence: the copy, its slot, its version and its charge. */
static void turn_back(struct encl *e, struct load *l, int why)
{
	page_move(l->page, PAGE_EVICTED);
	e->evicted++;
	l->page->where = unpin_copy(l);
	frame_free(e, l->epc);
	if (why == -EIO) {
		e->poisoned = true;
		group_count(e->group, EVENT_POISON);
	}
}

/* Context: holds encl->lock, dropped while the page is in flight. */
static int fly(struct encl *e, struct load *l, uint32_t epc, void *scratch)
{
	int ret;

	take_off(e, l, epc);
	lock_release(&e->lock);
	ret = fetch(e, l, scratch);
	lock_acquire(&e->lock);
	e->in_flight--;
	if (ret == 0)
		arrive(e, l);
	else
		turn_back(e, l, ret);
	waitq_wake(&e->changed);
	waitq_wake(&e->machine->frames);
	/* After the wake-up, see wait_for_flight(). */
	atomic_fetch_sub(&e->machine->in_flight, 1);
	return ret;
}

int encl_load(struct encl *e, uint64_t page_index, struct encl_page *p, void *scratch)
{
	struct load l = { .index = page_index, .page = p };
	uint32_t epc;

	if (p != &e->secs_page && e->secs_page.state != PAGE_RESIDENT) {
		/* ELDU needs the SECS: bring that first, the caller looks again. */
		if (e->secs_page.state == PAGE_EVICTED)
			return encl_load(e, encl_secs_index(e), &e->secs_page, scratch);
		encl_wait(e);
		return 0;
	}
	epc = frame_try_load(e);
	if (epc == EPC_NONE) {
		e->awaiting++;
		lock_release(&e->lock);
		epc = frame_for_load(e, scratch);
		lock_acquire(&e->lock);
		e->awaiting--;
		if (epc == EPC_NONE)
			return -ENOMEM;
		if (e->dying || p->state != PAGE_EVICTED) {
			frame_return(e, epc);
			return 0;
		}
	}
	return fly(e, &l, epc, scratch);
}
