/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A page that the kernel will not map back, though its copy is authentic: the touch faults, copy, version and charge are as
 * before, the enclave is not marked, and once the kernel is willing the page loads. Also while threads are inside.
 */
#include "harness.h"

#include <sys/mman.h>

#include "base/sys.h"
#include "encl/paging.h"

#define EPC_PAGES 256
#define PAGES 400

static void drive_out(struct enclave *e, uint64_t page)
{
	for (uint64_t i = page + 1; enclave_state(e, page) != PAGE_EVICTED; i = i + 1 < e->pages ? i + 1 : page + 1)
		enclave_load(e, i, 0);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 1000);
	static struct rig rig;
	struct enclave e;
	uint64_t charged, evicted, version, value, *slot;

	config.no_background = true;
	rig_open(&rig, &config);
	enclave_build(&e, &rig, PAGES, 5);
	drive_out(&e, 0);
	slot = va_slot(e.encl, pagetable_lookup(&e.encl->pages, 0)->va);
	version = *slot;
	charged = rig_backing(&rig);
	evicted = e.encl->evicted;

	/* With nothing mapped there the kernel has no place to copy to. */
	check(sys_munmap(e.base, PAGE_SIZE) == 0);
	atomic_fetch_add(&e.encl->secs.threads, 1);
	check(encl_fault(&rig.machine, e.base, PF_USER, thread_scratch()) == ENCL_FAULT_BUS);
	check(enclave_state(&e, 0) == PAGE_EVICTED && e.encl->evicted <= evicted + WINDOW_PAGES);
	check(*slot == version && rig_backing(&rig) >= charged);
	check(!e.encl->poisoned && rig_event(&rig, EVENT_POISON) == 0);

	check(mmu_reserve(&rig.machine.mmu, e.base, PAGE_SIZE) == 0);
	check(mmu_protect(&rig.machine.mmu, e.base, PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
	check(encl_fault(&rig.machine, e.base, PF_USER, thread_scratch()) == ENCL_FAULT_FIXED);
	atomic_fetch_sub(&e.encl->secs.threads, 1);
	value = enclave_load(&e, 0, 3);
	check(value == word_value(&e, 0, 3, 0));
	check(*slot == 0);
	rig_check(&rig);
	enclave_destroy(&e);
	rig_close(&rig);
}
