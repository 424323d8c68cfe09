/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_CLI_DOCTOR_H
#define SOFTSGX_CLI_DOCTOR_H

#include "cli/command.h"

extern const struct command doctor_command;

#endif
