/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/environment.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/library.h"

static int set_number(const char *name, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	return setenv(name, text, 1);
}

static int set_preload(const char *library)
{
	char *value = library_preload(library, getenv("LD_PRELOAD"));
	int ret = value ? setenv("LD_PRELOAD", value, 1) : -1;

	free(value);
	return ret;
}

int environment_set(const struct environment *env, const char *library)
{
	int failed = set_preload(library);

	failed |= set_number("SOFTSGX_EPC", (int64_t)env->epc_bytes);
	failed |= set_number("SOFTSGX_OVERCOMMIT", env->overcommit_percent);
	failed |= setenv("SOFTSGX_MECHANISM", mmu_mechanism_name((enum mmu_mechanism)env->mechanism), 1);
	failed |= set_number("SOFTSGX_STRICT", env->strict);
	if (env->backing_max_bytes == LEDGER_NO_LIMIT)
		failed |= unsetenv("SOFTSGX_BACKING_MAX");
	else
		failed |= set_number("SOFTSGX_BACKING_MAX", (int64_t)env->backing_max_bytes);
	if (env->stats_fd < 0)
		failed |= unsetenv("SOFTSGX_STATS_FD");
	else
		failed |= set_number("SOFTSGX_STATS_FD", env->stats_fd);
	return failed ? -ENOMEM : 0;
}
