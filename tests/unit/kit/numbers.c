/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sorting and searching of the enclave's C library do what the host's do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "tests/testing.h"
#include "tests/unit/kit/libc.h"

static void parses_like(const char *text, int base)
{
	char *end, *kit_end;

	assert_int_equal(kit_strtoul(text, &kit_end, base), strtoul(text, &end, base));
	assert_ptr_equal(kit_end, end);
	assert_int_equal(kit_strtol(text, &kit_end, base), strtol(text, &end, base));
	assert_ptr_equal(kit_end, end);
}

static void numbers_at_the_edges(void **state)
{
	static const char *const texts[] = {
		"0",
		"00",
		"7",
		"-7",
		"+7",
		" \t\n\v\f\r42x",
		"0x",
		"0x1F",
		"0X1fg",
		"0xg",
		"x",
		"",
		"-",
		"+-1",
		"08",
		"zz",
		"18446744073709551615",
		"18446744073709551616",
		"9223372036854775807",
		"9223372036854775808",
		"-9223372036854775808",
		"-9223372036854775809",
		"-18446744073709551615",
		"99999999999999999999999",
		"-99999999999999999999999",
		"0xffffffffffffffff",
		"0x10000000000000000",
		"1777777777777777777777",
	};
	static const int bases[] = { 0, 2, 8, 10, 16, 36 };

	for (unsigned i = 0; i < ARRAY_SIZE(texts); i++) {
		for (unsigned b = 0; b < ARRAY_SIZE(bases); b++)
			parses_like(texts[i], bases[b]);
	}
}

static void numbers_at_random(void **state)
{
	struct rng rng = rng_seeded(6);
	char text[40];

	for (unsigned i = 0; i < 20000; i++) {
		uint64_t shifted = rng_next(&rng) >> rng_below(&rng, 64);

		(void)snprintf(text, sizeof(text), "%s%lu%c", rng_below(&rng, 2) ? "-" : "", shifted,
			       (char)rng_below(&rng, 128));
		parses_like(text, 10);
	}
}

static int by_value(const void *a, const void *b)
{
	uint32_t x, y;

	memcpy(&x, a, sizeof(x));
	memcpy(&y, b, sizeof(y));
	return x < y ? -1 : x > y;
}

static void sorting(void **state)
{
	struct rng rng = rng_seeded(7);
	uint32_t got[300], expected[300];

	for (unsigned i = 0; i < 2000; i++) {
		size_t n = rng_below(&rng, ARRAY_SIZE(got));

		for (size_t j = 0; j < n; j++)
			got[j] = (uint32_t)rng_below(&rng, 1 + rng_below(&rng, 1000));
		memcpy(expected, got, sizeof(got));
		qsort(expected, n, sizeof(*expected), by_value);
		kit_qsort(got, n, sizeof(*got), by_value);
		assert_memory_equal(got, expected, n * sizeof(*got));
	}
}

/* Odd sizes: elements move as a whole. */
static void sorting_records(void **state)
{
	struct {
		uint8_t key[4], tail[7];
	} r[500];
	struct rng rng = rng_seeded(8);

	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		uint32_t key = (uint32_t)rng_next(&rng);

		memcpy(r[i].key, &key, sizeof(key));
		memset(r[i].tail, (uint8_t)key, sizeof(r[i].tail));
	}
	kit_qsort(r, ARRAY_SIZE(r), sizeof(*r), by_value);
	for (size_t i = 0; i < ARRAY_SIZE(r); i++) {
		assert_true(i == 0 || by_value(&r[i - 1], &r[i]) <= 0);
		for (size_t j = 0; j < sizeof(r[i].tail); j++)
			assert_int_equal(r[i].tail[j], r[i].key[0]);
	}
}

static void searching(void **state)
{
	uint32_t values[100];

	for (uint32_t n = 0; n <= ARRAY_SIZE(values); n++) {
		for (uint32_t i = 0; i < n; i++)
			values[i] = 2 * i;
		for (uint32_t key = 0; key < 2 * n + 1; key++) {
			const uint32_t *found = kit_bsearch(&key, values, n, sizeof(*values), by_value);

			if (key % 2 == 0 && key < 2 * n)
				assert_ptr_equal(found, &values[key / 2]);
			else
				assert_null(found);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_at_the_edges), cmocka_unit_test(numbers_at_random), cmocka_unit_test(sorting),
		cmocka_unit_test(sorting_records),      cmocka_unit_test(searching),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
