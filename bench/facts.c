/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench/bench.h"

/* Seconds of all CPUs together since some moment. */
struct cpu_use {
	double wall, busy, stolen, own;
};
static struct cpu_use at_start;

static void read_cpu_name(char *name, size_t size)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];
	char *colon;

	snprintf(name, size, "unknown");
	while (f && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (strncmp(line, "model name", 10) != 0 || !colon || colon[1] != ' ')
			continue;
		snprintf(name, size, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	if (f)
		fclose(f);
}

static struct cpu_use read_cpu_use(void)
{
	struct cpu_use use = {
		.wall = (double)now_ns() / 1e9,
		.own = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9,
	};
	unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
	double tick = 1.0 / (double)sysconf(_SC_CLK_TCK);
	FILE *f = fopen("/proc/stat", "re");

	if (f && fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait, &irq,
			&softirq, &steal) == 8) {
		use.busy = (double)(user + nice + system + irq + softirq) * tick;
		use.stolen = (double)steal * tick;
	}
	if (f)
		fclose(f);
	return use;
}

static double load_average(void)
{
	double load = 0;

	return getloadavg(&load, 1) == 1 ? load : 0;
}

void facts_begin(struct facts *f)
{
	struct utsname uts;
	long l3 = sysconf(_SC_LEVEL3_CACHE_SIZE);

	*f = (struct facts){
		.cpus = sysconf(_SC_NPROCESSORS_ONLN),
		.l3_bytes = l3 > 0 ? l3 : 0,
		.laws = SOFTSGX_LAWS,
		.load_before = load_average(),
	};
#ifdef __OPTIMIZE__
	f->optimized = true;
#endif
	read_cpu_name(f->cpu, sizeof(f->cpu));
	if (uname(&uts) == 0)
		snprintf(f->kernel, sizeof(f->kernel), "%s %s", uts.sysname, uts.release);
	at_start = read_cpu_use();
}

void facts_end(struct facts *f)
{
	struct cpu_use now = read_cpu_use();
	double total = (now.wall - at_start.wall) * (double)f->cpus;
	double others = (now.busy - at_start.busy) - (now.own - at_start.own);

	f->load_after = load_average();
	/* The kernel counts in ticks: a quiet machine may come out a little below zero. */
	f->others_percent = 100 * max_of(others, 0.0) / total;
	f->stolen_percent = 100 * (now.stolen - at_start.stolen) / total;
}
