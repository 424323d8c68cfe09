/* SPDX-License-Identifier: Apache-2.0 */
/* What the preloaded library is told: everything that was asked for, and nothing left over from outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/environment.h"
#include "cli/library.h"

#define LIBRARY "/opt/softsgx/libsoftsgx.so"

static void assert_preload(const char *existing, const char *expected)
{
	char *value = library_preload(LIBRARY, existing);

	assert_string_equal(value, expected);
	free(value);
}

static void what_is_preloaded_already_stays(void **state)
{
	assert_preload(NULL, LIBRARY);
	assert_preload("", LIBRARY);
	assert_preload("/a.so:/b.so", LIBRARY ":/a.so:/b.so");
	assert_preload("/a.so /b.so", LIBRARY ":/a.so /b.so");
}

static void the_library_is_named_once(void **state)
{
	assert_preload(LIBRARY, LIBRARY);
	assert_preload(LIBRARY ":/a.so", LIBRARY ":/a.so");
	assert_preload(LIBRARY " /a.so", LIBRARY " /a.so");
	assert_preload(LIBRARY ".old", LIBRARY ":" LIBRARY ".old");
}

static void paths_that_cannot_be_preloaded(void **state)
{
	assert_true(library_preloadable(LIBRARY));
	assert_false(library_preloadable("/my programs/libsoftsgx.so"));
	assert_false(library_preloadable("/a:b/libsoftsgx.so"));
	assert_false(library_preloadable("/$HOME/libsoftsgx.so"));
}

static void every_value_is_handed_over(void **state)
{
	struct environment env = {
		.epc_bytes = 16 << 20,
		.overcommit_percent = -1,
		.backing_max_bytes = 1ULL << 33,
		.mechanism = MMU_SIGBUS,
		.strict = true,
		.stats_fd = 601,
	};

	setenv("LD_PRELOAD", "/a.so", 1);
	assert_int_equal(environment_set(&env, LIBRARY), 0);
	assert_string_equal(getenv("LD_PRELOAD"), LIBRARY ":/a.so");
	assert_string_equal(getenv("SOFTSGX_EPC"), "16777216");
	assert_string_equal(getenv("SOFTSGX_OVERCOMMIT"), "-1");
	assert_string_equal(getenv("SOFTSGX_BACKING_MAX"), "8589934592");
	assert_string_equal(getenv("SOFTSGX_MECHANISM"), "sigbus");
	assert_string_equal(getenv("SOFTSGX_STRICT"), "1");
	assert_string_equal(getenv("SOFTSGX_STATS_FD"), "601");
}

static void nothing_of_an_outer_run_remains(void **state)
{
	struct environment env = { .epc_bytes = 4 << 20, .backing_max_bytes = LEDGER_NO_LIMIT, .stats_fd = -1 };

	setenv("SOFTSGX_BACKING_MAX", "1", 1);
	setenv("SOFTSGX_STATS_FD", "3", 1);
	setenv("SOFTSGX_STRICT", "1", 1);
	assert_int_equal(environment_set(&env, LIBRARY), 0);
	assert_null(getenv("SOFTSGX_BACKING_MAX"));
	assert_null(getenv("SOFTSGX_STATS_FD"));
	assert_string_equal(getenv("SOFTSGX_STRICT"), "0");
	assert_string_equal(getenv("SOFTSGX_MECHANISM"), "auto");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_preloaded_already_stays), cmocka_unit_test(the_library_is_named_once),
		cmocka_unit_test(paths_that_cannot_be_preloaded),  cmocka_unit_test(every_value_is_handed_over),
		cmocka_unit_test(nothing_of_an_outer_run_remains),
	};

	return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
