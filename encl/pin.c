/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Entry needs the TCS and one SSA frame in the EPC, and they must stay until the thread is outside again: the exit that
 * writes the frame may happen at any instruction and cannot fault.
 */
#include <sys/mman.h>

#include "encl/paging.h"
#include "leaf/enclu.h"

/* Context: holds encl->lock. */
static void unpin(struct encl *e, uint64_t linaddr, uint32_t pages)
{
	for (uint32_t i = 0; i < pages; i++)
		pagetable_lookup(&e->pages, ((linaddr - e->base) >> PAGE_SHIFT) + i)->pins--;
}

/* Load and pin one page, if it is of @type and may be touched as @prot. Context: holds encl->lock. */
static bool pin_page(struct encl *e, uint64_t linaddr, enum sgx_page_type type, int prot, void *scratch)
{
	uint64_t index = (linaddr - e->base) >> PAGE_SHIFT;

	for (;;) {
		struct encl_page *p = pagetable_lookup(&e->pages, index);

		if (!p || p->state == PAGE_ABSENT || p->type != type ||
		    (prot && (encl_prot_at(e, index, p) & prot) != prot) || p->pins == UINT8_MAX)
			return false;
		if (p->state == PAGE_RESIDENT) {
			p->pins++;
			return true;
		}
		if (page_in_flight(p))
			encl_wait(e);
		else if (encl_load(e, index, p, scratch) != 0)
			return false;
	}
}

/* Return: SGX_FAULT_PF with *fault_addr, everything unpinned, if a page of the frame cannot be had. */
static enum sgx_status pin_frame(struct encl *e, struct encl_pin *pin, void *scratch, uint64_t *fault_addr)
{
	for (uint32_t i = 0; i < pin->frame_pages; i++) {
		uint64_t at = pin->frame + (uint64_t)i * PAGE_SIZE;

		if (pin_page(e, at, SGX_PT_REG, PROT_READ | PROT_WRITE, scratch))
			continue;
		unpin(e, pin->frame, i);
		*fault_addr = at;
		return SGX_FAULT_PF;
	}
	return SGX_SUCCESS;
}

/* Which frame, by the TCS's own words; those are the enclave author's, checked by EADD only in part. */
static void find_frame(struct encl *e, struct encl_pin *pin, enum encl_frame which)
{
	uint32_t cssa = pin->tcs->cssa - (which == ENCL_FRAME_PREVIOUS);

	pin->frame_pages = 0;
	if (which == ENCL_FRAME_PREVIOUS ? pin->tcs->cssa == 0 : cssa >= pin->tcs->nssa)
		return;
	pin->frame = enclu_ssa_frame(&e->secs, pin->tcs, cssa);
	if (pin->frame >= e->base && pin->frame - e->base + (uint64_t)e->secs.ssa_frame_size * PAGE_SIZE <= e->size)
		pin->frame_pages = e->secs.ssa_frame_size;
}

/* Context: holds encl->lock. */
static enum sgx_status pin_both(struct encl *e, enum encl_frame which, void *scratch, struct encl_pin *pin,
				uint64_t *fault_addr)
{
	uint64_t index = (pin->tcs_linaddr - e->base) >> PAGE_SHIFT;
	int mapped = vmap_prot(&e->vmap, pin->tcs_linaddr, NULL);
	enum sgx_status status;

	*fault_addr = pin->tcs_linaddr;
	/* The processor itself writes the TCS through its mapping (SDM 3D, EENTER). */
	if (mapped == VMAP_UNMAPPED || !(mapped & PROT_WRITE) ||
	    !pin_page(e, pin->tcs_linaddr, SGX_PT_TCS, PROT_NONE, scratch))
		return SGX_FAULT_PF;
	pin->tcs = epc_private(&e->machine->epc, pagetable_lookup(&e->pages, index)->where);
	find_frame(e, pin, which);
	status = pin_frame(e, pin, scratch, fault_addr);
	if (status != SGX_SUCCESS)
		unpin(e, pin->tcs_linaddr, 1);
	return status;
}

/* Counted as inside from before the first page is pinned: an enclave is not buried with pins. */
static enum sgx_status enter(struct encl *e, enum encl_frame which, void *scratch, struct encl_pin *pin,
			     uint64_t *fault_addr)
{
	enum sgx_status status = SGX_FAULT_PF;

	lock_acquire(&e->lock);
	if (!e->dying) {
		e->entries++;
		status = pin_both(e, which, scratch, pin, fault_addr);
		e->entries -= status != SGX_SUCCESS;
	}
	lock_release(&e->lock);
	return status;
}

/* Unmapped while this thread was inside, the enclave may have been waiting for it. */
static void leave(struct encl *e)
{
	encl_bury(e);
	encl_put(e);
}

static uint32_t pages_of(const struct encl *e)
{
	return 1 + e->secs.ssa_frame_size;
}

enum sgx_status encl_pin_tcs(struct machine *m, uint64_t tcs_linaddr, enum encl_frame which, void *scratch,
			     struct encl_pin *pin, uint64_t *fault_addr)
{
	struct encl *e;
	enum sgx_status status = SGX_FAULT_GP;

	if (!is_page_aligned(tcs_linaddr))
		return SGX_FAULT_GP;
	*fault_addr = tcs_linaddr;
	e = machine_find(m, tcs_linaddr);
	if (!e)
		return SGX_FAULT_PF;
	*pin = (struct encl_pin){ .encl = e, .tcs_linaddr = tcs_linaddr };
	if (e->initialized)
		status = fixtures_reserve(m, pages_of(e)) ? SGX_SUCCESS : SGX_FAULT_PF;
	if (status == SGX_SUCCESS) {
		status = enter(e, which, scratch, pin, fault_addr);
		if (status != SGX_SUCCESS)
			fixtures_release(m, pages_of(e));
	}
	if (status != SGX_SUCCESS)
		leave(e);
	return status;
}

void encl_unpin_tcs(struct encl_pin *pin)
{
	struct encl *e = pin->encl;

	lock_acquire(&e->lock);
	unpin(e, pin->tcs_linaddr, 1);
	unpin(e, pin->frame, pin->frame_pages);
	e->entries--;
	lock_release(&e->lock);
	fixtures_release(e->machine, pages_of(e));
	leave(e);
}
