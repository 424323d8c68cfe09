/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave of eight times the EPC, read and written at random by two threads: every word is what was last written. */
#include "harness.h"

#define EPC_PAGES 1024

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 900);
	struct enclave e, *all[] = { &e };
	struct crew crew;
	struct rig rig;

	rig_open(&rig, &config);
	enclave_build(&e, &rig, 8 * EPC_PAGES, 1);
	crew_start(&crew, 2, all, 1);
	crew_run(&crew, test_scaled(2000000, 2000));
	crew_stop(&crew);
	enclave_verify(&e);
	check(atomic_load(&e.encl->count.eldu) >= test_scaled(2000000, 2000) / 2);
	check(rig_event(&rig, EVENT_POISON) == 0 && !e.encl->poisoned);
	rig_check(&rig);
	enclave_destroy(&e);
	rig_close(&rig);
}
