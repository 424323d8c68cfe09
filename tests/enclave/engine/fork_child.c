/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forked child has no enclave: touching its memory is death or a fault, and never a page of silent zeros, whether the
 * page is in the EPC or out of it. The parent's threads page on meanwhile. The child may have enclaves of its own.
 */
#include "harness.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define EPC_PAGES 256
#define PAGES 512

static struct rig rig;
static struct enclave shared;
static enum mmu_mechanism mechanism;

/* As a program without any handler would. */
static void touch_unprepared(uint64_t page)
{
	signal(SIGSEGV, SIG_DFL);
	signal(SIGBUS, SIG_DFL);
	enclave_load(&shared, page, 0);
	_exit(1);
}

/* As the platform in the child does: it forgets the parent's enclaves. */
static void touch_after_forgetting(uint64_t page)
{
	uint64_t value;

	machine_forget(&rig.machine);
	_exit(probe_load(enclave_addr(&shared, page, 0), &value) == ENCL_FAULT_NOT_OURS ? 0 : 1);
}

static void run_own_enclave(uint64_t page)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 400);
	struct enclave own;

	machine_forget(&rig.machine);
	config.no_background = true; /* instrumented programs may not start threads in a child */
	rig_open(&rig, &config);
	enclave_build(&own, &rig, PAGES, 7);
	enclave_verify(&own);
	rig_check(&rig);
	enclave_destroy(&own);
	rig_close(&rig);
	_exit(0);
}

/* Return: how the child ended. */
static int fork_and(void (*do_in_child)(uint64_t page), uint64_t page)
{
	pid_t child = fork();
	int status;

	check(child >= 0);
	if (child == 0)
		do_in_child(page);
	check(waitpid(child, &status, 0) == child);
	return status;
}

void engine_test(enum mmu_mechanism wanted)
{
	struct machine_config config = rig_config(wanted, EPC_PAGES, 400);
	struct enclave *all[] = { &shared };
	struct crew crew;

	mechanism = wanted;
	rig_open(&rig, &config);
	enclave_build(&shared, &rig, PAGES, 1);
	crew_start(&crew, 2, all, 1);
	for (uint64_t i = 0; i < test_scaled(60, 6); i++) {
		uint64_t page = i * 37 % PAGES;
		int status = fork_and(touch_unprepared, page);

		check(WIFSIGNALED(status) && (WTERMSIG(status) == SIGSEGV || WTERMSIG(status) == SIGBUS));
		check(fork_and(touch_after_forgetting, page) == 0);
		if (i % 5 == 0)
			check(fork_and(run_own_enclave, page) == 0);
		crew_run(&crew, 20);
	}
	crew_stop(&crew);
	enclave_verify(&shared);
	rig_check(&rig);
	enclave_destroy(&shared);
	rig_close(&rig);
}
