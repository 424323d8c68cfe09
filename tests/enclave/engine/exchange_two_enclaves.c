/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two enclaves, each larger than the EPC, take turns. With the backing limit reached, and with room for the idle one to
 * be driven out to its last page, the SECS included, and to come back.
 */
#include "harness.h"

#include <sys/mman.h>

static bool all_out(void *arg)
{
	struct enclave *e = arg;
	bool out;

	lock_acquire(&e->encl->lock);
	out = e->encl->resident == 0 && e->encl->in_flight == 0;
	lock_release(&e->encl->lock);
	return out;
}

static void take_turns(struct rig *rig, struct crew *crew, uint64_t turns, uint64_t faults)
{
	for (uint64_t i = 0; i < turns; i++) {
		crew->only = i % 2;
		crew_run(crew, faults);
		crew_pause(crew);
		rig_check(rig);
		crew_resume(crew);
	}
}

static void drive_out(struct rig *rig, struct crew *crew, unsigned who)
{
	struct enclave *idle = crew->enclave[who];

	crew->only = 1 - who;
	rig_poll(all_out, idle);
	crew_pause(crew);
	rig_check(rig);
	check(idle->encl->secs_page.state == PAGE_EVICTED && !idle->encl->secs.page);
	check(idle->encl->evicted == idle->pages + 1);
	check(enclave_load(idle, 5, PAGE_WORDS - 1) == word_value(idle, 5, PAGE_WORDS - 1, 0));
	check(idle->encl->secs_page.state == PAGE_RESIDENT && idle->encl->secs.page);
	crew_resume(crew);
}

/* Backing for just what is out when both are built. */
static void close_limit(struct rig *rig)
{
	group_set_limit(&rig->machine.root, RES_BACKING, rig_backing(rig));
}

static void run(enum mmu_mechanism mechanism, unsigned threads)
{
	uint64_t epc_pages = test_scaled(512, 96), each = epc_pages * 5 / 4;
	struct machine_config config = rig_config(mechanism, epc_pages, 400);
	struct enclave a, b, *all[] = { &a, &b };
	struct crew crew;
	struct rig rig;

	rig_open(&rig, &config);
	enclave_build(&a, &rig, each, 1);
	enclave_build(&b, &rig, each, 2);
	enclave_init(&a);
	enclave_init(&b);
	crew_start(&crew, threads, all, 2);
	crew_pause(&crew);
	rig_check(&rig);
	close_limit(&rig);
	crew_resume(&crew);
	take_turns(&rig, &crew, 10, test_scaled(30000, 60));

	group_set_limit(&rig.machine.root, RES_BACKING, LEDGER_NO_LIMIT);
	for (unsigned i = 0; i < test_scaled(6, 2); i++)
		drive_out(&rig, &crew, i % 2);
	crew_stop(&crew);
	enclave_verify(&a);
	enclave_verify(&b);
	check(rig_event(&rig, EVENT_OOM) == 0 && rig_event(&rig, EVENT_POISON) == 0);
	enclave_destroy(&a);
	enclave_destroy(&b);
	rig_close(&rig);
}

void engine_test(enum mmu_mechanism mechanism)
{
	run(mechanism, 1);
	run(mechanism, 2);
}
