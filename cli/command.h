/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A subcommand of softsgx: what help and the manual say about it, its options, and its entry point. One file each;
 * commands.c lists them.
 */
#ifndef SOFTSGX_CLI_COMMAND_H
#define SOFTSGX_CLI_COMMAND_H

#include "cli/options.h"

struct command {
	const char *name;
	const char *operands;    /* the synopsis behind the options: "[--] PROGRAM [ARG...]"; "" if there are none */
	const char *summary;     /* one line, without a full stop */
	const char *description; /* paragraphs, separated by an empty line */
	const struct option_spec *options;
	bool program_follows;               /* see options_parse() */
	int min_operands, max_operands;     /* max -1: any number */
	int (*main)(int argc, char **argv); /* argv[0] is the command's name; returns the exit status */
};

/* Exit statuses: a wrong command line; and, for `run`, as every shell and env(1) have them. */
#define EXIT_USAGE 2
#define EXIT_REFUSED 125 /* this machine or this program cannot do it; nothing was started */
#define EXIT_NOT_EXECUTABLE 126
#define EXIT_NOT_FOUND 127

/** commands - every subcommand in the order in which help shows them; ends with NULL. */
extern const struct command *const commands[];

/** command_find() - by name; NULL if there is none. */
const struct command *command_find(const char *name);

/**
 * command_begin() - read the command line of @command into @values, which holds the defaults, and answer --help,
 * --version and mistakes.
 * Return: true to go on, with operands in argv[1] to argv[*argc - 1]; false to return *status at once.
 */
bool must_check command_begin(const struct command *command, int *argc, char **argv, void *values, int *status);

/**
 * command_complain() - one line on standard error that begins with "softsgx NAME: ". @command NULL: just "softsgx: ".
 */
void command_complain(const struct command *command, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
