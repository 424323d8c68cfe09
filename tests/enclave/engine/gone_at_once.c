/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When the call that ends an enclave returns, its addresses are the application's again and its pages are free, even if
 * the reclaimer or another thread's direct reclaim was busy with it: programs map something else there at once.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 256
#define PAGES 300
#define ROUNDS (test_is_small() ? 20U : 400U)

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

static void check_gone(struct rig *r, const struct enclave *e)
{
	void *place = (void *)e->base;

	check(machine_find(&r->machine, e->base) == NULL);
	check(mmap(place, e->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	      place);
	/* What is mapped there now stays: nothing comes late to take it away. */
	memset(place, 0x5a, e->size);
	for (uint64_t i = 0; i < e->size; i += PAGE_SIZE)
		check(((uint8_t *)place)[i] == 0x5a);
	check(munmap(place, e->size) == 0);
}

/* Calls that come too late, of threads that had looked the enclave up before: what is there now is not theirs. */
static void late_calls(struct rig *r)
{
	struct enclave e;
	struct encl *late;
	uint8_t *place;

	enclave_build(&e, r, 8, 7);
	late = e.encl;
	encl_get(late);
	check(encl_munmap(late, e.base, e.size) == 0);
	encl_file_closed(late);
	place = mmap((void *)e.base, e.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		     -1, 0);
	check(place == (void *)e.base);
	check(encl_munmap(late, e.base, e.size) == 0);
	check(encl_mprotect(late, e.base, e.size, PROT_READ) == -ENOMEM);
	check(encl_mmap(late, e.base, e.size, PROT_NONE) == -EBADF);
	place[0] = place[e.size - 1] = 1;
	check(munmap(place, e.size) == 0);
	encl_put(late);
	enclave_wait_gone(&e);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 2000);
	static struct rig rig;
	struct enclave stays, goes, *crew_of[] = { &stays };
	struct crew crew = { 0 };

	rig_open(&rig, &config);
	enclave_build(&stays, &rig, PAGES, 1);
	/* One thread that never stops faulting keeps reclaim busy with whatever enclaves there are. */
	crew_start(&crew, 1, crew_of, 1);
	for (unsigned i = 0; i < ROUNDS; i++) {
		enclave_build(&goes, &rig, 64, i);
		enclave_load(&goes, i % goes.pages, 0);
		check(encl_munmap(goes.encl, goes.base, goes.size) == 0);
		encl_file_closed(goes.encl);
		check_gone(&rig, &goes);
		enclave_wait_gone(&goes);
	}
	late_calls(&rig);
	crew_stop(&crew);
	rig_check(&rig);
	enclave_destroy(&stays);
	rig_close(&rig);
}
