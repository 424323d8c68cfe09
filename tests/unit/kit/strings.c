/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and string functions of the enclave's C library do what the host's do, and touch nothing beyond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tests/testing.h"
#include "tests/unit/kit/libc.h"

#define BYTES 96

static void fill(struct rng *rng, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)rng_next(rng);
}

static void copies_of_every_short_length(void **state)
{
	struct rng rng = rng_seeded(1);
	uint8_t from[BYTES], got[BYTES], expected[BYTES];

	for (size_t n = 0; n <= 64; n++) {
		for (size_t at = 0; at < 9; at++) {
			fill(&rng, from, BYTES);
			fill(&rng, got, BYTES);
			memcpy(expected, got, BYTES);
			memcpy(expected + at, from + 3, n);
			assert_ptr_equal(kit_memcpy(got + at, from + 3, n), got + at);
			assert_memory_equal(got, expected, BYTES);
		}
	}
}

static void moves_with_every_overlap(void **state)
{
	struct rng rng = rng_seeded(2);
	uint8_t got[BYTES], expected[BYTES];

	for (size_t n = 0; n <= 40; n++) {
		for (size_t from = 0; from < 40; from++) {
			for (size_t to = 0; to < 40; to++) {
				fill(&rng, got, BYTES);
				memcpy(expected, got, BYTES);
				memmove(expected + to, expected + from, n);
				assert_ptr_equal(kit_memmove(got + to, got + from, n), got + to);
				assert_memory_equal(got, expected, BYTES);
			}
		}
	}
}

static void large_moves(void **state)
{
	static uint8_t got[100000], expected[100000];
	struct rng rng = rng_seeded(3);

	for (unsigned i = 0; i < 200; i++) {
		size_t n = rng_below(&rng, 50000), from = rng_below(&rng, 50000), to = rng_below(&rng, 50000);

		fill(&rng, got, 1000);
		memcpy(expected, got, sizeof(got));
		memmove(expected + to, expected + from, n);
		kit_memmove(got + to, got + from, n);
		assert_memory_equal(got, expected, sizeof(got));
	}
}

static void sets_exactly_what_it_should(void **state)
{
	uint8_t got[BYTES], expected[BYTES];

	for (size_t n = 0; n < BYTES - 8; n++) {
		memset(got, 1, BYTES);
		memset(expected, 1, BYTES);
		memset(expected + 4, 0xe7, n);
		assert_ptr_equal(kit_memset(got + 4, 0x5e7, n), got + 4);
		assert_memory_equal(got, expected, BYTES);
	}
}

static int sign(int x)
{
	return (x > 0) - (x < 0);
}

static void comparisons(void **state)
{
	struct rng rng = rng_seeded(4);
	uint8_t a[BYTES], b[BYTES];

	for (unsigned i = 0; i < 20000; i++) {
		size_t n = rng_below(&rng, 40), at = rng_below(&rng, 40);

		fill(&rng, a, BYTES);
		memcpy(b, a, BYTES);
		b[at] = (uint8_t)rng_next(&rng);
		assert_int_equal(sign(kit_memcmp(a, b, n)), sign(memcmp(a, b, n)));
		assert_ptr_equal(kit_memchr(a, b[at], n), memchr(a, b[at], n));
	}
}

static void string_functions(void **state)
{
	struct rng rng = rng_seeded(5);
	char a[BYTES], b[BYTES];

	for (unsigned i = 0; i < 20000; i++) {
		size_t n = rng_below(&rng, 20);

		for (size_t j = 0; j < BYTES; j++) {
			a[j] = (char)("\x01za\xf0"[rng_below(&rng, 4)]);
			b[j] = rng_below(&rng, 10) ? a[j] : 'z';
		}
		a[rng_below(&rng, 16)] = '\0';
		b[rng_below(&rng, 16)] = '\0';
		assert_int_equal(kit_strlen(a), strlen(a));
		assert_int_equal(kit_strnlen(a, n), strnlen(a, n));
		assert_int_equal(sign(kit_strcmp(a, b)), sign(strcmp(a, b)));
		assert_int_equal(sign(kit_strncmp(a, b, n)), sign(strncmp(a, b, n)));
		assert_ptr_equal(kit_strchr(a, '\xf0'), strchr(a, '\xf0'));
		assert_ptr_equal(kit_strchr(a, '\0'), strchr(a, '\0'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(copies_of_every_short_length),
		cmocka_unit_test(moves_with_every_overlap),
		cmocka_unit_test(large_moves),
		cmocka_unit_test(sets_exactly_what_it_should),
		cmocka_unit_test(comparisons),
		cmocka_unit_test(string_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
