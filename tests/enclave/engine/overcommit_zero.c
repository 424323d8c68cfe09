/* SPDX-License-Identifier: Apache-2.0 */
/* Without backing nothing is ever paged: what fits in the EPC runs, what does not is refused. */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 256

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 0);
	struct enclave small, big, *all[] = { &small };
	struct crew crew;
	struct rig rig;

	rig_open(&rig, &config);
	enclave_build(&small, &rig, 128, 1);
	crew_start(&crew, 2, all, 1);
	enclave_open(&big, &rig, EPC_PAGES, 2);
	check(enclave_create(&big) == 0);
	check(enclave_map(&big, 0, EPC_PAGES, PROT_READ | PROT_WRITE) == 0);
	check(enclave_add(&big, EPC_PAGES, SGX_SECINFO_R | SGX_SECINFO_W) == -ENOMEM);
	/* All there is, but for the two enclaves' SECS and VA pages and the reserve. */
	check(big.pages == EPC_PAGES - 128 - 4 - rig.machine.marks.reserve);
	enclave_verify(&big);
	check(enclave_add(&big, 1, SGX_SECINFO_R | SGX_SECINFO_W) == -ENOMEM);
	crew_stop(&crew);
	enclave_verify(&small);
	check(atomic_load(&small.encl->count.ewb) == 0 && atomic_load(&big.encl->count.ewb) == 0);
	check(rig.machine.root.counter[RES_BACKING].peak == 0);
	rig_check(&rig);
	enclave_destroy(&big);
	rig_check(&rig);
	enclave_destroy(&small);
	rig_close(&rig);
}
