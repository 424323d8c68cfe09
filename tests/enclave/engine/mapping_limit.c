/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process may have only so many kernel mappings (vm.max_map_count). When an mprotect() of enclave memory would need
 * one more, it is refused, nothing has changed, and paging goes on; once there is room it works.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 128
#define PAGES 300
#define FILLER_PAGES (1UL << 18) /* twice as many mappings as the usual limit */

/* Use up all mappings: every other page of a range has another protection. Return: the range. */
static uint8_t *use_up_mappings(void)
{
	uint8_t *filler = mmap(NULL, FILLER_PAGES * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			       -1, 0);
	uint64_t i = 0;

	check(filler != MAP_FAILED);
	while (i < FILLER_PAGES && mprotect(filler + i * PAGE_SIZE, PAGE_SIZE, PROT_READ) == 0)
		i += 2;
	check(i == FILLER_PAGES || errno == ENOMEM);
	if (i < FILLER_PAGES)
		return filler;
	munmap(filler, FILLER_PAGES * PAGE_SIZE);
	return NULL;
}

static int protect(struct enclave *e, uint64_t page, uint64_t count, int prot)
{
	return encl_mprotect(e->encl, enclave_addr(e, page, 0), count * PAGE_SIZE, prot);
}

static void check_readable(struct enclave *e, uint64_t page, enum encl_fault expected)
{
	uint64_t value;

	check(probe_load(enclave_addr(e, page, 1), &value) == expected);
}

static void run(struct rig *rig, struct enclave *e)
{
	uint8_t *filler;

	check(protect(e, 150, 50, PROT_NONE) == 0);
	filler = use_up_mappings();
	if (!filler) {
		printf("vm.max_map_count is too large to be used up\n");
		return;
	}
	check(protect(e, 20, 1, PROT_NONE) == -ENOMEM);
	check(protect(e, 170, 1, PROT_READ | PROT_WRITE) == -ENOMEM);
	for (int lap = 0; lap < 3; lap++) {
		for (uint64_t page = 0; page < PAGES; page++)
			check_readable(e, page, page >= 150 && page < 200 ? ENCL_FAULT_SEGV : ENCL_FAULT_FIXED);
	}
	munmap(filler, FILLER_PAGES * PAGE_SIZE);
	check(protect(e, 20, 1, PROT_NONE) == 0);
	check_readable(e, 20, ENCL_FAULT_SEGV);
	rig_check(rig);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 400);
	struct enclave e;
	struct rig rig;

	rig_open(&rig, &config);
	enclave_build(&e, &rig, PAGES, 1);
	run(&rig, &e);
	check(protect(&e, 0, PAGES, PROT_READ | PROT_WRITE) == 0);
	enclave_verify(&e);
	enclave_destroy(&e);
	rig_close(&rig);
}
