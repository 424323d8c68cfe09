/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How the build signs its own examples and tests, before there is a `softsgx sign`:
 *	kit-sign KEY.pem                       make a key
 *	kit-sign ENCLAVE.elf KEY.pem OUT.sig   sign, on the terms of the enclave's note
 */
#include <stdio.h>
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

/* The build runs this again only if the key is to be made anew: what is there is the build's own. */
static int generate(const char *path, struct kit_error *err)
{
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
