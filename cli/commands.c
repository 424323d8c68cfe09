/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "cli/command.h"
#include "cli/doctor.h"
#include "cli/run.h"
#include "cli/sign.h"

const struct command *const commands[] = { &run_command, &sign_command, &doctor_command, NULL };

const struct command *command_find(const char *name)
{
	for (const struct command *const *c = commands; *c; c++) {
		if (strcmp((*c)->name, name) == 0)
			return *c;
	}
	return NULL;
}
