/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes and integers are read exactly or refused: nothing is cut off, wrapped or guessed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/size.h"

static void assert_size(const char *text, uint64_t expected)
{
	uint64_t bytes = 0;

	assert_int_equal(size_parse(text, &bytes), 0);
	assert_true(bytes == expected);
}

static void assert_no_size(const char *text, int error)
{
	uint64_t bytes = 42;

	assert_int_equal(size_parse(text, &bytes), error);
	assert_true(bytes == 42);
}

static void sizes_with_every_suffix(void **state)
{
	assert_size("0", 0);
	assert_size("4097", 4097);
	assert_size("12B", 12);
	assert_size("3k", 3 << 10);
	assert_size("3K", 3 << 10);
	assert_size("64M", 64 << 20);
	assert_size("64MB", 64 << 20);
	assert_size("64MiB", 64 << 20);
	assert_size("2g", 2ULL << 30);
	assert_size("1T", 1ULL << 40);
	assert_size("007", 7);
}

static void largest_sizes(void **state)
{
	assert_size("18446744073709551615", UINT64_MAX);
	assert_size("16777215T", 16777215ULL << 40);
	assert_no_size("18446744073709551616", -ERANGE);
	assert_no_size("99999999999999999999999", -ERANGE);
	assert_no_size("16777216T", -ERANGE);
	assert_no_size("18014398509481984K", -ERANGE);
}

static void what_is_no_size(void **state)
{
	static const char *const texts[] = { "",    " 1",   "1 ",   "-1",  "+1", "K",   "1X",  "1KK",  "1KiBs",
					     "1Ki", "1.5G", "0x10", "1 K", "B",  "1BK", "1iB", "1\xff" };

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_no_size(texts[i], -EINVAL);
}

static void sizes_are_written_short_and_exact(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1, "1" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 4097, "4097" },
		{ 1536 << 10, "1536K" },
		{ 16 << 20, "16M" },
		{ 3ULL << 30, "3G" },
		{ 1ULL << 40, "1T" },
		{ 1ULL << 50, "1024T" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char buf[24];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(size_format(buf, cases[i].bytes), cases[i].text);
		assert_size(buf, cases[i].bytes);
	}
}

static void integers_in_range(void **state)
{
	int64_t v = 0;

	assert_int_equal(int_parse("150", 0, 1000, &v), 0);
	assert_int_equal(v, 150);
	assert_int_equal(int_parse("-1", -1, 1000, &v), 0);
	assert_int_equal(v, -1);
	assert_int_equal(int_parse("+7", 0, 7, &v), 0);
	assert_int_equal(v, 7);
	assert_int_equal(int_parse("-0", 0, 0, &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(int_parse("9223372036854775807", INT64_MIN, INT64_MAX, &v), 0);
	assert_true(v == INT64_MAX);
}

static void integers_refused(void **state)
{
	static const char *const texts[] = { "", "-", "+", "--1", "1x", " 1", "1 ", "0x1", "1e3", "+-1" };
	int64_t v = 0;

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(int_parse(texts[i], -10, 10, &v), -EINVAL);
	assert_int_equal(int_parse("11", -10, 10, &v), -ERANGE);
	assert_int_equal(int_parse("-11", -10, 10, &v), -ERANGE);
	assert_int_equal(int_parse("9223372036854775808", INT64_MIN, INT64_MAX, &v), -ERANGE);
	assert_int_equal(int_parse("99999999999999999999", INT64_MIN, INT64_MAX, &v), -ERANGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_with_every_suffix), cmocka_unit_test(largest_sizes),
		cmocka_unit_test(what_is_no_size),         cmocka_unit_test(sizes_are_written_short_and_exact),
		cmocka_unit_test(integers_in_range),       cmocka_unit_test(integers_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
