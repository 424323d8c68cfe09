/* SPDX-License-Identifier: Apache-2.0 */
/* Just enough of a signer to get an enclave initialised: the engine's own measurement, signed with a fresh key. */
#include "harness.h"

#include <asm/sgx.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

static EVP_PKEY *make_key(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *three = BN_new();
	EVP_PKEY *key = NULL;

	check(ctx && three && BN_set_word(three, 3) == 1);
	check(EVP_PKEY_keygen_init(ctx) == 1);
	check(EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, 8 * SGX_RSA_BYTES) == 1);
	check(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three) == 1);
	check(EVP_PKEY_generate(ctx, &key) == 1);
	BN_free(three);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* S = signature of bytes 0..127 and 900..1027 (SDM 3D 36.4.2.2). */
static BIGNUM *sign(const struct sgx_sigstruct *sig, EVP_PKEY *key)
{
	const uint8_t *bytes = (const uint8_t *)sig;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t s[SGX_RSA_BYTES];
	size_t len = sizeof(s);

	check(ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1);
	check(EVP_DigestSignUpdate(ctx, bytes, 128) == 1 && EVP_DigestSignUpdate(ctx, bytes + 900, 128) == 1);
	check(EVP_DigestSignFinal(ctx, s, &len) == 1 && len == sizeof(s));
	EVP_MD_CTX_free(ctx);
	return BN_bin2bn(s, sizeof(s), NULL);
}

static void put(uint8_t *field, const BIGNUM *n)
{
	check(BN_bn2lebinpad(n, field, SGX_RSA_BYTES) == SGX_RSA_BYTES);
}

/* Q1 = floor(S^2 / M); Q2 = floor((S^3 - Q1 * S * M) / M) = floor(S * (S^2 mod M) / M). */
static void put_signature(struct sgx_sigstruct *sig, const BIGNUM *s, const BIGNUM *m)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *q = BN_new(), *t = BN_new(), *rest = BN_new();

	check(ctx && q && t && rest);
	check(BN_sqr(t, s, ctx) == 1 && BN_div(q, rest, t, m, ctx) == 1);
	put(sig->signature, s);
	put(sig->q1, q);
	check(BN_mul(t, rest, s, ctx) == 1 && BN_div(q, NULL, t, m, ctx) == 1);
	put(sig->q2, q);
	BN_free(q);
	BN_free(t);
	BN_free(rest);
	BN_CTX_free(ctx);
}

static void fill(struct sgx_sigstruct *sig, const struct enclave *e)
{
	const struct secs *secs = &e->encl->secs;

	*sig = (struct sgx_sigstruct){
		.exponent = 3,
		.date = 0x20250101,
		.attributes = { .flags = secs->attributes, .xfrm = secs->xfrm },
		.attributemask = { .flags = ~SGX_ATTR_INIT, .xfrm = ~0ULL },
		.miscselect = secs->miscselect,
		.miscmask = ~0U,
	};
	memcpy(sig->header, SGX_SIGSTRUCT_HEADER, sizeof(sig->header));
	memcpy(sig->header2, SGX_SIGSTRUCT_HEADER2, sizeof(sig->header2));
	check(measure_final(secs->measure, sig->enclavehash) == 0);
}

void enclave_init(struct enclave *e)
{
	static EVP_PKEY *key;
	static struct sgx_sigstruct sig;
	struct sgx_enclave_init arg = { .sigstruct = (uint64_t)&sig };
	BIGNUM *m = NULL, *s;

	if (!key)
		key = make_key();
	fill(&sig, e);
	check(EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &m) == 1);
	put(sig.modulus, m);
	s = sign(&sig, key);
	put_signature(&sig, s, m);
	BN_free(s);
	BN_free(m);
	check(encl_ioctl(e->encl, SGX_IOC_ENCLAVE_INIT, (uint64_t)&arg, NULL) == 0);
}
