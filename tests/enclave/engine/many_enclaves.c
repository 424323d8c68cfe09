/* SPDX-License-Identifier: Apache-2.0 */
/* Two hundred enclaves come and go while paging, beside one that stays: each gives back all it had. */
#include "harness.h"

#define EPC_PAGES 512
#define ALIVE 4
#define PAGES 300

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 400);
	struct enclave stays, passing[ALIVE], *all[] = { &stays };
	struct crew crew;
	struct rig rig;
	unsigned enclaves = (unsigned)test_scaled(200, 12);

	rig_open(&rig, &config);
	enclave_build(&stays, &rig, PAGES, 1);
	crew_start(&crew, 1, all, 1);
	for (unsigned i = 0; i < enclaves + ALIVE; i++) {
		struct enclave *e = &passing[i % ALIVE];

		if (i >= ALIVE) {
			enclave_verify(e);
			enclave_destroy(e);
		}
		if (i < enclaves)
			enclave_build(e, &rig, PAGES, 2 + i % 50);
	}
	crew_stop(&crew);
	enclave_verify(&stays);
	rig_check(&rig);
	check(atomic_load(&rig.machine.enclaves_created) == enclaves + 1);
	check(atomic_load(&rig.machine.gone.ewb) > enclaves * PAGES / 2);
	check(rig_event(&rig, EVENT_FAIL) == 0 && rig_event(&rig, EVENT_POISON) == 0);
	enclave_destroy(&stays);
	rig_close(&rig);
}
