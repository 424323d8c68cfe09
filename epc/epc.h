/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Enclave Page Cache: a fixed number of pages, each with an EPCM entry (SDM 3D 35.20). It is a strict count, not
 * an arena: the bytes of REG pages live at the enclave's own addresses; those of SECS, VA and TCS pages, which no
 * application may see, live in the EPC's private memory at the page's own index.
 *
 * Conservation law, executed by epc_is_valid():  free + used == total, and used == number of entries handed out.
 */
#ifndef SOFTSGX_EPC_EPC_H
#define SOFTSGX_EPC_EPC_H

#include "arch/sgx.h"
#include "base/lock.h"

#define EPC_NONE UINT32_MAX /* "no page" where an EPC page number is expected */

struct secs;

enum epcm_flags {
	EPCM_VALID = 1 << 0,
	EPCM_BLOCKED = 1 << 1,
	EPCM_PENDING = 1 << 2,
	EPCM_MODIFIED = 1 << 3,
	EPCM_PR = 1 << 4,
};

/** struct epc_page - one EPCM entry; 32 bytes, the whole metadata of an EPC page, resident or not. */
struct epc_page {
	uint64_t linaddr;     /* ENCLAVEADDRESS; 0 for SECS and VA pages */
	struct secs *secs;    /* ENCLAVESECS; for a SECS page its own companion, for VA NULL */
	uint32_t next_free;   /* free list link; EPC_NONE ends it; a value of its own while handed out */
	uint32_t block_epoch; /* SECS tracking epoch at EBLOCK */
	uint8_t type;         /* enum sgx_page_type */
	uint8_t perms;        /* SGX_SECINFO_RWX bits */
	uint8_t flags;        /* enum epcm_flags */
	uint8_t reserved[5];
};
_Static_assert(sizeof(struct epc_page) == 32, "the EPC metadata budget");

struct epc {
	struct epc_page *pages;
	uint8_t *private_mem; /* total * 4096 bytes, reserved; touched only for SECS, VA and TCS pages */
	uint32_t total;
	uint32_t free_head; /* pages that were used before */
	uint32_t fresh;     /* pages from here on never were: their entries are untouched, and cost no RAM */
	struct lock lock;   /* innermost; protects the free list and the counts */
	_Atomic uint32_t free;
	_Atomic uint32_t used_peak;
	_Atomic uint64_t next_version; /* see epc_next_version() */
	_Atomic uint64_t next_eid;
};

/** epc_init() - @total pages (at least EPC_MIN_PAGES, below EPC_NONE). Return: 0, -EINVAL or -ENOMEM. */
#define EPC_MIN_PAGES 64
int must_check epc_init(struct epc *epc, uint32_t total);
void epc_destroy(struct epc *epc);

/**
 * epc_alloc() - take one free page while at least @keep others stay free.
 * Context: any, async-signal-safe. Return: page number, or EPC_NONE.
 */
uint32_t must_check epc_alloc(struct epc *epc, uint32_t keep);
/**
 * epc_free() - give back a page whose EPCM entry is no longer valid. The private bytes are wiped if the page's type
 * used them (SECS, VA, TCS). Context: any, async-signal-safe.
 */
void epc_free(struct epc *epc, uint32_t page);

static inline struct epc_page *epc_entry(struct epc *epc, uint32_t page)
{
	return &epc->pages[page];
}
/** epc_private() - the 4096 bytes of a SECS, VA or TCS page. */
static inline void *epc_private(struct epc *epc, uint32_t page)
{
	return epc->private_mem + (size_t)page * SGX_PAGE_SIZE;
}
static inline uint32_t epc_free_count(struct epc *epc)
{
	return atomic_load_explicit(&epc->free, memory_order_relaxed);
}

/** epc_next_version() - a 64-bit number never returned before by this EPC and never 0: EWB's version and GCM nonce. */
uint64_t epc_next_version(struct epc *epc);
/** epc_next_eid() - a fresh enclave identifier, never 0 (SECS.EID). */
uint64_t epc_next_eid(struct epc *epc);

bool epc_is_valid(struct epc *epc);

#endif
