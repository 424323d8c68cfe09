/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/vdso.h"

#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "shim/entry.h"

/* vdso.S */
extern const uint8_t vdso_image[], vdso_image_end[];
extern const uint8_t vdso_symbols[], vdso_symbols_end[], vdso_strings[], vdso_gnu_chain[], vdso_verdef[];
extern const uint8_t vdso_slots[], vdso_enclu[], vdso_exception[];

/* The functions that go on to the real vDSO are the first symbols, in the order of the slots. */
#define FORWARDED 5

/* --- reading an image that is loaded --- */

struct dynamic {
	const Elf64_Sym *symtab;
	const char *strtab;
	const uint32_t *hash, *gnu_hash;
	uint64_t bias;
};

static const Elf64_Phdr *find_phdr(uint64_t base, uint32_t type)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(base + eh->e_phoff);

	for (int i = 0; i < eh->e_phnum; i++)
		if (ph[i].p_type == type)
			return &ph[i];
	return NULL;
}

static bool read_dynamic(uint64_t base, struct dynamic *d)
{
	const Elf64_Phdr *load = find_phdr(base, PT_LOAD), *dyn = find_phdr(base, PT_DYNAMIC);

	memset(d, 0, sizeof(*d));
	if (!load || !dyn)
		return false;
	d->bias = base + load->p_offset - load->p_vaddr;
	for (const Elf64_Dyn *e = (const Elf64_Dyn *)(base + dyn->p_offset); e->d_tag != DT_NULL; e++) {
		uint64_t at = d->bias + e->d_un.d_ptr;

		if (e->d_tag == DT_SYMTAB)
			d->symtab = (const Elf64_Sym *)at;
		else if (e->d_tag == DT_STRTAB)
			d->strtab = (const char *)at;
		else if (e->d_tag == DT_HASH)
			d->hash = (const uint32_t *)at;
		else if (e->d_tag == DT_GNU_HASH)
			d->gnu_hash = (const uint32_t *)at;
	}
	return d->symtab && d->strtab;
}

/* A GNU hash table does not say how many symbols there are: the longest chain ends with the last of them. */
static uint32_t count_by_gnu_hash(const uint32_t *h)
{
	uint32_t buckets = h[0], offset = h[1], last = 0;
	const uint32_t *bucket = h + 4 + h[2] * 2, *chain = bucket + buckets;

	for (uint32_t i = 0; i < buckets; i++)
		last = max_of(last, bucket[i]);
	if (last < offset)
		return offset;
	while (!(chain[last - offset] & 1))
		last++;
	return last + 1;
}

static uint32_t symbol_count(const struct dynamic *d)
{
	if (d->hash)
		return d->hash[1];
	return d->gnu_hash ? count_by_gnu_hash(d->gnu_hash) : 0;
}

uint64_t vdso_symbol(uint64_t base, const char *name)
{
	struct dynamic d;

	if (!base || !read_dynamic(base, &d))
		return 0;
	for (uint32_t i = 1, n = symbol_count(&d); i < n; i++) {
		const Elf64_Sym *s = &d.symtab[i];

		if (s->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(s->st_info) == STT_FUNC &&
		    strcmp(d.strtab + s->st_name, name) == 0)
			return d.bias + s->st_value;
	}
	return 0;
}

/* --- completing ours --- */

static uint32_t gnu_hash(const char *name)
{
	uint32_t h = 5381;

	for (; *name; name++)
		h = h * 33 + (uint8_t)*name;
	return h;
}

static uint32_t sysv_hash(const char *name)
{
	uint32_t h = 0;

	for (; *name; name++) {
		h = (h << 4) + (uint8_t)*name;
		uint32_t top = h & 0xf0000000;
		h = (h ^ (top >> 24)) & ~top;
	}
	return h;
}

static void *in_copy(uint8_t *copy, const uint8_t *label)
{
	return copy + (label - vdso_image);
}

static void fill_hashes(uint8_t *copy)
{
	const Elf64_Sym *sym = in_copy(copy, vdso_symbols);
	const char *strings = in_copy(copy, vdso_strings);
	uint32_t *chain = in_copy(copy, vdso_gnu_chain);
	size_t count = (size_t)(vdso_symbols_end - vdso_symbols) / sizeof(Elf64_Sym);

	for (size_t i = 1; i < count; i++)
		chain[i - 1] = (gnu_hash(strings + sym[i].st_name) & ~1U) | (i == count - 1);
}

static void fill_versions(uint8_t *copy)
{
	const char *strings = in_copy(copy, vdso_strings);
	Elf64_Verdef *def = in_copy(copy, vdso_verdef);

	for (;;) {
		const Elf64_Verdaux *aux = (const Elf64_Verdaux *)((char *)def + def->vd_aux);

		def->vd_hash = sysv_hash(strings + aux->vda_name);
		if (def->vd_next == 0)
			break;
		def = (Elf64_Verdef *)((char *)def + def->vd_next);
	}
}

/* A function that the real vDSO lacks must not be found in ours: its symbols become undefined. */
static void hide(uint8_t *copy, uint64_t value)
{
	Elf64_Sym *sym = in_copy(copy, vdso_symbols);
	size_t count = (size_t)(vdso_symbols_end - vdso_symbols) / sizeof(Elf64_Sym);

	for (size_t i = 1; i < count; i++)
		if (sym[i].st_value == value)
			sym[i].st_shndx = SHN_UNDEF;
}

static void fill_slots(uint8_t *copy, uint64_t real)
{
	const Elf64_Sym *sym = in_copy(copy, vdso_symbols);
	const char *strings = in_copy(copy, vdso_strings);
	uint64_t *slot = in_copy(copy, vdso_slots);

	for (size_t i = 0; i < FORWARDED; i++) {
		slot[i] = vdso_symbol(real, strings + sym[1 + i].st_name);
		if (!slot[i])
			hide(copy, sym[1 + i].st_value);
	}
	slot[FORWARDED] = (uint64_t)shim_direct_enter;
}

static uint64_t *find_auxv(uint64_t *auxv, uint64_t type)
{
	for (; auxv[0] != AT_NULL; auxv += 2)
		if (auxv[0] == type)
			return &auxv[1];
	return NULL;
}

int vdso_install(struct vdso *vdso, uint64_t *auxv)
{
	uint64_t *entry = find_auxv(auxv, AT_SYSINFO_EHDR);
	long at = sys_mmap(0, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	uint8_t *copy = (uint8_t *)at;

	if (sys_is_err(at))
		return -ENOMEM;
	vdso->real = entry ? *entry : 0;
	memcpy(copy, vdso_image, (size_t)(vdso_image_end - vdso_image));
	fill_hashes(copy);
	fill_versions(copy);
	fill_slots(copy, vdso->real);
	if (sys_mprotect((uint64_t)at, PAGE_SIZE, PROT_READ | PROT_EXEC)) {
		sys_munmap((uint64_t)at, PAGE_SIZE);
		return -ENOMEM;
	}
	vdso->base = (uint64_t)at;
	vdso->aep = (uint64_t)in_copy(copy, vdso_enclu);
	vdso->fixup = (uint64_t)in_copy(copy, vdso_exception);
	if (entry)
		*entry = vdso->base;
	return 0;
}
