/* SPDX-License-Identifier: Apache-2.0 */
/* The small enclave of the known answers, as vectors.py beside this file describes it for the other implementation. */
#ifndef SOFTSGX_TESTS_CRYPTO_ENCLAVE_H
#define SOFTSGX_TESTS_CRYPTO_ENCLAVE_H

#include "arch/sgx.h"
#include "base/compiler.h"

#define TEST_ENCLAVE_SIZE 0x10000
#define TEST_SSA_FRAME_PAGES 1
#define TEST_CHUNKS (SGX_PAGE_SIZE / SGX_EEXTEND_BYTES)

struct test_page {
	uint64_t offset;
	uint64_t flags;  /* of SECINFO, as given to EADD */
	uint32_t chunks; /* bit i: chunk i is measured */
};

static const struct test_page test_pages[] = {
	{ 0x0000, SGX_SECINFO_PT(SGX_PT_TCS), 0xffff },
	{ 0x1000, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_X, 0xffff },
	{ 0x2000, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W, 0 },
	{ 0x3000, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W, 1 << 0 | 1 << 5 | 1 << 15 },
	{ 0x4000, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W, 0 },
	{ 0x5000, SGX_SECINFO_PT(SGX_PT_REG) | SGX_SECINFO_R | SGX_SECINFO_W, 0 },
};

static inline struct sgx_tcs test_tcs(void)
{
	return (struct sgx_tcs){
		.ossa = 0x4000,
		.nssa = 2,
		.oentry = 0x1000,
		.ofsbase = 0x2000,
		.ogsbase = 0x3000,
		.fslimit = 0xfff,
		.gslimit = 0xfff,
	};
}

/** test_page_fill() - the contents of the page at @offset. */
static inline void test_page_fill(uint64_t offset, void *page)
{
	uint8_t *bytes = (uint8_t *)page;

	if (offset == 0) {
		*(struct sgx_tcs *)page = test_tcs();
		return;
	}
	for (unsigned i = 0; i < SGX_PAGE_SIZE; i++)
		bytes[i] = (uint8_t)(7 * i + 13 * (offset / SGX_PAGE_SIZE) + (i >> 8));
}

#endif
