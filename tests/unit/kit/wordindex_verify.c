/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wordindex's verification, with a made-up enclave behind it: an honest one passes, and every single lie is noticed.
 * This is what makes "all answers right" worth something.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "examples/wordindex/verify.h"
#include "tests/testing.h"

static const char text[] = "one two two three three three _x9 a_b one-two\nfour,four.four;four four four";

enum lie {
	NO_LIE,
	LIE_WORDS,
	LIE_POSTINGS,
	LIE_COUNT,
	LIE_CHECKSUM,
	LIE_NOT_FOUND,
	LIE_FOUND,
	LIE_TOP_ORDER,
	LIE_TOP_COUNT,
	LIE_TOP_SHORT,
	LIE_DEAD,
	LIE_REFUSES,
	LIES
};

static enum lie lie;
static struct counter truth;

static const struct counted_word *word_of(uint64_t address, uint64_t length)
{
	for (size_t i = 0; i < truth.words; i++) {
		if (truth.word[i].length == length && memcmp(truth.word[i].text, (const char *)address, length) == 0)
			return &truth.word[i];
	}
	return NULL;
}

static void answer_count(struct count_query *q)
{
	const struct counted_word *w = word_of(q->word, q->length);

	q->count = w->count + (lie == LIE_COUNT && w == &truth.word[2]);
	q->checksum = w->checksum ^ (lie == LIE_CHECKSUM && w == &truth.word[3]);
}

/* Searches the text itself: is there a word, and this one, at that place? */
static void answer_lookup(struct lookup_query *q)
{
	size_t at = q->posting & UINT32_MAX, end = at + q->length;
	bool begins = at == 0 || !(isalnum((unsigned char)text[at - 1]) || text[at - 1] == '_');
	bool ends = end < sizeof(text) && !(isalnum((unsigned char)text[end]) || text[end] == '_');

	q->found = begins && ends && memcmp(text + at, (const char *)q->word, q->length) == 0;
	if (lie == LIE_NOT_FOUND && at == 4)
		q->found = 0;
	if (lie == LIE_FOUND && at == 5)
		q->found = 1;
}

static void answer_top(struct top_query *q)
{
	struct top_entry *entries = (struct top_entry *)q->entries;

	q->found = min_of(q->wanted, truth.words) - (lie == LIE_TOP_SHORT);
	for (size_t i = 0; i < q->found; i++) {
		const struct counted_word *w = &truth.word[lie == LIE_TOP_ORDER && i < 2 ? 1 - i : i];

		entries[i] = (struct top_entry){ .count = w->count + (lie == LIE_TOP_COUNT && i == 1),
						 .length = w->length };
		memcpy(entries[i].word, w->text, w->length);
	}
}

int kit_ecall(struct kit_enclave *enclave, uint64_t function, uint64_t arg, struct kit_result *result)
{
	const struct batch *batch = (const struct batch *)arg;
	struct totals *totals = (struct totals *)arg;

	*result = (struct kit_result){ .value = lie == LIE_REFUSES ? BAD_CALL : 0 };
	if (lie == LIE_DEAD)
		return -EFAULT;
	switch (function) {
	case CALL_TOTALS:
		totals->words = truth.words + (lie == LIE_WORDS);
		totals->postings = truth.postings - (lie == LIE_POSTINGS);
		break;
	case CALL_COUNT:
		for (uint64_t i = 0; i < batch->count; i++)
			answer_count((struct count_query *)batch->queries + i);
		break;
	case CALL_LOOKUP:
		for (uint64_t i = 0; i < batch->count; i++)
			answer_lookup((struct lookup_query *)batch->queries + i);
		break;
	default:
		answer_top((struct top_query *)arg);
	}
	return 0;
}

char *kit_describe_exception(const struct kit_enclave *enclave, const struct kit_exception *exception, char *buf,
			     size_t size)
{
	(void)snprintf(buf, size, "an exception");
	return buf;
}

static int count_text(void **state)
{
	if (!counter_file(&truth, 0, text, sizeof(text) - 1))
		return -1;
	counter_finish(&truth);
	return 0;
}

static void the_text_is_counted_right(void **state)
{
	static const struct {
		const char *word;
		uint64_t count;
	} expected[] = { { "four", 6 }, { "three", 3 }, { "two", 3 }, { "one", 2 }, { "_x9", 1 }, { "a_b", 1 } };

	assert_int_equal(truth.words, ARRAY_SIZE(expected));
	assert_int_equal(truth.postings, 16);
	assert_int_equal(truth.samples, 16);
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(truth.word[i].count, expected[i].count);
		assert_int_equal(truth.word[i].length, strlen(expected[i].word));
		assert_memory_equal(truth.word[i].text, expected[i].word, truth.word[i].length);
	}
}

static void long_runs_are_cut(void **state)
{
	static struct counter c;
	char run[2 * WORD_BYTES_MAX + 10];

	memset(run, 'q', sizeof(run));
	assert_true(counter_file(&c, 7, run, sizeof(run)));
	assert_int_equal(c.words, 2);
	assert_int_equal(c.postings, 3);
	assert_int_equal(c.sample[2].length, 10);
	assert_int_equal(c.sample[2].posting, posting_of(7, 2 * WORD_BYTES_MAX));
	counter_finish(&c);
	counter_free(&c);
}

static void honesty_passes_and_each_lie_is_noticed(void **state)
{
	for (lie = NO_LIE; lie < LIES; lie++) {
		for (unsigned threads = 1; threads <= 3; threads += 2) {
			struct verdict v = verify_index(NULL, &truth, threads, 4);

			assert_int_equal(v.failed, lie == LIE_DEAD || lie == LIE_REFUSES);
			if (lie == NO_LIE)
				assert_int_equal(v.mismatches, 0);
			else if (!v.failed)
				assert_in_range(v.mismatches, 1, 2);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_text_is_counted_right),
		cmocka_unit_test(long_runs_are_cut),
		cmocka_unit_test(honesty_passes_and_each_lie_is_noticed),
	};

	return cmocka_run_group_tests(tests, count_text, NULL);
}
