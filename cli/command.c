/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdarg.h>
#include <stdio.h>

#include "cli/help.h"

void command_complain(const struct command *command, const char *fmt, ...)
{
	va_list ap;

	if (command)
		fprintf(stderr, "softsgx %s: ", command->name);
	else
		fprintf(stderr, "softsgx: ");
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

static bool operands_fit(const struct command *command, int count, char **operands)
{
	if (count < command->min_operands) {
		command_complain(command, "too few arguments; usage: softsgx %s [OPTION...] %s", command->name,
				 command->operands);
		return false;
	}
	if (command->max_operands >= 0 && count > command->max_operands) {
		command_complain(command, "'%s': one argument too many", operands[command->max_operands]);
		return false;
	}
	return true;
}

bool command_begin(const struct command *command, int *argc, char **argv, void *values, int *status)
{
	struct option_error error;

	*status = 0;
	switch (options_parse(command->options, command->program_follows, argc, argv, values, &error)) {
	case OPTIONS_HELP:
		help_command(stdout, command);
		return false;
	case OPTIONS_VERSION:
		help_version(stdout);
		return false;
	case OPTIONS_BAD:
		command_complain(command, "%s", error.text);
		*status = EXIT_USAGE;
		return false;
	case OPTIONS_OK:
		break;
	}
	if (operands_fit(command, *argc - 1, argv + 1))
		return true;
	*status = EXIT_USAGE;
	return false;
}
