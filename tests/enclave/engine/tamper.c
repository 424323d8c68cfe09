/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backing memory is not trusted. Any bit of a copy or its PCMD flipped, an old copy put back, another page's or another
 * enclave's put in its place: the touch faults, the page stays out, charged and untouched, its enclave is marked, and
 * nobody else notices. With the right bytes back, the page loads as if nothing had been.
 */
#include "harness.h"

#define EPC_PAGES 256
#define PAGES 400

static struct rig rig;

/* What lies in backing memory for one page. */
struct copy {
	uint8_t contents[SGX_PAGE_SIZE];
	struct sgx_pcmd pcmd;
};

static uint32_t slot_of(const struct enclave *e, uint64_t page)
{
	check(enclave_state(e, page) == PAGE_EVICTED);
	return pagetable_lookup(&e->encl->pages, page)->where;
}

static struct backing_page stored(const struct enclave *e, uint64_t page)
{
	struct backing_page b;

	check(backing_lookup(&e->encl->backing, slot_of(e, page), &b) == 0);
	return b;
}

static void take_copy(const struct enclave *e, uint64_t page, struct copy *copy)
{
	struct backing_page b = stored(e, page);

	memcpy(copy->contents, b.contents, sizeof(copy->contents));
	copy->pcmd = *b.pcmd;
}

static void put_copy(const struct enclave *e, uint64_t page, const struct copy *contents, const struct copy *pcmd)
{
	struct backing_page b = stored(e, page);

	memcpy(b.contents, contents->contents, sizeof(contents->contents));
	*b.pcmd = pcmd->pcmd;
}

/* Touching all the others drives a page out. */
static void drive_out(struct enclave *e, uint64_t page)
{
	for (uint64_t i = 0; enclave_state(e, page) != PAGE_EVICTED; i = (i + 1) % e->pages) {
		if (i != page)
			enclave_load(e, i, 0);
	}
}

static void check_loads(struct enclave *e, uint64_t page, unsigned word, uint32_t version)
{
	check(enclave_load(e, page, word) == word_value(e, page, word, version));
	check(enclave_state(e, page) == PAGE_RESIDENT);
}

/* The touch faults, and everything is as it was, the evidence included. */
static void check_refused(struct enclave *e, uint64_t page)
{
	uint64_t charged = rig_backing(&rig), poisoned = rig_event(&rig, EVENT_POISON), value;
	uint64_t evicted = e->encl->evicted;
	static struct copy before, after;

	take_copy(e, page, &before);
	check(probe_load(enclave_addr(e, page, 0), &value) == ENCL_FAULT_BUS);
	take_copy(e, page, &after);
	check(memcmp(&before, &after, sizeof(before)) == 0);
	check(enclave_state(e, page) == PAGE_EVICTED && e->encl->evicted == evicted);
	check(e->encl->poisoned);
	check(rig_event(&rig, EVENT_POISON) == poisoned + 1);
	check(rig_backing(&rig) == charged);
}

/* A load that fails for want of a frame would look the same: make sure that there is one, evicted by somebody else. */
static void ensure_frame(struct enclave *e)
{
	for (uint64_t i = 0; epc_free_count(&rig.machine.epc) == 0; i++)
		enclave_load(e, i % e->pages, 0);
}

static void flip_every_bit(struct enclave *e, struct enclave *other, uint64_t page)
{
	/* Odd: every bit of a byte has its turn. */
	unsigned contents_step = test_is_small() ? 33 : 1, pcmd_step = test_is_small() ? 5 : 1;
	static struct copy good, bad;

	drive_out(e, page);
	take_copy(e, page, &good);
	for (unsigned bit = 0; bit < 8 * sizeof(good.pcmd); bit += pcmd_step) {
		bad.pcmd = good.pcmd;
		((uint8_t *)&bad.pcmd)[bit / 8] ^= (uint8_t)(1 << bit % 8);
		put_copy(e, page, &good, &bad);
		ensure_frame(other);
		check_refused(e, page);
	}
	for (unsigned at = 0; at < SGX_PAGE_SIZE; at += contents_step) {
		memcpy(bad.contents, good.contents, sizeof(bad.contents));
		bad.contents[at] ^= (uint8_t)(1 << at % 8);
		put_copy(e, page, &bad, &good);
		check_refused(e, page);
	}
	put_copy(e, page, &good, &good);
	check_loads(e, page, 7, 0);
}

static void replay(struct enclave *e, uint64_t page)
{
	static struct copy old, new;

	drive_out(e, page);
	take_copy(e, page, &old);
	enclave_store(e, page, 3, word_value(e, page, 3, 1));
	drive_out(e, page);
	take_copy(e, page, &new);
	put_copy(e, page, &old, &old);
	check_refused(e, page);
	put_copy(e, page, &old, &new);
	check_refused(e, page);
	put_copy(e, page, &new, &old);
	check_refused(e, page);
	put_copy(e, page, &new, &new);
	check_loads(e, page, 3, 1);
	enclave_store(e, page, 3, word_value(e, page, 3, 0));

	/* Nothing was written since: the same plaintext, and still an old copy is an old copy. */
	drive_out(e, page);
	take_copy(e, page, &old);
	check_loads(e, page, 3, 0);
	drive_out(e, page);
	take_copy(e, page, &new);
	put_copy(e, page, &old, &old);
	check_refused(e, page);
	put_copy(e, page, &new, &new);
	check_loads(e, page, 3, 0);
}

/* @what: 1 contents, 2 PCMD, 3 both. */
static void swap(struct enclave *a, uint64_t page_a, struct enclave *b, uint64_t page_b, int what)
{
	static struct copy copy_a, copy_b;

	for (int again = 0; again < 2; again++) { /* driving one out may bring the other in */
		drive_out(a, page_a);
		drive_out(b, page_b);
	}
	take_copy(a, page_a, &copy_a);
	take_copy(b, page_b, &copy_b);
	put_copy(a, page_a, what & 1 ? &copy_b : &copy_a, what & 2 ? &copy_b : &copy_a);
	put_copy(b, page_b, what & 1 ? &copy_a : &copy_b, what & 2 ? &copy_a : &copy_b);
	check_refused(a, page_a);
	check_refused(b, page_b);
	put_copy(a, page_a, &copy_a, &copy_a);
	put_copy(b, page_b, &copy_b, &copy_b);
	check_loads(a, page_a, 9, 0);
	check_loads(b, page_b, 9, 0);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 1000);
	struct enclave a, b, c;

	config.no_background = true; /* pages move only when this thread touches something */
	rig_open(&rig, &config);
	enclave_build(&a, &rig, PAGES, 1);
	enclave_build(&b, &rig, PAGES, 2);
	enclave_build(&c, &rig, PAGES, 3);
	flip_every_bit(&a, &c, 11);
	replay(&a, 12);
	for (int what = 1; what <= 3; what++)
		swap(&a, 13, &a, 300, what);
	check(!b.encl->poisoned);
	for (int what = 1; what <= 3; what++)
		swap(&a, 14, &b, 14, what);
	rig_check(&rig);
	enclave_verify(&a);
	enclave_verify(&b);
	enclave_verify(&c);
	check(!c.encl->poisoned);
	enclave_destroy(&a);
	enclave_destroy(&b);
	enclave_destroy(&c);
	rig_close(&rig);
}
