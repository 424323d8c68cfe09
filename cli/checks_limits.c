/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/size.h"
#include "cli/checks.h"
#include "encl/machine.h"

#define CGROUP_ROOT "/sys/fs/cgroup"

/* The kernel's own default; each change of protection inside an enclave may split a mapping. */
#define USUAL_MAP_COUNT 65530

/* What an enclave as large as the defaults allow takes: its EPC, and the backing RAM beside it. */
static uint64_t default_memory(void)
{
	return MACHINE_DEFAULT_EPC_BYTES + MACHINE_DEFAULT_EPC_BYTES * MACHINE_DEFAULT_OVERCOMMIT / 100;
}

/* A limit on bytes of some kind that enclave memory counts towards. */
static void byte_limit(struct finding *f, __rlimit_resource_t which, const char *cure, const char *what)
{
	struct rlimit limit;
	char text[24];

	if (getrlimit(which, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
		finding_set(f, CHECK_OK, NULL, "unlimited");
		return;
	}
	finding_set(f, CHECK_WARN, cure, "%s: %s", size_format(text, limit.rlim_cur), what);
}

static void look_address_space(struct finding *f)
{
	byte_limit(f, RLIMIT_AS, "ulimit -v unlimited",
		   "enclaves reserve address space for their whole range, and the platform for all of the EPC");
}

static void look_data_size(struct finding *f)
{
	byte_limit(f, RLIMIT_DATA, "ulimit -d unlimited", "enclave memory counts towards it");
}

static void look_file_size(struct finding *f)
{
	byte_limit(f, RLIMIT_FSIZE, "ulimit -f unlimited", "evicted pages live in a memory file");
}

static void look_open_files(struct finding *f)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		limit.rlim_cur = 0;
	if (limit.rlim_cur >= 1024)
		finding_set(f, CHECK_OK, NULL, "%ju", (uintmax_t)limit.rlim_cur);
	else
		finding_set(f, CHECK_WARN, "ulimit -n 1024",
			    "%ju: the platform keeps a few descriptors open, at 500 and above where it can",
			    (uintmax_t)limit.rlim_cur);
}

static void look_map_count(struct finding *f)
{
	char text[32];

	file_text("/proc/sys/vm/max_map_count", text, sizeof(text));
	if (strtoull(text, NULL, 10) >= USUAL_MAP_COUNT)
		finding_set(f, CHECK_OK, NULL, "%s", text);
	else
		finding_set(f, CHECK_WARN, "sysctl vm.max_map_count=65530",
			    "%s: large enclaves with many different protections may hit it", text);
}

static void look_overcommit(struct finding *f)
{
	char text[32];

	file_text("/proc/sys/vm/overcommit_memory", text, sizeof(text));
	if (strcmp(text, "2") != 0)
		finding_set(f, CHECK_OK, NULL, "%s", text);
	else
		finding_set(f, CHECK_WARN, "sysctl vm.overcommit_memory=0",
			    "2: the kernel counts an enclave's whole range as used, before it is");
}

/* The value of "Name:  n kB" in /proc/meminfo, in bytes; 0 if there is none. */
static uint64_t meminfo(const char *name)
{
	char text[4096], *at;

	file_text("/proc/meminfo", text, sizeof(text));
	at = strstr(text, name);
	return at ? strtoull(at + strlen(name), NULL, 10) * 1024 : 0;
}

/* The smallest memory.max from the own cgroup up to the root; UINT64_MAX if there is none. */
static uint64_t cgroup_limit(void)
{
	char dir[PATH_MAX - 16], path[PATH_MAX], text[PATH_MAX - 64], *own, *slash;
	uint64_t smallest = UINT64_MAX;

	file_text("/proc/self/cgroup", text, sizeof(text));
	own = strstr(text, "0::/");
	if (!own)
		return smallest;
	own[strcspn(own, "\n")] = '\0';
	snprintf(dir, sizeof(dir), CGROUP_ROOT "%s", own + strlen("0::"));
	while ((slash = strrchr(dir, '/')) && slash >= dir + strlen(CGROUP_ROOT)) {
		snprintf(path, sizeof(path), "%s/memory.max", dir);
		if (file_text(path, text, sizeof(text)) && text[0] >= '0' && text[0] <= '9')
			smallest = min_of(smallest, strtoull(text, NULL, 10));
		*slash = '\0';
	}
	return smallest;
}

static void look_memory(struct finding *f)
{
	uint64_t available = meminfo("MemAvailable:"), limit = cgroup_limit();
	char need[24], detail[160];
	int at = snprintf(detail, sizeof(detail), "%" PRIu64 "M available", available >> 20);

	if (limit != UINT64_MAX)
		snprintf(detail + at, sizeof(detail) - (size_t)at, ", %" PRIu64 "M allowed by the cgroup", limit >> 20);
	if (min_of(available, limit) >= default_memory())
		finding_set(f, CHECK_OK, NULL, "%s", detail);
	else
		finding_set(f, CHECK_WARN, "use a smaller --epc",
			    "%s; the default EPC and the backing memory beside it take up to %s", detail,
			    size_format(need, default_memory()));
}

const struct check limit_checks[] = {
	{ "memory", false, look_memory },
	{ "overcommit-memory", false, look_overcommit },
	{ "max-map-count", false, look_map_count },
	{ "limit-address-space", false, look_address_space },
	{ "limit-data", false, look_data_size },
	{ "limit-file-size", false, look_file_size },
	{ "limit-open-files", false, look_open_files },
	{ 0 },
};
