/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where backing pages physically are: two regions of page-sized cells, contents and PCMD, that occupy RAM exactly
 * from store_populate() to store_punch(). memfd.c keeps them in an anonymous memory file, whose st_blocks is the
 * operating system's own word on what is held; it vanishes with the process.
 */
#ifndef SOFTSGX_BACKING_STORE_H
#define SOFTSGX_BACKING_STORE_H

#include "arch/sgx.h"
#include "base/compiler.h"

#define PCMD_PER_PAGE (SGX_PAGE_SIZE / sizeof(struct sgx_pcmd))

enum store_region { STORE_CONTENTS, STORE_PCMD, STORE_REGIONS };

struct store {
	int fd;
	uint64_t cells[STORE_REGIONS]; /* size of each region, pages */
	uint64_t base[STORE_REGIONS];  /* where each is mapped */
	uint64_t offset[STORE_REGIONS];
};

/**
 * store_init() - room for @cells contents pages and the PCMD pages they need. Costs address space, no memory.
 * Return: 0; -EINVAL; -EMFILE, -ENFILE; -ENOMEM without address space; -EFBIG beyond RLIMIT_FSIZE (ulimit -f);
 * -EAGAIN beyond RLIMIT_MEMLOCK under mlockall(MCL_FUTURE); -ENOSYS before Linux 5.14.
 */
int must_check store_init(struct store *s, uint64_t cells);
void store_destroy(struct store *s);

/** store_populate() - make pages [@first, @first + @count) occupy RAM, zeroed. Return: 0 or -ENOMEM, all or none. */
int must_check store_populate(struct store *s, enum store_region r, uint64_t first, uint64_t count);
/** store_punch() - give that RAM back; the pages read as zero until populated again. */
void store_punch(struct store *s, enum store_region r, uint64_t first, uint64_t count);
/** store_page() - address of a populated page. Touching an unpopulated one would occupy RAM uncharged: a bug. */
void *store_page(const struct store *s, enum store_region r, uint64_t index);
/** store_held() - pages of RAM that the operating system says are occupied, both regions. -errno on failure. */
int64_t store_held(const struct store *s);

#endif
