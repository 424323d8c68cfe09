/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The end of an enclave: what exists is given back, page by page and the SECS last; every charge goes with its page.
 *
 * It happens before the call that ends the enclave returns, so that the application may use the addresses again at
 * once; only threads inside put it off, to the last one's exit. Others may still hold references: whoever takes the
 * lock and finds the enclave dying keeps its hands off.
 */
#include "base/log.h"
#include "encl/paging.h"

static void remove_resident(struct encl *e, struct encl_page *p)
{
	struct secs *secs = p->type == SGX_PT_SECS ? &e->secs : NULL;

	if (encls_eremove(epc_entry(&e->machine->epc, p->where), secs) != SGX_SUCCESS)
		log_fatal("EREMOVE refused a page of an enclave that nobody is in");
	if (secs)
		frame_free_fixture(e, p->where);
	else
		frame_free(e, p->where);
	e->resident--;
}

static void remove_page(struct encl *e, struct encl_page *p)
{
	law(!page_in_flight(p) && p->pins == 0);
	if (p->state == PAGE_RESIDENT) {
		remove_resident(e, p);
	} else {
		*va_slot(e, p->va) = 0;
		va_free(&e->va, p->va);
		encl_free_backing(e, p->where);
		if (p->type == SGX_PT_SECS)
			fixtures_release(e->machine, 1);
		e->evicted--;
	}
	page_move(p, PAGE_ABSENT);
	e->page_count--;
}

static void remove_va_pages(struct encl *e)
{
	while (e->va.count) {
		uint32_t epc = va_drop(&e->va);

		if (encls_eremove(epc_entry(&e->machine->epc, epc), NULL) != SGX_SUCCESS)
			log_fatal("EREMOVE refused an empty VA page");
		frame_free_fixture(e, epc);
	}
	va_destroy(&e->va);
}

static void remove_all(struct encl *e)
{
	struct encl_page *p;

	/* All slots are given back in one piece at the end, not one by one. */
	e->backing.recycle_max = UINT32_MAX;
	for (uint64_t index = 0; (p = pagetable_next(&e->pages, &index)); index++)
		remove_page(e, p);
	remove_page(e, &e->secs_page);
	remove_va_pages(e);
	law(e->page_count == 0 && e->resident == 0 && e->evicted == 0 && e->in_flight == 0);
}

static void add(_Atomic uint64_t *sum, _Atomic uint64_t *part)
{
	atomic_fetch_add_explicit(sum, atomic_load(part), memory_order_relaxed);
}

/* The machine's totals keep what this enclave counted. */
static void keep_counts(struct machine *m, struct encl_counters *c)
{
	add(&m->gone.faults, &c->faults);
	add(&m->gone.eldu, &c->eldu);
	add(&m->gone.ewb, &c->ewb);
	add(&m->gone.waits, &c->waits);
	add(&m->gone.wp_faults, &c->wp_faults);
	add(&m->gone.aex, &c->aex);
	add(&m->gone.eenter, &c->eenter);
	add(&m->gone.eresume, &c->eresume);
	add(&m->gone.eexit, &c->eexit);
}

/* Is it time, and nobody else has begun? Context: holds encl->lock. */
static bool claim_burial(struct encl *e)
{
	if (!e->created || !e->dying || e->buried || e->entries)
		return false;
	e->buried = true;
	return true;
}

void encl_bury(struct encl *e)
{
	struct machine *m = e->machine;

	lock_acquire(&e->lock);
	if (!claim_burial(e)) {
		lock_release(&e->lock);
		return;
	}
	while (e->windows || e->in_flight)
		encl_wait(e);
	mmu_release(&m->mmu, e->base, e->size);
	remove_all(e);
	backing_destroy(&e->backing);
	pagetable_destroy(&e->pages);
	lock_release(&e->lock);
	keep_counts(m, &e->count);
	if (m->publish)
		m->publish(m);
}

void encl_free(struct encl *e)
{
	law(!e->created || e->buried);
	/* Buried with the enclave, unless a CREATE that failed has left it. */
	va_destroy(&e->va);
	vmap_destroy(&e->vmap);
	slab_free(&e->machine->encl_slab, e);
}
