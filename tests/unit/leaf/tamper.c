/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Evicted pages in the enemy's hands: every byte changed, every copy exchanged or put back later. The load fails with
 * SGX_MAC_COMPARE_FAIL, changes nothing but the scratch page, and the untouched copy still loads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/leaf/fixture.h"

/* An evicted page of any kind, and where it is to be loaded. */
struct evicted {
	struct fixture *f;
	uint32_t page;
	struct secs *secs;
	uint64_t linaddr, slot;
	struct sgx_pcmd pcmd;
	uint8_t copy[SGX_PAGE_SIZE], scratch[SGX_PAGE_SIZE];
};

static void evict(struct evicted *e, struct fixture *f, uint32_t page, const void *data)
{
	const struct epc_page *entry = epc_entry(&f->epc, page);

	memset(e, 0, sizeof(*e));
	e->f = f;
	e->page = page;
	e->secs = entry->secs;
	e->linaddr = entry->linaddr;
	assert_int_equal(encls_ewb(&f->epc, f->pc, page, data, e->copy, &e->pcmd, &e->slot), SGX_SUCCESS);
}

static void evict_child(struct evicted *e, struct fixture *f, size_t i)
{
	fixture_block(f, i);
	evict(e, f, f->page[i], fixture_bytes(f, i));
}

static enum sgx_status load(struct evicted *e)
{
	return encls_eldu(&e->f->epc, e->f->pc, e->page, e->secs, e->linaddr, e->copy, &e->pcmd, &e->slot, e->scratch);
}

static void assert_refused(struct evicted *e)
{
	static struct evicted before;
	const struct epc_page entry_before = *epc_entry(&e->f->epc, e->page);
	const struct secs secs_before = e->secs ? *e->secs : (struct secs){ 0 };

	before = *e;
	assert_int_equal(load(e), SGX_MAC_COMPARE_FAIL);
	assert_memory_equal(e, &before, offsetof(struct evicted, scratch));
	assert_memory_equal(epc_entry(&e->f->epc, e->page), &entry_before, sizeof(entry_before));
	if (e->secs)
		assert_memory_equal(e->secs, &secs_before, sizeof(secs_before));
}

static void assert_every_bit_counts(struct evicted *e, void *field, size_t len)
{
	uint8_t *byte = field;

	for (size_t i = 0; i < len * 8; i++) {
		byte[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_refused(e);
		byte[i / 8] ^= (uint8_t)(1 << i % 8);
	}
}

/* Contents are 4096 bytes of the same kind: one bit of each is enough. */
static void assert_every_byte_counts(struct evicted *e, uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bytes[i] ^= (uint8_t)(1 << i % 8);
		assert_refused(e);
		bytes[i] ^= (uint8_t)(1 << i % 8);
	}
}

static void assert_tamper_proof(struct evicted *e)
{
	assert_every_bit_counts(e, &e->pcmd, sizeof(e->pcmd));
	assert_every_byte_counts(e, e->copy, sizeof(e->copy));
	assert_every_bit_counts(e, &e->slot, sizeof(e->slot));
	assert_every_bit_counts(e, &e->linaddr, sizeof(e->linaddr));
	assert_int_equal(load(e), SGX_SUCCESS);
}

static void a_reg_page(void **state)
{
	struct evicted e;

	fixture_build(*state, 0);
	evict_child(&e, *state, DATA_PAGE);
	assert_tamper_proof(&e);
}

static void a_tcs_page(void **state)
{
	struct evicted e;

	fixture_build(*state, 0);
	evict_child(&e, *state, TCS_PAGE);
	assert_tamper_proof(&e);
}

static void a_secs_page(void **state)
{
	struct fixture *f = *state;
	struct evicted e;

	fixture_create(f, 0);
	evict(&e, f, f->secs_page, f->secs.page);
	assert_tamper_proof(&e);
}

static void a_va_page(void **state)
{
	struct fixture *f = *state;
	struct evicted e;

	assert_int_equal(encls_epa(fixture_entry(f, 0), epc_private(&f->epc, f->page[0])), SGX_SUCCESS);
	evict(&e, f, f->page[0], epc_private(&f->epc, f->page[0]));
	assert_tamper_proof(&e);
}

static void another_enclave(void **state)
{
	struct fixture *f = *state;
	struct evicted e;
	struct secs other;

	fixture_build(f, 0);
	evict_child(&e, f, DATA_PAGE);
	other = f->secs;
	other.eid++;
	e.secs = &other;
	assert_refused(&e);
	e.pcmd.enclaveid = other.eid; /* a well-made forgery: only the MAC can tell */
	assert_refused(&e);
	e.secs = NULL; /* nor as nobody's page */
	assert_refused(&e);
	e.pcmd.enclaveid = f->secs.eid;
	assert_refused(&e);
	e.secs = &f->secs;
	assert_int_equal(load(&e), SGX_SUCCESS);
}

static void the_secs_of_another_enclave(void **state)
{
	struct fixture *f = *state;
	struct evicted e;
	struct secs other;

	fixture_create(f, 0);
	evict(&e, f, f->secs_page, f->secs.page);
	other = f->secs;
	other.eid++;
	e.secs = &other;
	assert_refused(&e);
	e.pcmd.enclaveid = other.eid;
	assert_refused(&e);
	e.pcmd.enclaveid = f->secs.eid;
	e.secs = &f->secs;
	assert_int_equal(load(&e), SGX_SUCCESS);
}

static void copies_exchanged(void **state)
{
	struct fixture *f = *state;
	struct evicted a, b, mixed;

	fixture_build(f, 0);
	evict_child(&a, f, DATA_PAGE);
	evict_child(&b, f, DATA_PAGE + 1);
	mixed = a;
	memcpy(mixed.copy, b.copy, sizeof(b.copy));
	assert_refused(&mixed);
	mixed.pcmd = b.pcmd;
	assert_refused(&mixed);
	mixed.slot = b.slot; /* all of b, at a's address */
	assert_refused(&mixed);
	mixed = a;
	mixed.pcmd = b.pcmd;
	assert_refused(&mixed);
	assert_int_equal(load(&a), SGX_SUCCESS);
	assert_int_equal(load(&b), SGX_SUCCESS);
}

static void an_old_copy_put_back(void **state)
{
	struct fixture *f = *state;
	struct evicted old, new;

	fixture_build(f, 0);
	evict_child(&old, f, DATA_PAGE);
	new = old;
	assert_int_equal(load(&new), SGX_SUCCESS);
	assert_true(new.slot == 0);
	/* The page is resident, its slot is empty: the copy that was just loaded is good for nothing now. */
	fixture_entry(f, DATA_PAGE)->flags = 0;
	assert_refused(&new);
	fixture_entry(f, DATA_PAGE)->flags = EPCM_VALID;

	memcpy(f->reg[DATA_PAGE], new.scratch, SGX_PAGE_SIZE);
	evict_child(&new, f, DATA_PAGE);
	assert_true(new.slot != old.slot);
	old.slot = new.slot; /* the slot is in the EPC, out of the enemy's reach */
	assert_refused(&old);
	assert_int_equal(load(&new), SGX_SUCCESS);
}

static void another_key(void **state)
{
	struct fixture *f = *state;
	struct pagecrypt *own = f->pc;
	struct evicted e;

	fixture_build(f, 0);
	evict_child(&e, f, DATA_PAGE);
	assert_int_equal(pagecrypt_new(&f->pc), 0);
	assert_refused(&e);
	pagecrypt_destroy(f->pc);
	f->pc = own;
	assert_int_equal(load(&e), SGX_SUCCESS);
}

static void no_plaintext_is_left_behind(void **state)
{
	static const uint8_t wiped[SGX_PAGE_SIZE];
	struct evicted e;

	fixture_build(*state, 0);
	evict_child(&e, *state, DATA_PAGE);
	memset(e.scratch, 0xee, sizeof(e.scratch));
	e.pcmd.mac[0] ^= 1;
	assert_refused(&e);
	assert_memory_equal(e.scratch, wiped, sizeof(wiped));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_reg_page),       TEST(a_tcs_page),
		TEST(a_secs_page),      TEST(a_va_page),
		TEST(another_enclave),  TEST(the_secs_of_another_enclave),
		TEST(copies_exchanged), TEST(an_old_copy_put_back),
		TEST(another_key),      TEST(no_plaintext_is_left_behind),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
