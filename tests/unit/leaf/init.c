/* SPDX-License-Identifier: Apache-2.0 */
/* EINIT: an enclave and SIGSTRUCTs from another implementation; each reason to refuse, and what a success leaves. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/crypto/enclave_vectors.h"
#include "tests/unit/leaf/fixture.h"

static struct sgx_sigstruct load(const uint8_t bytes[sizeof(struct sgx_sigstruct)])
{
	struct sgx_sigstruct sig;

	memcpy(&sig, bytes, sizeof(sig));
	return sig;
}

/* When it is refused, the enclave must be as before, and still be able to pass with the right SIGSTRUCT. */
static enum sgx_status einit(struct fixture *f, const struct sgx_sigstruct *sig, const struct sgx_einittoken *token)
{
	const struct secs secs_before = f->secs;
	const struct sgx_secs page_before = *f->secs.page;
	enum sgx_status status = encls_einit(&f->secs, sig, token, &f->caps);

	if (status != SGX_SUCCESS) {
		assert_memory_equal(&f->secs, &secs_before, sizeof(secs_before));
		assert_memory_equal(f->secs.page, &page_before, sizeof(page_before));
	}
	return status;
}

static enum sgx_status einit_bytes(struct fixture *f, const uint8_t *bytes)
{
	struct sgx_sigstruct sig = load(bytes);

	return einit(f, &sig, NULL);
}

static void the_right_sigstruct(void **state)
{
	struct fixture *f = *state;
	const struct sgx_secs *page;

	fixture_build(f, 0);
	page = f->secs.page;
	assert_int_equal(einit_bytes(f, vector_sig), SGX_SUCCESS);
	assert_memory_equal(page->mrenclave, vector_mrenclave, 32);
	assert_memory_equal(page->mrsigner, vector_mrsigner, 32);
	assert_int_equal(page->isvprodid, 0x1234);
	assert_int_equal(page->isvsvn, 7);
	assert_true(page->attributes.flags == (SGX_ATTR_MODE64BIT | SGX_ATTR_INIT));
	assert_true(f->secs.attributes == page->attributes.flags);
	assert_null(f->secs.measure);
}

static void every_signer_may_launch(void **state)
{
	struct fixture *f = *state;

	fixture_build(f, SGX_ATTR_EINITTOKENKEY | SGX_ATTR_PROVISIONKEY);
	assert_int_equal(einit_bytes(f, vector_sig_other_key), SGX_SUCCESS);
	assert_memory_not_equal(f->secs.page->mrsigner, vector_mrsigner, 32);
}

static void the_vendor_may_be_intel(void **state)
{
	fixture_build(*state, 0);
	assert_int_equal(einit_bytes(*state, vector_sig_intel_vendor), SGX_SUCCESS);
}

static void strict_masks_that_are_met(void **state)
{
	fixture_build(*state, 0);
	assert_int_equal(einit_bytes(*state, vector_sig_strict), SGX_SUCCESS);
}

static void kss_identities_are_kept(void **state)
{
	struct fixture *f = *state;

	fixture_build(f, SGX_ATTR_KSS);
	assert_int_equal(einit_bytes(f, vector_sig_kss), SGX_SUCCESS);
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(secs_kss(f->secs.page)->isvfamilyid[i], i);
		assert_int_equal(secs_kss(f->secs.page)->isvextprodid[i], 16 + i);
	}
	/* They disturb none of the architectural fields. */
	assert_int_equal(f->secs.page->configsvn, 0);
	assert_memory_equal(f->secs.page->mrenclave, vector_mrenclave, 32);
}

#define FIELD(f) offsetof(struct sgx_sigstruct, f)
#define LAST(f) (offsetof(struct sgx_sigstruct, f) + sizeof(((struct sgx_sigstruct *)0)->f) - 1)

static void illegal_sigstructs(void **state)
{
	static const size_t bytes[] = { FIELD(header),    LAST(header),          FIELD(header2),
					LAST(header2),    FIELD(vendor),         LAST(vendor),
					FIELD(exponent),  LAST(exponent),        FIELD(reserved1),
					LAST(reserved1),  FIELD(reserved2),      LAST(reserved2),
					FIELD(reserved3), LAST(reserved3),       FIELD(reserved4),
					LAST(reserved4),  FIELD(cet_attributes), FIELD(cet_attributes_mask) };
	struct fixture *f = *state;
	struct sgx_sigstruct sig = load(vector_sig);

	fixture_build(f, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		((uint8_t *)&sig)[bytes[i]] ^= 0x10;
		assert_int_equal(einit(f, &sig, NULL), SGX_INVALID_SIG_STRUCT);
		((uint8_t *)&sig)[bytes[i]] ^= 0x10;
	}
	assert_int_equal(einit(f, &sig, NULL), SGX_SUCCESS);
}

static void a_family_without_kss(void **state)
{
	fixture_build(*state, 0);
	assert_int_equal(einit_bytes(*state, vector_sig_kss), SGX_INVALID_SIG_STRUCT);
}

static void fields_of_absent_features_are_reserved(void **state)
{
	struct fixture *f = *state;

	fixture_build(f, SGX_ATTR_KSS);
	f->caps.attributes &= ~SGX_ATTR_KSS;
	assert_int_equal(einit_bytes(f, vector_sig_kss), SGX_INVALID_SIG_STRUCT);
	f->caps.attributes |= SGX_ATTR_KSS;
	f->caps.miscselect = 0;
	assert_int_equal(einit_bytes(f, vector_sig_wants_exinfo), SGX_INVALID_SIG_STRUCT);
	assert_int_equal(einit_bytes(f, vector_sig_strict), SGX_INVALID_SIG_STRUCT);
	assert_int_equal(einit_bytes(f, vector_sig_kss), SGX_SUCCESS);
}

static void bad_signatures(void **state)
{
	static const size_t bytes[] = { FIELD(date), FIELD(swdefined),   FIELD(modulus), FIELD(signature), FIELD(q1),
					FIELD(q2),   FIELD(enclavehash), FIELD(isvsvn),  FIELD(attributes) };
	struct fixture *f = *state;
	struct sgx_sigstruct sig = load(vector_sig);

	fixture_build(f, 0);
	for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
		((uint8_t *)&sig)[bytes[i]] ^= 0x10;
		assert_int_equal(einit(f, &sig, NULL), SGX_INVALID_SIGNATURE);
		((uint8_t *)&sig)[bytes[i]] ^= 0x10;
	}
	assert_int_equal(einit(f, &sig, NULL), SGX_SUCCESS);
}

static void another_measurement(void **state)
{
	struct fixture *f = *state;

	fixture_create(f, 0);
	for (size_t i = 0; i + 1 < PAGES; i++)
		fixture_add(f, i);
	assert_int_equal(einit_bytes(f, vector_sig), SGX_INVALID_MEASUREMENT);
	fixture_add(f, PAGES - 1);
	assert_int_equal(einit_bytes(f, vector_sig_other_enclave), SGX_INVALID_MEASUREMENT);
	assert_int_equal(einit_bytes(f, vector_sig), SGX_SUCCESS);
}

static void attributes_that_the_signer_does_not_want(void **state)
{
	struct fixture *f = *state;

	fixture_build(f, 0);
	assert_int_equal(einit_bytes(f, vector_sig_wants_debug), SGX_INVALID_ATTRIBUTE);
	assert_int_equal(einit_bytes(f, vector_sig_wants_avx), SGX_INVALID_ATTRIBUTE);
	assert_int_equal(einit_bytes(f, vector_sig_wants_exinfo), SGX_INVALID_ATTRIBUTE);
	f->secs.attributes |= SGX_ATTR_DEBUG;
	assert_int_equal(einit_bytes(f, vector_sig_strict), SGX_INVALID_ATTRIBUTE);
	assert_int_equal(einit_bytes(f, vector_sig_wants_debug), SGX_SUCCESS);
}

static void a_token_is_no_use(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct sig = load(vector_sig);
	struct sgx_einittoken token = { .valid = 1 };

	fixture_build(f, 0);
	assert_int_equal(einit(f, &sig, &token), SGX_INVALID_EINITTOKEN);
	token.valid = 0;
	assert_int_equal(einit(f, &sig, &token), SGX_SUCCESS);
}

static void only_once(void **state)
{
	fixture_build(*state, 0);
	assert_int_equal(einit_bytes(*state, vector_sig), SGX_SUCCESS);
	assert_int_equal(einit_bytes(*state, vector_sig), SGX_FAULT_GP);
}

static void not_while_the_secs_is_evicted(void **state)
{
	struct fixture *f = *state;
	struct sgx_sigstruct sig = load(vector_sig);

	fixture_create(f, 0);
	assert_int_equal(encls_ewb(&f->epc, f->pc, f->secs_page, f->secs.page, f->copy, &f->pcmd, &f->slot),
			 SGX_SUCCESS);
	assert_int_equal(encls_einit(&f->secs, &sig, NULL, &f->caps), SGX_FAULT_PF);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fixture_setup, fixture_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_right_sigstruct),
		TEST(every_signer_may_launch),
		TEST(the_vendor_may_be_intel),
		TEST(strict_masks_that_are_met),
		TEST(kss_identities_are_kept),
		TEST(illegal_sigstructs),
		TEST(a_family_without_kss),
		TEST(fields_of_absent_features_are_reserved),
		TEST(bad_signatures),
		TEST(another_measurement),
		TEST(attributes_that_the_signer_does_not_want),
		TEST(a_token_is_no_use),
		TEST(only_once),
		TEST(not_while_the_secs_is_evicted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
