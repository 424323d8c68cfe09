/* SPDX-License-Identifier: Apache-2.0 */
/* Making, reading and writing SIGSTRUCTs (SDM 3D table 35-17), and the keys that sign them. */
#ifndef SOFTSGX_KIT_SIGN_SIGN_H
#define SOFTSGX_KIT_SIGN_SIGN_H

#include "arch/sgx.h"
#include "base/compiler.h"
#include "kit/error.h"
#include "kit/image/image.h"

struct kit_key; /* an RSA-3072 key with exponent 3 */

/**
 * kit_key_generate() - a fresh key in a new file that only its owner may read.
 * Return: 0; -EEXIST: there is such a file, and it is left alone; -errno of writing it; -EIO: OpenSSL failed.
 */
int must_check kit_key_generate(const char *path, struct kit_error *err);
/** kit_key_load() - Return: 0; -EINVAL: no private RSA key in PEM, or of another size or exponent; -errno. */
int must_check kit_key_load(const char *path, struct kit_key **key, struct kit_error *err);
void kit_key_free(struct kit_key *key);

/* What the signer decides beyond the image. */
struct kit_signature_terms {
	bool debug;       /* the enclave runs with the DEBUG attribute, and only with it; else only without */
	uint16_t product; /* ISVPRODID */
	uint16_t svn;     /* ISVSVN */
	uint32_t date;    /* BCD, 0xYYYYMMDD */
};

/** kit_terms_default() - as the image's note has them, signed today (UTC), or at SOURCE_DATE_EPOCH if that is set. */
struct kit_signature_terms kit_terms_default(const struct kit_image *image);

/**
 * kit_sigstruct_make() - measure @image and sign.
 * Return: 0; -ENOMEM; -EIO: OpenSSL failed, or the result does not verify.
 */
int must_check kit_sigstruct_make(const struct kit_image *image, const struct kit_signature_terms *terms,
				  const struct kit_key *key, struct sgx_sigstruct *sig, struct kit_error *err);

/** kit_sigstruct_mrsigner() - SHA-256 of the modulus. Return: 0 or -ENOMEM. */
int must_check kit_sigstruct_mrsigner(const struct sgx_sigstruct *sig, uint8_t mrsigner[32]);

/** kit_sigstruct_write() - replace the file at @path in one step; what was there stays if anything fails. */
int must_check kit_sigstruct_write(const char *path, const struct sgx_sigstruct *sig, struct kit_error *err);
/** kit_sigstruct_read() - Return: 0; -EINVAL: no SIGSTRUCT by size or headers; -errno. The signature is not checked. */
int must_check kit_sigstruct_read(const char *path, struct sgx_sigstruct *sig, struct kit_error *err);

#endif
