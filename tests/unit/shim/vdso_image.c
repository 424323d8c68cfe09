/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The image in the vDSO's place, as programs read it: by both hash tables, by section headers, with versions; its time
 * functions are the kernel's.
 */
#include "shim/vdso.h"

#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/auxv.h>
#include <time.h>

#include <cmocka.h>

#include "shim/entry.h"

static struct vdso vdso;

/* In the image's slot; never called here. */
void shim_direct_enter(void)
{
}

static int install(void **state)
{
	uint64_t auxv[] = { AT_PAGESZ, 4096, AT_SYSINFO_EHDR, getauxval(AT_SYSINFO_EHDR), AT_NULL, 0 };

	assert_int_equal(vdso_install(&vdso, auxv), 0);
	assert_int_equal(auxv[3], vdso.base);
	assert_int_equal(auxv[1], 4096);
	assert_int_equal(vdso.real, getauxval(AT_SYSINFO_EHDR));
	return 0;
}

static const Elf64_Ehdr *header(void)
{
	return (const Elf64_Ehdr *)vdso.base;
}

static uint64_t dynamic(int64_t tag)
{
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(vdso.base + header()->e_phoff);

	for (int i = 0; i < header()->e_phnum; i++) {
		if (ph[i].p_type != PT_DYNAMIC)
			continue;
		for (const Elf64_Dyn *d = (const Elf64_Dyn *)(vdso.base + ph[i].p_vaddr); d->d_tag != DT_NULL; d++)
			if (d->d_tag == tag)
				return d->d_un.d_val;
	}
	fail_msg("no dynamic entry %#lx", (unsigned long)tag);
	return 0;
}

static const Elf64_Sym *symbol(uint32_t i)
{
	return (const Elf64_Sym *)(vdso.base + dynamic(DT_SYMTAB)) + i;
}

static const char *name_of(const Elf64_Sym *s)
{
	return (const char *)vdso.base + dynamic(DT_STRTAB) + s->st_name;
}

/* As a dynamic linker with SysV hashing does it. */
static const Elf64_Sym *find_sysv(const char *name)
{
	const uint32_t *h = (const uint32_t *)(vdso.base + dynamic(DT_HASH));
	uint32_t hash = 0;

	for (const char *p = name; *p; p++) {
		hash = (hash << 4) + (uint8_t)*p;
		hash ^= (hash & 0xf0000000) >> 24;
		hash &= 0x0fffffff;
	}
	for (uint32_t i = h[2 + hash % h[0]]; i; i = h[2 + h[0] + i])
		if (strcmp(name_of(symbol(i)), name) == 0)
			return symbol(i);
	return NULL;
}

/* As one with GNU hashing does it, Bloom filter included. */
static const Elf64_Sym *find_gnu(const char *name)
{
	const uint32_t *h = (const uint32_t *)(vdso.base + dynamic(DT_GNU_HASH));
	const uint64_t *bloom = (const uint64_t *)(h + 4);
	const uint32_t *bucket = (const uint32_t *)(bloom + h[2]), *chain = bucket + h[0];
	uint32_t hash = 5381;

	for (const char *p = name; *p; p++)
		hash = hash * 33 + (uint8_t)*p;
	uint64_t word = bloom[hash / 64 % h[2]], bits = 1ULL << hash % 64 | 1ULL << (hash >> h[3]) % 64;
	if ((word & bits) != bits)
		return NULL;
	for (uint32_t i = bucket[hash % h[0]]; i; i++) {
		if ((chain[i - h[1]] ^ hash) >> 1 == 0 && strcmp(name_of(symbol(i)), name) == 0)
			return symbol(i);
		if (chain[i - h[1]] & 1)
			break;
	}
	return NULL;
}

static const Elf64_Shdr *section(const char *name)
{
	const Elf64_Shdr *sh = (const Elf64_Shdr *)(vdso.base + header()->e_shoff);
	const char *names = (const char *)vdso.base + sh[header()->e_shstrndx].sh_offset;

	for (int i = 0; i < header()->e_shnum; i++)
		if (strcmp(names + sh[i].sh_name, name) == 0)
			return &sh[i];
	fail_msg("no section %s", name);
	return NULL;
}

static const char *const functions[] = {
	"__vdso_sgx_enter_enclave",
	"__vdso_clock_gettime",
	"__vdso_gettimeofday",
	"__vdso_time",
	"__vdso_clock_getres",
	"__vdso_getcpu",
	"clock_gettime",
	"gettimeofday",
	"time",
	"clock_getres",
	"getcpu",
};

static void found_by_both_hashes(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		assert_non_null(find_sysv(functions[i]));
		assert_ptr_equal(find_sysv(functions[i]), find_gnu(functions[i]));
		assert_int_equal(vdso_symbol(vdso.base, functions[i]), vdso.base + find_sysv(functions[i])->st_value);
	}
	assert_null(find_sysv("__vdso_nothing"));
	assert_null(find_gnu("__vdso_nothing"));
	assert_int_equal(vdso_symbol(vdso.base, "__vdso_nothing"), 0);
	assert_int_equal(vdso_symbol(vdso.base, "LINUX_2.6"), 0);
}

static void found_by_sections(void **state)
{
	const Elf64_Shdr *dynsym = section(".dynsym"), *text = section(".text");
	const Elf64_Shdr *all = (const Elf64_Shdr *)(vdso.base + header()->e_shoff);

	assert_int_equal(dynsym->sh_addr, dynamic(DT_SYMTAB));
	assert_int_equal(all[dynsym->sh_link].sh_offset, dynamic(DT_STRTAB));
	assert_int_equal(section(".dynstr")->sh_size, dynamic(DT_STRSZ));
	assert_int_equal(dynsym->sh_size / dynsym->sh_entsize, ((const uint32_t *)(vdso.base + dynamic(DT_HASH)))[1]);
	const Elf64_Sym *s = find_sysv("__vdso_sgx_enter_enclave");
	assert_int_equal(s->st_shndx, text - all);
	assert_true(s->st_value >= text->sh_addr && s->st_value + s->st_size <= text->sh_addr + text->sh_size);
	for (int i = 1; i < header()->e_shnum; i++)
		assert_true(all[i].sh_offset + all[i].sh_size <= PAGE_SIZE);
}

static void has_versions(void **state)
{
	const uint16_t *versym = (const uint16_t *)(vdso.base + dynamic(DT_VERSYM));
	const Elf64_Verdef *base = (const Elf64_Verdef *)(vdso.base + dynamic(DT_VERDEF));
	const Elf64_Verdef *linux26 = (const Elf64_Verdef *)((const char *)base + base->vd_next);
	const Elf64_Verdaux *aux = (const Elf64_Verdaux *)((const char *)linux26 + linux26->vd_aux);
	ptrdiff_t i = find_sysv("__vdso_sgx_enter_enclave") - symbol(0);

	assert_int_equal(dynamic(DT_VERDEFNUM), 2);
	assert_int_equal(base->vd_flags, VER_FLG_BASE);
	assert_int_equal(linux26->vd_ndx, versym[i]);
	assert_string_equal((const char *)vdso.base + dynamic(DT_STRTAB) + aux->vda_name, "LINUX_2.6");
	assert_int_equal(linux26->vd_hash, 0x3ae75f6); /* as every vDSO has it */
	assert_int_equal(linux26->vd_next, 0);
}

static void time_is_the_kernels(void **state)
{
	int (*get)(clockid_t, struct timespec *) = (int (*)(clockid_t, struct timespec *))vdso_symbol(
		vdso.base, "__vdso_clock_gettime");
	struct timespec before, here, after;

	clock_gettime(CLOCK_MONOTONIC, &before);
	assert_int_equal(get(CLOCK_MONOTONIC, &here), 0);
	clock_gettime(CLOCK_MONOTONIC, &after);
	assert_true(before.tv_sec < here.tv_sec || (before.tv_sec == here.tv_sec && before.tv_nsec <= here.tv_nsec));
	assert_true(here.tv_sec < after.tv_sec || (here.tv_sec == after.tv_sec && here.tv_nsec <= after.tv_nsec));
}

/* The ENCLU is where the shim looks for it, inside the function. */
static void entry_points(void **state)
{
	const Elf64_Sym *s = find_sysv("__vdso_sgx_enter_enclave");
	uint64_t start = vdso.base + s->st_value;

	assert_memory_equal((const void *)vdso.aep, "\x0f\x01\xd7", 3);
	assert_true(vdso.aep >= start && vdso.aep < start + s->st_size);
	assert_true(vdso.fixup > vdso.aep && vdso.fixup < start + s->st_size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_both_hashes), cmocka_unit_test(found_by_sections),
		cmocka_unit_test(has_versions),         cmocka_unit_test(time_is_the_kernels),
		cmocka_unit_test(entry_points),
	};

	return cmocka_run_group_tests(tests, install, NULL);
}
