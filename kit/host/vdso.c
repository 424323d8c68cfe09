/* SPDX-License-Identifier: Apache-2.0 */
/* Finding __vdso_sgx_enter_enclave: the vDSO is an ELF object in memory whose address is in the auxiliary vector. */
#include <elf.h>
#include <string.h>
#include <sys/auxv.h>

#include "kit/host/enclave.h"

struct dynamic {
	uint64_t load; /* add to a p_vaddr or d_ptr to get an address */
	const Elf64_Sym *symbols;
	const char *strings;
	const uint32_t *hash, *gnu_hash;
};

static void read_dynamic(const Elf64_Dyn *dyn, struct dynamic *d)
{
	for (; dyn->d_tag != DT_NULL; dyn++) {
		const void *at = (const void *)(d->load + dyn->d_un.d_ptr);

		switch (dyn->d_tag) {
		case DT_SYMTAB:
			d->symbols = at;
			break;
		case DT_STRTAB:
			d->strings = at;
			break;
		case DT_HASH:
			d->hash = at;
			break;
		case DT_GNU_HASH:
			d->gnu_hash = at;
			break;
		default:
			break;
		}
	}
}

static const Elf64_Dyn *find_dynamic(const Elf64_Ehdr *eh, struct dynamic *d)
{
	const Elf64_Phdr *ph = (const Elf64_Phdr *)((const uint8_t *)eh + eh->e_phoff);
	const Elf64_Dyn *dyn = NULL;
	bool loaded = false;

	for (unsigned i = 0; i < eh->e_phnum; i++, ph++) {
		if (ph->p_type == PT_LOAD && !loaded) {
			d->load = (uint64_t)eh + ph->p_offset - ph->p_vaddr;
			loaded = true;
		} else if (ph->p_type == PT_DYNAMIC) {
			dyn = (const Elf64_Dyn *)((const uint8_t *)eh + ph->p_offset);
		}
	}
	return loaded ? dyn : NULL;
}

/* The GNU table has no count: the last chain of the highest bucket ends with the last symbol. */
static uint32_t gnu_symbol_count(const uint32_t *table)
{
	uint32_t buckets = table[0], first = table[1], bloom_words = table[2], last = 0;
	const uint32_t *bucket = table + 4 + bloom_words * 2, *chain = bucket + buckets;

	for (uint32_t i = 0; i < buckets; i++)
		last = max_of(last, bucket[i]);
	if (last < first)
		return first;
	while (!(chain[last - first] & 1))
		last++;
	return last + 1;
}

vdso_sgx_enter_enclave_t kit_vdso_entry_of(const void *image)
{
	struct dynamic d = { 0 };
	const Elf64_Dyn *dyn = find_dynamic(image, &d);
	uint32_t count = 0;

	if (!dyn)
		return NULL;
	read_dynamic(dyn, &d);
	if (d.hash)
		count = d.hash[1];
	else if (d.gnu_hash)
		count = gnu_symbol_count(d.gnu_hash);
	for (uint32_t i = 0; d.symbols && d.strings && i < count; i++) {
		const Elf64_Sym *sym = &d.symbols[i];

		if (sym->st_shndx != SHN_UNDEF && strcmp(d.strings + sym->st_name, "__vdso_sgx_enter_enclave") == 0)
			return (vdso_sgx_enter_enclave_t)(d.load + sym->st_value);
	}
	return NULL;
}

vdso_sgx_enter_enclave_t kit_find_vdso_entry(void)
{
	const void *image = (const void *)getauxval(AT_SYSINFO_EHDR);

	return image ? kit_vdso_entry_of(image) : NULL;
}
