/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine as an application under the shim has it, without the shim: a machine, one enclave filled with known
 * contents, and threads whose SIGSEGV and SIGBUS go to encl_fault() on an alternate stack.
 */
#ifndef SOFTSGX_BENCH_RIG_H
#define SOFTSGX_BENCH_RIG_H

#include "bench/bench.h"
#include "encl/encl.h"

struct rig {
	struct machine machine;
	struct encl *encl; /* NULL: none now */
	uint64_t base;     /* of the enclave's pages */
	uint64_t pages;
	size_t reserved; /* bytes of address space at the enclave's base */
};

/** rig_init() - a machine as @o asks, no limit on backing; installs the signal handlers. Says why and returns false. */
bool must_check rig_init(struct rig *rig, const struct options *o);
void rig_destroy(struct rig *rig);

/** rig_create() - an enclave of @pages writable pages, each word rig_word(). Says why and returns false. */
bool must_check rig_create(struct rig *rig, uint64_t pages);
void rig_remove(struct rig *rig);

/** rig_word() - what word @i of page @page holds when it is added. */
static inline uint64_t rig_word(uint64_t page, unsigned i)
{
	return mix64(page * (SGX_PAGE_SIZE / sizeof(uint64_t)) + i);
}

static inline uint64_t *rig_page(const struct rig *rig, uint64_t page)
{
	return (uint64_t *)(rig->base + page * SGX_PAGE_SIZE);
}

/** rig_pages_loaded() - ELDUs of the enclave so far. */
uint64_t rig_pages_loaded(const struct rig *rig);
/** rig_pages_resident() - pages of the enclave in the EPC now. */
uint64_t rig_pages_resident(struct rig *rig);

/** rig_thread_enter() - the calling thread may touch enclave memory until rig_thread_leave(). */
bool must_check rig_thread_enter(struct rig *rig);
void rig_thread_leave(void);
/** rig_scratch() - the calling thread's scratch page. */
void *rig_scratch(void);

/**
 * rig_null_fault() - read a byte that is not there and have the handler step over the read: delivery of a signal to
 * the same handler on the same stack as a real fault, nothing done in it, and the return.
 */
void rig_null_fault(uint64_t addr);

#endif
