/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pages of every permission come and go while another thread takes protections away and gives them back. What is
 * allowed works and sees the right bytes, what is not is refused, and no page loses its contents on the way.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 256

enum region { READ_ONLY, CODE, DATA, TOGGLED, REGIONS };
#define REGION_PAGES 200
static const uint64_t perms[REGIONS] = {
	[READ_ONLY] = SGX_SECINFO_R,
	[CODE] = SGX_SECINFO_R | SGX_SECINFO_X,
	[DATA] = SGX_SECINFO_R | SGX_SECINFO_W,
	[TOGGLED] = SGX_SECINFO_R | SGX_SECINFO_W,
};
static const int prot[REGIONS] = {
	[READ_ONLY] = PROT_READ,
	[CODE] = PROT_READ | PROT_EXEC,
	[DATA] = PROT_READ | PROT_WRITE,
	[TOGGLED] = PROT_READ | PROT_WRITE,
};

struct toggler {
	struct enclave *e;
	pthread_t thread;
	_Atomic bool stop;
	uint64_t toggles;
};

static uint64_t first_page(enum region r)
{
	return r * REGION_PAGES;
}

/* Some run of the region loses all access, then has it back. */
static void *toggle(void *arg)
{
	struct toggler *t = arg;
	struct rng r = { .state = 99 };

	while (!atomic_load_explicit(&t->stop, memory_order_relaxed)) {
		uint64_t from = rng_below(&r, REGION_PAGES), count = 1 + rng_below(&r, REGION_PAGES - from);
		uint64_t start = enclave_addr(t->e, first_page(TOGGLED) + from, 0);

		check(encl_mprotect(t->e->encl, start, count * PAGE_SIZE, PROT_NONE) == 0);
		check(encl_mprotect(t->e->encl, start, count * PAGE_SIZE, PROT_READ | PROT_WRITE) == 0);
		t->toggles++;
	}
	return NULL;
}

/* The address of some byte 0xc3 (RET) in the page as it was built. */
static uint64_t find_ret(const struct enclave *e, uint64_t page)
{
	for (unsigned word = 0; word < PAGE_WORDS; word++) {
		uint64_t value = word_value(e, page, word, 0);

		for (unsigned byte = 0; byte < sizeof(value); byte++) {
			if ((uint8_t)(value >> 8 * byte) == 0xc3)
				return enclave_addr(e, page, word) + byte;
		}
	}
	check_failed(__FILE__, __LINE__, "a page of random bytes has a 0xc3");
}

static void touch_fixed(struct enclave *e, enum region region, uint64_t page, unsigned word)
{
	uint64_t addr = enclave_addr(e, page, word), value;
	bool writable = prot[region] & PROT_WRITE, executable = prot[region] & PROT_EXEC;

	check(probe_load(addr, &value) == ENCL_FAULT_FIXED && value == word_value(e, page, word, 0));
	check(probe_store(addr) == (writable ? ENCL_FAULT_FIXED : ENCL_FAULT_SEGV));
	if (word % 8 == 0)
		check(probe_exec(find_ret(e, page)) == (executable ? ENCL_FAULT_FIXED : ENCL_FAULT_SEGV));
}

/* Return: whether the access was refused. */
static bool touch_toggled(struct enclave *e, uint64_t page, unsigned word)
{
	uint64_t addr = enclave_addr(e, page, word), value;
	enum encl_fault read = probe_load(addr, &value), wrote = probe_store(addr);

	check(read == ENCL_FAULT_FIXED || read == ENCL_FAULT_SEGV);
	check(wrote == ENCL_FAULT_FIXED || wrote == ENCL_FAULT_SEGV);
	check(read != ENCL_FAULT_FIXED || value == word_value(e, page, word, 0));
	return read != ENCL_FAULT_FIXED || wrote != ENCL_FAULT_FIXED;
}

static void touch_all_kinds(struct enclave *e, uint64_t touches)
{
	struct rng r = rng_seeded(5);
	uint64_t refused = 0;

	for (uint64_t i = 0; i < touches; i++) {
		enum region region = (enum region)rng_below(&r, REGIONS);
		uint64_t page = first_page(region) + rng_below(&r, REGION_PAGES);
		unsigned word = (unsigned)rng_below(&r, PAGE_WORDS);

		if (region == TOGGLED)
			refused += touch_toggled(e, page, word);
		else
			touch_fixed(e, region, page, word);
	}
	check(refused > 0);
}

static void build(struct enclave *e, struct rig *rig)
{
	enclave_open(e, rig, (REGIONS + 1) * REGION_PAGES, 1);
	check(enclave_create(e) == 0);
	for (enum region r = READ_ONLY; r < REGIONS; r++) {
		check(enclave_add(e, REGION_PAGES, perms[r]) == 0);
		check(enclave_map(e, first_page(r), REGION_PAGES, prot[r]) == 0);
	}
}

/* Mapped before it was built, a page may be mapped with more than its own permissions: the EPCM has the last word. */
static void check_epcm_decides(struct enclave *e)
{
	uint64_t page = e->pages, value;

	check(enclave_map(e, page, 1, PROT_READ | PROT_WRITE) == 0);
	check(enclave_add(e, 1, SGX_SECINFO_R) == 0);
	check(probe_load(enclave_addr(e, page, 1), &value) == ENCL_FAULT_FIXED && value == word_value(e, page, 1, 0));
	check(probe_store(enclave_addr(e, page, 1)) == ENCL_FAULT_EPCM);
	check(enclave_map(e, page, 1, PROT_READ | PROT_WRITE) == -EACCES);
	check(encl_mprotect(e->encl, enclave_addr(e, page, 0), PAGE_SIZE, PROT_READ | PROT_WRITE) == -EACCES);
}

static void check_holes(struct enclave *e)
{
	uint64_t hole = e->pages + 3, value;

	check(probe_load(enclave_addr(e, hole, 0), &value) == ENCL_FAULT_SEGV); /* not mapped */
	check(enclave_map(e, hole, 1, PROT_READ | PROT_WRITE) == 0);
	check(probe_load(enclave_addr(e, hole, 0), &value) == ENCL_FAULT_BUS); /* mapped, no such page */
	check(encl_mprotect(e->encl, enclave_addr(e, hole, 0), 2 * PAGE_SIZE, PROT_READ) == -ENOMEM);
}

/* What a protection key forbids, of an execute-only mapping say, cannot be tried again: it would never end. */
static void check_protection_key(struct enclave *e)
{
	uint64_t addr = enclave_addr(e, first_page(READ_ONLY), 0), value;

	check(probe_load(addr, &value) == ENCL_FAULT_FIXED);
	check(encl_fault(&e->rig->machine, addr, PF_USER | PF_PRESENT | PF_PK, thread_scratch()) == ENCL_FAULT_SEGV);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 1000);
	struct toggler toggler = { .stop = false };
	struct enclave e;
	struct rig rig;

	rig_open(&rig, &config);
	build(&e, &rig);
	check_epcm_decides(&e);
	check_holes(&e);
	check_protection_key(&e);
	toggler.e = &e;
	check(pthread_create(&toggler.thread, NULL, toggle, &toggler) == 0);
	touch_all_kinds(&e, test_scaled(200000, 2000));
	atomic_store(&toggler.stop, true);
	pthread_join(toggler.thread, NULL);
	check(toggler.toggles > 0);
	rig_check(&rig);
	enclave_verify(&e);
	enclave_destroy(&e);
	rig_close(&rig);
}
