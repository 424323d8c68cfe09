/* SPDX-License-Identifier: Apache-2.0 */
/* A SIGSTRUCT signed by another implementation verifies, and with any byte changed that the check covers it does not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "crypto/rsa.h"
#include "tests/unit/crypto/enclave_vectors.h"

static struct sgx_sigstruct load(const uint8_t bytes[sizeof(struct sgx_sigstruct)])
{
	struct sgx_sigstruct sig;

	memcpy(&sig, bytes, sizeof(sig));
	return sig;
}

static void signed_by_another_implementation(void **state)
{
	static const uint8_t *const good[] = { vector_sig, vector_sig_intel_vendor, vector_sig_other_key,
					       vector_sig_strict, vector_sig_kss };

	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct sgx_sigstruct sig = load(good[i]);

		assert_true(sigstruct_signature_ok(&sig));
	}
}

static void every_byte_counts(void **state)
{
	struct sgx_sigstruct sig = load(vector_sig);
	uint8_t *byte = (uint8_t *)&sig;

	for (size_t i = 0; i < sizeof(sig); i++) {
		/* RESERVED4 is not signed: it is EINIT that wants zeros there. */
		bool covered = i < offsetof(struct sgx_sigstruct, reserved4) || i >= offsetof(struct sgx_sigstruct, q1);

		byte[i] ^= 1;
		assert_true(sigstruct_signature_ok(&sig) == !covered);
		byte[i] ^= 1;
	}
	assert_true(sigstruct_signature_ok(&sig));
}

static void the_key_is_part_of_it(void **state)
{
	struct sgx_sigstruct sig = load(vector_sig), other = load(vector_sig_other_key);

	memcpy(sig.modulus, other.modulus, sizeof(sig.modulus));
	assert_false(sigstruct_signature_ok(&sig));
	/* With the other key's own signature of the same text and its quotients it is whole again. */
	memcpy(sig.signature, other.signature, sizeof(sig.signature));
	memcpy(sig.q1, other.q1, sizeof(sig.q1));
	memcpy(sig.q2, other.q2, sizeof(sig.q2));
	assert_true(sigstruct_signature_ok(&sig));
	sig.isvsvn++;
	assert_false(sigstruct_signature_ok(&sig));
}

static void degenerate_numbers(void **state)
{
	struct sgx_sigstruct sig = load(vector_sig);

	memset(sig.modulus, 0, sizeof(sig.modulus)); /* would divide by zero */
	assert_false(sigstruct_signature_ok(&sig));
	sig.modulus[0] = 1;
	assert_false(sigstruct_signature_ok(&sig));
	sig = load(vector_sig);
	memset(sig.signature, 0, sizeof(sig.signature));
	memset(sig.q1, 0, sizeof(sig.q1));
	memset(sig.q2, 0, sizeof(sig.q2));
	assert_false(sigstruct_signature_ok(&sig));
	sig = load(vector_sig);
	memcpy(sig.signature, sig.modulus, sizeof(sig.signature)); /* not below the modulus */
	assert_false(sigstruct_signature_ok(&sig));
	memset(&sig, 0, sizeof(sig));
	sig.exponent = 3;
	assert_false(sigstruct_signature_ok(&sig));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signed_by_another_implementation),
		cmocka_unit_test(every_byte_counts),
		cmocka_unit_test(the_key_is_part_of_it),
		cmocka_unit_test(degenerate_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
