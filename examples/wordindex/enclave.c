/* SPDX-License-Identifier: Apache-2.0 */
/* The enclave: takes text in, cuts it into words, answers questions. Nothing the host says is trusted. */
#include <stdatomic.h>
#include <string.h>

#include "examples/wordindex/calls.h"
#include "examples/wordindex/index.h"
#include "kit/enclave/kit.h"

#ifndef HEAP_BYTES
#define HEAP_BYTES (160UL << 20)
#endif
#define CHUNK_BYTES (64UL << 10)

KIT_ENCLAVE(.heap = HEAP_BYTES, .stack = 64 << 10, .tcs = THREADS_MAX, .product = 1, .svn = 1);

/*
 * First the index is built, by one thread at a time; the first question ends that, and from then on it only is read,
 * by any number of threads without a lock.
 */
static struct kit_lock building;
static atomic_bool complete;

/* --- taking text in --- */

/* The file being fed, and the word that has begun but not ended. */
static struct {
	uint32_t file;
	uint64_t offset;
	uint64_t full_at;
	size_t length;
	char word[WORD_BYTES_MAX];
	char chunk[CHUNK_BYTES];
} reader = { .full_at = NOT_FULL };

static bool is_word_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void end_word(void)
{
	uint64_t start = reader.offset - reader.length;

	if (reader.length != 0 && !index_add(reader.word, reader.length, posting_of(reader.file, (uint32_t)start)))
		reader.full_at = start;
	reader.length = 0;
}

static void read_chunk(size_t bytes)
{
	for (size_t i = 0; i < bytes && reader.full_at == NOT_FULL; i++) {
		bool in_word = is_word_byte(reader.chunk[i]);

		if (!in_word || reader.length == WORD_BYTES_MAX)
			end_word();
		if (in_word)
			reader.word[reader.length++] = reader.chunk[i];
		reader.offset++;
	}
}

static bool read_all(uint64_t data, uint64_t bytes)
{
	while (bytes != 0 && reader.full_at == NOT_FULL) {
		size_t n = bytes < CHUNK_BYTES ? bytes : CHUNK_BYTES;

		if (!kit_copy_in(reader.chunk, data, n))
			return false;
		read_chunk(n);
		data += n;
		bytes -= n;
	}
	return true;
}

static int64_t feed_locked(uint64_t arg)
{
	struct feed f;

	if (atomic_load(&complete) || !kit_copy_in(&f, arg, sizeof(f)) || f.bytes > UINT32_MAX - reader.offset)
		return BAD_CALL;
	reader.file = f.file;
	if (!read_all(f.data, f.bytes))
		return BAD_CALL;
	if (f.last && reader.full_at == NOT_FULL)
		end_word();
	if (f.last)
		reader.offset = 0;
	f.full_at = reader.full_at;
	return kit_copy_out(arg, &f, sizeof(f)) ? 0 : BAD_CALL;
}

static int64_t feed(uint64_t arg)
{
	int64_t ret;

	kit_lock(&building);
	ret = feed_locked(arg);
	kit_unlock(&building);
	return ret;
}

/* --- answering --- */

static void finish_building(void)
{
	if (atomic_load_explicit(&complete, memory_order_acquire))
		return;
	kit_lock(&building);
	atomic_store_explicit(&complete, true, memory_order_release);
	kit_unlock(&building);
}

static int64_t totals(uint64_t arg)
{
	struct totals t = {
		.words = index_words(),
		.postings = index_postings(),
		.heap_bytes = kit_thread()->heap_bytes,
		.heap_left = kit_heap_left(),
	};

	return kit_copy_out(arg, &t, sizeof(t)) ? 0 : BAD_CALL;
}

static bool copy_word_in(char word[WORD_BYTES_MAX], uint64_t from, uint64_t length)
{
	return length <= WORD_BYTES_MAX && kit_copy_in(word, from, length);
}

static bool answer_count(uint64_t at)
{
	struct count_query q;
	char word[WORD_BYTES_MAX];

	if (!kit_copy_in(&q, at, sizeof(q)) || !copy_word_in(word, q.word, q.length))
		return false;
	q.count = index_count(word, q.length, &q.checksum);
	return kit_copy_out(at, &q, sizeof(q));
}

static bool answer_lookup(uint64_t at)
{
	struct lookup_query q;
	char word[WORD_BYTES_MAX];

	if (!kit_copy_in(&q, at, sizeof(q)) || !copy_word_in(word, q.word, q.length))
		return false;
	q.found = index_has(word, q.length, q.posting);
	return kit_copy_out(at, &q, sizeof(q));
}

static int64_t answer_batch(uint64_t arg, bool (*answer_one)(uint64_t at), size_t query_bytes)
{
	struct batch b;

	if (!kit_copy_in(&b, arg, sizeof(b)) || b.count > QUERIES_MAX)
		return BAD_CALL;
	for (uint64_t i = 0; i < b.count; i++) {
		if (!answer_one(b.queries + i * query_bytes))
			return BAD_CALL;
	}
	return 0;
}

static int64_t top(uint64_t arg)
{
	struct index_word words[TOP_MAX];
	struct top_query q;

	if (!kit_copy_in(&q, arg, sizeof(q)) || q.wanted > TOP_MAX)
		return BAD_CALL;
	q.found = index_top(words, q.wanted);
	for (size_t i = 0; i < q.found; i++) {
		struct top_entry entry = { .count = words[i].count, .length = words[i].length };

		memcpy(entry.word, words[i].text, words[i].length);
		if (!kit_copy_out(q.entries + i * sizeof(entry), &entry, sizeof(entry)))
			return BAD_CALL;
	}
	return kit_copy_out(arg, &q, sizeof(q)) ? 0 : BAD_CALL;
}

static int64_t answer(uint64_t function, uint64_t arg)
{
	finish_building();
	switch (function) {
	case CALL_TOTALS:
		return totals(arg);
	case CALL_COUNT:
		return answer_batch(arg, answer_count, sizeof(struct count_query));
	case CALL_LOOKUP:
		return answer_batch(arg, answer_lookup, sizeof(struct lookup_query));
	case CALL_TOP:
		return top(arg);
	default:
		return BAD_CALL;
	}
}

int64_t kit_main(uint64_t function, uint64_t arg)
{
	return function == CALL_FEED ? feed(arg) : answer(function, arg);
}
