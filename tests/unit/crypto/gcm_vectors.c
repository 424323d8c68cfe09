/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library's AES-128-GCM gives the answers that were submitted to NIST with the mode (McGrew and Viega, "The
 * Galois/Counter Mode of Operation", appendix B, test cases 1 to 4). They are shorter than a page, so they are asked
 * of the library directly, in each of its implementations that this processor can run.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <intel-ipsec-mb.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"

struct vector {
	const char *key, *iv, *plain, *aad, *cipher, *tag; /* hex */
};

static const struct vector vectors[] = {
	{
		.key = "00000000000000000000000000000000",
		.iv = "000000000000000000000000",
		.plain = "",
		.aad = "",
		.cipher = "",
		.tag = "58e2fccefa7e3061367f1d57a4e7455a",
	},
	{
		.key = "00000000000000000000000000000000",
		.iv = "000000000000000000000000",
		.plain = "00000000000000000000000000000000",
		.aad = "",
		.cipher = "0388dace60b6a392f328c2b971b2fe78",
		.tag = "ab6e47d42cec13bdf53a67b21257bddf",
	},
	{
		.key = "feffe9928665731c6d6a8f9467308308",
		.iv = "cafebabefacedbaddecaf888",
		.plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
			 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
		.aad = "",
		.cipher = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
			  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985",
		.tag = "4d5c2af327cd64a62cf35abd2ba6fab4",
	},
	{
		.key = "feffe9928665731c6d6a8f9467308308",
		.iv = "cafebabefacedbaddecaf888",
		.plain = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
			 "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
		.aad = "feedfacedeadbeeffeedfacedeadbeefabaddad2",
		.cipher = "42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e"
			  "21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091",
		.tag = "5bc94fbc3221a5db94fae95ae7121a47",
	},
};

static size_t unhex(const char *hex, uint8_t *bytes)
{
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &bytes[i]), 1);
	return len;
}

static void check(IMB_MGR *mgr, const struct vector *v)
{
	uint8_t key[16], iv[12], plain[64], aad[32], cipher[64], tag[16], out[64], computed[16];
	struct gcm_context_data ctx;
	struct gcm_key_data expanded __attribute__((aligned(64))); /* its own header does not say so here */
	size_t len = unhex(v->plain, plain), aad_len = unhex(v->aad, aad);

	unhex(v->key, key);
	unhex(v->iv, iv);
	unhex(v->cipher, cipher);
	unhex(v->tag, tag);
	IMB_AES128_GCM_PRE(mgr, key, &expanded);
	IMB_AES128_GCM_ENC(mgr, &expanded, &ctx, out, plain, len, iv, aad, aad_len, computed, sizeof(computed));
	assert_memory_equal(out, cipher, len);
	assert_memory_equal(computed, tag, sizeof(tag));
	IMB_AES128_GCM_DEC(mgr, &expanded, &ctx, out, cipher, len, iv, aad, aad_len, computed, sizeof(computed));
	assert_memory_equal(out, plain, len);
	assert_memory_equal(computed, tag, sizeof(tag));
}

/* @init: the library's initialiser for one instruction set; it leaves no functions if the processor lacks that. */
static void check_all(void (*init)(IMB_MGR *))
{
	IMB_MGR *mgr = alloc_mb_mgr(0);

	assert_non_null(mgr);
	init(mgr);
	if (imb_get_errno(mgr) != 0) {
		free_mb_mgr(mgr);
		skip();
	}
	for (size_t i = 0; i < ARRAY_SIZE(vectors); i++)
		check(mgr, &vectors[i]);
	free_mb_mgr(mgr);
}

static void init_best(IMB_MGR *mgr)
{
	IMB_ARCH arch;

	init_mb_mgr_auto(mgr, &arch);
	assert_int_not_equal(arch, IMB_ARCH_NONE);
}

static void the_implementation_in_use(void **state)
{
	check_all(init_best);
}

static void the_one_for_sse(void **state)
{
	check_all(init_mb_mgr_sse);
}

static void the_one_for_avx2(void **state)
{
	check_all(init_mb_mgr_avx2);
}

static void the_one_for_avx512(void **state)
{
	check_all(init_mb_mgr_avx512);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_implementation_in_use),
		cmocka_unit_test(the_one_for_sse),
		cmocka_unit_test(the_one_for_avx2),
		cmocka_unit_test(the_one_for_avx512),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
