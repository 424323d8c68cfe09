/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Command-line options, declared once: a table per subcommand drives the parser, --help, the manual page and the
 * messages about bad values. A table is an array of struct option_spec that ends with an entry without a name.
 */
#ifndef SOFTSGX_CLI_OPTIONS_H
#define SOFTSGX_CLI_OPTIONS_H

#include "base/compiler.h"

/* What an option's value is, and the C type at its target. */
enum option_type {
	OPTION_FLAG,    /* no value; bool */
	OPTION_SIZE,    /* bytes, as size_parse() reads them; uint64_t */
	OPTION_INT,     /* int64_t */
	OPTION_CHOICE,  /* one of a few words; int, the value of the struct choice */
	OPTION_STRING,  /* any non-empty text; const char * into argv */
	OPTION_HELP,    /* ends the parse with OPTIONS_HELP; no target */
	OPTION_VERSION, /* ends the parse with OPTIONS_VERSION; no target */
};

/* A word that an OPTION_CHOICE accepts; the list ends with a NULL name. */
struct choice {
	const char *name;
	int value;
};

struct option_spec {
	const char *name; /* long name without its dashes */
	char letter;      /* short name, or 0 */
	enum option_type type;
	const char *value;            /* what help calls the value: "SIZE"; NULL for flags */
	bool value_optional;          /* OPTION_CHOICE only: "--name" alone means the first choice */
	int64_t min, max;             /* OPTION_SIZE and OPTION_INT: inclusive bounds; max 0: none */
	int64_t step;                 /* OPTION_SIZE: must be a multiple of this; 0: any */
	const struct choice *choices; /* OPTION_CHOICE */
	size_t target;                /* offset of the value in the subcommand's structure */
	const char *help;             /* what it does, with the default; wrapped to the terminal */
};

/** common_options - --help and --version: every subcommand has them without listing them. */
extern const struct option_spec common_options[];

enum options_result { OPTIONS_OK, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_BAD };

struct option_error {
	char text[320];
};

/**
 * options_parse() - read the options in @argv (argv[0] is the command's name) into the structure at @values, which
 * holds the defaults. Operands move to argv[1]...; *argc and the final NULL are updated.
 * @program_follows: the first operand ends the options, for it and all behind it are another program's command line;
 * else options may stand after operands. "--" ends the options either way.
 * Return: OPTIONS_OK; OPTIONS_HELP or OPTIONS_VERSION as soon as one of these is met; OPTIONS_BAD with *error one line
 * that names the option, the value and what is accepted.
 */
enum options_result must_check options_parse(const struct option_spec *options, bool program_follows, int *argc,
					     char **argv, void *values, struct option_error *error);

/** options_accepted() - what values @option takes, in words ("a size such as 64M, from 256K to 8T"). */
void options_accepted(const struct option_spec *option, char *buf, size_t size);

#endif
