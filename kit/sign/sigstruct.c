/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/size.h"
#include "crypto/measure.h"
#include "crypto/rsa.h"
#include "kit/sign/key.h"

/* What the signature covers: two parts of the structure, one after the other, SDM 3D table 35-17. */
#define SIGNED_HEAD offsetof(struct sgx_sigstruct, modulus)
#define SIGNED_BODY_AT offsetof(struct sgx_sigstruct, miscselect)
#define SIGNED_BODY (offsetof(struct sgx_sigstruct, reserved4) - SIGNED_BODY_AT)

static uint32_t bcd(uint32_t n)
{
	uint32_t digits = 0;

	for (unsigned shift = 0; n != 0; n /= 10, shift += 4)
		digits |= n % 10 << shift;
	return digits;
}

static uint32_t bcd_date(time_t when)
{
	struct tm tm;

	if (!gmtime_r(&when, &tm))
		return 0;
	return bcd((uint32_t)(tm.tm_year + 1900) * 10000 + (uint32_t)(tm.tm_mon + 1) * 100 + (uint32_t)tm.tm_mday);
}

struct kit_signature_terms kit_terms_default(const struct kit_image *image)
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	int64_t when;

	if (!epoch || int_parse(epoch, 0, 253402300799 /* the end of year 9999 */, &when) != 0)
		when = time(NULL);
	return (struct kit_signature_terms){
		.debug = image->config.flags & KIT_CONFIG_DEBUG,
		.product = image->config.product,
		.svn = image->config.svn,
		.date = bcd_date(when),
	};
}

/* Everything but what the key decides. Every bit of the attributes is bound: the masks are all ones. */
static int fill_in(struct sgx_sigstruct *sig, const struct kit_image *image, const struct kit_signature_terms *terms)
{
	memset(sig, 0, sizeof(*sig));
	memcpy(sig->header, SGX_SIGSTRUCT_HEADER, sizeof(sig->header));
	memcpy(sig->header2, SGX_SIGSTRUCT_HEADER2, sizeof(sig->header2));
	sig->date = terms->date;
	sig->miscselect = image->config.miscselect;
	sig->miscmask = UINT32_MAX;
	sig->attributes.flags = SGX_ATTR_MODE64BIT | (terms->debug ? SGX_ATTR_DEBUG : 0);
	sig->attributes.xfrm = image->config.xfrm;
	sig->attributemask.flags = UINT64_MAX;
	sig->attributemask.xfrm = UINT64_MAX;
	sig->isvprodid = terms->product;
	sig->isvsvn = terms->svn;
	return kit_image_measure(image, sig->enclavehash);
}

static void reverse(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n / 2; i++) {
		uint8_t t = bytes[i];

		bytes[i] = bytes[n - 1 - i];
		bytes[n - 1 - i] = t;
	}
}

static bool sign_bytes(EVP_PKEY *pkey, const void *data, size_t bytes, uint8_t signature[SGX_RSA_BYTES])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SGX_RSA_BYTES;
	/* PKCS #1 v1.5 is what EVP does with an RSA key unless told otherwise. */
	bool ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1 &&
		  EVP_DigestSign(ctx, signature, &len, data, bytes) == 1 && len == SGX_RSA_BYTES;

	EVP_MD_CTX_free(ctx);
	return ok;
}

/* Q1 = floor(S^2 / M), Q2 = floor((S^3 - Q1 * S * M) / M) = floor(S * (S^2 mod M) / M), SDM 3D 36.4.2.2. */
static bool quotients(const BIGNUM *s, const BIGNUM *m, uint8_t q1[SGX_RSA_BYTES], uint8_t q2[SGX_RSA_BYTES])
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *product = BN_new(), *quotient = BN_new(), *rest = BN_new();
	bool ok = ctx && product && quotient && rest && BN_sqr(product, s, ctx) == 1 &&
		  BN_div(quotient, rest, product, m, ctx) == 1 &&
		  BN_bn2lebinpad(quotient, q1, SGX_RSA_BYTES) == SGX_RSA_BYTES && BN_mul(product, rest, s, ctx) == 1 &&
		  BN_div(quotient, rest, product, m, ctx) == 1 &&
		  BN_bn2lebinpad(quotient, q2, SGX_RSA_BYTES) == SGX_RSA_BYTES;

	BN_free(rest);
	BN_free(quotient);
	BN_free(product);
	BN_CTX_free(ctx);
	return ok;
}

static bool sign(const struct kit_key *key, struct sgx_sigstruct *sig)
{
	uint8_t data[SIGNED_HEAD + SIGNED_BODY];
	BIGNUM *s;
	bool ok;

	memcpy(data, sig, SIGNED_HEAD);
	memcpy(data + SIGNED_HEAD, (const uint8_t *)sig + SIGNED_BODY_AT, SIGNED_BODY);
	if (BN_bn2lebinpad(key->modulus, sig->modulus, SGX_RSA_BYTES) != SGX_RSA_BYTES ||
	    !sign_bytes(key->pkey, data, sizeof(data), sig->signature))
		return false;
	reverse(sig->signature, SGX_RSA_BYTES);
	sig->exponent = 3;
	s = BN_lebin2bn(sig->signature, SGX_RSA_BYTES, NULL);
	ok = s && quotients(s, key->modulus, sig->q1, sig->q2);
	BN_free(s);
	return ok;
}

int kit_sigstruct_make(const struct kit_image *image, const struct kit_signature_terms *terms,
		       const struct kit_key *key, struct sgx_sigstruct *sig, struct kit_error *err)
{
	if (fill_in(sig, image, terms) != 0)
		return kit_fail(err, ENOMEM, "out of memory");
	if (!sign(key, sig) || !sigstruct_signature_ok(sig))
		return kit_fail(err, EIO, "OpenSSL could not make the signature");
	return 0;
}

int kit_sigstruct_mrsigner(const struct sgx_sigstruct *sig, uint8_t mrsigner[32])
{
	return sha256(sig->modulus, sizeof(sig->modulus), mrsigner);
}
