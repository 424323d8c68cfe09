/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE where another enclave is gets -EBUSY, and that enclave does not notice: not even while nothing of it is mapped,
 * so that its range looks like a mere reservation of addresses.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 256
#define PAGES 64

/* CREATE at @base. */
static void check_busy(struct rig *r, uint64_t base, uint64_t size)
{
	struct enclave e;
	uint64_t own_base;

	enclave_open(&e, r, size / PAGE_SIZE, 9);
	own_base = e.base;
	e.base = base;
	check(enclave_create(&e) == -EBUSY);
	/* The device can still become an enclave elsewhere. */
	e.base = own_base;
	check(enclave_create(&e) == 0);
	encl_file_closed(e.encl);
	enclave_wait_gone(&e);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 200);
	static struct rig rig;
	struct enclave e;

	rig_open(&rig, &config);
	enclave_open(&e, &rig, PAGES, 1);
	check(enclave_create(&e) == 0);
	check(enclave_add(&e, PAGES, SGX_SECINFO_R | SGX_SECINFO_W) == 0);
	check_busy(&rig, e.base, e.size);
	check_busy(&rig, e.base, e.size / 2);
	check_busy(&rig, e.base + e.size / 2, e.size / 2);
	check_busy(&rig, e.base & ~(2 * e.size - 1), 2 * e.size);
	rig_check(&rig);
	check(enclave_map(&e, 0, PAGES, PROT_READ | PROT_WRITE) == 0);
	enclave_verify(&e);
	check_busy(&rig, e.base, e.size);
	enclave_verify(&e);
	enclave_destroy(&e);
	rig_close(&rig);
}
