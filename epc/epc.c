/* SPDX-License-Identifier: Apache-2.0 */
#include "epc/epc.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/sys.h"

/* In next_free: the page is handed out. Never an index: there are fewer than EPC_NONE pages. */
#define EPC_TAKEN (EPC_NONE - 1)

static void *reserve(size_t bytes)
{
	long addr = sys_mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (sys_is_err(addr))
		return NULL;
	/* A few scattered pages are touched: a huge page for each would hold RAM that nobody counts. */
	(void)sys_madvise((uint64_t)addr, bytes, MADV_NOHUGEPAGE);
	(void)sys_madvise((uint64_t)addr, bytes, MADV_DONTDUMP);
	return (void *)addr;
}

static size_t metadata_bytes(uint32_t total)
{
	return page_round_up((uint64_t)total * sizeof(struct epc_page));
}

int epc_init(struct epc *epc, uint32_t total)
{
	if (total < EPC_MIN_PAGES || total >= EPC_NONE)
		return -EINVAL;
	*epc = (struct epc){ .total = total, .free_head = EPC_NONE, .free = total, .next_version = 1, .next_eid = 1 };
	epc->pages = reserve(metadata_bytes(total));
	epc->private_mem = reserve((size_t)total * SGX_PAGE_SIZE);
	if (!epc->pages || !epc->private_mem) {
		epc_destroy(epc);
		return -ENOMEM;
	}
	return 0;
}

void epc_destroy(struct epc *epc)
{
	if (epc->pages)
		sys_munmap((uint64_t)epc->pages, metadata_bytes(epc->total));
	if (epc->private_mem)
		sys_munmap((uint64_t)epc->private_mem, (size_t)epc->total * SGX_PAGE_SIZE);
	*epc = (struct epc){ .free_head = EPC_NONE };
}

/* Context: holds epc->lock. There is a free page. */
static uint32_t take(struct epc *epc)
{
	uint32_t page = epc->free_head, used;

	if (page != EPC_NONE)
		epc->free_head = epc->pages[page].next_free;
	else
		page = epc->fresh++;
	/* Not SECS, which is type 0: epc_free() wipes by type, and nothing is in the private bytes yet. */
	epc->pages[page] = (struct epc_page){ .next_free = EPC_TAKEN, .type = SGX_PT_REG };
	used = epc->total - (atomic_fetch_sub_explicit(&epc->free, 1, memory_order_relaxed) - 1);
	if (used > atomic_load_explicit(&epc->used_peak, memory_order_relaxed))
		atomic_store_explicit(&epc->used_peak, used, memory_order_relaxed);
	return page;
}

uint32_t epc_alloc(struct epc *epc, uint32_t keep)
{
	uint32_t page = EPC_NONE;

	lock_acquire(&epc->lock);
	if (epc_free_count(epc) > keep)
		page = take(epc);
	lock_release(&epc->lock);
	return page;
}

void epc_free(struct epc *epc, uint32_t page)
{
	struct epc_page *entry = epc_entry(epc, page);

	law(entry->next_free == EPC_TAKEN);
	law(!(entry->flags & EPCM_VALID));
	if (entry->type == SGX_PT_SECS || entry->type == SGX_PT_VA || entry->type == SGX_PT_TCS)
		memset(epc_private(epc, page), 0, SGX_PAGE_SIZE);
	lock_acquire(&epc->lock);
	*entry = (struct epc_page){ .next_free = epc->free_head, .type = SGX_PT_REG };
	epc->free_head = page;
	atomic_fetch_add_explicit(&epc->free, 1, memory_order_relaxed);
	lock_release(&epc->lock);
}

uint64_t epc_next_version(struct epc *epc)
{
	/* Uniqueness is all that counts; no other memory is ordered by it. */
	return atomic_fetch_add_explicit(&epc->next_version, 1, memory_order_relaxed);
}

uint64_t epc_next_eid(struct epc *epc)
{
	return atomic_fetch_add_explicit(&epc->next_eid, 1, memory_order_relaxed);
}

/* Context: holds epc->lock. The list's length, or EPC_NONE if it runs in a circle or through a page handed out. */
static uint32_t free_list_length(const struct epc *epc)
{
	uint32_t length = 0;

	for (uint32_t page = epc->free_head; page != EPC_NONE; page = epc->pages[page].next_free) {
		if (page >= epc->fresh || epc->pages[page].flags & EPCM_VALID || length++ == epc->fresh)
			return EPC_NONE;
	}
	return length;
}

bool epc_is_valid(struct epc *epc)
{
	uint32_t used = 0, listed, free;

	lock_acquire(&epc->lock);
	for (uint32_t page = 0; page < epc->fresh; page++)
		used += epc->pages[page].next_free == EPC_TAKEN;
	listed = free_list_length(epc);
	free = epc_free_count(epc);
	lock_release(&epc->lock);
	return listed != EPC_NONE && listed + used == epc->fresh && free + used == epc->total &&
	       used <= atomic_load(&epc->used_peak);
}
