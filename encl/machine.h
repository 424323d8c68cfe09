/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SGX machine of one process: one EPC, one ledger, one way of mapping pages, one page key, its enclaves, and the
 * reclaimer that keeps EPC pages free.
 *
 * Lock order, outermost first. All are signal-safe (base/lock.h); whoever takes one has every signal blocked or is in
 * a handler that blocks them, and touches no enclave memory that may be absent while holding one:
 *
 *   encl->lock  >  machine->lock  >  slab, EPC free list
 *
 * Two enclave locks are never held at once. Charging takes no lock.
 */
#ifndef SOFTSGX_ENCL_MACHINE_H
#define SOFTSGX_ENCL_MACHINE_H

#include <pthread.h>

#include "base/list.h"
#include "base/slab.h"
#include "crypto/pagecrypt.h"
#include "epc/epc.h"
#include "leaf/encls.h"
#include "ledger/group.h"
#include "mmu/mmu.h"

struct encl;

struct machine_config {
	uint64_t epc_bytes;         /* multiple of 4096, at least EPC_MIN_PAGES pages */
	int64_t overcommit_percent; /* of the EPC, in backing RAM; negative: no limit; 0: no paging */
	uint64_t backing_max_bytes; /* a further limit on backing RAM; LEDGER_NO_LIMIT: none */
	enum mmu_mechanism mechanism;
	bool no_background; /* no reclaimer thread: only direct reclaim (tests, measurements) */
};
#define MACHINE_DEFAULT_EPC_BYTES (128ULL << 20)
#define MACHINE_DEFAULT_OVERCOMMIT 150

/*
 * Frames of the EPC kept from growth (ADD_PAGES, CREATE) so that loading always has one: at the backing limit a load
 * takes a reserve frame first, and the slot it frees pays for the eviction that fills the reserve again (exchange).
 * Conservation at the limit: free frames + recycled slots >= reserve.
 */
struct watermarks {
	uint32_t reserve;         /* growth leaves at least this many free */
	uint32_t low;             /* below: the reclaimer wakes */
	uint32_t high;            /* it goes back to sleep */
	uint32_t unevictable_max; /* SECS, VA and pinned pages together, never more */
};

struct encl_counters {
	_Atomic uint64_t faults;                      /* faults that paging resolved */
	_Atomic uint64_t eldu, ewb;                   /* pages loaded, pages evicted; SECS included */
	_Atomic uint64_t waits;                       /* faults that met a page in flight */
	_Atomic uint64_t wp_faults;                   /* of those, writes to a page being evicted */
	_Atomic uint64_t aex, eenter, eresume, eexit; /* counted by the shim */
};

struct machine {
	struct machine_config config;
	struct epc epc;
	struct group root;
	struct mmu mmu;
	struct pagecrypt *pagecrypt;
	struct sgx_caps caps;
	struct watermarks marks;
	_Atomic uint32_t unevictable; /* SECS, VA and pinned pages now */

	struct lock lock;    /* protects the table of enclaves */
	struct encl **table; /* created enclaves by ascending base */
	uint32_t table_len, table_cap;
	_Atomic uint32_t hand; /* reclaim: place in the table of the enclave being swept */

	struct slab encl_slab, leaf_slab, mid_slab;
	struct waitq frames;        /* woken when frames become free or a load completes */
	_Atomic uint32_t in_flight; /* loads that hold a frame and windows being written: their end frees something */

	pthread_t reclaimer;
	_Atomic bool reclaimer_runs;
	_Atomic bool reclaimer_asleep;
	_Atomic bool reclaimer_stalled; /* its last pass met the backing limit */
	_Atomic bool reclaimer_idle;    /* nothing is going on: it sleeps until it is poked, without looking */
	_Atomic bool stopping;
	struct waitq reclaimer_wake;

	_Atomic uint64_t enclaves_created;
	struct encl_counters gone;          /* what destroyed enclaves had counted; under lock */
	void (*publish)(struct machine *m); /* called now and then, and at every enclave's end; may be NULL */
};

/**
 * machine_init() - Return: 0; -EINVAL for a bad size; -ENOMEM; -EIO without randomness; -ENOSYS with *obstacle set if
 * this system cannot map enclave pages.
 */
int must_check machine_init(struct machine *m, const struct machine_config *config, enum mmu_obstacle *obstacle);
/** machine_destroy() - every enclave must be gone (law 4: then every counter is 0). */
void machine_destroy(struct machine *m);

/**
 * machine_forget() - in a forked child: the enclaves and the reclaimer thread belong to the parent; unmap nothing that
 * the kernel has not copied, close what the child inherited. A new machine may be initialised afterwards.
 */
void machine_forget(struct machine *m);

/** machine_find() - the enclave whose ELRANGE holds @addr, with a reference (encl_put()), or NULL. */
struct encl *machine_find(struct machine *m, uint64_t addr);

/** machine_is_valid() - laws 1, 2 and 5 over the whole machine. Quiescent callers only (no page in flight). */
bool machine_is_valid(struct machine *m);

#endif
