/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unwinders find call frame information by asking the dynamic linker which object an address lies in. Our vDSO is not
 * one of its objects, so exceptions thrown in exit handlers, cancellation and backtraces learn of it here.
 */
#include <dlfcn.h>
#include <elf.h>
#include <link.h>

#include "shim/real.h"
#include "shim/state.h"

static const ElfW(Phdr) * program_headers(int *count)
{
	const ElfW(Ehdr) *eh = (const ElfW(Ehdr) *)shim.vdso.base;

	*count = eh->e_phnum;
	return (const ElfW(Phdr) *)(shim.vdso.base + eh->e_phoff);
}

/* glibc 2.35 and newer. */
#ifdef DLFO_STRUCT_HAS_EH_DBASE
static void *eh_frame_hdr(void)
{
	int count;
	const ElfW(Phdr) *ph = program_headers(&count);

	for (int i = 0; i < count; i++)
		if (ph[i].p_type == PT_GNU_EH_FRAME)
			return (void *)(shim.vdso.base + ph[i].p_vaddr);
	return NULL;
}

public_api int _dl_find_object(void *address, struct dl_find_object *result)
{
	uint64_t base = shim.vdso.base;

	if (!base || (uint64_t)address - base >= PAGE_SIZE)
		return real(_dl_find_object)(address, result);
	*result = (struct dl_find_object){
		.dlfo_map_start = (void *)base,
		.dlfo_map_end = (void *)(base + PAGE_SIZE),
		.dlfo_eh_frame = eh_frame_hdr(),
	};
	return 0;
}
#endif

struct walk {
	int (*callback)(struct dl_phdr_info *info, size_t size, void *data);
	void *data;
	struct dl_phdr_info last; /* of the real objects: the counters in it are the same for all */
};

static int pass_on(struct dl_phdr_info *info, size_t size, void *data)
{
	struct walk *w = data;

	if (size >= sizeof(w->last))
		w->last = *info;
	return w->callback(info, size, w->data);
}

public_api int dl_iterate_phdr(int (*callback)(struct dl_phdr_info *info, size_t size, void *data), void *data)
{
	struct walk w = { .callback = callback, .data = data };
	int count, ret = real(dl_iterate_phdr)(pass_on, &w);

	if (ret || !shim.vdso.base)
		return ret;
	w.last.dlpi_addr = shim.vdso.base;
	w.last.dlpi_name = "linux-vdso.so.1";
	w.last.dlpi_phdr = program_headers(&count);
	w.last.dlpi_phnum = (ElfW(Half))count;
	w.last.dlpi_tls_modid = 0;
	w.last.dlpi_tls_data = NULL;
	return callback(&w.last, sizeof(w.last), data);
}
