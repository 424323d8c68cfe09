/* SPDX-License-Identifier: Apache-2.0 */
/* EADD and EEXTEND: what may become a page of an enclave, how it is entered into the EPCM, and what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/leaf/fixture.h"

#define LINADDR (BASE + 0x1000)
#define REG_RW (SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W)

struct adding {
	struct sgx_secinfo secinfo;
	struct sgx_pageinfo info;
	uint8_t src[SGX_PAGE_SIZE] __attribute__((aligned(64)));
};

static void prepare(struct adding *a, uint64_t flags, uint64_t linaddr)
{
	memset(a, 0, sizeof(*a));
	a->secinfo.flags = flags;
	a->info = (struct sgx_pageinfo){ .linaddr = linaddr, .srcpge = a->src, .secinfo = &a->secinfo };
	if (flags == SGX_SECINFO_PT(SGX_PT_TCS))
		*(struct sgx_tcs *)a->src = test_tcs();
	else
		memset(a->src, 0x77, sizeof(a->src));
}

/* Adds to page CODE_PAGE of a created enclave; when it is refused, nothing may have changed. */
static enum sgx_status add(struct fixture *f, struct adding *a)
{
	struct epc_page *entry = fixture_entry(f, CODE_PAGE);
	const struct epc_page entry_before = *entry;
	const struct secs secs_before = f->secs;
	uint8_t measured_before[32], measured[32], dst[SGX_PAGE_SIZE];
	static const uint8_t untouched[SGX_PAGE_SIZE];
	enum sgx_status status;

	memset(dst, 0, sizeof(dst));
	if (f->secs.measure)
		fixture_measurement(f, measured_before);
	status = encls_eadd(entry, &f->secs, &a->info, dst);
	if (status == SGX_SUCCESS)
		return status;
	assert_memory_equal(entry, &entry_before, sizeof(*entry));
	assert_memory_equal(&f->secs, &secs_before, sizeof(secs_before));
	assert_memory_equal(dst, untouched, sizeof(dst));
	if (f->secs.measure) {
		fixture_measurement(f, measured);
		assert_memory_equal(measured, measured_before, sizeof(measured));
	}
	return status;
}

static enum sgx_status add_flags(struct fixture *f, uint64_t flags)
{
	struct adding a;

	prepare(&a, flags, LINADDR);
	return add(f, &a);
}

static void illegal_secinfo(void **state)
{
	struct fixture *f = *state;
	struct adding a;

	fixture_create(f, 0);
	assert_int_equal(add_flags(f, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_W), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_W | SGX_SECINFO_X), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, SGX_SECINFO_PT(SGX_PT_SECS)), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, SGX_SECINFO_PT(SGX_PT_VA)), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, SGX_SECINFO_PT(SGX_PT_TRIM)), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, SGX_SECINFO_PT(0xff)), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, REG_RW | SGX_SECINFO_PENDING), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, REG_RW | SGX_SECINFO_MODIFIED), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, REG_RW | SGX_SECINFO_PR), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, REG_RW | 1 << 6), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, REG_RW | 1ULL << 16), SGX_FAULT_GP);
	assert_int_equal(add_flags(f, REG_RW | 1ULL << 63), SGX_FAULT_GP);
	for (size_t i = 0; i < sizeof(a.secinfo.reserved); i++) {
		prepare(&a, REG_RW, LINADDR);
		a.secinfo.reserved[i] = 1;
		assert_int_equal(add(f, &a), SGX_FAULT_GP);
	}
}

static void addresses_outside_the_enclave(void **state)
{
	static const uint64_t bad[] = { BASE - 0x1000,         BASE + TEST_ENCLAVE_SIZE, BASE + 0x1800, BASE + 1, 0,
					UINT64_MAX & PAGE_MASK };
	struct fixture *f = *state;
	struct adding a;

	fixture_create(f, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		prepare(&a, REG_RW, bad[i]);
		assert_int_equal(add(f, &a), SGX_FAULT_GP);
	}
	prepare(&a, REG_RW, BASE + TEST_ENCLAVE_SIZE - 0x1000);
	assert_int_equal(add(f, &a), SGX_SUCCESS);
}

static void a_tcs_with_reserved_bytes(void **state)
{
	static const size_t reserved[] = { offsetof(struct sgx_tcs, ocetssa), offsetof(struct sgx_tcs, prevssp),
					   offsetof(struct sgx_tcs, reserved), sizeof(struct sgx_tcs) - 1 };
	struct fixture *f = *state;
	struct adding a;

	fixture_create(f, 0);
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
		prepare(&a, SGX_SECINFO_PT(SGX_PT_TCS), LINADDR);
		a.src[reserved[i]] = 1;
		assert_int_equal(add(f, &a), SGX_FAULT_GP);
	}
}

static void a_page_in_use(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, 0);
	assert_int_equal(add_flags(f, REG_RW), SGX_SUCCESS);
	assert_int_equal(add_flags(f, REG_RW), SGX_FAULT_PF);
	assert_int_equal(f->secs.children, 1);
}

static void an_initialized_enclave_takes_no_more(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, 0);
	f->secs.attributes |= SGX_ATTR_INIT;
	assert_int_equal(add_flags(f, REG_RW), SGX_FAULT_GP);
}

static void an_evicted_secs_cannot_be_added_to(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, 0);
	assert_int_equal(encls_ewb(&f->epc, f->pc, f->secs_page, f->secs.page, f->copy, &f->pcmd, &f->slot),
			 SGX_SUCCESS);
	assert_int_equal(add_flags(f, REG_RW), SGX_FAULT_PF);
}

static void a_reg_page_as_the_epcm_has_it(void **state)
{
	struct fixture *f = *state;
	const struct epc_page *entry = fixture_entry(f, CODE_PAGE);

	fixture_build(f, 0);
	assert_int_equal(entry->flags, EPCM_VALID);
	assert_int_equal(entry->type, SGX_PT_REG);
	assert_int_equal(entry->perms, SGX_SECINFO_R | SGX_SECINFO_X);
	assert_true(entry->linaddr == BASE + test_pages[CODE_PAGE].offset);
	assert_ptr_equal(entry->secs, &f->secs);
	assert_int_equal(f->secs.children, PAGES);
	test_page_fill(test_pages[CODE_PAGE].offset, f->copy);
	assert_memory_equal(fixture_bytes(f, CODE_PAGE), f->copy, SGX_PAGE_SIZE);
}

static void a_tcs_starts_idle_and_without_permissions(void **state)
{
	struct fixture *f = *state;
	const struct epc_page *entry = fixture_entry(f, CODE_PAGE);
	struct sgx_tcs want = test_tcs(), *tcs, dst;
	struct adding a;

	fixture_create(f, 0);
	prepare(&a, SGX_SECINFO_PT(SGX_PT_TCS), LINADDR);
	a.secinfo.flags |= SGX_SECINFO_RWX;
	tcs = (struct sgx_tcs *)a.src;
	*tcs = want;
	tcs->state = 1;
	tcs->flags = SGX_TCS_DBGOPTIN | SGX_TCS_AEXNOTIFY;
	tcs->cssa = 1;
	tcs->aep = 0x1234;
	assert_int_equal(encls_eadd(fixture_entry(f, CODE_PAGE), &f->secs, &a.info, &dst), SGX_SUCCESS);
	want.flags = SGX_TCS_AEXNOTIFY;
	assert_memory_equal(&dst, &want, sizeof(want));
	assert_int_equal(entry->type, SGX_PT_TCS);
	assert_int_equal(entry->perms, 0);
}

static enum sgx_status extend(struct fixture *f, size_t i, unsigned offset)
{
	return encls_eextend(fixture_entry(f, i), &f->secs, fixture_bytes(f, i), offset);
}

static void what_cannot_be_measured(void **state)
{
	struct fixture *f = *state;
	struct secs other;
	uint8_t before[32], after[32];

	fixture_build(f, 0);
	fixture_measurement(f, before);
	other = f->secs;
	assert_int_equal(extend(f, DATA_PAGE, 8), SGX_FAULT_GP);
	assert_int_equal(extend(f, DATA_PAGE, 255), SGX_FAULT_GP);
	assert_int_equal(extend(f, DATA_PAGE, 4096), SGX_FAULT_GP);
	assert_int_equal(encls_eextend(fixture_entry(f, DATA_PAGE), &other, f->copy, 0), SGX_FAULT_GP);
	assert_int_equal(encls_eextend(epc_entry(&f->epc, f->secs_page), &f->secs, f->copy, 0), SGX_FAULT_PF);
	fixture_entry(f, DATA_PAGE)->flags = 0;
	assert_int_equal(extend(f, DATA_PAGE, 0), SGX_FAULT_PF);
	fixture_entry(f, DATA_PAGE)->flags = EPCM_VALID;
	f->secs.attributes |= SGX_ATTR_INIT;
	assert_int_equal(extend(f, DATA_PAGE, 0), SGX_FAULT_GP);
	fixture_measurement(f, after);
	assert_memory_equal(before, after, sizeof(before));
	assert_int_equal(extend(f, CODE_PAGE, 0), SGX_FAULT_GP);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(illegal_secinfo),
		TEST(addresses_outside_the_enclave),
		TEST(a_tcs_with_reserved_bytes),
		TEST(a_page_in_use),
		TEST(an_initialized_enclave_takes_no_more),
		TEST(an_evicted_secs_cannot_be_added_to),
		TEST(a_reg_page_as_the_epcm_has_it),
		TEST(a_tcs_starts_idle_and_without_permissions),
		TEST(what_cannot_be_measured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
