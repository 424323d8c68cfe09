/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/wordindex/verify.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "examples/wordindex/progress.h"

#define SHOWN_MAX 5

struct check {
	struct kit_enclave *enclave;
	const struct counter *counter;
	_Atomic uint64_t next; /* the first word, or sample, that nobody has taken yet */
	_Atomic uint64_t mismatches;
	_Atomic bool failed;
	bool (*part)(struct check *check, size_t first, size_t count);
	size_t total;
	const char *what;
};

bool ask(struct kit_enclave *enclave, enum wordindex_call call, void *arg)
{
	struct kit_result result;
	int ret = kit_ecall(enclave, call, (uint64_t)arg, &result);
	char text[200];

	if (ret == 0 && result.value == 0)
		return true;
	progress_clear();
	if (ret == -EFAULT)
		fprintf(stderr, "wordindex: the enclave died: %s\n",
			kit_describe_exception(enclave, &result.exception, text, sizeof(text)));
	else if (ret != 0)
		fprintf(stderr, "wordindex: cannot call the enclave: %s\n", strerror(-ret));
	else
		fprintf(stderr, "wordindex: the enclave refuses call %u: %ld\n", call, result.value);
	return false;
}

static void mismatch(struct check *check, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void mismatch(struct check *check, const char *fmt, ...)
{
	va_list args;

	if (atomic_fetch_add(&check->mismatches, 1) >= SHOWN_MAX)
		return;
	progress_clear();
	fputs("wordindex: MISMATCH: ", stderr);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
}

/* --- the parts that many threads share --- */

static bool check_counts(struct check *check, size_t first, size_t count)
{
	const struct counted_word *words = check->counter->word + first;
	struct count_query query[QUERIES_MAX];
	struct batch batch = { .queries = (uint64_t)query, .count = count };

	for (size_t i = 0; i < count; i++)
		query[i] = (struct count_query){ .word = (uint64_t)words[i].text, .length = words[i].length };
	if (!ask(check->enclave, CALL_COUNT, &batch))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (query[i].count != words[i].count)
			mismatch(check, "'%.*s' occurs %lu times, not %lu", (int)words[i].length, words[i].text,
				 words[i].count, query[i].count);
		else if (query[i].checksum != words[i].checksum)
			mismatch(check, "the postings of '%.*s' differ", (int)words[i].length, words[i].text);
	}
	return true;
}

/* Even queries ask for an occurrence; odd ones for the byte behind its beginning, where no equal word can begin. */
static bool check_samples(struct check *check, size_t first, size_t count)
{
	const struct sample *samples = check->counter->sample;
	struct lookup_query query[QUERIES_MAX];
	struct batch batch = { .queries = (uint64_t)query, .count = count };

	for (size_t i = 0; i < count; i++) {
		const struct sample *s = &samples[(first + i) / 2];

		query[i] = (struct lookup_query){
			.word = (uint64_t)s->text,
			.length = s->length,
			.posting = s->posting + (first + i) % 2,
		};
	}
	if (!ask(check->enclave, CALL_LOOKUP, &batch))
		return false;
	for (size_t i = 0; i < count; i++) {
		bool expected = (first + i) % 2 == 0;

		if (query[i].found != expected)
			mismatch(check, "'%.*s' is %sfound in file %lu at %lu", (int)query[i].length,
				 (const char *)query[i].word, expected ? "not " : "", query[i].posting >> 32,
				 query[i].posting & UINT32_MAX);
	}
	return true;
}

static void *check_thread(void *arg)
{
	struct check *check = arg;

	while (!atomic_load(&check->failed)) {
		size_t first = atomic_fetch_add(&check->next, QUERIES_MAX);

		if (first >= check->total)
			break;
		if (!check->part(check, first, min_of((size_t)QUERIES_MAX, check->total - first)))
			atomic_store(&check->failed, true);
		progress_show("verifying %s: %zu of %zu", check->what, first, check->total);
	}
	return NULL;
}

static void share_out(struct check *check, unsigned threads)
{
	pthread_t thread[THREADS_MAX];
	unsigned started = 0;

	atomic_store(&check->next, 0);
	while (started + 1 < threads && pthread_create(&thread[started], NULL, check_thread, check) == 0)
		started++;
	check_thread(check);
	while (started > 0)
		pthread_join(thread[--started], NULL);
}

/* --- the parts for one --- */

static void check_totals(struct check *check)
{
	struct totals totals;

	if (!ask(check->enclave, CALL_TOTALS, &totals)) {
		atomic_store(&check->failed, true);
		return;
	}
	if (totals.words != check->counter->words)
		mismatch(check, "%lu different words, not %lu", check->counter->words, totals.words);
	if (totals.postings != check->counter->postings)
		mismatch(check, "%lu words in all, not %lu", check->counter->postings, totals.postings);
}

static void check_top(struct check *check, unsigned top_count)
{
	struct top_entry *entries = calloc(TOP_MAX, sizeof(*entries));
	struct top_query query = { .entries = (uint64_t)entries, .wanted = top_count };

	if (!entries || !ask(check->enclave, CALL_TOP, &query)) {
		atomic_store(&check->failed, true);
		free(entries);
		return;
	}
	if (query.found != min_of((uint64_t)top_count, check->counter->words))
		mismatch(check, "%lu frequent words instead of %u", query.found, top_count);
	for (size_t i = 0; i < min_of(query.found, check->counter->words); i++) {
		const struct counted_word *w = &check->counter->word[i];

		if (entries[i].count != w->count || entries[i].length != w->length ||
		    memcmp(entries[i].word, w->text, w->length) != 0)
			mismatch(check, "word number %zu by frequency is '%.*s' (%lu times), not '%.*s' (%lu)", i + 1,
				 (int)w->length, w->text, w->count,
				 (int)min_of(entries[i].length, (uint64_t)WORD_BYTES_MAX), entries[i].word,
				 entries[i].count);
	}
	free(entries);
}

struct verdict verify_index(struct kit_enclave *enclave, const struct counter *counter, unsigned threads,
			    unsigned top_count)
{
	struct check check = { .enclave = enclave, .counter = counter };

	check_totals(&check);
	check_top(&check, top_count);
	check.part = check_counts;
	check.total = counter->words;
	check.what = "words";
	share_out(&check, threads);
	check.part = check_samples;
	check.total = 2 * counter->samples;
	check.what = "occurrences";
	share_out(&check, threads);
	progress_clear();
	return (struct verdict){
		.words = counter->words,
		.postings = counter->postings,
		.lookups = 2 * counter->samples,
		.mismatches = atomic_load(&check.mismatches),
		.failed = atomic_load(&check.failed),
	};
}
