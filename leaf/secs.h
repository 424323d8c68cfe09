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
	struct sgx_secs *page;      /* the SECS contents in the EPC; NULL while evicted */
	struct measure *measure;    /* running MRENCLAVE; NULL after a successful EINIT */
	uint64_t eid;
	uint64_t base, size;        /* copies, for checks that must not depend on the SECS being resident */
	uint64_t attributes, xfrm;  /* copies likewise; INIT included */
	uint32_t miscselect;
	uint32_t ssa_frame_size;    /* pages */
	_Atomic uint32_t children;  /* EPC pages with this ENCLAVESECS, the SECS itself not counted */
	_Atomic uint32_t threads;   /* logical processors inside */
	/*
	 * Tracking (SDM 3D 36.5.1): EBLOCK stamps a page with `epoch`; ETRACK starts a new epoch; EWB wants a page
	 * whose epoch is past and whose translations are flushed. Threads inside need not leave: whoever shot the
	 * translations down (on hardware the IPIs; here the write-protection of the window) says so with
	 * secs_translations_flushed().
	 */
	_Atomic uint32_t epoch;
	_Atomic uint32_t flushed_epoch; /* every translation made in an epoch < this one is gone */
};

/** secs_translations_flushed() - no processor holds a translation older than the current epoch any more. */
void secs_translations_flushed(struct secs *secs);

#endif
