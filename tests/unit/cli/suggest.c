/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean": the closest name, and none at all for a word that resembles nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/suggest.h"

static const char *suggest(const char *word)
{
	static const char *const names[] = { "run", "doctor", "sign", "overcommit", "stats", "stats-file" };
	struct suggestion s = suggestion_begin(word, strlen(word));

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		suggestion_consider(&s, names[i]);
	return s.name;
}

static void slips_are_recognised(void **state)
{
	assert_string_equal(suggest("rnu"), "run");       /* two letters swapped */
	assert_string_equal(suggest("doctr"), "doctor");  /* one left out */
	assert_string_equal(suggest("signn"), "sign");    /* one too many */
	assert_string_equal(suggest("dokter"), "doctor"); /* two replaced */
	assert_string_equal(suggest("over-comit"), "overcommit");
}

static void closest_wins(void **state)
{
	assert_string_equal(suggest("stat"), "stats");
	assert_string_equal(suggest("stats-fil"), "stats-file");
	assert_string_equal(suggest("stats"), "stats");
}

static void other_words_get_no_suggestion(void **state)
{
	assert_null(suggest("frobnicate"));
	assert_null(suggest("x"));
	assert_null(suggest(""));
	assert_null(suggest("a-word-that-is-far-longer-than-any-name-of-ours"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_are_recognised),
		cmocka_unit_test(closest_wins),
		cmocka_unit_test(other_words_get_no_suggestion),
	};

	return cmocka_run_group_tests_name("suggest", tests, NULL, NULL);
}
