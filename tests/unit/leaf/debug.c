/* SPDX-License-Identifier: Apache-2.0 */
/* EDBGRD and EDBGWR: a debug enclave's pages whatever their permissions, nothing of any other enclave. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/leaf/fixture.h"

static enum sgx_status read_word(struct fixture *f, size_t i, unsigned offset, uint64_t *value)
{
	return encls_edbgrd(fixture_entry(f, i), fixture_bytes(f, i), offset, value);
}

static enum sgx_status write_word(struct fixture *f, size_t i, unsigned offset, uint64_t value)
{
	return encls_edbgwr(fixture_entry(f, i), fixture_bytes(f, i), offset, value);
}

static void reading_and_writing(void **state)
{
	struct fixture *f = *state;
	uint64_t value, expected;

	fixture_build(f, SGX_ATTR_DEBUG);
	memcpy(&expected, f->reg[CODE_PAGE] + 4088, sizeof(expected));
	assert_int_equal(read_word(f, CODE_PAGE, 4088, &value), SGX_SUCCESS);
	assert_true(value == expected);
	assert_int_equal(write_word(f, CODE_PAGE, 4088, 0x1122334455667788), SGX_SUCCESS); /* though it is not W */
	assert_int_equal(read_word(f, CODE_PAGE, 4088, &value), SGX_SUCCESS);
	assert_true(value == 0x1122334455667788);
	fixture_entry(f, CODE_PAGE)->perms = 0;
	assert_int_equal(read_word(f, CODE_PAGE, 0, &value), SGX_SUCCESS);
}

static void not_without_the_debug_attribute(void **state)
{
	struct fixture *f = *state;
	uint64_t value = 42;

	fixture_build(f, 0);
	test_page_fill(test_pages[DATA_PAGE].offset, f->copy);
	assert_int_equal(read_word(f, DATA_PAGE, 0, &value), SGX_FAULT_GP);
	assert_int_equal(write_word(f, DATA_PAGE, 0, 7), SGX_FAULT_GP);
	assert_int_equal(read_word(f, TCS_PAGE, 8, &value), SGX_FAULT_GP);
	assert_int_equal(write_word(f, TCS_PAGE, 8, 1), SGX_FAULT_GP);
	assert_true(value == 42);
	assert_memory_equal(f->reg[DATA_PAGE], f->copy, SGX_PAGE_SIZE);
}

static void misaligned(void **state)
{
	struct fixture *f = *state;
	uint64_t value;

	fixture_build(f, SGX_ATTR_DEBUG);
	assert_int_equal(read_word(f, DATA_PAGE, 4, &value), SGX_FAULT_GP);
	assert_int_equal(read_word(f, DATA_PAGE, 4096, &value), SGX_FAULT_GP);
	assert_int_equal(write_word(f, DATA_PAGE, 1, 0), SGX_FAULT_GP);
	assert_int_equal(write_word(f, DATA_PAGE, 4096, 0), SGX_FAULT_GP);
}

static void a_tcs(void **state)
{
	struct fixture *f = *state;
	struct sgx_tcs *tcs, before;
	uint64_t value;

	fixture_build(f, SGX_ATTR_DEBUG);
	tcs = fixture_bytes(f, TCS_PAGE);
	before = *tcs;
	assert_int_equal(read_word(f, TCS_PAGE, offsetof(struct sgx_tcs, oentry), &value), SGX_SUCCESS);
	assert_true(value == tcs->oentry);
	assert_int_equal(read_word(f, TCS_PAGE, 64, &value), SGX_SUCCESS); /* the limits, its last words */
	assert_int_equal(read_word(f, TCS_PAGE, 72, &value), SGX_FAULT_GP);
	for (unsigned offset = 0; offset < SGX_PAGE_SIZE; offset += 8) {
		if (offset != offsetof(struct sgx_tcs, flags))
			assert_int_equal(write_word(f, TCS_PAGE, offset, UINT64_MAX), SGX_FAULT_GP);
	}
	assert_memory_equal(tcs, &before, sizeof(before));
	assert_int_equal(write_word(f, TCS_PAGE, offsetof(struct sgx_tcs, flags), SGX_TCS_DBGOPTIN), SGX_SUCCESS);
	assert_true(tcs->flags == SGX_TCS_DBGOPTIN);
}

static void pages_in_transition(void **state)
{
	static const uint8_t flags[] = { EPCM_PENDING, EPCM_MODIFIED };
	struct fixture *f = *state;
	uint64_t value;

	fixture_build(f, SGX_ATTR_DEBUG);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		fixture_entry(f, DATA_PAGE)->flags = EPCM_VALID | flags[i];
		assert_int_equal(read_word(f, DATA_PAGE, 0, &value), SGX_PAGE_NOT_DEBUGGABLE);
		assert_int_equal(write_word(f, DATA_PAGE, 0, 0), SGX_PAGE_NOT_DEBUGGABLE);
	}
	fixture_entry(f, DATA_PAGE)->flags = EPCM_VALID | EPCM_BLOCKED | EPCM_PR;
	assert_int_equal(read_word(f, DATA_PAGE, 0, &value), SGX_SUCCESS);
}

static void a_version_array_shows_only_what_is_taken(void **state)
{
	struct fixture *f = *state;
	struct sgx_va *va = epc_private(&f->epc, f->page[TCS_PAGE]);
	struct epc_page *entry = fixture_entry(f, TCS_PAGE);
	uint64_t value;

	assert_int_equal(encls_epa(entry, va), SGX_SUCCESS);
	va->slot[3] = 1;
	assert_int_equal(encls_edbgrd(entry, va, 24, &value), SGX_SUCCESS);
	assert_true(value == UINT64_MAX);
	assert_int_equal(encls_edbgrd(entry, va, 32, &value), SGX_SUCCESS);
	assert_true(value == 0);
	assert_int_equal(encls_edbgwr(entry, va, 32, 1), SGX_FAULT_PF);
}

static void what_has_no_bytes_to_show(void **state)
{
	struct fixture *f = *state;
	const struct epc_page *secs = epc_entry(&f->epc, f->secs_page);
	uint64_t value;

	fixture_build(f, SGX_ATTR_DEBUG);
	assert_int_equal(encls_edbgrd(secs, f->secs.page, 0, &value), SGX_FAULT_PF);
	assert_int_equal(encls_edbgwr(secs, f->secs.page, 0, 0), SGX_FAULT_PF);
	fixture_entry(f, DATA_PAGE)->flags = 0;
	assert_int_equal(read_word(f, DATA_PAGE, 0, &value), SGX_FAULT_PF);
	assert_int_equal(write_word(f, DATA_PAGE, 0, 0), SGX_FAULT_PF);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(reading_and_writing),
		TEST(not_without_the_debug_attribute),
		TEST(misaligned),
		TEST(a_tcs),
		TEST(pages_in_transition),
		TEST(a_version_array_shows_only_what_is_taken),
		TEST(what_has_no_bytes_to_show),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
