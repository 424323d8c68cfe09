/* SPDX-License-Identifier: Apache-2.0 */
/* JSON stays JSON whatever the strings hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/json.h"

static void assert_written(const char *value, const char *expected)
{
	char *text, want[128];
	size_t size;
	struct json json = { .out = open_memstream(&text, &size) };

	json_string(&json, NULL, value);
	fclose(json.out);
	snprintf(want, sizeof(want), "\"%s\"", expected);
	assert_string_equal(text, want);
	free(text);
}

static void special_characters_are_escaped(void **state)
{
	assert_written("plain", "plain");
	assert_written("a\"b\\c/d", "a\\\"b\\\\c/d");
	assert_written("line\nbell\a\x1f", "line\\u000abell\\u0007\\u001f");
	assert_written("", "");
}

static void utf8_passes_and_other_bytes_do_not(void **state)
{
	assert_written("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f");
	assert_written("\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80");
	assert_written("cut \xe2\x82", "cut \\ufffd\\ufffd");               /* a name that was cut off */
	assert_written("\xc0\xaf", "\\ufffd\\ufffd");                       /* overlong */
	assert_written("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");            /* surrogate */
	assert_written("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd"); /* beyond Unicode */
	assert_written("\xff", "\\ufffd");
}

static void nesting_and_commas(void **state)
{
	char *text;
	size_t size;
	struct json json = { .out = open_memstream(&text, &size) };

	json_open_object(&json, NULL);
	json_unsigned(&json, "most", UINT64_MAX);
	json_open_array(&json, "list");
	json_signed(&json, NULL, INT64_MIN);
	json_bool(&json, NULL, true);
	json_close(&json);
	json_open_object(&json, "empty");
	json_close(&json);
	json_string(&json, "none", NULL);
	json_close(&json);
	fclose(json.out);
	assert_string_equal(text, "{\n"
				  "  \"most\": 18446744073709551615,\n"
				  "  \"list\": [\n"
				  "    -9223372036854775808,\n"
				  "    true\n"
				  "  ],\n"
				  "  \"empty\": {},\n"
				  "  \"none\": null\n"
				  "}\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(special_characters_are_escaped),
		cmocka_unit_test(utf8_passes_and_other_bytes_do_not),
		cmocka_unit_test(nesting_and_commas),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
