/* SPDX-License-Identifier: Apache-2.0 */
/*
 * With half an EPC of backing, an enclave that wants more than there is gets -ENOMEM from ADD_PAGES, with the count of
 * pages that it did get. Nothing leaks: a third enclave later gets as many. One that runs meanwhile goes on running.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 1024
#define TOO_MANY 4096

/* Return: how many pages there were for it. */
static uint64_t grow_until_refused(struct enclave *e, struct rig *rig, uint64_t seed)
{
	uint64_t fails = rig_event(rig, EVENT_FAIL);

	enclave_open(e, rig, TOO_MANY, seed);
	check(enclave_create(e) == 0);
	check(enclave_map(e, 0, TOO_MANY, PROT_READ | PROT_WRITE) == 0);
	check(enclave_add(e, TOO_MANY, SGX_SECINFO_R | SGX_SECINFO_W) == -ENOMEM);
	check(e->pages > 0 && e->pages < TOO_MANY);
	check(e->encl->page_count == e->pages + 1); /* and the SECS */
	check(rig_event(rig, EVENT_FAIL) == fails + 1);
	return e->pages;
}

/* Context: nobody runs. What others had in flight when growth was refused may have left room for a few pages more. */
static void check_refusals_change_nothing(struct enclave *e, struct rig *rig)
{
	unsigned more = 0;

	while (enclave_add(e, 1, SGX_SECINFO_R | SGX_SECINFO_W) == 0)
		check(++more <= 64);
	for (int i = 0; i < 5; i++) {
		uint64_t pages = e->pages;

		check(enclave_add(e, 1, SGX_SECINFO_R | SGX_SECINFO_W) == -ENOMEM);
		check(e->pages == pages && e->encl->page_count == pages + 1);
		check(enclave_state(e, pages) == PAGE_ABSENT);
		rig_check(rig);
	}
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 50);
	struct enclave running, greedy, next, *all[] = { &running };
	uint64_t faults = test_scaled(20000, 100), got;
	struct crew crew;
	struct rig rig;

	rig_open(&rig, &config);
	check(rig_backing_limit(&rig) == EPC_PAGES / 2);
	enclave_build(&running, &rig, EPC_PAGES + 100, 1);
	crew_start(&crew, 1, all, 1);

	got = grow_until_refused(&greedy, &rig, 2);
	crew_run(&crew, faults);
	crew_pause(&crew);
	rig_check(&rig);
	check_refusals_change_nothing(&greedy, &rig);
	crew_resume(&crew);
	enclave_verify(&greedy);
	crew_run(&crew, faults);
	enclave_destroy(&greedy);

	/* How the frames are shared out differs by what is in flight, and by the few pages of a PCMD page. */
	check(grow_until_refused(&next, &rig, 3) + 64 >= got);
	crew_run(&crew, faults);
	enclave_verify(&next);
	crew_stop(&crew);
	enclave_verify(&running);
	rig_check(&rig);
	enclave_destroy(&next);
	enclave_destroy(&running);
	rig_close(&rig);
}
