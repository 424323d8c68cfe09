/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the build signs its own examples and tests, before there is a `softsgx sign`:
 *	kit-sign KEY.pem                       make a key
 *	kit-sign ENCLAVE.elf KEY.pem OUT.sig   sign, on the terms of the enclave's note
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/sign/sign.h"

static int sign(const char *elf, const char *key_path, const char *out, struct kit_error *err)
{
	struct kit_image *image = NULL;
	struct kit_key *key = NULL;
	struct sgx_sigstruct sig;
	int ret = kit_image_open(elf, &image, err);

	if (ret == 0)
		ret = kit_key_load(key_path, &key, err);
	if (ret == 0) {
		struct kit_signature_terms terms = kit_terms_default(image);

		ret = kit_sigstruct_make(image, &terms, key, &sig, err);
	}
	if (ret == 0)
		ret = kit_sigstruct_write(out, &sig, err);
	kit_key_free(key);
	kit_image_close(image);
	return ret;
}

/* A key that is there and good stays, so that a rebuilt enclave has the signer it had; only its time stamp is renewed. */
static int generate(const char *path, struct kit_error *err)
{
	struct kit_key *key = NULL;
	int ret = kit_key_load(path, &key, err);

	kit_key_free(key);
	if (ret == 0)
		return utimensat(AT_FDCWD, path, NULL, 0) == 0 ? 0
							       : kit_fail(err, errno, "%s: %s", path, strerror(errno));
	unlink(path);
	return kit_key_generate(path, err);
}

int main(int argc, char **argv)
{
	struct kit_error err = { "usage: kit-sign KEY.pem | kit-sign ENCLAVE.elf KEY.pem OUT.sig" };
	int ret = -1;

	if (argc == 2)
		ret = generate(argv[1], &err);
	else if (argc == 4)
		ret = sign(argv[1], argv[2], argv[3], &err);
	if (ret != 0)
		fprintf(stderr, "kit-sign: %s\n", err.text);
	return ret != 0;
}
