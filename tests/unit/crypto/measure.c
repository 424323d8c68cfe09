/* SPDX-License-Identifier: Apache-2.0 */
/* MRENCLAVE is the SHA-256 of exactly the records that the SDM lists, however they fall into the hasher's runs. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "crypto/measure.h"
#include "tests/testing.h"
#include "tests/unit/crypto/enclave.h"
#include "tests/unit/crypto/enclave_vectors.h"

static struct measure *measure_test_enclave(size_t pages)
{
	struct measure *m = measure_new(TEST_SSA_FRAME_PAGES, TEST_ENCLAVE_SIZE);
	uint8_t contents[SGX_PAGE_SIZE];

	assert_non_null(m);
	for (size_t i = 0; i < pages; i++) {
		const struct test_page *page = &test_pages[i];
		struct sgx_secinfo secinfo = { .flags = page->flags };

		test_page_fill(page->offset, contents);
		measure_eadd(m, page->offset, &secinfo);
		for (unsigned c = 0; c < TEST_CHUNKS; c++) {
			unsigned at = c * SGX_EEXTEND_BYTES;

			if (page->chunks & 1U << c)
				measure_eextend(m, page->offset + at, contents + at);
		}
	}
	return m;
}

static void agrees_with_another_implementation(void **state)
{
	struct measure *m = measure_test_enclave(ARRAY_SIZE(test_pages));
	uint8_t mrenclave[32];

	assert_int_equal(measure_final(m, mrenclave), 0);
	assert_memory_equal(mrenclave, vector_mrenclave, sizeof(mrenclave));
	measure_free(m);
}

static void may_be_read_in_between(void **state)
{
	struct measure *whole = measure_test_enclave(ARRAY_SIZE(test_pages));
	struct measure *m = measure_test_enclave(ARRAY_SIZE(test_pages) - 1);
	const struct test_page *last = &test_pages[ARRAY_SIZE(test_pages) - 1];
	struct sgx_secinfo secinfo = { .flags = last->flags };
	uint8_t first[32], second[32], expected[32];

	assert_int_equal(measure_final(m, first), 0);
	assert_int_equal(measure_final(m, second), 0);
	assert_memory_equal(first, second, sizeof(first));
	measure_eadd(m, last->offset, &secinfo);
	assert_int_equal(measure_final(m, second), 0);
	assert_int_equal(measure_final(whole, expected), 0);
	assert_memory_equal(second, expected, sizeof(second));
	assert_memory_not_equal(first, expected, sizeof(first));
	measure_free(m);
	measure_free(whole);
}

/* The records written out one by one, as the manual has them, to be hashed in one go. */
struct stream {
	uint8_t *bytes;
	size_t len;
};

static void put(struct stream *s, const void *bytes, size_t len)
{
	memcpy(s->bytes + s->len, bytes, len);
	s->len += len;
}

static void put_record(struct stream *s, const char name[8], uint64_t a, const void *rest)
{
	put(s, name, 8);
	put(s, &a, 8);
	put(s, rest, 48);
}

static void random_records_in_any_order(void **state)
{
	enum { RECORDS = 3000 };
	static const uint8_t zeros[48];
	struct rng r = rng_seeded(3);
	struct stream s = { .bytes = calloc(RECORDS + 1, 320) };
	struct measure *m = measure_new(7, 1 << 30);
	uint32_t frame = 7;
	uint64_t size = 1 << 30;
	uint8_t chunk[SGX_EEXTEND_BYTES], expected[32], mrenclave[32];

	assert_true(s.bytes && m);
	put(&s, "ECREATE", 8);
	put(&s, &frame, 4);
	put(&s, &size, 8);
	put(&s, zeros, 44);
	for (int i = 0; i < RECORDS; i++) {
		uint64_t offset = rng_next(&r);

		if (rng_below(&r, 4) == 0) {
			struct sgx_secinfo secinfo = { .flags = rng_next(&r) };

			put_record(&s, "EADD\0\0\0", offset, &secinfo);
			measure_eadd(m, offset, &secinfo);
		} else {
			memset(chunk, (int)rng_next(&r), sizeof(chunk));
			put_record(&s, "EEXTEND", offset, zeros);
			put(&s, chunk, sizeof(chunk));
			measure_eextend(m, offset, chunk);
		}
	}
	assert_int_equal(sha256(s.bytes, s.len, expected), 0);
	assert_int_equal(measure_final(m, mrenclave), 0);
	assert_memory_equal(mrenclave, expected, sizeof(expected));
	measure_free(m);
	free(s.bytes);
}

static void every_field_counts(void **state)
{
	struct sgx_secinfo secinfo = { .flags = SGX_SECINFO_R };
	uint8_t chunk[SGX_EEXTEND_BYTES] = { 0 }, seen[6][32];

	for (unsigned variant = 0; variant < 6; variant++) {
		struct measure *m = measure_new(variant == 1 ? 2 : 1, variant == 2 ? 1 << 21 : 1 << 20);

		assert_non_null(m);
		secinfo.flags = variant == 3 ? SGX_SECINFO_X : SGX_SECINFO_R;
		chunk[255] = variant == 4;
		measure_eadd(m, 0x1000, &secinfo);
		measure_eextend(m, variant == 5 ? 0x1100 : 0x1000, chunk);
		assert_int_equal(measure_final(m, seen[variant]), 0);
		for (unsigned other = 0; other < variant; other++)
			assert_memory_not_equal(seen[variant], seen[other], 32);
		measure_free(m);
	}
}

static void sha256_of_the_standard(void **state)
{
	static const uint8_t abc[32] = { 0xba, 0x78, 0x16, 0xbf, 0x8f, 0x01, 0xcf, 0xea, 0x41, 0x41, 0x40,
					 0xde, 0x5d, 0xae, 0x22, 0x23, 0xb0, 0x03, 0x61, 0xa3, 0x96, 0x17,
					 0x7a, 0x9c, 0xb4, 0x10, 0xff, 0x61, 0xf2, 0x00, 0x15, 0xad };
	uint8_t digest[32];

	assert_int_equal(sha256("abc", 3, digest), 0); /* FIPS 180-2, B.1 */
	assert_memory_equal(digest, abc, sizeof(abc));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_another_implementation),
		cmocka_unit_test(may_be_read_in_between),
		cmocka_unit_test(random_records_in_any_order),
		cmocka_unit_test(every_field_counts),
		cmocka_unit_test(sha256_of_the_standard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
