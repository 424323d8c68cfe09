/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The entry is found in a vDSO with either hash table, and not where there is none. The images are flat files in
 * memory, as a vDSO is; what is found is compared with the file's own symbol table.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kit/host/enclave.h"

static char **paths; /* with DT_HASH, with DT_GNU_HASH, without the entry */

static const uint8_t *map_image(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *image;

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &st), 0);
	image = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	assert_ptr_not_equal(image, MAP_FAILED);
	close(fd);
	return image;
}

static const Elf64_Shdr *section_of_type(const uint8_t *image, uint32_t type)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image;
	const Elf64_Shdr *sh = (const Elf64_Shdr *)(image + eh->e_shoff);

	for (unsigned i = 0; i < eh->e_shnum; i++) {
		if (sh[i].sh_type == type)
			return &sh[i];
	}
	return NULL;
}

/* By the section headers, which the code under test does not use. */
static uint64_t value_in_section_table(const uint8_t *image, const char *name)
{
	const Elf64_Ehdr *eh = (const Elf64_Ehdr *)image;
	const Elf64_Shdr *sections = (const Elf64_Shdr *)(image + eh->e_shoff),
			 *table = section_of_type(image, SHT_DYNSYM);
	const Elf64_Sym *sym = (const Elf64_Sym *)(image + table->sh_offset);
	const char *strings = (const char *)image + sections[table->sh_link].sh_offset;

	for (uint64_t i = 0; i < table->sh_size / sizeof(*sym); i++) {
		if (strcmp(strings + sym[i].st_name, name) == 0)
			return sym[i].st_value;
	}
	return 0;
}

static void found_in(const char *path, uint32_t table, uint32_t other_table)
{
	const uint8_t *image = map_image(path);
	uint64_t value = value_in_section_table(image, "__vdso_sgx_enter_enclave");

	assert_non_null(section_of_type(image, table));
	assert_null(section_of_type(image, other_table));
	assert_int_not_equal(value, 0);
	assert_int_equal((uint64_t)kit_vdso_entry_of(image) - (uint64_t)image, value);
}

static void entry_is_found_by_the_old_hash_table(void **state)
{
	found_in(paths[0], SHT_HASH, SHT_GNU_HASH);
}

static void entry_is_found_by_the_gnu_hash_table(void **state)
{
	found_in(paths[1], SHT_GNU_HASH, SHT_HASH);
}

static void no_entry_is_found_where_there_is_none(void **state)
{
	assert_null(kit_vdso_entry_of(map_image(paths[2])));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entry_is_found_by_the_old_hash_table),
		cmocka_unit_test(entry_is_found_by_the_gnu_hash_table),
		cmocka_unit_test(no_entry_is_found_where_there_is_none),
	};

	if (argc != 4)
		return 2;
	paths = argv + 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
