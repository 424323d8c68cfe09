/* SPDX-License-Identifier: Apache-2.0 */
/*
 * At the backing limit, an idle enclave does not keep its frames: the one that runs, with a working set that fits in
 * the EPC, soon has it there and faults no more. And however often the pools of recycled slots are given back meanwhile,
 * and the charge moves from one enclave to another, no load is ever refused.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

/* The second enclave grows until the limit is met. */
static void build_to_the_limit(struct rig *rig, uint64_t pages, struct enclave *a, struct enclave *b)
{
	enclave_build(a, rig, pages, 1);
	enclave_open(b, rig, 2 * pages, 2);
	check(enclave_create(b) == 0);
	check(enclave_map(b, 0, 2 * pages, PROT_READ | PROT_WRITE) == 0);
	check(enclave_add(b, 2 * pages, SGX_SECINFO_R | SGX_SECINFO_W) == -ENOMEM);
}

static uint64_t faults_of(struct enclave *e, uint64_t first, uint64_t pages)
{
	uint64_t before = atomic_load(&e->encl->count.faults);

	for (uint64_t page = first; page < first + pages; page++)
		check(enclave_load(e, page, 1) == word_value(e, page, 1, 0));
	return atomic_load(&e->encl->count.faults) - before;
}

static void run_within(struct enclave *e, uint64_t first, uint64_t pages)
{
	for (int lap = 0; lap < 8; lap++)
		faults_of(e, first, pages);
	check(faults_of(e, first, pages) == 0);
}

static void trim(struct enclave *e)
{
	lock_acquire(&e->encl->lock);
	backing_trim(&e->encl->backing, 0);
	lock_release(&e->encl->lock);
}

/* Strides leave evicted pages in every PCMD page: the same number of them needs more backing than dense ones. */
static void stride(struct rng *r, struct enclave *a, struct enclave *b)
{
	struct enclave *e = rng_below(r, 2) ? a : b;
	uint64_t step = 1 + rng_below(r, 40), touched = 0;

	for (uint64_t page = rng_below(r, step); page < e->pages; page += step) {
		check(enclave_load(e, page, 2) == word_value(e, page, 2, 0));
		if (++touched % 20 == 0) {
			trim(a);
			trim(b);
		}
	}
}

void engine_test(enum mmu_mechanism mechanism)
{
	uint64_t epc_pages = test_is_small() ? 256 : 4096;
	struct machine_config config = rig_config(mechanism, epc_pages, 90);
	struct rng r = rng_seeded(6);
	struct enclave a, b;
	struct rig rig;

	config.no_background = true;
	rig_open(&rig, &config);
	build_to_the_limit(&rig, epc_pages * 9 / 10, &a, &b);
	run_within(&a, 10, epc_pages / 2);
	run_within(&b, 20, epc_pages / 2);
	run_within(&a, 30, epc_pages / 2);
	rig_check(&rig);
	for (uint64_t i = 0; i < test_scaled(300, 20); i++)
		stride(&r, &a, &b);
	rig_check(&rig);
	enclave_verify(&a);
	enclave_verify(&b);
	enclave_destroy(&a);
	enclave_destroy(&b);
	rig_close(&rig);
}
