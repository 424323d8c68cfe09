/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host's own count of the same text, in its own memory and by its own code: what the enclave's answers are compared
 * with. It keeps no postings, only each word's number of them and their checksum.
 */
#ifndef SOFTSGX_EXAMPLES_WORDINDEX_COUNTER_H
#define SOFTSGX_EXAMPLES_WORDINDEX_COUNTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct counted_word {
	char *text; /* NULL: an empty slot */
	size_t length;
	uint64_t count, checksum;
};

/* One occurrence, kept to be asked for. */
struct sample {
	const char *text;
	size_t length;
	uint64_t posting;
};

#define SAMPLES_MAX 20000

struct counter {
	struct counted_word *word; /* hash table */
	size_t slots;
	uint64_t words, postings, bytes;
	struct sample sample[SAMPLES_MAX]; /* chosen evenly from all occurrences */
	size_t samples;
	uint64_t random;
};

/** counter_file() - count the words of one file. Return: false when memory is short. */
bool counter_file(struct counter *counter, uint32_t file, const char *data, size_t bytes);

/**
 * counter_finish() - move the words to the front of the table, the most frequent first, of two as frequent the one that
 * memcmp() and then length put first.
 */
void counter_finish(struct counter *counter);
void counter_free(struct counter *counter);

#endif
