/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At the limit, with the evicted pages of one enclave spread as thin as they can be: one of the 32 that share a PCMD page.
 * What that wastes is taken from the slack that exchange lives on. Loads must go on all the same, whichever of the
 * enclaves runs.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 4096
#define ROUNDS 6

static struct rig rig;

/* Both together as large as the limits allow. */
static void build_until_refused(struct enclave *a, struct enclave *b)
{
	long ret = 0;

	enclave_open(a, &rig, 2 * EPC_PAGES, 1);
	enclave_open(b, &rig, 2 * EPC_PAGES, 2);
	check(enclave_create(a) == 0 && enclave_create(b) == 0);
	while (ret == 0) {
		ret = enclave_add(a, 1, SGX_SECINFO_R | SGX_SECINFO_W);
		if (ret == 0)
			ret = enclave_add(b, 1, SGX_SECINFO_R | SGX_SECINFO_W);
	}
	check(ret == -ENOMEM && b->pages > EPC_PAGES / 2);
	check(enclave_map(a, 0, a->pages, PROT_READ | PROT_WRITE) == 0);
	check(enclave_map(b, 0, b->pages, PROT_READ | PROT_WRITE) == 0);
}

/* What exchange lives on. */
static uint64_t slack(void)
{
	struct machine *m = &rig.machine;

	return epc_free_count(&m->epc) + atomic_load(&m->root.use[USE_RECYCLED]) +
	       group_headroom(&m->root, RES_BACKING);
}

static void touch_all(struct enclave *e)
{
	for (unsigned pass = 0; pass < 2; pass++) {
		for (uint64_t page = 0; page < e->pages; page++)
			check(enclave_load(e, page, 7) == word_value(e, page, 7, 0));
	}
}

/* Brings in all pages but one of every 32 copies that share a PCMD page. */
static void touch_all_but_one_a_pcmd_page(struct enclave *e)
{
	static bool left_out[4 * EPC_PAGES];

	for (uint64_t page = 0; page < e->pages; page++) {
		const struct encl_page *p = pagetable_lookup(&e->encl->pages, page);

		left_out[page] = p->state == PAGE_EVICTED && p->where % PCMD_PER_PAGE == 0;
	}
	for (unsigned pass = 0; pass < 6; pass++) {
		for (uint64_t page = 0; page < e->pages; page++) {
			if (!left_out[page])
				check(enclave_load(e, page, 9) == word_value(e, page, 9, 0));
		}
	}
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 100);
	struct enclave a, b;

	config.no_background = true;
	rig_open(&rig, &config);
	build_until_refused(&a, &b);
	for (unsigned i = 0; i < (test_is_small() ? 1 : ROUNDS); i++) {
		touch_all(&b);
		touch_all_but_one_a_pcmd_page(&a);
		check(slack() >= rig.machine.marks.reserve / 2);
		touch_all(&a);
		touch_all_but_one_a_pcmd_page(&b);
		check(slack() >= rig.machine.marks.reserve / 2);
	}
	enclave_verify(&a);
	enclave_verify(&b);
	check(rig_backing(&rig) <= rig_backing_limit(&rig));
	rig_check(&rig);
	enclave_destroy(&a);
	enclave_destroy(&b);
	rig_close(&rig);
}
