/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mman.h>

#include "encl/paging.h"

/* The shared numbers are this many faults of an enclave old at most, also when the process is killed. */
#define PUBLISH_EVERY 256

static int needed(uint32_t error_code)
{
	return error_code & PF_INSTR ? PROT_EXEC : error_code & PF_WRITE ? PROT_WRITE : PROT_READ;
}

/* x86 page tables have no execute-only or write-only pages. */
static int granted(int prot)
{
	return prot & (PROT_WRITE | PROT_EXEC) ? prot | PROT_READ : prot;
}

/* Mapping and EPCM, in the order in which hardware meets them. Context: holds encl->lock. */
static enum encl_fault check_access(struct encl *e, uint64_t addr, uint32_t error_code, const struct encl_page *p)
{
	int mapped = vmap_prot(&e->vmap, addr, NULL), need = needed(error_code);

	/* The page is there and its protection key forbids it: the application's, or the kernel's for execute-only. */
	if (error_code & PF_PK)
		return ENCL_FAULT_SEGV;
	if (mapped == VMAP_UNMAPPED || !(granted(mapped) & need))
		return ENCL_FAULT_SEGV;
	if (!p || p->state == PAGE_ABSENT)
		return ENCL_FAULT_BUS;
	if (p->type != SGX_PT_REG || !(granted(PAGE_PERMS(p)) & need))
		return ENCL_FAULT_EPCM;
	return ENCL_FAULT_FIXED;
}

/* Wait for whoever has the page in flight. Context: holds encl->lock. */
static void wait_for(struct encl *e, const struct encl_page *p, uint32_t error_code)
{
	atomic_fetch_add_explicit(&e->count.waits, 1, memory_order_relaxed);
	if (p->state == PAGE_EVICTING && error_code & PF_WRITE)
		atomic_fetch_add_explicit(&e->count.wp_faults, 1, memory_order_relaxed);
	encl_wait(e);
}

/*
 * Until the page is resident or the access is refused. Every turn follows a change of the page's state that some
 * thread has completed; loading fails within a bounded number of reclaim passes.
 * Context: holds encl->lock, dropped while waiting and loading.
 */
static enum encl_fault resolve(struct encl *e, uint64_t addr, uint32_t error_code, void *scratch)
{
	uint64_t index = (addr - e->base) >> PAGE_SHIFT;

	for (;;) {
		struct encl_page *p = pagetable_lookup(&e->pages, index);
		enum encl_fault verdict = check_access(e, addr, error_code, p);

		if (verdict != ENCL_FAULT_FIXED || p->state == PAGE_RESIDENT)
			return verdict;
		if (page_in_flight(p))
			wait_for(e, p, error_code);
		else if (encl_load(e, index, p, scratch) != 0)
			return ENCL_FAULT_BUS;
	}
}

static void count_fault(struct machine *m, struct encl *e)
{
	uint64_t before = atomic_fetch_add_explicit(&e->count.faults, 1, memory_order_relaxed);

	if (before % PUBLISH_EVERY == 0 && m->publish)
		m->publish(m);
}

enum encl_fault encl_fault(struct machine *m, uint64_t addr, uint32_t error_code, void *scratch)
{
	struct encl *e = machine_find(m, addr);
	enum encl_fault verdict;

	if (!e)
		return ENCL_FAULT_NOT_OURS;
	lock_acquire(&e->lock);
	verdict = resolve(e, addr, error_code, scratch);
	lock_release(&e->lock);
	if (verdict == ENCL_FAULT_FIXED) {
		count_fault(m, e);
		reclaimer_poke(m);
	}
	encl_put(e);
	return verdict;
}
