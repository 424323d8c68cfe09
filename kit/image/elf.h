/* SPDX-License-Identifier: Apache-2.0 */
/* What the layout needs of an ELF file, checked. */
#ifndef SOFTSGX_KIT_IMAGE_ELF_H
#define SOFTSGX_KIT_IMAGE_ELF_H

#include "base/compiler.h"
#include "kit/abi.h"
#include "kit/error.h"

#define KIT_ELF_SEGMENTS 16

struct kit_segment {
	uint64_t start, end;  /* page-aligned offsets in the enclave */
	uint64_t data_offset; /* where the file's bytes go, from the enclave's base */
	const uint8_t *data;
	uint64_t data_bytes;
	uint64_t secinfo_flags; /* permissions */
};

struct kit_elf {
	struct kit_segment segment[KIT_ELF_SEGMENTS];
	unsigned segments; /* ascending, no page in two of them */
	uint64_t entry;
	struct kit_config config; /* as the note has it */
};

/**
 * kit_elf_parse() - @elf points into @file, which must outlive it.
 * Return: 0, -ENOEXEC or -E2BIG, with @err filled in; @name is the file's, for messages.
 */
int must_check kit_elf_parse(const void *file, size_t bytes, const char *name, struct kit_elf *elf,
			     struct kit_error *err);

#endif
