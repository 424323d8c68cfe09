/* SPDX-License-Identifier: Apache-2.0 */
/* EPA, EBLOCK, ETRACK, EWB, ELDU, ELDB: the order they must come in, and that a page comes back as it went. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/leaf/fixture.h"

static void blocking(void **state)
{
	struct fixture *f = *state;
	struct epc_page *entry = fixture_entry(f, DATA_PAGE), *va;

	fixture_build(f, 0);
	assert_int_equal(encls_eblock(entry), SGX_SUCCESS);
	assert_int_equal(entry->flags, EPCM_VALID | EPCM_BLOCKED);
	assert_int_equal(encls_eblock(entry), SGX_BLKSTATE);
	assert_int_equal(entry->flags, EPCM_VALID | EPCM_BLOCKED);
	assert_int_equal(encls_eblock(fixture_entry(f, TCS_PAGE)), SGX_SUCCESS);
	assert_int_equal(encls_eblock(epc_entry(&f->epc, f->secs_page)), SGX_PG_IS_SECS);
	va = epc_entry(&f->epc, epc_alloc(&f->epc, 0));
	assert_int_equal(encls_eblock(va), SGX_PG_INVLD);
	assert_int_equal(encls_epa(va, (struct sgx_va *)f->copy), SGX_SUCCESS);
	assert_int_equal(encls_eblock(va), SGX_NOTBLOCKABLE);
	assert_int_equal(va->flags, EPCM_VALID);
}

static void tracking(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, 0);
	assert_int_equal(encls_etrack(&f->secs), SGX_SUCCESS);
	assert_int_equal(encls_etrack(&f->secs), SGX_PREV_TRK_INCMPL);
	secs_translations_flushed(&f->secs);
	assert_int_equal(encls_etrack(&f->secs), SGX_SUCCESS);
}

/* EWB is refused, and has changed nothing: not the page, not the enclave, not what was to be written. */
static void assert_not_evicted(struct fixture *f, uint32_t page, const void *data, enum sgx_status expected)
{
	const struct epc_page entry_before = *epc_entry(&f->epc, page);
	const struct secs secs_before = f->secs;
	const uint64_t slot_before = f->slot;
	struct sgx_pcmd pcmd_before;
	uint8_t copy_before[SGX_PAGE_SIZE];

	memset(&f->pcmd, 0x3c, sizeof(f->pcmd));
	memset(f->copy, 0xc3, sizeof(f->copy));
	pcmd_before = f->pcmd;
	memcpy(copy_before, f->copy, sizeof(copy_before));
	assert_int_equal(encls_ewb(&f->epc, f->pc, page, data, f->copy, &f->pcmd, &f->slot), expected);
	assert_memory_equal(epc_entry(&f->epc, page), &entry_before, sizeof(entry_before));
	assert_memory_equal(&f->secs, &secs_before, sizeof(secs_before));
	assert_memory_equal(&f->pcmd, &pcmd_before, sizeof(pcmd_before));
	assert_memory_equal(f->copy, copy_before, sizeof(copy_before));
	assert_true(f->slot == slot_before);
}

static void only_what_is_blocked_and_tracked_is_evicted(void **state)
{
	struct fixture *f = *state;
	uint32_t page = f->page[DATA_PAGE];

	fixture_build(f, 0);
	assert_not_evicted(f, page, f->reg[DATA_PAGE], SGX_PAGE_NOT_BLOCKED);
	assert_int_equal(encls_eblock(fixture_entry(f, DATA_PAGE)), SGX_SUCCESS);
	assert_not_evicted(f, page, f->reg[DATA_PAGE], SGX_NOT_TRACKED);
	secs_translations_flushed(&f->secs); /* too early: the page was blocked in the current epoch */
	assert_not_evicted(f, page, f->reg[DATA_PAGE], SGX_NOT_TRACKED);
	assert_int_equal(encls_etrack(&f->secs), SGX_SUCCESS);
	assert_not_evicted(f, page, f->reg[DATA_PAGE], SGX_NOT_TRACKED);
	/* Blocked after ETRACK: belongs to the new epoch, and the shootdown of the old one does not help it. */
	assert_int_equal(encls_eblock(fixture_entry(f, CODE_PAGE)), SGX_SUCCESS);
	secs_translations_flushed(&f->secs);
	assert_not_evicted(f, f->page[CODE_PAGE], f->reg[CODE_PAGE], SGX_NOT_TRACKED);
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_SUCCESS);
}

static void epochs_wrap(void **state)
{
	struct fixture *f = *state;

	fixture_build(f, 0);
	f->secs.epoch = f->secs.flushed_epoch = UINT32_MAX;
	fixture_block(f, DATA_PAGE);
	assert_int_equal(f->secs.epoch, 0);
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_SUCCESS);
	assert_int_equal(encls_eblock(fixture_entry(f, CODE_PAGE)), SGX_SUCCESS);
	assert_not_evicted(f, f->page[CODE_PAGE], f->reg[CODE_PAGE], SGX_NOT_TRACKED);
}

static void what_else_is_not_evicted(void **state)
{
	struct fixture *f = *state;

	fixture_build(f, 0);
	assert_not_evicted(f, f->secs_page, f->secs.page, SGX_CHILD_PRESENT);
	assert_not_evicted(f, epc_alloc(&f->epc, 0), f->reg[0], SGX_FAULT_PF);
	fixture_block(f, DATA_PAGE);
	f->slot = 1;
	assert_not_evicted(f, f->page[DATA_PAGE], f->reg[DATA_PAGE], SGX_VA_SLOT_OCCUPIED);
}

static void what_an_eviction_leaves(void **state)
{
	struct fixture *f = *state;
	static const uint8_t zeros[56];

	fixture_build(f, 0);
	fixture_block(f, DATA_PAGE);
	memset(&f->pcmd, 0xff, sizeof(f->pcmd));
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_SUCCESS);
	assert_int_equal(fixture_entry(f, DATA_PAGE)->flags, 0);
	assert_int_equal(f->secs.children, PAGES - 1);
	assert_true(f->slot != 0);
	assert_true(f->pcmd.secinfo.flags == test_pages[DATA_PAGE].flags);
	assert_memory_equal(f->pcmd.secinfo.reserved, zeros, sizeof(f->pcmd.secinfo.reserved));
	assert_memory_equal(f->pcmd.reserved, zeros, sizeof(f->pcmd.reserved));
	assert_true(f->pcmd.enclaveid == f->secs.eid);
	assert_memory_not_equal(f->copy, f->reg[DATA_PAGE], SGX_PAGE_SIZE);
}

/* Evicts page @i and loads it into another EPC page, with other bytes where the old ones were. */
static void round_trip(struct fixture *f, size_t i, struct epc_page *loaded)
{
	uint8_t before[SGX_PAGE_SIZE];
	uint32_t old = f->page[i];

	memcpy(before, fixture_bytes(f, i), SGX_PAGE_SIZE);
	fixture_block(f, i);
	assert_int_equal(fixture_ewb(f, i), SGX_SUCCESS);
	f->page[i] = epc_alloc(&f->epc, 0);
	epc_free(&f->epc, old);
	memset(f->reg[i], 0, SGX_PAGE_SIZE);
	assert_int_equal(fixture_eldu(f, i), SGX_SUCCESS);
	assert_memory_equal(fixture_bytes(f, i), before, SGX_PAGE_SIZE);
	assert_true(f->slot == 0);
	assert_int_equal(f->secs.children, PAGES);
	*loaded = *fixture_entry(f, i);
}

static void reg_pages_with_every_flag(void **state)
{
	static const uint8_t bits[] = { 0, EPCM_PENDING, EPCM_MODIFIED, EPCM_PR,
					EPCM_PENDING | EPCM_MODIFIED | EPCM_PR };
	struct fixture *f = *state;
	struct epc_page loaded;

	fixture_build(f, 0);
	for (uint8_t perms = 0; perms < 8; perms++) {
		for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
			fixture_entry(f, DATA_PAGE)->perms = perms;
			fixture_entry(f, DATA_PAGE)->flags = EPCM_VALID | bits[i];
			round_trip(f, DATA_PAGE, &loaded);
			assert_int_equal(loaded.type, SGX_PT_REG);
			assert_int_equal(loaded.perms, perms);
			assert_int_equal(loaded.flags, EPCM_VALID | bits[i]);
			assert_true(loaded.linaddr == BASE + test_pages[DATA_PAGE].offset);
			assert_ptr_equal(loaded.secs, &f->secs);
		}
	}
}

static void tcs_pages(void **state)
{
	struct fixture *f = *state;
	struct sgx_tcs *tcs;
	struct epc_page loaded;

	fixture_build(f, 0);
	tcs = fixture_bytes(f, TCS_PAGE);
	tcs->cssa = 1;
	tcs->aep = 0x4711;
	round_trip(f, TCS_PAGE, &loaded);
	assert_int_equal(loaded.type, SGX_PT_TCS);
	assert_int_equal(loaded.perms, 0);
	assert_true(loaded.linaddr == BASE);
}

static void trimmed_pages(void **state)
{
	struct fixture *f = *state;
	struct epc_page loaded;

	fixture_build(f, 0);
	fixture_entry(f, DATA_PAGE)->type = SGX_PT_TRIM;
	fixture_entry(f, DATA_PAGE)->perms = 0;
	fixture_entry(f, DATA_PAGE)->flags |= EPCM_MODIFIED;
	round_trip(f, DATA_PAGE, &loaded);
	assert_int_equal(loaded.type, SGX_PT_TRIM);
	assert_int_equal(loaded.flags, EPCM_VALID | EPCM_MODIFIED);
}

static void a_secs(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs before;
	uint8_t scratch[SGX_PAGE_SIZE];
	uint32_t page = epc_alloc(&f->epc, 0);

	fixture_create(f, SGX_ATTR_DEBUG);
	before = *f->secs.page;
	assert_int_equal(encls_ewb(&f->epc, f->pc, f->secs_page, f->secs.page, f->copy, &f->pcmd, &f->slot),
			 SGX_SUCCESS);
	assert_null(f->secs.page);
	assert_true(f->pcmd.secinfo.flags == SGX_SECINFO_PT(SGX_PT_SECS));
	assert_true(f->pcmd.enclaveid == f->secs.eid);
	/* By way of a scratch page: it must end in the private memory all the same. */
	assert_int_equal(encls_eldu(&f->epc, f->pc, page, &f->secs, 0, f->copy, &f->pcmd, &f->slot, scratch),
			 SGX_SUCCESS);
	assert_ptr_equal(f->secs.page, epc_private(&f->epc, page));
	assert_memory_equal(f->secs.page, &before, sizeof(before));
	assert_int_equal(epc_entry(&f->epc, page)->type, SGX_PT_SECS);
	assert_ptr_equal(epc_entry(&f->epc, page)->secs, &f->secs);
	assert_int_equal(f->secs.children, 0);
	fixture_add(f, DATA_PAGE);
}

static void a_version_array(void **state)
{
	struct fixture *f = *state;
	uint32_t page = f->page[0];
	struct sgx_va *va = epc_private(&f->epc, page), before;

	memset(va, 0xff, sizeof(*va));
	assert_int_equal(encls_epa(epc_entry(&f->epc, page), va), SGX_SUCCESS);
	assert_int_equal(encls_epa(epc_entry(&f->epc, page), va), SGX_FAULT_PF);
	for (size_t i = 0; i < SGX_VA_SLOTS; i++) {
		assert_true(va->slot[i] == 0);
		va->slot[i] = i;
	}
	before = *va;
	assert_int_equal(encls_ewb(&f->epc, f->pc, page, va, f->copy, &f->pcmd, &f->slot), SGX_SUCCESS);
	assert_true(f->pcmd.enclaveid == 0);
	memset(va, 0, sizeof(*va));
	assert_int_equal(encls_eldu(&f->epc, f->pc, page, NULL, 0, f->copy, &f->pcmd, &f->slot, va), SGX_SUCCESS);
	assert_memory_equal(va, &before, sizeof(before));
	assert_int_equal(epc_entry(&f->epc, page)->type, SGX_PT_VA);
	assert_null(epc_entry(&f->epc, page)->secs);
}

static void loaded_blocked(void **state)
{
	struct fixture *f = *state;

	fixture_build(f, 0);
	fixture_block(f, DATA_PAGE);
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_SUCCESS);
	assert_int_equal(encls_eldb(&f->epc, f->pc, f->page[DATA_PAGE], &f->secs, BASE + test_pages[DATA_PAGE].offset,
				    f->copy, &f->pcmd, &f->slot, f->reg[DATA_PAGE]),
			 SGX_SUCCESS);
	assert_int_equal(fixture_entry(f, DATA_PAGE)->flags, EPCM_VALID | EPCM_BLOCKED);
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_NOT_TRACKED);
	assert_int_equal(encls_etrack(&f->secs), SGX_SUCCESS);
	secs_translations_flushed(&f->secs);
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_SUCCESS);
}

static void a_page_in_use_is_not_loaded_over(void **state)
{
	struct fixture *f = *state;
	uint64_t slot;

	fixture_build(f, 0);
	fixture_block(f, DATA_PAGE);
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_SUCCESS);
	slot = f->slot;
	assert_int_equal(encls_eldu(&f->epc, f->pc, f->page[CODE_PAGE], &f->secs, BASE + test_pages[DATA_PAGE].offset,
				    f->copy, &f->pcmd, &f->slot, f->reg[DATA_PAGE]),
			 SGX_FAULT_PF);
	assert_true(f->slot == slot);
	assert_int_equal(fixture_entry(f, CODE_PAGE)->perms, SGX_SECINFO_R | SGX_SECINFO_X);
}

static void a_load_taken_back(void **state)
{
	struct fixture *f = *state;
	uint64_t version;

	fixture_build(f, 0);
	fixture_block(f, DATA_PAGE);
	assert_int_equal(fixture_ewb(f, DATA_PAGE), SGX_SUCCESS);
	version = f->slot;
	assert_int_equal(fixture_eldu(f, DATA_PAGE), SGX_SUCCESS);
	f->secs.threads = 1; /* the one that touched the page */
	encls_eldu_undo(&f->epc, f->page[DATA_PAGE], &f->slot, version);
	assert_int_equal(fixture_entry(f, DATA_PAGE)->flags, 0);
	assert_int_equal(f->secs.children, PAGES - 1);
	assert_int_equal(fixture_eldu(f, DATA_PAGE), SGX_SUCCESS);
	assert_int_equal(f->secs.children, PAGES);
}

static void a_secs_load_taken_back(void **state)
{
	struct fixture *f = *state;
	uint64_t version;

	fixture_create(f, 0);
	assert_int_equal(encls_ewb(&f->epc, f->pc, f->secs_page, f->secs.page, f->copy, &f->pcmd, &f->slot),
			 SGX_SUCCESS);
	version = f->slot;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(encls_eldu(&f->epc, f->pc, f->secs_page, &f->secs, 0, f->copy, &f->pcmd, &f->slot,
					    epc_private(&f->epc, f->secs_page)),
				 SGX_SUCCESS);
		assert_non_null(f->secs.page);
		encls_eldu_undo(&f->epc, f->secs_page, &f->slot, version);
		assert_null(f->secs.page);
		assert_non_null(f->secs.measure);
	}
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(blocking),
		TEST(tracking),
		TEST(only_what_is_blocked_and_tracked_is_evicted),
		TEST(epochs_wrap),
		TEST(what_else_is_not_evicted),
		TEST(what_an_eviction_leaves),
		TEST(reg_pages_with_every_flag),
		TEST(tcs_pages),
		TEST(trimmed_pages),
		TEST(a_secs),
		TEST(a_version_array),
		TEST(loaded_blocked),
		TEST(a_page_in_use_is_not_loaded_over),
		TEST(a_load_taken_back),
		TEST(a_secs_load_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
