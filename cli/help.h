/* SPDX-License-Identifier: Apache-2.0 */
/* What --help, --version and `softsgx help` print, made from the commands' tables. */
#ifndef SOFTSGX_CLI_HELP_H
#define SOFTSGX_CLI_HELP_H

#include <stdio.h>

#include "cli/command.h"

/** help_command() - usage, description and options of one subcommand. */
void help_command(FILE *out, const struct command *command);
/** help_overview() - the subcommands, one line each. */
void help_overview(FILE *out);
void help_version(FILE *out);

/** help_option_name() - "-h, --help" or "--epc SIZE" or "--stats[=FORMAT]": how help and the manual write @option. */
void help_option_name(const struct option_spec *option, char *buf, size_t size);

#endif
