/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/wordindex/counter.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "examples/wordindex/calls.h"

#define FIRST_SLOTS (1U << 16)

static uint64_t hash_of(const char *text, size_t length)
{
	uint64_t hash = length;

	for (size_t i = 0; i < length; i++)
		hash = posting_mix(hash + (unsigned char)text[i]);
	return hash;
}

static struct counted_word *find_slot(struct counted_word *table, size_t slots, const char *text, size_t length)
{
	size_t at = hash_of(text, length) % slots;

	while (table[at].text && (table[at].length != length || memcmp(table[at].text, text, length) != 0))
		at = (at + 1) % slots;
	return &table[at];
}

static bool make_room(struct counter *c)
{
	size_t slots = c->slots ? 2 * c->slots : FIRST_SLOTS;
	struct counted_word *table;

	if (c->words < c->slots / 2)
		return true;
	table = calloc(slots, sizeof(*table));
	if (!table)
		return false;
	for (size_t i = 0; i < c->slots; i++) {
		if (c->word[i].text)
			*find_slot(table, slots, c->word[i].text, c->word[i].length) = c->word[i];
	}
	free(c->word);
	c->word = table;
	c->slots = slots;
	return true;
}

/* Reservoir sampling: after n occurrences each has been kept with the same probability. */
static void maybe_keep(struct counter *c, const struct counted_word *w, uint64_t posting)
{
	uint64_t at = c->postings;

	if (at >= SAMPLES_MAX) {
		c->random = posting_mix(c->random + 0x9e3779b97f4a7c15);
		at = c->random % (c->postings + 1);
	}
	if (at >= SAMPLES_MAX)
		return;
	c->sample[at] = (struct sample){ w->text, w->length, posting };
	if (c->samples < SAMPLES_MAX)
		c->samples++;
}

static bool count_word(struct counter *c, const char *text, size_t length, uint64_t posting)
{
	struct counted_word *w;

	if (!make_room(c))
		return false;
	w = find_slot(c->word, c->slots, text, length);
	if (!w->text) {
		w->text = malloc(length + 1);
		if (!w->text)
			return false;
		memcpy(w->text, text, length);
		w->length = length;
		c->words++;
	}
	w->count++;
	w->checksum += posting_mix(posting);
	maybe_keep(c, w, posting);
	c->postings++;
	return true;
}

bool counter_file(struct counter *c, uint32_t file, const char *data, size_t bytes)
{
	const char *end = data + bytes, *p = data, *start;

	c->bytes += bytes;
	while (p < end) {
		if (!isalnum((unsigned char)*p) && *p != '_') {
			p++;
			continue;
		}
		for (start = p; p < end && p - start < WORD_BYTES_MAX && (isalnum((unsigned char)*p) || *p == '_'); p++)
			;
		if (!count_word(c, start, (size_t)(p - start), posting_of(file, (uint32_t)(start - data))))
			return false;
	}
	return true;
}

static int by_frequency(const void *a, const void *b)
{
	const struct counted_word *x = a, *y = b;
	size_t common = x->length < y->length ? x->length : y->length;
	int order;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	order = memcmp(x->text, y->text, common);
	if (order != 0)
		return order;
	return x->length < y->length ? -1 : x->length > y->length;
}

void counter_finish(struct counter *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->slots; i++) {
		struct counted_word w = c->word[i];

		if (!w.text)
			continue;
		c->word[i].text = NULL;
		c->word[n++] = w;
	}
	if (n != 0)
		qsort(c->word, n, sizeof(*c->word), by_frequency);
}

void counter_free(struct counter *c)
{
	for (size_t i = 0; i < c->slots; i++)
		free(c->word[i].text);
	free(c->word);
}
