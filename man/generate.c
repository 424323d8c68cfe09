/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the manual page on standard output: the template named by the first argument, with the lines
 *
 *   @SYNOPSIS@  @COMMANDS@  @COMMON_OPTIONS@
 *
 * replaced by what the commands' tables say, and @VERSION@ by the version. What the parser accepts and what the manual
 * promises cannot differ then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"

/* Text as roff wants it: a hyphen that can be copied, no line that begins like a request. */
static void put_text(const char *text)
{
	bool line_start = true;

	for (; *text; text++) {
		if (line_start && (*text == '.' || *text == '\''))
			fputs("\\&", stdout);
		line_start = *text == '\n';
		switch (*text) {
		case '-':
			fputs("\\-", stdout);
			break;
		case '\\':
			fputs("\\e", stdout);
			break;
		case '\'':
			fputs("\\(aq", stdout);
			break;
		default:
			putchar(*text);
		}
	}
}

static void put_paragraphs(const char *text)
{
	char *copy = strdup(text), *next = copy, *gap;

	if (!copy)
		abort();
	while (next) {
		gap = strstr(next, "\n\n");
		if (gap)
			*gap = '\0';
		printf(".PP\n");
		put_text(next);
		putchar('\n');
		next = gap ? gap + 2 : NULL;
	}
	free(copy);
}

static void put_options(const struct option_spec *option)
{
	char name[80];

	for (; option->name; option++) {
		help_option_name(option, name, sizeof(name));
		printf(".TP\n.B ");
		put_text(name);
		putchar('\n');
		put_text(option->help);
		putchar('\n');
	}
}

static void put_usage(const struct command *command)
{
	printf(".B softsgx %s\n", command->name);
	put_text("[OPTION...]");
	if (*command->operands) {
		putchar(' ');
		put_text(command->operands);
	}
	putchar('\n');
}

static void put_synopsis(void)
{
	for (const struct command *const *c = commands; *c; c++) {
		put_usage(*c);
		printf(".br\n");
	}
	printf(".B softsgx help\n[COMMAND]\n");
}

static void put_commands(void)
{
	for (const struct command *const *c = commands; *c; c++) {
		printf(".SS %s\n", (*c)->name);
		put_usage(*c);
		put_paragraphs((*c)->description);
		put_options((*c)->options);
	}
}

static void put_line(const char *line)
{
	const char *version = strstr(line, "@VERSION@");

	if (strcmp(line, "@SYNOPSIS@\n") == 0)
		put_synopsis();
	else if (strcmp(line, "@COMMANDS@\n") == 0)
		put_commands();
	else if (strcmp(line, "@COMMON_OPTIONS@\n") == 0)
		put_options(common_options);
	else if (version)
		printf("%.*s%s%s", (int)(version - line), line, SOFTSGX_VERSION, version + strlen("@VERSION@"));
	else
		fputs(line, stdout);
}

int main(int argc, char **argv)
{
	FILE *template = argc == 2 ? fopen(argv[1], "r") : NULL;
	char line[1024];

	if (!template) {
		fprintf(stderr, "usage: generate-man TEMPLATE\n");
		return EXIT_USAGE;
	}
	while (fgets(line, sizeof(line), template))
		put_line(line);
	fclose(template);
	return fflush(stdout) == 0 ? 0 : 1;
}
