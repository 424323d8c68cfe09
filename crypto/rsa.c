/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/rsa.h"

#include <openssl/bn.h>
#include <string.h>

#include "crypto/measure.h"

#define SIGNED_HEAD 128 /* HEADER .. RESERVED1 */
#define SIGNED_BODY_AT offsetof(struct sgx_sigstruct, miscselect)
#define SIGNED_BODY 128 /* MISCSELECT .. ISVSVN */
_Static_assert(offsetof(struct sgx_sigstruct, modulus) == SIGNED_HEAD, "signed head");
_Static_assert(SIGNED_BODY_AT + SIGNED_BODY == offsetof(struct sgx_sigstruct, reserved4), "signed body");

/* DER of DigestInfo { sha256, OCTET STRING of 32 }, RFC 8017 9.2 note 1. */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
				       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20 };

/* EMSA-PKCS1-v1_5: 00 01 FF..FF 00 DigestInfo digest, big endian. */
static int encode(const struct sgx_sigstruct *sig, uint8_t em[SGX_RSA_BYTES])
{
	uint8_t message[SIGNED_HEAD + SIGNED_BODY];
	uint8_t *digest = em + SGX_RSA_BYTES - 32;
	uint8_t *info = digest - sizeof(digest_info);

	memset(em, 0xff, SGX_RSA_BYTES);
	em[0] = 0;
	em[1] = 1;
	info[-1] = 0;
	memcpy(info, digest_info, sizeof(digest_info));
	memcpy(message, sig, SIGNED_HEAD);
	memcpy(message + SIGNED_HEAD, (const uint8_t *)sig + SIGNED_BODY_AT, SIGNED_BODY);
	return sha256(message, sizeof(message), digest);
}

static BIGNUM *number(BN_CTX *ctx, const uint8_t le[SGX_RSA_BYTES])
{
	BIGNUM *n = BN_CTX_get(ctx);

	return n ? BN_lebin2bn(le, SGX_RSA_BYTES, n) : NULL;
}

/*
 * With the quotients given there is one way to cube: S^2 = Q1*M + R1, then S*R1 = Q2*M + R2, and R2 is S^3 mod M.
 * (S*R1 = S^3 - Q1*S*M, so this Q2 is the manual's.)
 */
static bool cube_is(BN_CTX *ctx, const struct sgx_sigstruct *sig, const uint8_t em[SGX_RSA_BYTES])
{
	const BIGNUM *m = number(ctx, sig->modulus), *s = number(ctx, sig->signature);
	const BIGNUM *q1 = number(ctx, sig->q1), *q2 = number(ctx, sig->q2);
	BIGNUM *product = BN_CTX_get(ctx), *quotient = BN_CTX_get(ctx), *rest = BN_CTX_get(ctx);
	BIGNUM *expected = BN_CTX_get(ctx);

	if (!m || !s || !q1 || !q2 || !expected || !BN_bin2bn(em, SGX_RSA_BYTES, expected))
		return false;
	if (BN_num_bits(m) != SGX_RSA_BYTES * 8 || !BN_is_odd(m) || BN_cmp(s, m) >= 0)
		return false;
	if (!BN_sqr(product, s, ctx) || !BN_div(quotient, rest, product, m, ctx) || BN_cmp(quotient, q1) != 0)
		return false;
	if (!BN_mul(product, rest, s, ctx) || !BN_div(quotient, rest, product, m, ctx) || BN_cmp(quotient, q2) != 0)
		return false;
	return BN_cmp(rest, expected) == 0;
}

bool sigstruct_signature_ok(const struct sgx_sigstruct *sig)
{
	uint8_t em[SGX_RSA_BYTES];
	BN_CTX *ctx;
	bool ok;

	if (sig->exponent != 3 || encode(sig, em) != 0)
		return false;
	ctx = BN_CTX_new();
	if (!ctx)
		return false;
	BN_CTX_start(ctx);
	ok = cube_is(ctx, sig, em);
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return ok;
}
