/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A hash table of words. A word keeps its postings in blocks that grow with their number, and finds a block by the
 * first posting in it: a lookup in a list of a million postings touches a handful of pages, which is what counts when
 * most pages are not in the EPC.
 */
#include "examples/wordindex/index.h"

#include <stdlib.h>
#include <string.h>

#include "examples/wordindex/calls.h"

#define FIRST_SLOTS (1U << 12)
#define SMALLEST_BLOCK 2
#define LARGEST_BLOCK 256

struct block {
	uint64_t first;     /* the first of the postings, again */
	uint64_t *postings; /* block_capacity() of them */
};

struct word {
	uint32_t hash;
	uint32_t count;
	union {
		uint64_t only;        /* count == 1: the posting itself */
		struct block *blocks; /* directory; its capacity is directory_capacity() of the number of blocks */
	};
	uint8_t length;
	char text[];
};

static struct {
	struct word **slot; /* open addressing, at most three quarters full; NULL: empty */
	uint64_t slots;     /* a power of two */
	uint64_t words, postings;
} table;

/* --- words --- */

/* FNV-1a. */
static uint32_t hash_of(const char *text, size_t length)
{
	uint32_t hash = 2166136261;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ (uint8_t)text[i]) * 16777619;
	return hash ^ hash >> 15;
}

static bool is_word(const struct word *w, uint32_t hash, const char *text, size_t length)
{
	return w->hash == hash && w->length == length && memcmp(w->text, text, length) == 0;
}

/* The slot that holds the word, or the empty one where it belongs. */
static struct word **find_slot(uint32_t hash, const char *text, size_t length)
{
	uint64_t at = hash & (table.slots - 1);

	while (table.slot[at] && !is_word(table.slot[at], hash, text, length))
		at = (at + 1) & (table.slots - 1);
	return &table.slot[at];
}

static bool grow_table(void)
{
	uint64_t slots = table.slots ? 2 * table.slots : FIRST_SLOTS;
	struct word **slot = calloc(slots, sizeof(*slot));

	if (!slot)
		return false;
	for (uint64_t i = 0; i < table.slots; i++) {
		uint64_t at;

		if (!table.slot[i])
			continue;
		for (at = table.slot[i]->hash & (slots - 1); slot[at]; at = (at + 1) & (slots - 1))
			;
		slot[at] = table.slot[i];
	}
	free(table.slot);
	table.slot = slot;
	table.slots = slots;
	return true;
}

static struct word *find(const char *text, size_t length)
{
	return table.slots ? *find_slot(hash_of(text, length), text, length) : NULL;
}

static bool add_word(struct word **slot, uint32_t hash, const char *text, size_t length, uint64_t posting)
{
	struct word *w = malloc(sizeof(*w) + length);

	if (!w)
		return false;
	w->hash = hash;
	w->count = 1;
	w->only = posting;
	w->length = (uint8_t)length;
	memcpy(w->text, text, length);
	*slot = w;
	table.words++;
	return true;
}

/* --- postings --- */

/* Block i holds twice as many as block i - 1, up to the largest: 2, 4, 8 .. 256, 256, ... */
static uint32_t block_capacity(uint32_t block)
{
	return block < 7 ? SMALLEST_BLOCK << block : LARGEST_BLOCK;
}

struct place {
	uint32_t block, at;
};

static struct place place_of(uint32_t n)
{
	/* The blocks before the first of the largest size hold 2 + 4 + .. + 128 = 254 postings. */
	const uint32_t small = LARGEST_BLOCK - SMALLEST_BLOCK;
	struct place p;

	if (n >= small) {
		p.block = 7 + (n - small) / LARGEST_BLOCK;
		p.at = (n - small) % LARGEST_BLOCK;
		return p;
	}
	p.block = 31 - (uint32_t)__builtin_clz(n + SMALLEST_BLOCK) - 1;
	p.at = n + SMALLEST_BLOCK - (SMALLEST_BLOCK << p.block);
	return p;
}

/* The directory doubles whenever the number of blocks reaches a power of two. */
static bool add_block(struct word *w, uint32_t block)
{
	uint64_t *postings = malloc(block_capacity(block) * sizeof(*postings));
	struct block *blocks = block == 0 ? NULL : w->blocks;

	if (!postings)
		return false;
	if ((block & (block - 1)) == 0) {
		blocks = realloc(blocks, (block ? 2 * (size_t)block : 1) * sizeof(*blocks));
		if (!blocks) {
			free(postings);
			return false;
		}
	}
	w->blocks = blocks;
	w->blocks[block].postings = postings;
	return true;
}

static bool append(struct word *w, uint32_t n, uint64_t posting)
{
	struct place p = place_of(n);

	if (p.at == 0) {
		if (!add_block(w, p.block))
			return false;
		w->blocks[p.block].first = posting;
	}
	w->blocks[p.block].postings[p.at] = posting;
	return true;
}

/* The posting that stood alone moves into the first block when a second one comes. */
static bool add_posting(struct word *w, uint64_t posting)
{
	uint64_t only = w->only;

	if (w->count == UINT32_MAX)
		return false;
	if (w->count == 1 && !append(w, 0, only)) {
		w->only = only;
		return false;
	}
	if (!append(w, w->count, posting))
		return false;
	w->count++;
	return true;
}

bool index_add(const char *text, size_t length, uint64_t posting)
{
	uint32_t hash = hash_of(text, length);
	struct word **slot;

	if (table.words >= table.slots / 4 * 3 && !grow_table())
		return false;
	slot = find_slot(hash, text, length);
	if (*slot ? !add_posting(*slot, posting) : !add_word(slot, hash, text, length, posting))
		return false;
	table.postings++;
	return true;
}

/* --- questions --- */

uint64_t index_words(void)
{
	return table.words;
}

uint64_t index_postings(void)
{
	return table.postings;
}

uint64_t index_count(const char *text, size_t length, uint64_t *checksum)
{
	const struct word *w = find(text, length);
	uint64_t sum = 0;

	*checksum = 0;
	if (!w)
		return 0;
	for (uint32_t n = 0; n < w->count; n++) {
		struct place p = place_of(n);

		sum += posting_mix(w->count == 1 ? w->only : w->blocks[p.block].postings[p.at]);
	}
	*checksum = sum;
	return w->count;
}

/* The block whose postings may include this one: the last that begins with it or before it. */
static uint32_t block_for(const struct word *w, uint32_t blocks, uint64_t posting)
{
	uint32_t low = 0, high = blocks;

	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (w->blocks[middle].first <= posting)
			low = middle;
		else
			high = middle;
	}
	return low;
}

bool index_has(const char *text, size_t length, uint64_t posting)
{
	const struct word *w = find(text, length);
	struct place last;
	uint32_t block, used;

	if (!w)
		return false;
	if (w->count == 1)
		return w->only == posting;
	last = place_of(w->count - 1);
	block = block_for(w, last.block + 1, posting);
	used = block == last.block ? last.at + 1 : block_capacity(block);
	for (uint32_t i = 0; i < used; i++) {
		if (w->blocks[block].postings[i] == posting)
			return true;
	}
	return false;
}

static bool goes_before(const struct word *a, const struct index_word *b)
{
	size_t common = a->length < b->length ? a->length : b->length;
	int order;

	if (a->count != b->count)
		return a->count > b->count;
	order = memcmp(a->text, b->text, common);
	return order != 0 ? order < 0 : a->length < b->length;
}

size_t index_top(struct index_word *top, size_t wanted)
{
	size_t found = 0;

	for (uint64_t i = 0; i < table.slots; i++) {
		const struct word *w = table.slot[i];
		size_t at = found;

		if (!w || wanted == 0 || (found == wanted && !goes_before(w, &top[found - 1])))
			continue;
		if (found < wanted)
			found++;
		else
			at--;
		for (; at > 0 && goes_before(w, &top[at - 1]); at--)
			top[at] = top[at - 1];
		top[at] = (struct index_word){ .text = w->text, .length = w->length, .count = w->count };
	}
	return found;
}
