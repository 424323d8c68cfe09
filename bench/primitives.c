/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/primitives.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define SLOT_NONE UINT32_MAX
/* Pages that one clock reading covers, and a window as the reclaimer sweeps it. */
#define BATCH 64
#define WINDOW 128

/* The same length as the header that the leaf functions authenticate; its contents make no difference in time. */
static const uint8_t header[PAGECRYPT_AAD_BYTES];

/* Nanoseconds spent in each step, and pages that went through. */
struct tally {
	uint64_t trap, decrypt, map, encrypt, unmap;
	uint64_t loaded, evicted;
};

struct load {
	uint64_t page;
	uint32_t slot;
};

static void *map_memory(size_t bytes)
{
	void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return NULL;
	/* Backing memory is a memory file, which has small pages too. */
	madvise(at, bytes, MADV_NOHUGEPAGE);
	return at;
}

static uint64_t page_addr(const struct primitives *p, uint64_t page)
{
	return p->base + page * SGX_PAGE_SIZE;
}

static void seal(struct primitives *p, const void *src, uint32_t slot)
{
	p->version[slot] = epc_next_version(&p->rig->machine.epc);
	pagecrypt_seal(p->rig->machine.pagecrypt, p->version[slot], header, src,
		       p->contents + (size_t)slot * SGX_PAGE_SIZE, p->pcmd[slot].mac);
}

static bool open_slot(struct primitives *p, uint32_t slot)
{
	return pagecrypt_open(p->rig->machine.pagecrypt, p->version[slot], header,
			      p->contents + (size_t)slot * SGX_PAGE_SIZE, rig_scratch(), p->pcmd[slot].mac);
}

/* Every page starts encrypted, in a slot of its own. */
static void seal_all(struct primitives *p)
{
	static const uint8_t blank[SGX_PAGE_SIZE] __attribute__((aligned(64)));

	for (uint64_t page = 0; page < p->pages; page++) {
		p->slot_of[page] = (uint32_t)page;
		seal(p, blank, (uint32_t)page);
	}
	for (uint64_t slot = p->slots; slot-- > p->pages;)
		p->free_slots[p->free_count++] = (uint32_t)slot;
}

static bool reserve_range(struct primitives *p)
{
	struct mmu *mmu = &p->rig->machine.mmu;
	size_t bytes = p->pages * SGX_PAGE_SIZE;
	void *at = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (at == MAP_FAILED)
		return false;
	p->base = (uint64_t)at;
	return mmu_reserve(mmu, p->base, bytes) == 0 && mmu_protect(mmu, p->base, bytes, PROT_READ | PROT_WRITE) == 0 &&
	       mmu_unmap(mmu, p->base, bytes) == 0;
}

bool primitives_init(struct primitives *p, struct rig *rig, uint64_t pages, uint64_t mapped_max)
{
	*p = (struct primitives){ .rig = rig, .pages = pages, .mapped_max = mapped_max };
	p->slots = pages + WINDOW;
	p->slot_of = calloc(pages, sizeof(*p->slot_of));
	p->free_slots = calloc(p->slots, sizeof(*p->free_slots));
	p->version = calloc(p->slots, sizeof(*p->version));
	p->pcmd = map_memory(p->slots * sizeof(*p->pcmd));
	p->contents = map_memory(p->slots * SGX_PAGE_SIZE);
	if (!p->slot_of || !p->free_slots || !p->version || !p->pcmd || !p->contents || !reserve_range(p))
		return false;
	seal_all(p);
	return true;
}

void primitives_destroy(struct primitives *p)
{
	mmu_release(&p->rig->machine.mmu, p->base, p->pages * SGX_PAGE_SIZE);
	munmap(p->contents, p->slots * SGX_PAGE_SIZE);
	munmap(p->pcmd, p->slots * sizeof(*p->pcmd));
	free(p->version);
	free(p->free_slots);
	free(p->slot_of);
}

/* Choose pages to load, none twice. */
static void pick(struct primitives *p, struct load load[BATCH])
{
	for (unsigned i = 0; i < BATCH; i++) {
		do {
			if (p->pattern == PATTERN_RANDOM)
				p->next = random_below(&p->random, p->pages);
			else
				p->next = p->next + 1 < p->pages ? p->next + 1 : 0;
		} while (p->slot_of[p->next] == SLOT_NONE);
		load[i] = (struct load){ .page = p->next, .slot = p->slot_of[p->next] };
		p->slot_of[p->next] = SLOT_NONE;
	}
}

static bool load_batch(struct primitives *p, struct tally *t)
{
	struct load load[BATCH];
	uint64_t start, trapped, decrypted;
	bool ok = true;

	pick(p, load);
	start = now_ns();
	for (unsigned i = 0; i < BATCH; i++)
		rig_null_fault(page_addr(p, load[i].page));
	trapped = now_ns();
	for (unsigned i = 0; i < BATCH; i++)
		ok &= open_slot(p, load[i].slot);
	decrypted = now_ns();
	for (unsigned i = 0; i < BATCH; i++)
		ok &= mmu_map(&p->rig->machine.mmu, page_addr(p, load[i].page), rig_scratch()) == 0;
	t->map += now_ns() - decrypted;
	t->decrypt += decrypted - trapped;
	t->trap += trapped - start;
	t->loaded += BATCH;
	for (unsigned i = 0; i < BATCH; i++)
		p->free_slots[p->free_count++] = load[i].slot;
	p->mapped += BATCH;
	return ok;
}

static bool evict_window(struct primitives *p, struct tally *t)
{
	struct mmu *mmu = &p->rig->machine.mmu;
	uint64_t first = p->hand, end = min_of(p->hand + WINDOW, p->pages);
	uint64_t chosen[WINDOW], start, blocked, sealed;
	unsigned n = 0;
	bool ok;

	p->hand = end < p->pages ? end : 0;
	for (uint64_t page = first; page < end; page++)
		if (p->slot_of[page] == SLOT_NONE)
			chosen[n++] = page;
	if (n == 0)
		return true;
	start = now_ns();
	ok = mmu_block(mmu, page_addr(p, first), (end - first) * SGX_PAGE_SIZE) == 0;
	blocked = now_ns();
	for (unsigned i = 0; i < n; i++) {
		p->slot_of[chosen[i]] = p->free_slots[--p->free_count];
		seal(p, (void *)page_addr(p, chosen[i]), p->slot_of[chosen[i]]);
	}
	sealed = now_ns();
	ok &= mmu_unmap(mmu, page_addr(p, first), (end - first) * SGX_PAGE_SIZE) == 0;
	t->unmap += now_ns() - sealed + blocked - start;
	t->encrypt += sealed - blocked;
	t->evicted += n;
	p->mapped -= n;
	return ok;
}

static bool move_batch(struct primitives *p, struct tally *t)
{
	bool ok = true;

	while (ok && p->mapped + BATCH > p->mapped_max)
		ok = evict_window(p, t);
	return ok && load_batch(p, t);
}

bool primitives_settle(struct primitives *p, enum pattern pattern)
{
	struct tally t = { 0 };
	bool ok = true;

	p->pattern = pattern;
	p->hand = 0;
	while (ok && p->mapped > 0)
		ok = evict_window(p, &t);
	p->hand = 0;
	p->next = p->pages - 1;
	t = (struct tally){ 0 };
	/* Once to fill the room there is, and once again for every page that came in by filling to leave. */
	while (ok && t.evicted < p->mapped_max)
		ok = move_batch(p, &t);
	return ok;
}

bool primitives_measure(struct primitives *p, double seconds, struct costs *out)
{
	struct tally t = { 0 };
	uint64_t end = now_ns() + (uint64_t)(seconds * 1e9);
	bool ok = true;

	while (ok && (now_ns() < end || t.loaded == 0 || t.evicted == 0))
		ok = move_batch(p, &t);
	if (!ok)
		return false;
	*out = (struct costs){
		.trap = (double)t.trap / (double)t.loaded,
		.decrypt = (double)t.decrypt / (double)t.loaded,
		.map = (double)t.map / (double)t.loaded,
		.encrypt = (double)t.encrypt / (double)t.evicted,
		.unmap = (double)t.unmap / (double)t.evicted,
	};
	return true;
}
