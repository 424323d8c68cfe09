/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave of eight times the EPC, read and written at random by two threads: every word is what was last written. */
#include "harness.h"

void engine_test(enum mmu_mechanism mechanism)
{
	uint64_t epc_pages = test_scaled(1024, 128), faults = test_scaled(2000000, 2000);
	struct machine_config config = rig_config(mechanism, epc_pages, 900);
	struct enclave e, *all[] = { &e };
	struct crew crew;
	struct rig rig;

	rig_open(&rig, &config);
	enclave_build(&e, &rig, 8 * epc_pages, 1);
	crew_start(&crew, 2, all, 1);
	crew_run(&crew, faults);
	crew_stop(&crew);
	enclave_verify(&e);
	check(atomic_load(&e.encl->count.eldu) >= faults / 2);
	check(rig_event(&rig, EVENT_POISON) == 0 && !e.encl->poisoned);
	rig_check(&rig);
	enclave_destroy(&e);
	rig_close(&rig);
}
