/* SPDX-License-Identifier: Apache-2.0 */
#include "backing/backing.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/sys.h"

#define WORD_BITS 64

/* --- bitmaps over slots --- */

static bool bit_test(const uint64_t *map, uint64_t i)
{
	return map[i / WORD_BITS] >> (i % WORD_BITS) & 1;
}

static void bit_set(uint64_t *map, uint64_t i)
{
	map[i / WORD_BITS] |= 1ULL << (i % WORD_BITS);
}

static void bit_clear(uint64_t *map, uint64_t i)
{
	map[i / WORD_BITS] &= ~(1ULL << (i % WORD_BITS));
}

static uint64_t bitmap_bytes(uint64_t slots)
{
	return page_round_up((slots + WORD_BITS - 1) / WORD_BITS * sizeof(uint64_t));
}

static uint64_t free_word(const struct backing *b, uint64_t w)
{
	return ~b->held[w];
}

/* Free slots whose PCMD page is held: of the two in a word, the halves that have a held slot. */
static uint64_t roomy_word(const struct backing *b, uint64_t w)
{
	uint64_t held = b->held[w], halves = ((uint32_t)held ? 0xffffffffULL : 0) | (held >> 32 ? ~0xffffffffULL : 0);
	return ~held & halves;
}

static uint64_t recycled_word(const struct backing *b, uint64_t w)
{
	return b->held[w] & ~b->used[w];
}

static uint64_t held_word(const struct backing *b, uint64_t w)
{
	return b->held[w];
}

static bool slot_is_recycled(const struct backing *b, uint64_t slot)
{
	return bit_test(b->held, slot) && !bit_test(b->used, slot);
}

/* First slot at or after @from whose bit is set in word_of(); the caller knows that there is one, or checks. */
static uint64_t scan_up(const struct backing *b, uint64_t from, uint64_t (*word_of)(const struct backing *, uint64_t))
{
	uint64_t w = from / WORD_BITS, words = (b->slots + WORD_BITS - 1) / WORD_BITS;
	uint64_t bits = w < words ? word_of(b, w) & ~0ULL << (from % WORD_BITS) : 0;
	while (!bits && ++w < words)
		bits = word_of(b, w);
	return bits ? w * WORD_BITS + (uint64_t)__builtin_ctzll(bits) : b->slots;
}

/* Last slot at or before @from whose bit is set in word_of(). Context: there is one. */
static uint64_t scan_down(const struct backing *b, uint64_t from, uint64_t (*word_of)(const struct backing *, uint64_t))
{
	uint64_t w = from / WORD_BITS;
	uint64_t bits = word_of(b, w) & ~0ULL >> (WORD_BITS - 1 - from % WORD_BITS);
	while (!bits) {
		law(w > 0);
		bits = word_of(b, --w);
	}
	return w * WORD_BITS + WORD_BITS - 1 - (uint64_t)__builtin_clzll(bits);
}

/* --- the object --- */

int backing_init(struct backing *b, struct group *group, uint64_t slots, uint32_t recycle_max)
{
	if (slots == 0 || slots >= BACKING_NONE)
		return -EINVAL;
	uint64_t bytes = bitmap_bytes(slots);
	long maps = sys_mmap(0, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (sys_is_err(maps))
		return -ENOMEM;
	sys_madvise((uint64_t)maps, 2 * bytes, MADV_NOHUGEPAGE); /* sparse: a few pages, not a few huge ones */
	*b = (struct backing){
		.group = group,
		.slots = slots,
		.used = (uint64_t *)maps,
		.held = (uint64_t *)(maps + (long)bytes),
		.recycle_max = recycle_max,
	};
	int ret = store_init(&b->store, slots);
	if (ret)
		sys_munmap((uint64_t)maps, 2 * bytes);
	return ret;
}

void backing_destroy(struct backing *b)
{
	law(b->used_count == 0);
	backing_trim(b, 0);
	law(backing_is_valid(b) && backing_charged(b) == 0);
	store_destroy(&b->store);
	sys_munmap((uint64_t)b->used, 2 * bitmap_bytes(b->slots));
}

static uint64_t pcmd_page_of(uint64_t slot)
{
	return slot / PCMD_PER_PAGE;
}

/* The 32 slots whose PCMD share a page are half a word of the bitmap. */
static bool pcmd_is_held(const struct backing *b, uint64_t pcmd_page)
{
	return ((const uint32_t *)b->held)[pcmd_page] != 0;
}
_Static_assert(PCMD_PER_PAGE == 32, "one PCMD page, one 32-bit word of the bitmap (little endian)");

static void pin(const struct backing *b, uint64_t slot, struct backing_page *page)
{
	struct sgx_pcmd *pcmds = store_page(&b->store, STORE_PCMD, pcmd_page_of(slot));
	page->slot = (uint32_t)slot;
	page->contents = store_page(&b->store, STORE_CONTENTS, slot);
	page->pcmd = &pcmds[slot % PCMD_PER_PAGE];
}

/* --- allocation --- */

static void mark_used(struct backing *b, uint64_t slot)
{
	bit_set(b->used, slot);
	b->used_count++;
	group_use(b->group, USE_CONTENTS, 1);
}

static void take_recycled(struct backing *b, uint64_t slot)
{
	b->lowest_recycled = slot + 1;
	b->recycled_count--;
	group_use(b->group, USE_RECYCLED, -1);
	mark_used(b, slot);
}

/* All or nothing; the pages are charged already. */
static int populate_slot(struct backing *b, uint64_t slot, bool with_pcmd)
{
	int ret = store_populate(&b->store, STORE_CONTENTS, slot, 1);
	if (ret || !with_pcmd)
		return ret;
	ret = store_populate(&b->store, STORE_PCMD, pcmd_page_of(slot), 1);
	if (ret)
		store_punch(&b->store, STORE_CONTENTS, slot, 1);
	return ret;
}

/* The slot that costs least. Return: b->slots or more if there is none. */
static uint64_t find_free(struct backing *b)
{
	if (b->used_count < b->pcmd_pages * PCMD_PER_PAGE) {
		b->lowest_roomy = scan_up(b, b->lowest_roomy, roomy_word);
		/* Beyond the last slot the last PCMD page has room that is nobody's. */
		if (b->lowest_roomy < b->slots)
			return b->lowest_roomy;
	}
	b->lowest_free = scan_up(b, b->lowest_free, free_word);
	return b->lowest_free;
}

/* Charged before it exists: contents and PCMD page in one charge, so that no limit can refuse the half of it. */
static int occupy_slot(struct backing *b, uint64_t slot)
{
	bool with_pcmd = !pcmd_is_held(b, pcmd_page_of(slot));
	uint64_t pages = with_pcmd ? 2 : 1;
	int ret = group_charge(b->group, RES_BACKING, pages, NULL);
	if (ret)
		return ret;
	ret = populate_slot(b, slot, with_pcmd);
	if (ret) {
		group_uncharge(b->group, RES_BACKING, pages);
		group_count(b->group, EVENT_OOM);
		return ret;
	}
	if (with_pcmd) {
		b->pcmd_pages++;
		group_use(b->group, USE_PCMD, 1);
	}
	/* The other hints may stay at this slot: the next search finds it held. */
	if (with_pcmd)
		b->lowest_roomy = min_of(b->lowest_roomy, slot + 1);
	b->highest_held = max_of(b->highest_held, slot);
	bit_set(b->held, slot);
	mark_used(b, slot);
	return 0;
}

int backing_alloc(struct backing *b, struct backing_page *page)
{
	uint64_t slot;
	if (b->recycled_count > 0) {
		slot = scan_up(b, b->lowest_recycled, recycled_word);
		take_recycled(b, slot);
	} else {
		slot = find_free(b);
		if (slot >= b->slots)
			return -ENOMEM;
		int ret = occupy_slot(b, slot);
		if (ret)
			return ret;
	}
	pin(b, slot, page);
	return 0;
}

int backing_lookup(struct backing *b, uint32_t slot, struct backing_page *page)
{
	if (slot >= b->slots || !bit_test(b->used, slot))
		return -ENOENT;
	pin(b, slot, page);
	return 0;
}

void backing_put(struct backing_page *page)
{
	*page = (struct backing_page){ .slot = BACKING_NONE };
}

/* --- giving back --- */

static void recycle(struct backing *b, uint64_t slot)
{
	bit_clear(b->used, slot);
	b->used_count--;
	b->recycled_count++;
	b->lowest_recycled = min_of(b->lowest_recycled, slot);
	group_use(b->group, USE_CONTENTS, -1);
	group_use(b->group, USE_RECYCLED, 1);
}

void backing_free(struct backing *b, uint32_t slot)
{
	law(slot < b->slots && bit_test(b->used, slot));
	recycle(b, slot);
	if (b->recycled_count > b->recycle_max)
		backing_trim(b, b->recycle_max / 2);
}

/* Punches those of the PCMD pages of slots [@first, @last] that have no held slot left. Return: how many. */
static uint64_t punch_empty_pcmd(struct backing *b, uint64_t first, uint64_t last)
{
	uint64_t from = pcmd_page_of(first), to = pcmd_page_of(last) + 1;
	if (pcmd_is_held(b, from)) /* only the outer two can be shared with slots outside the run */
		from++;
	if (to > from && pcmd_is_held(b, to - 1))
		to--;
	if (to <= from)
		return 0;
	store_punch(&b->store, STORE_PCMD, from, to - from);
	return to - from;
}

/* Uncharged when it is gone: one run of recycled slots, with the PCMD pages it leaves empty. */
static void release_run(struct backing *b, uint64_t first, uint64_t count)
{
	for (uint64_t slot = first; slot < first + count; slot++)
		bit_clear(b->held, slot);
	store_punch(&b->store, STORE_CONTENTS, first, count);
	uint64_t pcmd_pages = punch_empty_pcmd(b, first, first + count - 1);
	b->recycled_count -= count;
	b->pcmd_pages -= pcmd_pages;
	b->lowest_free = min_of(b->lowest_free, first);
	b->lowest_roomy = min_of(b->lowest_roomy, first);
	group_use(b->group, USE_RECYCLED, -(int64_t)count);
	group_use(b->group, USE_PCMD, -(int64_t)pcmd_pages);
	group_uncharge(b->group, RES_BACKING, count + pcmd_pages);
}

/* First slot of the run of at most @max recycled slots that ends at @last. */
static uint64_t run_start(const struct backing *b, uint64_t last, uint64_t max)
{
	uint64_t first = last;
	while (first > 0 && last - first + 1 < max && slot_is_recycled(b, first - 1))
		first--;
	return first;
}

uint64_t backing_trim(struct backing *b, uint64_t keep)
{
	uint64_t before = backing_charged(b), last = b->highest_held;
	while (b->recycled_count > keep) {
		last = scan_down(b, last, recycled_word);
		uint64_t first = run_start(b, last, b->recycled_count - keep);
		release_run(b, first, last - first + 1);
		last = first;
	}
	b->highest_held = b->used_count + b->recycled_count > 0 ? scan_down(b, b->highest_held, held_word) : 0;
	return before - backing_charged(b);
}

/* --- packing --- */

uint64_t backing_waste(const struct backing *b)
{
	return b->pcmd_pages - (b->used_count + b->recycled_count + PCMD_PER_PAGE - 1) / PCMD_PER_PAGE;
}

int backing_move(struct backing *b, uint32_t slot, uint64_t below, uint32_t *to)
{
	struct backing_page from, dest;
	uint64_t target = find_free(b);
	int ret;

	law(b->recycled_count == 0 && bit_test(b->used, slot));
	if (target >= below)
		target = b->lowest_free = scan_up(b, b->lowest_free, free_word);
	if (target >= below)
		return -ENOSPC;
	ret = occupy_slot(b, target);
	if (ret)
		return ret;
	pin(b, slot, &from);
	pin(b, target, &dest);
	memcpy(dest.contents, from.contents, SGX_PAGE_SIZE);
	*dest.pcmd = *from.pcmd;
	*to = (uint32_t)target;
	recycle(b, slot);
	backing_trim(b, 0);
	return 0;
}

/* --- laws --- */

uint64_t backing_charged(const struct backing *b)
{
	return b->used_count + b->recycled_count + b->pcmd_pages;
}

static uint64_t popcount(uint64_t word)
{
	return (uint64_t)__builtin_popcountll(word);
}

/* Bitmaps, counts and hints agree. Costs a look at every word up to the highest held slot. */
static bool slots_are_valid(const struct backing *b)
{
	uint64_t used = 0, recycled = 0, pcmd_pages = 0, words = b->highest_held / WORD_BITS + 1;
	for (uint64_t w = 0; w < words; w++) {
		uint64_t held = b->held[w];
		if (b->used[w] & ~held)
			return false;
		used += popcount(b->used[w]);
		recycled += popcount(recycled_word(b, w));
		pcmd_pages += ((uint32_t)held != 0) + (held >> 32 != 0);
	}
	return used == b->used_count && recycled == b->recycled_count && pcmd_pages == b->pcmd_pages &&
	       scan_up(b, 0, free_word) >= b->lowest_free && scan_up(b, 0, roomy_word) >= b->lowest_roomy &&
	       (recycled == 0 || scan_up(b, 0, recycled_word) >= b->lowest_recycled);
}

bool backing_is_valid(const struct backing *b)
{
	return slots_are_valid(b) && b->recycled_count <= b->recycle_max &&
	       store_held(&b->store) == (int64_t)backing_charged(b);
}
