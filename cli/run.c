/* SPDX-License-Identifier: Apache-2.0 */
/* softsgx run: start a program on the software platform, and be no more than a door to it. */
#include "cli/run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/checks.h"
#include "cli/environment.h"
#include "cli/library.h"
#include "cli/program.h"
#include "cli/stats_view.h"
#include "cli/supervise.h"

enum stats_format { STATS_OFF, STATS_TABLE, STATS_JSON };

struct run {
	struct environment env;
	int stats;              /* enum stats_format */
	const char *stats_file; /* NULL: standard error */
	FILE *stats_out;
	struct stats_page *stats_page;
	char program[PATH_MAX]; /* what will be executed */
	char library[PATH_MAX];
};

static const struct choice mechanisms[] = {
	{ "auto", MMU_AUTO }, { "guard", MMU_GUARD }, { "sigbus", MMU_SIGBUS }, { 0 }
};
static const struct choice stats_formats[] = { { "table", STATS_TABLE }, { "json", STATS_JSON }, { 0 } };

/* Page numbers of the EPC are 32 bits wide, and one of them means "none". */
#define EPC_MAX_BYTES ((int64_t)PAGE_SIZE << 31)
/* More than any machine has, and less than an off_t holds. */
#define BACKING_MAX_BYTES ((int64_t)1 << 60)

static const struct option_spec options[] = {
	{ .name = "epc",
	  .type = OPTION_SIZE,
	  .value = "SIZE",
	  .target = offsetof(struct run, env.epc_bytes),
	  .min = EPC_MIN_PAGES * (int64_t)PAGE_SIZE,
	  .max = EPC_MAX_BYTES,
	  .step = PAGE_SIZE,
	  .help = "Size of the Enclave Page Cache: enclave pages that can be in use at one moment. Default: 128M." },
	{ .name = "overcommit",
	  .type = OPTION_INT,
	  .value = "PERCENT",
	  .min = -1,
	  .max = 1000000,
	  .target = offsetof(struct run, env.overcommit_percent),
	  .help = "How much memory evicted pages may take, in percent of the EPC; 0: pages are never evicted, "
		  "-1: no limit. Default: 150." },
	{ .name = "backing-max",
	  .type = OPTION_SIZE,
	  .value = "SIZE",
	  .step = PAGE_SIZE,
	  .max = BACKING_MAX_BYTES,
	  .target = offsetof(struct run, env.backing_max_bytes),
	  .help = "A further limit on the memory that evicted pages may take. Default: none." },
	{ .name = "mechanism",
	  .type = OPTION_CHOICE,
	  .value = "WHICH",
	  .choices = mechanisms,
	  .target = offsetof(struct run, env.mechanism),
	  .help = "How accesses to evicted pages are caught: guard (needs Linux 6.13), sigbus (any kernel), or auto, "
		  "which prefers guard. Default: auto." },
	{ .name = "stats",
	  .type = OPTION_CHOICE,
	  .value = "FORMAT",
	  .value_optional = true,
	  .choices = stats_formats,
	  .target = offsetof(struct run, stats),
	  .help = "Print what happened when the program has ended, on standard error: a table, or json." },
	{ .name = "stats-file",
	  .type = OPTION_STRING,
	  .value = "PATH",
	  .target = offsetof(struct run, stats_file),
	  .help = "Write the statistics to this file instead of standard error; implies --stats." },
	{ .name = "strict",
	  .type = OPTION_FLAG,
	  .target = offsetof(struct run, env.strict),
	  .help = "Leave the enclave's code exactly as it was measured: no shortcuts that an enclave could see by reading "
		  "its own code." },
	{ 0 },
};

static int refuse(const char *subject, const char *cause, const char *cure, int status)
{
	command_complain(&run_command, "%s%s%s", subject, *subject ? " " : "", cause);
	if (*cure)
		command_complain(&run_command, "to have it run: %s", cure);
	return status;
}

/* Each step returns 0, or the exit status with which to give up, having said why. */

static int find_program(struct run *run, const char *name)
{
	char subject[PATH_MAX];
	int ret = program_find(name, run->program);
	enum program_obstacle obstacle;

	if (ret) {
		command_complain(&run_command, "%s: %s", name, strerror(-ret));
		return ret == -ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
	}
	obstacle = program_inspect(run->program, subject);
	if (obstacle == PROGRAM_OK)
		return 0;
	return refuse(subject, program_obstacle_text(obstacle), program_cure(obstacle), EXIT_REFUSED);
}

static int check_machine(const struct run *run)
{
	struct finding finding;
	enum mmu_obstacle obstacle;
	struct mmu mmu;

	if (checks_refusal(&finding))
		return refuse("", finding.detail, finding.cure, EXIT_REFUSED);
	obstacle = mmu_init(&mmu, (enum mmu_mechanism)run->env.mechanism);
	if (obstacle != MMU_OK)
		return refuse("", mmu_obstacle_text(obstacle), mmu_cure(obstacle), EXIT_REFUSED);
	mmu_destroy(&mmu);
	return 0;
}

static int find_library(struct run *run)
{
	if (library_find(run->library) != 0) /* check_machine() found it: somebody has removed it since */
		return refuse("libsoftsgx.so", "has disappeared", "", EXIT_REFUSED);
	if (library_preloadable(run->library))
		return 0;
	return refuse(run->library,
		      "has a space, a colon or a dollar sign in its path, which LD_PRELOAD cannot express",
		      "move softsgx to another directory", EXIT_REFUSED);
}

static int prepare_stats(struct run *run)
{
	int ret;

	run->stats_out = stderr;
	if (run->stats == STATS_OFF && run->stats_file)
		run->stats = STATS_TABLE;
	if (run->stats == STATS_OFF)
		return 0;
	if (run->stats_file)
		run->stats_out = fopen(run->stats_file, "we");
	if (!run->stats_out) {
		command_complain(&run_command, "%s: %s", run->stats_file, strerror(errno));
		return EXIT_REFUSED;
	}
	ret = stats_page_create(&run->stats_page, &run->env.stats_fd);
	if (ret) {
		command_complain(&run_command, "no memory for statistics: %s", strerror(-ret));
		return EXIT_REFUSED;
	}
	return 0;
}

static void print_stats(struct run *run, int wait_status)
{
	struct stats_view view;

	if (run->stats == STATS_OFF)
		return;
	stats_view_read(&view, run->stats_page);
	if (run->stats == STATS_JSON)
		stats_print_json(run->stats_out, &view, wait_status);
	else
		stats_print_table(run->stats_out, &view);
	if (fflush(run->stats_out) != 0)
		command_complain(&run_command, "the statistics could not be written: %s", strerror(errno));
}

static int start(struct run *run, char **argv)
{
	int wait_status, ret = environment_set(&run->env, run->library);

	if (ret == 0)
		ret = supervise(run->program, argv, &wait_status);
	if (ret) {
		command_complain(&run_command, "%s cannot be started: %s", argv[0], strerror(-ret));
		return EXIT_REFUSED;
	}
	print_stats(run, wait_status);
	end_like(wait_status);
}

static int run_main(int argc, char **argv)
{
	struct run run = {
		.env = {
			.epc_bytes = MACHINE_DEFAULT_EPC_BYTES,
			.overcommit_percent = MACHINE_DEFAULT_OVERCOMMIT,
			.backing_max_bytes = LEDGER_NO_LIMIT,
			.mechanism = MMU_AUTO,
			.stats_fd = -1,
		},
	};
	int status;

	if (!command_begin(&run_command, &argc, argv, &run, &status))
		return status;
	status = find_program(&run, argv[1]);
	if (!status)
		status = check_machine(&run);
	if (!status)
		status = find_library(&run);
	if (!status)
		status = prepare_stats(&run);
	return status ? status : start(&run, argv + 1);
}

const struct command run_command = {
	.name = "run",
	.operands = "[--] PROGRAM [ARG...]",
	.summary = "run a program whose enclaves need no SGX hardware",
	.description =
		"Run PROGRAM with a software SGX platform in its process: it finds an enclave device, and the enclaves "
		"that it creates through it run. Pages beyond the size of the Enclave Page Cache (EPC) are evicted "
		"into ordinary memory, encrypted and authenticated, as SGX hardware does it, and counted page by "
		"page.\n\n"
		"The exit status is the program's own, and a signal that ends it ends 'softsgx run' as well. 125 means "
		"that the program was not started because enclaves cannot run in it or on this machine, or because the "
		"file for the statistics cannot be written; 126 that it is not executable, 127 that it was not found.\n\n"
		"The enclaves are as secret as any memory of the process: this is not a security boundary.",
	.options = options,
	.program_follows = true,
	.min_operands = 1,
	.max_operands = -1,
	.main = run_main,
};
