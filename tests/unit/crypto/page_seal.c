/* SPDX-License-Identifier: Apache-2.0 */
/* A sealed page is what OpenSSL makes of it too, opens again, and opens no more when anything was changed. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <openssl/evp.h>
#include <string.h>

#include "crypto/pagecrypt.h"
#include "tests/testing.h"

struct sealed {
	struct pagecrypt *pc;
	uint8_t key[16];
	uint64_t version;
	uint8_t aad[PAGECRYPT_AAD_BYTES];
	uint8_t plain[PAGE_SIZE], cipher[PAGE_SIZE], opened[PAGE_SIZE];
	uint8_t mac[PAGECRYPT_MAC_BYTES];
};

static void fill(struct rng *r, void *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)bytes)[i] = (uint8_t)rng_next(r);
}

static void seal_random(struct sealed *s, struct rng *r)
{
	fill(r, s->key, sizeof(s->key));
	fill(r, s->aad, sizeof(s->aad));
	fill(r, s->plain, sizeof(s->plain));
	s->version = rng_next(r);
	assert_int_equal(pagecrypt_new_with_key(s->key, &s->pc), 0);
	pagecrypt_seal(s->pc, s->version, s->aad, s->plain, s->cipher, s->mac);
}

static int seal_one(void **state)
{
	static struct sealed s;
	struct rng r = { 1 };

	seal_random(&s, &r);
	*state = &s;
	return 0;
}

static int destroy_one(void **state)
{
	struct sealed *s = *state;

	pagecrypt_destroy(s->pc);
	return 0;
}

static bool opens(struct sealed *s)
{
	memset(s->opened, 0x5a, sizeof(s->opened));
	return pagecrypt_open(s->pc, s->version, s->aad, s->cipher, s->opened, s->mac);
}

static void openssl_seal(const struct sealed *s, uint8_t cipher[PAGE_SIZE], uint8_t mac[PAGECRYPT_MAC_BYTES])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	uint8_t iv[12] = { 0 };
	int len;

	for (int i = 0; i < 8; i++)
		iv[i] = (uint8_t)(s->version >> 8 * i);
	assert_int_equal(EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, s->key, iv), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, NULL, &len, s->aad, sizeof(s->aad)), 1);
	assert_int_equal(EVP_EncryptUpdate(ctx, cipher, &len, s->plain, PAGE_SIZE), 1);
	assert_int_equal(len, PAGE_SIZE);
	assert_int_equal(EVP_EncryptFinal_ex(ctx, cipher + len, &len), 1);
	assert_int_equal(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, PAGECRYPT_MAC_BYTES, mac), 1);
	EVP_CIPHER_CTX_free(ctx);
}

static void agrees_with_openssl(void **state)
{
	struct rng r = rng_seeded(2);
	uint8_t cipher[PAGE_SIZE], mac[PAGECRYPT_MAC_BYTES];

	for (int i = 0; i < 100; i++) {
		struct sealed s;

		seal_random(&s, &r);
		openssl_seal(&s, cipher, mac);
		assert_memory_equal(s.cipher, cipher, PAGE_SIZE);
		assert_memory_equal(s.mac, mac, sizeof(mac));
		assert_true(opens(&s));
		assert_memory_equal(s.opened, s.plain, PAGE_SIZE);
		pagecrypt_destroy(s.pc);
	}
}

/* Every byte of @field, changed and changed back: never opens in between, and no plaintext is left in the scratch. */
static void assert_every_byte_counts(struct sealed *s, void *field, size_t len)
{
	static const uint8_t wiped[PAGE_SIZE];
	uint8_t *byte = field;

	for (size_t i = 0; i < len; i++) {
		uint8_t flip = (uint8_t)(1 << i % 8);

		byte[i] ^= flip;
		assert_false(opens(s));
		assert_memory_equal(s->opened, wiped, PAGE_SIZE);
		byte[i] ^= flip;
	}
	assert_true(opens(s));
}

static void changed_contents(void **state)
{
	struct sealed *s = *state;

	assert_every_byte_counts(s, s->cipher, sizeof(s->cipher));
}

static void changed_header(void **state)
{
	struct sealed *s = *state;

	assert_every_byte_counts(s, s->aad, sizeof(s->aad));
}

static void changed_mac(void **state)
{
	struct sealed *s = *state;

	assert_every_byte_counts(s, s->mac, sizeof(s->mac));
}

static void changed_version(void **state)
{
	struct sealed *s = *state;

	assert_every_byte_counts(s, &s->version, sizeof(s->version));
}

static void the_same_page_never_looks_the_same(void **state)
{
	struct sealed *s = *state;
	uint8_t cipher[PAGE_SIZE], mac[PAGECRYPT_MAC_BYTES];

	pagecrypt_seal(s->pc, s->version + 1, s->aad, s->plain, cipher, mac);
	assert_memory_not_equal(cipher, s->cipher, PAGE_SIZE);
	assert_memory_not_equal(mac, s->mac, sizeof(mac));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_openssl),
		cmocka_unit_test_setup_teardown(changed_contents, seal_one, destroy_one),
		cmocka_unit_test_setup_teardown(changed_header, seal_one, destroy_one),
		cmocka_unit_test_setup_teardown(changed_mac, seal_one, destroy_one),
		cmocka_unit_test_setup_teardown(changed_version, seal_one, destroy_one),
		cmocka_unit_test_setup_teardown(the_same_page_never_looks_the_same, seal_one, destroy_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
