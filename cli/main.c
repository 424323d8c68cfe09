/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/help.h"
#include "cli/suggest.h"

static int unknown_command(const char *name)
{
	struct suggestion best = suggestion_begin(name, strlen(name));

	for (const struct command *const *c = commands; *c; c++)
		suggestion_consider(&best, (*c)->name);
	suggestion_consider(&best, "help");
	if (best.name)
		command_complain(NULL, "'%s' is not a command; did you mean '%s'?", name, best.name);
	else
		command_complain(NULL, "'%s' is not a command; 'softsgx help' lists those there are", name);
	return EXIT_USAGE;
}

static int help_main(int argc, char **argv)
{
	const struct command *command;

	if (argc > 2) {
		command_complain(NULL, "help: '%s': one argument too many", argv[2]);
		return EXIT_USAGE;
	}
	if (argc < 2) {
		help_overview(stdout);
		return 0;
	}
	command = command_find(argv[1]);
	if (!command)
		return unknown_command(argv[1]);
	help_command(stdout, command);
	return 0;
}

/* Options before any command: only those that every command has. */
static int lone_options(int argc, char **argv)
{
	static const struct option_spec none[] = { { 0 } };
	struct option_error error;

	switch (options_parse(none, true, &argc, argv, NULL, &error)) {
	case OPTIONS_HELP:
		help_overview(stdout);
		return 0;
	case OPTIONS_VERSION:
		help_version(stdout);
		return 0;
	case OPTIONS_BAD:
		command_complain(NULL, "%s", error.text);
		return EXIT_USAGE;
	default:
		help_overview(stderr);
		return EXIT_USAGE;
	}
}

static int dispatch(int argc, char **argv)
{
	const struct command *command;

	if (argc < 2 || argv[1][0] == '-')
		return lone_options(argc, argv);
	if (strcmp(argv[1], "help") == 0)
		return help_main(argc - 1, argv + 1);
	command = command_find(argv[1]);
	return command ? command->main(argc - 1, argv + 1) : unknown_command(argv[1]);
}

int main(int argc, char **argv)
{
	int status = dispatch(argc, argv);

	/* A help text or report that did not arrive (a full disk, a closed pipe) is a failure. */
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	command_complain(NULL, "standard output could not be written: %s", strerror(errno));
	return status ? status : 1;
}
