/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/config.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/log.h"
#include "base/size.h"

struct shim_config config_defaults(void)
{
	return (struct shim_config){
		.machine = { .epc_bytes = MACHINE_DEFAULT_EPC_BYTES,
			     .overcommit_percent = MACHINE_DEFAULT_OVERCOMMIT,
			     .backing_max_bytes = LEDGER_NO_LIMIT,
			     .mechanism = MMU_AUTO },
		.stats_fd = -1,
	};
}

static int read_epc(struct shim_config *c, const char *value)
{
	const char *wants = "must be a size such as 64M: whole pages of 4096 bytes";

	if (size_parse(value, &c->machine.epc_bytes) || !is_page_aligned(c->machine.epc_bytes)) {
		log_line("SOFTSGX_EPC=%s: %s", value, wants);
		return -EINVAL;
	}
	if (c->machine.epc_bytes < EPC_MIN_PAGES * PAGE_SIZE) {
		log_line("SOFTSGX_EPC=%s: too small, at least %luK are needed", value,
			 EPC_MIN_PAGES * PAGE_SIZE / 1024);
		return -EINVAL;
	}
	return 0;
}

static int read_overcommit(struct shim_config *c, const char *value)
{
	if (!int_parse(value, INT_MIN, INT_MAX, &c->machine.overcommit_percent))
		return 0;
	log_line("SOFTSGX_OVERCOMMIT=%s: must be a whole number of percent", value);
	return -EINVAL;
}

static int read_backing_max(struct shim_config *c, const char *value)
{
	if (!size_parse(value, &c->machine.backing_max_bytes))
		return 0;
	log_line("SOFTSGX_BACKING_MAX=%s: must be a size such as 64M", value);
	return -EINVAL;
}

static int read_mechanism(struct shim_config *c, const char *value)
{
	static const char *const names[] = { [MMU_AUTO] = "auto", [MMU_GUARD] = "guard", [MMU_SIGBUS] = "sigbus" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(value, names[i]) == 0) {
			c->machine.mechanism = (enum mmu_mechanism)i;
			return 0;
		}
	}
	log_line("SOFTSGX_MECHANISM=%s: must be auto, guard or sigbus", value);
	return -EINVAL;
}

static int read_strict(struct shim_config *c, const char *value)
{
	int64_t on;

	if (int_parse(value, 0, 1, &on)) {
		log_line("SOFTSGX_STRICT=%s: must be 0 or 1", value);
		return -EINVAL;
	}
	c->strict = on;
	return 0;
}

static int read_stats_fd(struct shim_config *c, const char *value)
{
	int64_t fd;

	if (int_parse(value, 0, INT_MAX, &fd)) {
		log_line("SOFTSGX_STATS_FD=%s: must be the number of a descriptor", value);
		return -EINVAL;
	}
	c->stats_fd = (int)fd;
	return 0;
}

static const struct {
	const char *name;
	int (*read)(struct shim_config *c, const char *value);
} variables[] = {
	{ "SOFTSGX_EPC", read_epc },
	{ "SOFTSGX_OVERCOMMIT", read_overcommit },
	{ "SOFTSGX_BACKING_MAX", read_backing_max },
	{ "SOFTSGX_MECHANISM", read_mechanism },
	{ "SOFTSGX_STRICT", read_strict },
	{ "SOFTSGX_STATS_FD", read_stats_fd },
};

static int read_one(struct shim_config *config, const char *entry)
{
	for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
		size_t len = strlen(variables[i].name);

		if (strncmp(entry, variables[i].name, len) == 0 && entry[len] == '=')
			return variables[i].read(config, entry + len + 1);
	}
	return 0;
}

int config_read(struct shim_config *config, char *const *env)
{
	for (; *env; env++) {
		int ret = read_one(config, *env);

		if (ret)
			return ret;
	}
	return 0;
}
