/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How an enclave page becomes reachable at its own address, and stops being so. All that is Linux-specific about
 * enclave memory is behind this header; uffd.c does it with userfaultfd on anonymous private memory.
 *
 * Two mechanisms, same meaning (paging.md gives the measured costs):
 *   guard   (Linux 6.13+) an unmapped page is a guard marker: a touch is SIGSEGV, a forked child dies on it
 *   sigbus  (Linux 5.14 to 6.12, and everywhere else) an unmapped page is absent: a touch is SIGBUS by userfaultfd
 * In both a write to a blocked page is SIGBUS.
 *
 * Every function is async-signal-safe and returns 0 or -errno unless it says otherwise.
 */
#ifndef SOFTSGX_MMU_MMU_H
#define SOFTSGX_MMU_MMU_H

#include "base/compiler.h"

enum mmu_mechanism { MMU_AUTO, MMU_GUARD, MMU_SIGBUS };

struct mmu {
	enum mmu_mechanism mechanism; /* MMU_GUARD or MMU_SIGBUS after mmu_init() */
	int uffd;                     /* one for all enclaves of the process */
	int mem_fd;                   /* /proc/self/mem, for pages the application has mapped without READ */
};

/* What stands in the way, for `doctor` and for refusals: the cause, and mmu_cure() for what to do. */
enum mmu_obstacle {
	MMU_OK,
	MMU_NO_UFFD,        /* the system call does not exist (ENOSYS) */
	MMU_UFFD_FORBIDDEN, /* EPERM: seccomp, or a kernel older than 5.11 without UFFD_USER_MODE_ONLY */
	MMU_NO_FEATURES,    /* missing UFFD_FEATURE_SIGBUS or write-protection */
	MMU_NO_GUARD,       /* guard markers asked for, but the kernel has none */
	MMU_NO_PROC_MEM,    /* /proc/self/mem cannot be opened */
};

/**
 * mmu_init() - @want: MMU_AUTO picks guard where it works, by trial on a throwaway mapping, never by version number.
 * Return: MMU_OK or what is in the way; nothing stays open then.
 */
enum mmu_obstacle must_check mmu_init(struct mmu *mmu, enum mmu_mechanism want);
void mmu_destroy(struct mmu *mmu);
const char *mmu_obstacle_text(enum mmu_obstacle o);
const char *mmu_cure(enum mmu_obstacle o);
const char *mmu_mechanism_name(enum mmu_mechanism m);

/**
 * mmu_reserve() - own [@start, @start + @len): inaccessible, no page mapped. Replaces what is there only where that is
 * an inaccessible reservation of the application's. Return: 0, -EEXIST if something else is there, -ENOMEM.
 */
int must_check mmu_reserve(struct mmu *mmu, uint64_t start, uint64_t len);
/** mmu_release() - back to nothing mapped. */
void mmu_release(struct mmu *mmu, uint64_t start, uint64_t len);
/** mmu_protect() - the protection with which mapped pages of the range are reachable (PROT_*). */
int must_check mmu_protect(struct mmu *mmu, uint64_t start, uint64_t len, int prot);

/** mmu_map() - make the page at @addr reachable with the 4096 bytes at @src, atomically for all threads. */
int must_check mmu_map(struct mmu *mmu, uint64_t addr, const void *src);
/** mmu_block() - no thread can write to the mapped pages of the range any more; returns after the shootdown. */
int must_check mmu_block(struct mmu *mmu, uint64_t start, uint64_t len);
/** mmu_unblock() - writes are possible again. */
int must_check mmu_unblock(struct mmu *mmu, uint64_t start, uint64_t len);
/** mmu_unmap() - the pages of the range are gone; a touch faults. One shootdown for the whole range. */
int must_check mmu_unmap(struct mmu *mmu, uint64_t start, uint64_t len);
/** mmu_read(), mmu_write() - the bytes of a mapped page, whatever its protection. */
int must_check mmu_read(struct mmu *mmu, uint64_t addr, void *dst, size_t len);
int must_check mmu_write(struct mmu *mmu, uint64_t addr, const void *src, size_t len);

#endif
