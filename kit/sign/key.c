/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/sign/key.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/core_names.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEY_BITS (SGX_RSA_BYTES * 8)
#define EXPONENT 3

static EVP_PKEY *new_pkey(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_RSA, NULL);
	BIGNUM *exponent = BN_new();
	EVP_PKEY *pkey = NULL;

	if (ctx && exponent && BN_set_word(exponent, EXPONENT) == 1 && EVP_PKEY_keygen_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, KEY_BITS) == 1 &&
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent) == 1 && EVP_PKEY_keygen(ctx, &pkey) != 1)
		pkey = NULL;
	BN_free(exponent);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static int write_pkey(int fd, EVP_PKEY *pkey)
{
	FILE *f = fdopen(fd, "w");
	int ok;

	if (!f) {
		close(fd);
		return -errno;
	}
	ok = PEM_write_PrivateKey(f, pkey, NULL, NULL, 0, NULL, NULL);
	if (fclose(f) != 0)
		return -errno;
	return ok == 1 ? 0 : -EIO;
}

int kit_key_generate(const char *path, struct kit_error *err)
{
	EVP_PKEY *pkey;
	int fd, ret;

	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 && errno == EEXIST)
		return kit_fail(err, EEXIST,
				"%s exists already and may be the only copy of a key: choose another name, or "
				"remove it first",
				path);
	if (fd < 0)
		return kit_fail(err, errno, "cannot write %s: %s", path, strerror(errno));
	pkey = new_pkey();
	if (pkey) {
		ret = write_pkey(fd, pkey);
	} else {
		close(fd);
		ret = -EIO;
	}
	EVP_PKEY_free(pkey);
	if (ret == 0)
		return 0;
	unlink(path);
	return kit_fail(err, -ret, "cannot write a key to %s: %s", path,
			ret == -EIO ? "OpenSSL failed" : strerror(-ret));
}

static int read_pkey(const char *path, EVP_PKEY **pkey, struct kit_error *err)
{
	FILE *f = fopen(path, "re");

	if (!f && errno == ENOENT)
		return kit_fail(err, ENOENT, "there is no key %s: make one with softsgx sign --generate-key %s", path,
				path);
	if (!f)
		return kit_fail(err, errno, "cannot read %s: %s", path, strerror(errno));
	/* An empty passphrase for keys that have one: it is wrong, but nobody is asked on the terminal. */
	*pkey = PEM_read_PrivateKey(f, NULL, NULL, (void *)"");
	fclose(f);
	if (!*pkey)
		return kit_fail(err, EINVAL,
				"%s holds no private key in PEM without a passphrase: make one with softsgx sign "
				"--generate-key",
				path);
	return 0;
}

static int check_pkey(const char *path, const struct kit_key *key, const BIGNUM *exponent, struct kit_error *err)
{
	if (EVP_PKEY_get_bits(key->pkey) != KEY_BITS)
		return kit_fail(err, EINVAL,
				"%s is a key of %d bits, and SGX wants %d: make one with softsgx sign "
				"--generate-key",
				path, EVP_PKEY_get_bits(key->pkey), KEY_BITS);
	if (!BN_is_word(exponent, EXPONENT))
		return kit_fail(err, EINVAL,
				"%s has another public exponent than %d, which SGX wants: make one with softsgx "
				"sign --generate-key",
				path, EXPONENT);
	return 0;
}

int kit_key_load(const char *path, struct kit_key **out, struct kit_error *err)
{
	struct kit_key *key = calloc(1, sizeof(*key));
	BIGNUM *exponent = NULL;
	int ret;

	if (!key)
		return kit_fail(err, ENOMEM, "out of memory");
	ret = read_pkey(path, &key->pkey, err);
	if (ret == 0 && EVP_PKEY_get_base_id(key->pkey) != EVP_PKEY_RSA)
		ret = kit_fail(err, EINVAL, "%s is not an RSA key: make one with softsgx sign --generate-key", path);
	if (ret == 0 && (EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_N, &key->modulus) != 1 ||
			 EVP_PKEY_get_bn_param(key->pkey, OSSL_PKEY_PARAM_RSA_E, &exponent) != 1))
		ret = kit_fail(err, EIO, "%s: OpenSSL cannot take the key apart", path);
	if (ret == 0)
		ret = check_pkey(path, key, exponent, err);
	BN_free(exponent);
	if (ret == 0)
		*out = key;
	else
		kit_key_free(key);
	return ret;
}

void kit_key_free(struct kit_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->pkey);
	BN_free(key->modulus);
	free(key);
}
