/* SPDX-License-Identifier: Apache-2.0 */
/* wordindex's index against a list of everything that was put into it, also when memory runs out at any point. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "examples/wordindex/calls.h"
#include "examples/wordindex/index.h"
#include "tests/testing.h"

/* index.c is compiled with these for malloc(), calloc() and realloc(). */
void *limited_malloc(size_t n);
void *limited_calloc(size_t n, size_t size);
void *limited_realloc(void *p, size_t n);

static uint64_t allocations_left = UINT64_MAX;

static bool may_allocate(void)
{
	if (allocations_left == 0)
		return false;
	allocations_left--;
	return true;
}

void *limited_malloc(size_t n)
{
	return may_allocate() ? malloc(n) : NULL;
}

void *limited_calloc(size_t n, size_t size)
{
	return may_allocate() ? calloc(n, size) : NULL;
}

void *limited_realloc(void *p, size_t n)
{
	return may_allocate() ? realloc(p, n) : NULL;
}

#define WORDS 6000

static struct {
	char text[24];
	size_t length;
	uint64_t count, checksum, first, last;
} known[WORDS];

static uint64_t words, postings, next_posting = 1;

/* The index is one per enclave, so one for all tests here: it only grows. */
static void put(unsigned w)
{
	uint64_t posting = next_posting;

	next_posting += 3;
	if (known[w].length == 0)
		known[w].length = (size_t)snprintf(known[w].text, sizeof(known[w].text), "w%u", w * w);
	if (!index_add(known[w].text, known[w].length, posting))
		return;
	words += known[w].count == 0;
	if (known[w].count++ == 0)
		known[w].first = posting;
	known[w].last = posting;
	known[w].checksum += posting_mix(posting);
	postings++;
}

static void everything_is_as_known(void)
{
	uint64_t checksum;

	assert_int_equal(index_words(), words);
	assert_int_equal(index_postings(), postings);
	for (unsigned w = 0; w < WORDS; w++) {
		assert_int_equal(index_count(known[w].text, known[w].length, &checksum), known[w].count);
		assert_int_equal(checksum, known[w].checksum);
		if (known[w].count == 0)
			continue;
		assert_true(index_has(known[w].text, known[w].length, known[w].first));
		assert_true(index_has(known[w].text, known[w].length, known[w].last));
		assert_false(index_has(known[w].text, known[w].length, known[w].first - 1));
		assert_false(index_has(known[w].text, known[w].length, known[w].last + 1));
	}
}

static void an_empty_index_has_nothing(void **state)
{
	struct index_word top[1];
	uint64_t checksum;

	assert_int_equal(index_words(), 0);
	assert_int_equal(index_count("x", 1, &checksum), 0);
	assert_false(index_has("x", 1, 1));
	assert_int_equal(index_top(top, 1), 0);
}

static void running_out_of_memory_changes_nothing(void **state)
{
	struct rng rng = rng_seeded(10);

	for (unsigned i = 0; i < 3000; i++) {
		uint64_t before = postings;

		/* Each word comes back at every length of its list, with no memory, a little, and enough. */
		for (allocations_left = 0; allocations_left < 3 && postings == before;) {
			uint64_t allowed = allocations_left;

			put((unsigned)rng_below(&rng, 40));
			allocations_left = allowed + 1;
		}
	}
	allocations_left = UINT64_MAX;
	everything_is_as_known();
	assert_true(postings > 2000);
}

/* A few words are much more frequent than the others, as in text: long lists and short ones. */
static void many_words_and_long_lists(void **state)
{
	struct rng rng = rng_seeded(11);

	for (unsigned i = 0; i < 300000; i++)
		put((unsigned)rng_below(&rng, 1 + rng_below(&rng, 1 + rng_below(&rng, WORDS))));
	everything_is_as_known();
}

static void every_posting_of_a_long_list_is_found(void **state)
{
	static uint64_t mine[5000];

	for (unsigned i = 0; i < ARRAY_SIZE(mine); i++) {
		mine[i] = next_posting;
		assert_true(index_add("Long", 4, next_posting));
		next_posting += 2 + i % 5;
	}
	for (unsigned i = 0; i < ARRAY_SIZE(mine); i++) {
		assert_true(index_has("Long", 4, mine[i]));
		assert_false(index_has("Long", 4, mine[i] + 1));
	}
	words++;
	postings += ARRAY_SIZE(mine);
	everything_is_as_known();
}

static int by_frequency(const void *a, const void *b)
{
	const struct index_word *x = a, *y = b;
	int order = memcmp(x->text, y->text, min_of(x->length, y->length));

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return order ? order : (x->length > y->length) - (x->length < y->length);
}

static void the_most_frequent_words_come_first(void **state)
{
	struct index_word top[TOP_MAX], all[WORDS + 1] = { { "Long", 4, 5000 } };
	size_t n = 1;

	for (unsigned w = 0; w < WORDS; w++) {
		if (known[w].count)
			all[n++] = (struct index_word){ known[w].text, known[w].length, known[w].count };
	}
	qsort(all, n, sizeof(*all), by_frequency);
	for (size_t wanted = 0; wanted <= TOP_MAX; wanted += 25) {
		assert_int_equal(index_top(top, wanted), wanted);
		for (size_t i = 0; i < wanted; i++) {
			assert_int_equal(top[i].count, all[i].count);
			assert_int_equal(top[i].length, all[i].length);
			assert_memory_equal(top[i].text, all[i].text, all[i].length);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_index_has_nothing),
		cmocka_unit_test(running_out_of_memory_changes_nothing),
		cmocka_unit_test(many_words_and_long_lists),
		cmocka_unit_test(every_posting_of_a_long_list_is_found),
		cmocka_unit_test(the_most_frequent_words_come_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
