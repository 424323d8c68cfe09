/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_CLI_RUN_H
#define SOFTSGX_CLI_RUN_H

#include "cli/command.h"

extern const struct command run_command;

#endif
