/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processor knows of an enclave beyond the software-visible SECS fields: on hardware these live in the
 * reserved part of the SECS page; here in a companion that exists from ECREATE until the SECS is removed.
 */
#ifndef SOFTSGX_LEAF_SECS_H
#define SOFTSGX_LEAF_SECS_H

#include <stdatomic.h>

#include "arch/sgx.h"
#include "crypto/measure.h"

struct secs {
	struct sgx_secs *page;   /* the SECS contents in the EPC; NULL while evicted */
	struct measure *measure; /* running MRENCLAVE; NULL after a successful EINIT */
	uint64_t eid;
	uint64_t base, size;       /* copies, for checks that must not depend on the SECS being resident */
	uint64_t attributes, xfrm; /* copies likewise; INIT included */
	uint32_t miscselect;
	uint32_t ssa_frame_size;   /* pages */
	_Atomic uint32_t children; /* EPC pages with this ENCLAVESECS, the SECS itself not counted */
	_Atomic uint32_t threads;  /* logical processors inside */
	/*
	 * Tracking (SDM 3D 36.5.1): EBLOCK stamps a page with `epoch`; ETRACK starts a new epoch; EWB wants a page
	 * whose epoch is past and whose translations are flushed. Threads inside need not leave: whoever shot the
	 * translations down (on hardware the IPIs; here the write-protection of the window) says so with
	 * secs_translations_flushed(). Epochs wrap: compare them with secs_epoch_before() only.
	 */
	_Atomic uint32_t epoch;
	_Atomic uint32_t flushed_epoch; /* every translation made in an epoch before this one is gone */
};

/**
 * struct secs_kss - the identities that EINIT takes from a SIGSTRUCT and for which the SECS has no architectural
 * place ("reserved", SDM 3D table 35-2): they are kept in the page, so that they are evicted with it. EREPORT and
 * EGETKEY read them.
 */
struct secs_kss {
	uint8_t isvextprodid[16];
	uint8_t isvfamilyid[16];
};
#define SECS_KSS_OFFSET 264 /* the first 8-byte boundary after CONFIGSVN */
_Static_assert(SECS_KSS_OFFSET >= offsetof(struct sgx_secs, reserved4), "KSS identities lie in the reserved part");

static inline struct secs_kss *secs_kss(struct sgx_secs *page)
{
	return (struct secs_kss *)((uint8_t *)page + SECS_KSS_OFFSET);
}

static inline bool secs_is_initialized(const struct secs *secs)
{
	return (secs->attributes & SGX_ATTR_INIT) != 0;
}

static inline bool secs_epoch_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/** secs_translations_flushed() - no processor holds a translation older than the current epoch any more. */
void secs_translations_flushed(struct secs *secs);

/**
 * secs_discard() - free what the companion owns, after which it can be forgotten. EREMOVE of the SECS page does this;
 * for whoever gives up an enclave whose SECS is evicted. Idempotent. Not async-signal-safe before EINIT.
 */
void secs_discard(struct secs *secs);

#endif
