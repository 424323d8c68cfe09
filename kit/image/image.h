/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an ELF file and its note to the exact sequence of pages that make the enclave. The signer measures this
 * sequence and the loader adds it, so the two cannot differ.
 *
 *	0               the ELF's segments                         measured
 *	                gap
 *	                heap, RW                                   added, contents not measured
 *	for each TCS:   gap, then
 *	                stack, RW                                  not measured
 *	                one page without anything: the guard of the exception stack
 *	                exception stack, one page, RW              measured
 *	                struct kit_thread, one page, RW            measured
 *	                TCS                                        measured
 *	                SSA frames, RW                             not measured
 *
 * A gap is KIT_GAP bytes in which no page is added. ELRANGE is the next power of two.
 */
#ifndef SOFTSGX_KIT_IMAGE_IMAGE_H
#define SOFTSGX_KIT_IMAGE_IMAGE_H

#include "arch/sgx.h"
#include "base/compiler.h"
#include "kit/abi.h"
#include "kit/error.h"

#define KIT_GAP (64UL << 10)
#define KIT_SSA_FRAME_PAGES 1
#define KIT_TCS_MAX 1024
#define KIT_STACK_MAX (1UL << 30)
#define KIT_HEAP_MAX (1UL << 40)
#define KIT_ELF_MAX (1UL << 30)

/** struct kit_run - pages that follow one another and are added the same way. */
struct kit_run {
	uint64_t offset; /* from the enclave's base, bytes */
	uint64_t pages;
	uint64_t secinfo_flags;  /* permissions and page type */
	const uint8_t *contents; /* page-aligned; NULL: all zero */
	bool measured;           /* contents too, by EEXTEND; EADD always is */
};

struct kit_image {
	struct kit_config config; /* with the defaults filled in */
	uint64_t size;            /* of ELRANGE, bytes */
	uint64_t entry;           /* OENTRY */
	uint64_t pages;           /* added in all */
	uint64_t heap;            /* offset of the heap */
	struct kit_run *runs;     /* by ascending offset: the order in which they are added */
	size_t run_count;
	uint64_t first_tcs; /* offset of thread 0's TCS; thread i's is i * tcs_stride further */
	uint64_t tcs_stride;
	uint8_t *contents; /* what the runs point into: page-aligned private memory */
	size_t contents_bytes;
};

/**
 * kit_image_open() - read the enclave at @path and lay it out.
 * Return: 0; -ENOEXEC: not an enclave made with the kit, or a broken one; -E2BIG: more than the limits above;
 * -ENOMEM; or what opening and reading the file gives. @err says what and what to do.
 */
int must_check kit_image_open(const char *path, struct kit_image **image, struct kit_error *err);
/** kit_image_from_memory() - the same of a file's @bytes at @file; @name for messages. */
int must_check kit_image_from_memory(const void *file, size_t bytes, const char *name, struct kit_image **image,
				     struct kit_error *err);
void kit_image_close(struct kit_image *image);

/** kit_image_measure() - MRENCLAVE. Return: 0 or -ENOMEM. */
int must_check kit_image_measure(const struct kit_image *image, uint8_t mrenclave[32]);

/** kit_image_tcs() - offset of thread @index's TCS. */
static inline uint64_t kit_image_tcs(const struct kit_image *image, uint32_t index)
{
	return image->first_tcs + index * image->tcs_stride;
}

#endif
