/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backing limit is lowered below what is charged: nothing is taken away from running enclaves. Growth is refused, but
 * every load still pays for the eviction that it forces; nothing is charged anew until the usage is under the limit.
 */
#include "harness.h"

#include <sys/mman.h>
#include <unistd.h>

#define EPC_PAGES 256
#define PAGES 400

static void touch(struct enclave *e, struct rng *r, uint64_t count)
{
	while (count--) {
		uint64_t page = rng_below(r, e->pages);

		check(enclave_load(e, page, 2) == word_value(e, page, 2, 0));
	}
}

/* What frames are free, or held against by recycled slots, may still be grown into; then it is over. */
static void grow_until_refused(struct enclave *e)
{
	uint64_t first = e->pages;

	while (enclave_add(e, 1, SGX_SECINFO_R | SGX_SECINFO_W) == 0) {
		check(enclave_map(e, e->pages - 1, 1, PROT_READ | PROT_WRITE) == 0);
		check(e->pages - first < EPC_PAGES / 2);
	}
}

static void run(enum mmu_mechanism mechanism, bool no_background)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 1000);
	struct rng r = rng_seeded(3);
	static struct rig rig;
	struct enclave a, b;
	uint64_t usage;

	config.no_background = no_background;
	rig_open(&rig, &config);
	enclave_build(&a, &rig, PAGES, 1);
	enclave_build(&b, &rig, PAGES, 2);
	touch(&a, &r, PAGES);
	usage = rig_backing(&rig);
	group_set_limit(&rig.machine.root, RES_BACKING, usage / 2);
	for (unsigned i = 0; i < 20; i++) {
		touch(i % 2 ? &a : &b, &r, test_scaled(2000, 200));
		if (i < 3)
			grow_until_refused(&a);
		check(rig_backing(&rig) <= usage);
		if (i == 10 && !no_background)
			sleep(3); /* an idle reclaimer gives pools of recycled slots back */
	}
	enclave_verify(&a);
	enclave_verify(&b);
	group_set_limit(&rig.machine.root, RES_BACKING, usage);
	rig_check(&rig);
	enclave_destroy(&a);
	enclave_destroy(&b);
	rig_close(&rig);
}

void engine_test(enum mmu_mechanism mechanism)
{
	run(mechanism, true);
	run(mechanism, false);
}
