/* SPDX-License-Identifier: Apache-2.0 */
/* Parsing by the table: every type, every way to write a value, and what is said about mistakes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/options.h"

struct values {
	uint64_t size;
	int64_t number;
	int colour;
	const char *name;
	bool loud, quiet;
};

enum { RED = 7, GREEN = 9 };
static const struct choice colours[] = { { "red", RED }, { "green", GREEN }, { 0 } };

#define AT(member) offsetof(struct values, member)
static const struct option_spec table[] = {
	{ .name = "size",
	  .type = OPTION_SIZE,
	  .value = "SIZE",
	  .min = 8192,
	  .max = 1 << 30,
	  .step = 4096,
	  .target = AT(size) },
	{ .name = "number",
	  .letter = 'n',
	  .type = OPTION_INT,
	  .value = "N",
	  .min = -5,
	  .max = 5,
	  .target = AT(number) },
	{ .name = "colour",
	  .type = OPTION_CHOICE,
	  .value = "C",
	  .value_optional = true,
	  .choices = colours,
	  .target = AT(colour) },
	{ .name = "name", .letter = 'o', .type = OPTION_STRING, .value = "NAME", .target = AT(name) },
	{ .name = "loud", .letter = 'l', .type = OPTION_FLAG, .target = AT(loud) },
	{ .name = "quiet", .letter = 'q', .type = OPTION_FLAG, .target = AT(quiet) },
	{ 0 },
};

static struct values values;
static struct option_error error;
static char *argv_copy[16];
static int argc_left;

static enum options_result parse_words(bool program_follows, const char **words)
{
	memset(&values, 0, sizeof(values));
	memset(&error, 0, sizeof(error));
	argc_left = 0;
	argv_copy[argc_left++] = (char *)"cmd";
	while (*words)
		argv_copy[argc_left++] = (char *)*words++;
	argv_copy[argc_left] = NULL;
	return options_parse(table, program_follows, &argc_left, argv_copy, &values, &error);
}
#define parse(...) parse_words(false, (const char *[]){ __VA_ARGS__, NULL })
#define parse_program(...) parse_words(true, (const char *[]){ __VA_ARGS__, NULL })

static void assert_complaint(enum options_result result, const char *part)
{
	assert_int_equal(result, OPTIONS_BAD);
	if (!strstr(error.text, part))
		fail_msg("'%s' does not say '%s'", error.text, part);
	assert_null(strchr(error.text, '\n'));
}

static void values_behind_equals_or_apart(void **state)
{
	assert_int_equal(parse("--size=64M", "--number", "-3", "--colour=green", "--name=x=y", "--loud"), OPTIONS_OK);
	assert_int_equal(values.size, 64 << 20);
	assert_int_equal(values.number, -3);
	assert_int_equal(values.colour, GREEN);
	assert_string_equal(values.name, "x=y");
	assert_true(values.loud);
	assert_false(values.quiet);
	assert_int_equal(argc_left, 1);
}

static void letters_join_and_take_values(void **state)
{
	assert_int_equal(parse("-lqn4", "-o", "file"), OPTIONS_OK);
	assert_true(values.loud && values.quiet);
	assert_int_equal(values.number, 4);
	assert_string_equal(values.name, "file");
}

static void optional_value_only_behind_equals(void **state)
{
	assert_int_equal(parse("--colour", "green"), OPTIONS_OK);
	assert_int_equal(values.colour, RED);
	assert_int_equal(argc_left, 2);
	assert_string_equal(argv_copy[1], "green");
}

static void options_may_follow_operands(void **state)
{
	assert_int_equal(parse("a", "--loud", "b", "--", "--quiet", "-"), OPTIONS_OK);
	assert_true(values.loud);
	assert_false(values.quiet);
	assert_int_equal(argc_left, 5);
	assert_string_equal(argv_copy[1], "a");
	assert_string_equal(argv_copy[2], "b");
	assert_string_equal(argv_copy[3], "--quiet");
	assert_string_equal(argv_copy[4], "-");
	assert_null(argv_copy[5]);
}

static void program_keeps_its_own_command_line(void **state)
{
	assert_int_equal(parse_program("--loud", "prog", "--quiet", "--", "-n"), OPTIONS_OK);
	assert_true(values.loud);
	assert_false(values.quiet);
	assert_int_equal(argc_left, 5);
	assert_string_equal(argv_copy[2], "--quiet");
	assert_string_equal(argv_copy[3], "--");
	assert_int_equal(parse_program("--", "--loud"), OPTIONS_OK);
	assert_false(values.loud);
	assert_string_equal(argv_copy[1], "--loud");
}

static void help_and_version_everywhere(void **state)
{
	assert_int_equal(parse("--help"), OPTIONS_HELP);
	assert_int_equal(parse("-lh"), OPTIONS_HELP);
	assert_int_equal(parse("x", "--version"), OPTIONS_VERSION);
	assert_int_equal(parse_program("x", "--version"), OPTIONS_OK);
}

static void last_one_wins(void **state)
{
	assert_int_equal(parse("-n", "1", "--number=2"), OPTIONS_OK);
	assert_int_equal(values.number, 2);
}

static void bounds_are_inclusive(void **state)
{
	assert_int_equal(parse("--size=8K", "-n", "-5"), OPTIONS_OK);
	assert_int_equal(parse("--size=1G", "-n", "5"), OPTIONS_OK);
	assert_complaint(parse("--size=4K"), "at least 8K");
	assert_complaint(parse("--size=1048580K"), "at most 1G");
	assert_complaint(parse("-n", "6"), "--number: '6' is not accepted: give a whole number from -5 to 5");
	assert_complaint(parse("-n-6"), "'-6'");
}

static void sizes_that_are_none(void **state)
{
	static const char *const wrong[] = { "",
					     "K",
					     "12Q",
					     "1.5G",
					     "-8K",
					     "0x2000",
					     "9000",
					     "64M extra",
					     "18446744073709551616",
					     "18014398509481985K",
					     "99999999999999999999T" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_complaint(parse("--size", wrong[i]), wrong[i]);
		assert_complaint(parse("--size", wrong[i]), "a multiple of 4K");
		assert_int_equal(values.size, 0);
	}
}

static void numbers_that_are_none(void **state)
{
	static const char *const wrong[] = { "", "-", "1k", "9223372036854775808", "-9223372036854775809", "--loud" };

	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		assert_complaint(parse("--number", wrong[i]), "a whole number");
}

static void words_that_are_none(void **state)
{
	assert_complaint(parse("--colour=blue"), "--colour: 'blue' is not accepted: give red or green");
	assert_complaint(parse("--colour="), "red or green");
	assert_complaint(parse("--name="), "a NAME that is not empty");
}

static void values_where_none_belongs(void **state)
{
	assert_complaint(parse("--loud=1"), "--loud: '1' is not accepted: this option takes no value");
	assert_complaint(parse("--help=x"), "takes no value");
}

static void missing_values(void **state)
{
	assert_complaint(parse("--size"), "--size: SIZE is missing: give a size");
	assert_complaint(parse("-o"), "--name: NAME is missing");
}

static void unknown_options(void **state)
{
	assert_complaint(parse("--lout"), "--lout: there is no such option; did you mean --loud?");
	assert_complaint(parse("--sise=5"), "--sise: there is no such option; did you mean --size?");
	assert_complaint(parse("--versoin"), "did you mean --version?");
	assert_complaint(parse("--xylophone"), "--help lists");
	assert_complaint(parse("-lz"), "-z: there is no such option");
	assert_complaint(parse("--siz=8K"), "--siz: there is no such option");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_behind_equals_or_apart),
		cmocka_unit_test(letters_join_and_take_values),
		cmocka_unit_test(optional_value_only_behind_equals),
		cmocka_unit_test(options_may_follow_operands),
		cmocka_unit_test(program_keeps_its_own_command_line),
		cmocka_unit_test(help_and_version_everywhere),
		cmocka_unit_test(last_one_wins),
		cmocka_unit_test(bounds_are_inclusive),
		cmocka_unit_test(sizes_that_are_none),
		cmocka_unit_test(numbers_that_are_none),
		cmocka_unit_test(words_that_are_none),
		cmocka_unit_test(values_where_none_belongs),
		cmocka_unit_test(missing_values),
		cmocka_unit_test(unknown_options),
	};

	return cmocka_run_group_tests_name("options", tests, NULL, NULL);
}
