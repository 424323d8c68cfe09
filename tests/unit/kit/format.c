/* SPDX-License-Identifier: Apache-2.0 */
/* snprintf() of the enclave's C library writes what the host's writes, in as much room as it is given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tests/testing.h"
#include "tests/unit/kit/libc.h"

/* Both, in a full-sized and in a tight buffer; results, texts and what lies behind must be the same. */
#define SAME(...) \
	do { \
		char expected[400], got[400]; \
		for (size_t room = 0; room < sizeof(got); room += room < 20 ? 1 : 379) { \
			memset(expected, '#', sizeof(expected)); \
			memset(got, '#', sizeof(got)); \
			assert_int_equal(kit_snprintf(got, room, __VA_ARGS__), snprintf(expected, room, __VA_ARGS__)); \
			assert_memory_equal(got, expected, sizeof(got)); \
		} \
	} while (0)

/* Arguments wider than the conversion, and flags that cancel each other, are what is tested. */
#pragma GCC diagnostic ignored "-Wformat"

static void plain_text(void **state)
{
	SAME("nothing to convert");
	SAME("100%%, and %% again");
	SAME("%s", "");
}

static void integers(void **state)
{
	static const long values[] = { 0,   1,   -1,    42,      -42,     127,      128,
				       255, 256, 32768, INT_MAX, INT_MIN, LONG_MAX, LONG_MIN };

	for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
		SAME("%d %i %u %x %X", (int)values[i], (int)values[i], (unsigned)values[i], (unsigned)values[i],
		     (unsigned)values[i]);
		SAME("%ld %lu %lx %lld %llu %zu %zd %jd", values[i], values[i], values[i], (long long)values[i],
		     (unsigned long long)values[i], (size_t)values[i], values[i], (intmax_t)values[i]);
		SAME("%hhd %hhu %hd %hu %hhx", (int)values[i], (int)values[i], (int)values[i], (int)values[i],
		     (int)values[i]);
	}
}

static void widths_and_precisions(void **state)
{
	for (int width = -14; width <= 14; width += 2) {
		for (int precision = -1; precision < 9; precision++) {
			SAME("[%*.*d]", width, precision, -305);
			SAME("[%*.*u]", width, precision, 0u);
			SAME("[%*.*lx]", width, precision, 0xbeefUL);
			SAME("[%*.*s]", width, precision, "letters");
		}
		SAME("[%*c]", width, 'x');
	}
	SAME("[%08d] [%-8d] [%08x] [%-08d] [%5s] [%-5s] [%.3s] [%016lx]", -42, -42, 0xabcu, 7, "ab", "ab", "abcdef",
	     0x1234567890UL);
}

static void pointers_and_strings(void **state)
{
	SAME("%p", (void *)0x7f0012345678);
	SAME("%.4s", "no terminator needed");
	SAME("%c%c%c", 'a', 'b', 'c');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text),
		cmocka_unit_test(integers),
		cmocka_unit_test(widths_and_precisions),
		cmocka_unit_test(pointers_and_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
