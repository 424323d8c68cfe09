/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_CLI_SIGN_H
#define SOFTSGX_CLI_SIGN_H

#include "cli/command.h"

extern const struct command sign_command;

#endif
