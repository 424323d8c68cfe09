/* SPDX-License-Identifier: Apache-2.0 */
/* --help and the manual tell of every command and every option in the tables, and the tables themselves are sound. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/size.h"
#include "cli/command.h"
#include "cli/help.h"
#include "cli/run.h"
#include "encl/machine.h"

static char manual[1 << 16]; /* with roff's escapes undone */

static char *help_of(const struct command *command)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	help_command(out, command);
	fclose(out);
	return text;
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %.200s...", part, text ? text : "");
}

static void every_option_is_in_help_and_manual(void **state)
{
	char name[80];

	for (const struct command *const *c = commands; *c; c++) {
		char *help = help_of(*c);

		assert_holds(help, (*c)->operands);
		assert_holds(manual, (*c)->operands);
		for (const struct option_spec *o = (*c)->options; o->name; o++) {
			help_option_name(o, name, sizeof(name));
			assert_holds(help, name);
			assert_holds(manual, name);
			assert_holds(manual, o->help);
		}
		assert_holds(help, "--help");
		assert_holds(help, "--version");
		free(help);
	}
}

static void help_fits_80_columns(void **state)
{
	for (const struct command *const *c = commands; *c; c++) {
		char *help = help_of(*c);

		for (char *line = strtok(help, "\n"); line; line = strtok(NULL, "\n"))
			assert_in_range(strlen(line), 1, 80);
		free(help);
	}
}

static void no_colour_where_there_is_no_terminal(void **state)
{
	char *help = help_of(&run_command);

	assert_null(strchr(help, '\033'));
	free(help);
}

static void assert_sound(const struct option_spec *o)
{
	bool valued = o->type == OPTION_SIZE || o->type == OPTION_INT || o->type == OPTION_CHOICE ||
		      o->type == OPTION_STRING;

	assert_true(valued == (o->value != NULL));
	assert_true(!o->value_optional || o->type == OPTION_CHOICE);
	assert_true((o->type == OPTION_CHOICE) == (o->choices != NULL));
	assert_true(o->type != OPTION_INT || o->min < o->max);
	assert_true(o->help[0] && o->help[strlen(o->help) - 1] == '.');
	for (const char *p = o->name; *p; p++)
		assert_true(islower(*p) || *p == '-');
}

static void tables_are_sound(void **state)
{
	for (const struct command *const *c = commands; *c; c++) {
		for (const struct command *const *d = commands; d != c; d++)
			assert_string_not_equal((*d)->name, (*c)->name);
		for (const struct option_spec *o = (*c)->options; o->name; o++) {
			assert_sound(o);
			for (const struct option_spec *p = (*c)->options; p != o; p++) {
				assert_string_not_equal(p->name, o->name);
				assert_true(!o->letter || p->letter != o->letter);
			}
			assert_true(o->letter != 'h');
		}
	}
}

static void stated_defaults_are_the_real_ones(void **state)
{
	char size[24], epc[64], overcommit[64];

	snprintf(epc, sizeof(epc), "Default: %s.", size_format(size, MACHINE_DEFAULT_EPC_BYTES));
	snprintf(overcommit, sizeof(overcommit), "Default: %d.", MACHINE_DEFAULT_OVERCOMMIT);
	for (const struct option_spec *o = run_command.options; o->name; o++) {
		if (strcmp(o->name, "epc") == 0)
			assert_holds(o->help, epc);
		if (strcmp(o->name, "overcommit") == 0)
			assert_holds(o->help, overcommit);
	}
}

static void commands_are_found_by_name_only(void **state)
{
	for (const struct command *const *c = commands; *c; c++)
		assert_ptr_equal(command_find((*c)->name), *c);
	assert_null(command_find("ru"));
	assert_null(command_find("runs"));
	assert_null(command_find(""));
}

static int read_manual(const char *path)
{
	FILE *in = fopen(path, "r");
	size_t n = 0;
	int c;

	if (!in)
		return -1;
	while ((c = fgetc(in)) != EOF && n < sizeof(manual) - 1) {
		if (c == '\\' && (c = fgetc(in)) == '(') {
			fgetc(in);
			fgetc(in);
			c = '\'';
		}
		manual[n++] = (char)c;
	}
	fclose(in);
	return 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_option_is_in_help_and_manual),
		cmocka_unit_test(help_fits_80_columns),
		cmocka_unit_test(no_colour_where_there_is_no_terminal),
		cmocka_unit_test(tables_are_sound),
		cmocka_unit_test(stated_defaults_are_the_real_ones),
		cmocka_unit_test(commands_are_found_by_name_only),
	};

	if (argc != 2 || read_manual(argv[1]) != 0) {
		fprintf(stderr, "usage: test_cli_help MANUAL\n");
		return 2;
	}
	return cmocka_run_group_tests_name("help", tests, NULL, NULL);
}
