/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An EPC, a processor and the small enclave of the known answers (tests/unit/crypto/enclave.h), taken as far as a test
 * wants it. Include after cmocka.h.
 */
#ifndef SOFTSGX_TESTS_LEAF_FIXTURE_H
#define SOFTSGX_TESTS_LEAF_FIXTURE_H

#include <string.h>

#include "leaf/encls.h"
#include "tests/unit/crypto/enclave.h"

#define BASE 0x7e0000000000ULL
#define PAGES ARRAY_SIZE(test_pages)
#define TCS_PAGE 0 /* index of the test enclave's pages */
#define CODE_PAGE 1
#define DATA_PAGE 3

struct fixture {
	struct epc epc;
	struct pagecrypt *pc;
	struct sgx_caps caps;
	uint32_t secs_page;
	struct secs secs;
	uint32_t page[PAGES];                                           /* EPC page numbers */
	uint8_t reg[PAGES][SGX_PAGE_SIZE] __attribute__((aligned(64))); /* where the bytes of REG pages are */
	uint64_t slot;
	struct sgx_pcmd pcmd;
	uint8_t copy[SGX_PAGE_SIZE]; /* an evicted page */
};

static inline struct sgx_secs fixture_secs(uint64_t attributes)
{
	return (struct sgx_secs){
		.size = TEST_ENCLAVE_SIZE,
		.base = BASE,
		.ssa_frame_size = TEST_SSA_FRAME_PAGES,
		.attributes = { .flags = attributes | SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY },
	};
}

static inline int fixture_setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.caps = (struct sgx_caps){
		.attributes = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKENKEY |
			      SGX_ATTR_KSS,
		.xfrm = SGX_XFRM_LEGACY,
		.miscselect = SGX_MISC_EXINFO,
		.max_size_log2 = 40,
	};
	*state = &f;
	if (pagecrypt_new(&f.pc) != 0 || epc_init(&f.epc, EPC_MIN_PAGES) != 0)
		return -1;
	f.secs_page = epc_alloc(&f.epc, 0);
	for (size_t i = 0; i < PAGES; i++)
		f.page[i] = epc_alloc(&f.epc, 0);
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;

	secs_discard(&f->secs);
	pagecrypt_destroy(f->pc);
	epc_destroy(&f->epc);
	return 0;
}

static inline struct epc_page *fixture_entry(struct fixture *f, size_t i)
{
	return epc_entry(&f->epc, f->page[i]);
}

/** fixture_bytes() - where the contents of the enclave's page @i are. */
static inline void *fixture_bytes(struct fixture *f, size_t i)
{
	return i == TCS_PAGE ? epc_private(&f->epc, f->page[i]) : f->reg[i];
}

static inline void fixture_create(struct fixture *f, uint64_t attributes)
{
	struct sgx_secs image = fixture_secs(attributes);

	assert_int_equal(encls_ecreate(&f->epc, f->secs_page, &image, &f->caps, &f->secs), SGX_SUCCESS);
}

static inline void fixture_add(struct fixture *f, size_t i)
{
	uint8_t src[SGX_PAGE_SIZE] __attribute__((aligned(64)));
	struct sgx_secinfo secinfo = { .flags = test_pages[i].flags };
	struct sgx_pageinfo info = { .linaddr = BASE + test_pages[i].offset, .srcpge = src, .secinfo = &secinfo };

	test_page_fill(test_pages[i].offset, src);
	assert_int_equal(encls_eadd(fixture_entry(f, i), &f->secs, &info, fixture_bytes(f, i)), SGX_SUCCESS);
	for (unsigned c = 0; c < TEST_CHUNKS; c++) {
		if (test_pages[i].chunks & 1U << c)
			assert_int_equal(encls_eextend(fixture_entry(f, i), &f->secs, fixture_bytes(f, i),
						       c * SGX_EEXTEND_BYTES),
					 SGX_SUCCESS);
	}
}

/** fixture_build() - all pages are added and measured; not initialised. */
static inline void fixture_build(struct fixture *f, uint64_t attributes)
{
	fixture_create(f, attributes);
	for (size_t i = 0; i < PAGES; i++)
		fixture_add(f, i);
}

/** fixture_block() - EBLOCK, ETRACK and the shootdown: page @i can be evicted. */
static inline void fixture_block(struct fixture *f, size_t i)
{
	assert_int_equal(encls_eblock(fixture_entry(f, i)), SGX_SUCCESS);
	assert_int_equal(encls_etrack(&f->secs), SGX_SUCCESS);
	secs_translations_flushed(&f->secs);
}

static inline enum sgx_status fixture_ewb(struct fixture *f, size_t i)
{
	return encls_ewb(&f->epc, f->pc, f->page[i], fixture_bytes(f, i), f->copy, &f->pcmd, &f->slot);
}

static inline enum sgx_status fixture_eldu(struct fixture *f, size_t i)
{
	return encls_eldu(&f->epc, f->pc, f->page[i], &f->secs, BASE + test_pages[i].offset, f->copy, &f->pcmd,
			  &f->slot, fixture_bytes(f, i));
}

/** fixture_measurement() - MRENCLAVE so far. */
static inline void fixture_measurement(struct fixture *f, uint8_t mrenclave[32])
{
	assert_int_equal(measure_final(f->secs.measure, mrenclave), 0);
}

#endif
