/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An enclave that was driven out to its SECS comes back through the last free frame: the SECS takes it, and the page must
 * find another. That is not the SECS's: whenever a page of an enclave is in the EPC, its SECS is.
 */
#include "harness.h"

#include <sys/mman.h>

#include "encl/paging.h"

#define EPC_PAGES 128
#define PAGES 100

static bool is_out(const struct enclave *e)
{
	bool out;

	/* The fault handler changes it behind the compiler's back. */
	lock_acquire(&e->encl->lock);
	out = e->encl->secs_page.state == PAGE_EVICTED;
	lock_release(&e->encl->lock);
	return out;
}

/* The other one running at full size drives it out. */
static void drive_out(struct enclave *idle, struct enclave *busy)
{
	for (uint64_t i = 0; !is_out(idle); i++) {
		check(i < 1000 * busy->pages);
		enclave_load(busy, i % busy->pages, 0);
	}
}

/* Take free frames, as loads under way would, until @left are left. Return: how many were taken. */
static unsigned take_frames(struct rig *r, struct enclave *e, uint32_t left, uint32_t *taken)
{
	unsigned n = 0;

	while (epc_free_count(&r->machine.epc) > left) {
		taken[n] = frame_try(e->encl, 0);
		check(taken[n++] != EPC_NONE);
	}
	return n;
}

static void come_back(struct rig *r, struct enclave *idle, struct enclave *busy, uint32_t left, uint32_t sweep)
{
	uint32_t taken[EPC_PAGES];
	unsigned n;

	drive_out(idle, busy);
	n = take_frames(r, busy, left, taken);
	r->machine.hand = sweep;
	check(enclave_load(idle, 3, 1) == word_value(idle, 3, 1, 0));
	check(enclave_state(idle, 3) == PAGE_RESIDENT);
	check(idle->encl->secs_page.state == PAGE_RESIDENT && idle->encl->secs.page);
	while (n)
		frame_free(busy->encl, taken[--n]);
	rig_check(r);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 1000);
	static struct rig rig;
	struct enclave idle, busy;

	config.no_background = true; /* pages move only when this thread touches something */
	rig_open(&rig, &config);
	enclave_build(&idle, &rig, 16, 1);
	enclave_init(&idle);
	enclave_build(&busy, &rig, 2 * PAGES, 2);
	enclave_init(&busy);
	for (uint32_t sweep = 0; sweep < 2; sweep++) {
		for (uint32_t left = 0; left < 3; left++)
			come_back(&rig, &idle, &busy, left, sweep);
	}
	enclave_verify(&idle);
	enclave_verify(&busy);
	enclave_destroy(&idle);
	enclave_destroy(&busy);
	rig_close(&rig);
}
