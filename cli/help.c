/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/help.h"

#include <string.h>

#include "cli/text.h"

#define HELP_COLUMN 28 /* where the explanations of options begin */

void help_option_name(const struct option_spec *option, char *buf, size_t size)
{
	const char *open = option->value_optional ? "[=" : " ", *close = option->value_optional ? "]" : "";
	char letter[8] = "";

	if (option->letter)
		snprintf(letter, sizeof(letter), "-%c, ", option->letter);
	if (option->value)
		snprintf(buf, size, "%s--%s%s%s%s", letter, option->name, open, option->value, close);
	else
		snprintf(buf, size, "%s--%s", letter, option->name);
}

static void heading(FILE *out, const char *text)
{
	fprintf(out, "\n%s%s:%s\n", text_style(out, TEXT_BOLD), text, text_style(out, TEXT_PLAIN));
}

/* "  name    explanation", the explanation wrapped in its own column. */
static void entry(FILE *out, const char *name, int column, const char *explanation)
{
	int width = column - 4;

	fprintf(out, "  %s%s%s", text_style(out, TEXT_BOLD), name, text_style(out, TEXT_PLAIN));
	if ((int)strlen(name) > width)
		fprintf(out, "\n%*s", column, "");
	else
		fprintf(out, "%*s", width - (int)strlen(name) + 2, "");
	text_wrap(out, explanation, column);
}

static void option_entries(FILE *out, const struct option_spec *options)
{
	char name[80];

	for (; options->name; options++) {
		help_option_name(options, name, sizeof(name));
		entry(out, name, HELP_COLUMN, options->help);
	}
}

void help_command(FILE *out, const struct command *command)
{
	fprintf(out, "Usage: softsgx %s [OPTION...]%s%s\n\n", command->name, *command->operands ? " " : "",
		command->operands);
	text_paragraphs(out, command->description);
	heading(out, "Options");
	option_entries(out, command->options);
	option_entries(out, common_options);
}

void help_overview(FILE *out)
{
	fprintf(out,
		"Usage: softsgx COMMAND [OPTION...] [ARG...]\n\n"
		"Runs SGX enclaves on a machine without SGX hardware. Not a security boundary against this machine.\n");
	heading(out, "Commands");
	for (const struct command *const *c = commands; *c; c++)
		entry(out, (*c)->name, 12, (*c)->summary);
	entry(out, "help", 12, "show this, or what 'softsgx help COMMAND' says about one command");
	heading(out, "Options");
	option_entries(out, common_options);
}

void help_version(FILE *out)
{
	fprintf(out, "softsgx %s\n", SOFTSGX_VERSION);
}
