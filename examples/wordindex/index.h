/* SPDX-License-Identifier: Apache-2.0 */
/* The index: every different word with all its occurrences, on the enclave's heap. */
#ifndef SOFTSGX_EXAMPLES_WORDINDEX_INDEX_H
#define SOFTSGX_EXAMPLES_WORDINDEX_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct index_word {
	const char *text;
	size_t length;
	uint64_t count;
};

/**
 * index_add() - one more occurrence. Postings of a word must ascend.
 * Return: false if there is no room; the index is as before.
 * Context: excludes all other functions here; these may run at the same time.
 */
bool index_add(const char *text, size_t length, uint64_t posting);

uint64_t index_words(void);
uint64_t index_postings(void);

/** index_count() - occurrences of a word, 0 if there is none such; *checksum as calls.h defines it. */
uint64_t index_count(const char *text, size_t length, uint64_t *checksum);
bool index_has(const char *text, size_t length, uint64_t posting);

/** index_top() - the most frequent words, most frequent first. Return: how many, at most @wanted. */
size_t index_top(struct index_word *top, size_t wanted);

#endif
