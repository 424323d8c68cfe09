/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backing limit is reached exactly, and the enclave keeps running: each load pays for the eviction that it forces.
 * No access fails, nothing grows, neither limit is passed even for an instant.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define TOO_MANY 4096

/* Growth takes backing until there is none left, 32 pages of contents to a PCMD page. */
static void fill_up(struct enclave *e, struct rig *rig)
{
	enclave_open(e, rig, TOO_MANY, 1);
	check(enclave_create(e) == 0);
	check(enclave_map(e, 0, TOO_MANY, PROT_READ | PROT_WRITE) == 0);
	check(enclave_add(e, TOO_MANY, SGX_SECINFO_R | SGX_SECINFO_W) == -ENOMEM);
	check(rig_backing(rig) == rig_backing_limit(rig));
	check(atomic_load(&rig->machine.root.use[USE_PCMD]) == (rig_backing_limit(rig) + 32) / 33);
}

static void run_threads(struct rig *rig, struct enclave *e, unsigned threads, uint64_t faults)
{
	struct enclave *all[] = { e };
	struct observer observer;
	struct crew crew;

	observer_start(&observer, rig);
	crew_start(&crew, threads, all, 1);
	crew_run(&crew, faults);
	crew_stop(&crew);
	enclave_verify(e);
	observer_stop(&observer);
	check(observer.looks > 0);
	check(observer.backing_max == rig_backing_limit(rig));
	/* A pool of recycled slots is given back only by an idle reclaimer, or by a pass that another thread emptied. */
	if (threads == 1 && rig->machine.config.no_background)
		check(observer.backing_min == rig_backing_limit(rig));
	rig_check(rig);
}

static void run(enum mmu_mechanism mechanism, bool no_background, uint64_t faults)
{
	/* Of both sizes, one and a half times is a sum of contents and their PCMD that can be met exactly. */
	uint64_t epc_pages = test_scaled(1024, 256);
	struct machine_config config = rig_config(mechanism, epc_pages, 150);
	struct enclave e;
	struct rig rig;
	uint64_t fails;

	config.no_background = no_background;
	rig_open(&rig, &config);
	fill_up(&e, &rig);
	fails = rig_event(&rig, EVENT_FAIL);
	run_threads(&rig, &e, 1, faults);
	run_threads(&rig, &e, 2, faults);
	check(rig_event(&rig, EVENT_EXCHANGE) >= faults);
	check(rig_event(&rig, EVENT_FAIL) == fails);
	check(rig_event(&rig, EVENT_OOM) == 0);
	check(rig.machine.root.counter[RES_BACKING].peak == rig_backing_limit(&rig));
	check(rig.machine.root.counter[RES_EPC].peak <= epc_pages);
	enclave_destroy(&e);
	rig_close(&rig);
}

void engine_test(enum mmu_mechanism mechanism)
{
	run(mechanism, true, test_scaled(300000, 100));
	run(mechanism, false, test_scaled(300000, 100));
}
