/* SPDX-License-Identifier: Apache-2.0 */
/* EREMOVE: pages go in any order while nobody is inside, the SECS goes last. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/leaf/fixture.h"

static void pages_then_secs(void **state)
{
	struct fixture *f = *state;
	struct epc_page *secs_entry = epc_entry(&f->epc, f->secs_page);

	fixture_build(f, 0);
	for (size_t i = 0; i < PAGES; i++) {
		assert_int_equal(encls_eremove(secs_entry, &f->secs), SGX_CHILD_PRESENT);
		assert_int_equal(secs_entry->flags, EPCM_VALID);
		assert_non_null(f->secs.measure);
		assert_int_equal(encls_eremove(fixture_entry(f, i), NULL), SGX_SUCCESS);
		assert_int_equal(fixture_entry(f, i)->flags, 0);
		assert_int_equal(f->secs.children, PAGES - 1 - i);
	}
	assert_int_equal(encls_eremove(secs_entry, &f->secs), SGX_SUCCESS);
	assert_int_equal(secs_entry->flags, 0);
	assert_null(f->secs.page);
	assert_null(f->secs.measure);
}

static void nothing_while_a_thread_is_inside(void **state)
{
	struct fixture *f = *state;
	struct epc_page *entry = fixture_entry(f, DATA_PAGE);

	fixture_build(f, 0);
	f->secs.threads = 1;
	assert_int_equal(encls_eremove(entry, NULL), SGX_ENCLAVE_ACT);
	assert_int_equal(entry->flags, EPCM_VALID);
	assert_int_equal(f->secs.children, PAGES);
	/* A trimmed page that the enclave has accepted is nobody's any more. */
	entry->type = SGX_PT_TRIM;
	entry->flags |= EPCM_MODIFIED;
	assert_int_equal(encls_eremove(entry, NULL), SGX_ENCLAVE_ACT);
	entry->flags = EPCM_VALID;
	assert_int_equal(encls_eremove(entry, NULL), SGX_SUCCESS);
	assert_int_equal(f->secs.children, PAGES - 1);
	f->secs.threads = 0;
	assert_int_equal(encls_eremove(fixture_entry(f, TCS_PAGE), NULL), SGX_SUCCESS);
}

static void an_absent_page_is_no_error(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, 0);
	assert_int_equal(encls_eremove(fixture_entry(f, 0), NULL), SGX_SUCCESS);
	assert_int_equal(f->secs.children, 0);
}

static void version_arrays(void **state)
{
	struct fixture *f = *state;
	struct epc_page *entry = fixture_entry(f, 0);

	fixture_create(f, 0);
	assert_int_equal(encls_epa(entry, epc_private(&f->epc, f->page[0])), SGX_SUCCESS);
	f->secs.threads = 1;
	assert_int_equal(encls_eremove(entry, NULL), SGX_SUCCESS);
	assert_int_equal(entry->flags, 0);
	f->secs.threads = 0;
}

static void giving_up_an_evicted_secs(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, 0);
	assert_int_equal(encls_ewb(&f->epc, f->pc, f->secs_page, f->secs.page, f->copy, &f->pcmd, &f->slot),
			 SGX_SUCCESS);
	secs_discard(&f->secs); /* the leak checker has the last word */
	assert_null(f->secs.measure);
	secs_discard(&f->secs);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pages_then_secs), TEST(nothing_while_a_thread_is_inside), TEST(an_absent_page_is_no_error),
		TEST(version_arrays),  TEST(giving_up_an_evicted_secs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
