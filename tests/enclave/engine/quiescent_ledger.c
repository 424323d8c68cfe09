/* SPDX-License-Identifier: Apache-2.0 */
/* Whenever the threads pause, the ledger, the sum of the enclaves' books and the operating system's st_blocks agree. */
#include "harness.h"

static void pause_and_check(struct rig *rig, struct crew *crew)
{
	crew_pause(crew);
	rig_check(rig);
	crew_resume(crew);
}

void engine_test(enum mmu_mechanism mechanism)
{
	uint64_t epc_pages = test_scaled(512, 96), pauses = test_scaled(200, 8);
	struct machine_config config = rig_config(mechanism, epc_pages, 600);
	struct enclave a, b, *all[] = { &a, &b };
	struct crew crew;
	struct rig rig;

	rig_open(&rig, &config);
	enclave_build(&a, &rig, epc_pages, 1);
	enclave_build(&b, &rig, 2 * epc_pages, 2);
	crew_start(&crew, 2, all, 2);
	for (uint64_t i = 0; i < pauses; i++) {
		crew.only = i % 4 == 0 ? 0 : i % 4 == 1 ? 1 : CREW_ALL;
		crew_run(&crew, 50 + i * 7 % 500);
		pause_and_check(&rig, &crew);
	}
	crew_stop(&crew);
	enclave_verify(&a);
	enclave_verify(&b);
	rig_check(&rig);
	enclave_destroy(&a);
	rig_check(&rig);
	enclave_destroy(&b);
	rig_close(&rig);
}
