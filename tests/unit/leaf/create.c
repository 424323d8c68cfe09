/* SPDX-License-Identifier: Apache-2.0 */
/* ECREATE makes a SECS of a legal image, and refuses each illegal field with #GP and without a trace. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/leaf/fixture.h"

/* One field of the image, changed: a little-endian value of up to 8 bytes at an offset. */
struct change {
	const char *what;
	size_t offset, len;
	uint64_t value;
};
#define FIELD(f) offsetof(struct sgx_secs, f), sizeof(((struct sgx_secs *)0)->f)
#define LAST_BYTE(f) offsetof(struct sgx_secs, f) + sizeof(((struct sgx_secs *)0)->f) - 1, 1

#define ATTR(bits) (SGX_ATTR_MODE64BIT | (bits))

static const struct change illegal[] = {
	{ "size of one page", FIELD(size), 0x1000 },
	{ "size zero", FIELD(size), 0 },
	{ "size not a power of two", FIELD(size), 0x18000 },
	{ "size over the maximum", FIELD(size), 1ULL << 41 },
	{ "base not aligned to size", FIELD(base), BASE + 0x8000 },
	{ "base not canonical", FIELD(base), 0x0000800000000000ULL },
	{ "SSA frame of no page", FIELD(ssa_frame_size), 0 },
	{ "unknown MISCSELECT", FIELD(miscselect), 2 },
	{ "INIT", FIELD(attributes.flags), ATTR(SGX_ATTR_INIT) },
	{ "reserved attribute", FIELD(attributes.flags), ATTR(8) },
	{ "high reserved attribute", FIELD(attributes.flags), ATTR(1ULL << 63) },
	{ "attribute that the processor lacks", FIELD(attributes.flags), ATTR(SGX_ATTR_CET) },
	{ "32-bit enclave", FIELD(attributes.flags), SGX_ATTR_DEBUG },
	{ "XFRM without SSE", FIELD(attributes.xfrm), 1 },
	{ "XFRM without x87", FIELD(attributes.xfrm), 2 },
	{ "XFRM beyond the processor", FIELD(attributes.xfrm), 7 },
	{ "CONFIGID without KSS", FIELD(configid[63]), 1 },
	{ "CONFIGSVN without KSS", FIELD(configsvn), 1 },
	{ "reserved 1, first", FIELD(reserved1[0]), 1 },
	{ "reserved 1, last", LAST_BYTE(reserved1), 1 },
	{ "reserved 2, first", FIELD(reserved2[0]), 1 },
	{ "reserved 2, last", LAST_BYTE(reserved2), 1 },
	{ "reserved 3, first", FIELD(reserved3[0]), 1 },
	{ "reserved 3, last", LAST_BYTE(reserved3), 1 },
	{ "reserved 4, first", FIELD(reserved4[0]), 1 },
	{ "reserved 4, last", LAST_BYTE(reserved4), 1 },
};

static const struct change legal[] = {
	{ "smallest size", FIELD(size), 0x2000 },
	{ "largest size, at base zero", FIELD(size), 1ULL << 40 },
	{ "base zero", FIELD(base), 0 },
	{ "base in the upper half", FIELD(base), 0xffff800000000000ULL },
	{ "several pages to a frame", FIELD(ssa_frame_size), 4 },
	{ "EXINFO", FIELD(miscselect), SGX_MISC_EXINFO },
	{ "DEBUG", FIELD(attributes.flags), ATTR(SGX_ATTR_DEBUG) },
	{ "PROVISIONKEY", FIELD(attributes.flags), ATTR(SGX_ATTR_PROVISIONKEY) },
	{ "KSS", FIELD(attributes.flags), ATTR(SGX_ATTR_KSS) },
};

static enum sgx_status create_with(struct fixture *f, const struct change *c)
{
	struct sgx_secs image = fixture_secs(0);

	memcpy((uint8_t *)&image + c->offset, &c->value, c->len);
	if (image.size > TEST_ENCLAVE_SIZE)
		image.base = 0;
	return encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &f->secs);
}

static void illegal_fields(void **state)
{
	struct fixture *f = *state;
	static const uint8_t untouched[SGX_PAGE_SIZE];
	const struct epc_page before = *epc_entry(&f->epc, f->secs_page);
	const struct secs secs_before = f->secs;

	for (size_t i = 0; i < ARRAY_SIZE(illegal); i++) {
		if (create_with(f, &illegal[i]) != SGX_FAULT_GP)
			fail_msg("accepted: %s", illegal[i].what);
		assert_memory_equal(epc_entry(&f->epc, f->secs_page), &before, sizeof(before));
		assert_memory_equal(&f->secs, &secs_before, sizeof(secs_before));
		assert_memory_equal(epc_private(&f->epc, f->secs_page), untouched, sizeof(untouched));
	}
}

static void legal_fields(void **state)
{
	struct fixture *f = *state;

	for (size_t i = 0; i < ARRAY_SIZE(legal); i++) {
		if (create_with(f, &legal[i]) != SGX_SUCCESS)
			fail_msg("refused: %s", legal[i].what);
		assert_int_equal(encls_eremove(epc_entry(&f->epc, f->secs_page), &f->secs), SGX_SUCCESS);
	}
}

static void kss_identity(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs image = fixture_secs(SGX_ATTR_KSS);

	memset(image.configid, 0xc1, sizeof(image.configid));
	image.configsvn = 9;
	assert_int_equal(encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &f->secs), SGX_SUCCESS);
	assert_memory_equal(f->secs.page->configid, image.configid, sizeof(image.configid));
	assert_int_equal(f->secs.page->configsvn, 9);
}

/* XFRM must be what XCR0 would accept: @xfrm on a processor with every feature. */
static enum sgx_status create_xfrm(struct fixture *f, uint64_t xfrm)
{
	struct sgx_secs image = fixture_secs(0);
	enum sgx_status status;

	f->caps.xfrm = UINT64_MAX;
	image.attributes.xfrm = xfrm;
	image.ssa_frame_size = 16;
	status = encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &f->secs);
	if (status == SGX_SUCCESS)
		assert_int_equal(encls_eremove(epc_entry(&f->epc, f->secs_page), &f->secs), SGX_SUCCESS);
	return status;
}

static void xfrm_combinations(void **state)
{
	static const uint64_t good[] = { 0x3, 0x7, 0xe7, 0x1b, 0xff, 0x2e7, 0x60003, 0x602e7 };
	static const uint64_t bad[] = { 0x0, 0x1, 0x2, 0xb, 0x13, 0xe3, 0x27, 0x47, 0x87, 0xa7, 0x20003, 0x40003 };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		assert_int_equal(create_xfrm(*state, good[i]), SGX_SUCCESS);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(create_xfrm(*state, bad[i]), SGX_FAULT_GP);
}

static void frame_sizes(void **state)
{
	/* 512 legacy, 64 header, 184 GPRSGX; 16 EXINFO; AVX is 256 bytes at 576 on every processor that has it. */
	assert_int_equal(sgx_ssa_frame_bytes(0x3, 0), 760);
	assert_int_equal(sgx_ssa_frame_bytes(0x3, SGX_MISC_EXINFO), 776);
	assert_int_equal(sgx_ssa_frame_bytes(0x7, 0), __builtin_cpu_supports("avx") ? 1016 : 760);
}

static void the_frame_must_hold_the_state(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs image = fixture_secs(0);
	uint32_t pages;

	f->caps.xfrm = UINT64_MAX;
	image.attributes.xfrm = 0x602e7;
	pages = (sgx_ssa_frame_bytes(image.attributes.xfrm, 0) + SGX_PAGE_SIZE - 1) / SGX_PAGE_SIZE;
	image.ssa_frame_size = pages - 1;
	assert_int_equal(encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &f->secs), SGX_FAULT_GP);
	image.ssa_frame_size = pages;
	assert_int_equal(encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &f->secs), SGX_SUCCESS);
}

static void what_a_new_secs_is_like(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs image = fixture_secs(SGX_ATTR_DEBUG);
	const struct epc_page *entry = epc_entry(&f->epc, f->secs_page);
	static const uint8_t zeros[32];

	memset(image.mrenclave, 1, sizeof(image.mrenclave));
	memset(image.mrsigner, 2, sizeof(image.mrsigner));
	image.isvprodid = 3;
	image.isvsvn = 4;
	image.miscselect = SGX_MISC_EXINFO;
	assert_int_equal(encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &f->secs), SGX_SUCCESS);

	assert_int_equal(entry->flags, EPCM_VALID);
	assert_int_equal(entry->type, SGX_PT_SECS);
	assert_int_equal(entry->perms, 0);
	assert_int_equal(entry->linaddr, 0);
	assert_ptr_equal(entry->secs, &f->secs);
	assert_ptr_equal(f->secs.page, epc_private(&f->epc, f->secs_page));
	assert_memory_equal(f->secs.page->mrenclave, zeros, 32);
	assert_memory_equal(f->secs.page->mrsigner, zeros, 32);
	assert_int_equal(f->secs.page->isvprodid, 0);
	assert_int_equal(f->secs.page->isvsvn, 0);
	assert_true(f->secs.base == BASE && f->secs.size == TEST_ENCLAVE_SIZE);
	assert_true(f->secs.attributes == (SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT) && f->secs.xfrm == 3);
	assert_int_equal(f->secs.miscselect, SGX_MISC_EXINFO);
	assert_int_equal(f->secs.ssa_frame_size, TEST_SSA_FRAME_PAGES);
	assert_int_equal(f->secs.children, 0);
	assert_int_equal(f->secs.threads, 0);
	assert_non_null(f->secs.measure);
}

static void every_enclave_has_its_own_id(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs image = fixture_secs(0);
	struct secs other;

	fixture_create(f, 0);
	assert_int_equal(encls_ecreate(&f->epc, f->page[0], &image, &f->caps, &other), SGX_SUCCESS);
	assert_true(f->secs.eid != 0 && other.eid != 0 && f->secs.eid != other.eid);
	secs_discard(&other);
}

static void a_page_in_use_is_refused(void **state)
{
	struct fixture *f = *state;
	struct sgx_secs image = fixture_secs(0);
	struct secs other = { 0 };

	fixture_create(f, 0);
	assert_int_equal(encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &other), SGX_FAULT_PF);
	assert_null(other.page);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(illegal_fields),
		TEST(legal_fields),
		TEST(kss_identity),
		TEST(xfrm_combinations),
		TEST(frame_sizes),
		TEST(the_frame_must_hold_the_state),
		TEST(what_a_new_secs_is_like),
		TEST(every_enclave_has_its_own_id),
		TEST(a_page_in_use_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
