/* SPDX-License-Identifier: Apache-2.0 */
/* The smallest EPC there can be, four threads and a background reclaimer: never a page more than there are. */
#include "harness.h"

#define PAGES 700

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_MIN_PAGES, -1);
	struct enclave e, *all[] = { &e };
	struct observer observer;
	struct crew crew;
	struct rig rig;

	rig_open(&rig, &config);
	check(rig_backing_limit(&rig) == LEDGER_NO_LIMIT);
	enclave_build(&e, &rig, PAGES, 1);
	observer_start(&observer, &rig);
	crew_start(&crew, 4, all, 1);
	for (int i = 0; i < 20; i++) {
		crew_run(&crew, test_scaled(10000, 15));
		crew_pause(&crew);
		rig_check(&rig);
		crew_resume(&crew);
	}
	crew_stop(&crew);
	enclave_verify(&e);
	observer_stop(&observer);
	check(rig.machine.root.counter[RES_EPC].peak <= EPC_MIN_PAGES);
	check(rig.machine.epc.used_peak <= EPC_MIN_PAGES);
	enclave_destroy(&e);
	rig_close(&rig);
}
