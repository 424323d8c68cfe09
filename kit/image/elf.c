/* SPDX-License-Identifier: Apache-2.0 */
/* Every offset and size in the file is somebody else's claim: checked against the file before it is used. */
#include "kit/image/elf.h"

#include <elf.h>
#include <errno.h>
#include <string.h>

#include "arch/sgx.h"
#include "kit/image/image.h"

struct reader {
	const uint8_t *file;
	size_t bytes;
	const char *name;
	struct kit_error *err;
	const Elf64_Ehdr *header;
	struct kit_elf *elf;
};

#define broken(r, ...) kit_fail((r)->err, ENOEXEC, __VA_ARGS__)

static bool in_file(const struct reader *r, uint64_t offset, uint64_t bytes)
{
	return offset <= r->bytes && bytes <= r->bytes - offset;
}

static Elf64_Phdr program_header(const struct reader *r, unsigned i)
{
	Elf64_Phdr ph;

	memcpy(&ph, r->file + r->header->e_phoff + i * sizeof(ph), sizeof(ph));
	return ph;
}

static int check_header(const struct reader *r)
{
	const Elf64_Ehdr *h = r->header;

	if (r->bytes < sizeof(*h) || memcmp(h->e_ident, ELFMAG, SELFMAG) != 0)
		return broken(r, "%s is not an ELF file: give the linked enclave", r->name);
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != EM_X86_64)
		return broken(r, "%s is not for x86-64", r->name);
	if (h->e_type != ET_DYN)
		return broken(r, "%s is not position-independent: link it with -static-pie and kit/enclave/enclave.lds",
			      r->name);
	if (h->e_phentsize != sizeof(Elf64_Phdr) || h->e_phnum == 0 ||
	    !in_file(r, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr)))
		return broken(r, "%s is truncated: its program headers are not all there", r->name);
	return 0;
}

static uint64_t secinfo_flags_of(uint32_t p_flags)
{
	return (p_flags & PF_R ? SGX_SECINFO_R : 0) | (p_flags & PF_W ? SGX_SECINFO_W : 0) |
	       (p_flags & PF_X ? SGX_SECINFO_X : 0);
}

static int add_segment(const struct reader *r, const Elf64_Phdr *ph)
{
	struct kit_elf *elf = r->elf;
	uint64_t previous_end = elf->segments ? elf->segment[elf->segments - 1].end : 0;
	struct kit_segment *s;

	if (ph->p_memsz == 0)
		return 0;
	if (ph->p_filesz > ph->p_memsz || !in_file(r, ph->p_offset, ph->p_filesz))
		return broken(r, "%s is truncated: the segment at 0x%lx is not all there", r->name, ph->p_vaddr);
	if (ph->p_vaddr > KIT_ELF_MAX || ph->p_memsz > KIT_ELF_MAX - ph->p_vaddr)
		return kit_fail(r->err, E2BIG,
				"%s: the segment at 0x%lx ends beyond %lu MiB: use the heap for large data", r->name,
				ph->p_vaddr, KIT_ELF_MAX >> 20);
	if ((ph->p_vaddr & PAGE_MASK) < previous_end)
		return broken(r,
			      "%s: the segment at 0x%lx shares a page with the one before: link with "
			      "kit/enclave/enclave.lds",
			      r->name, ph->p_vaddr);
	if (!(ph->p_flags & PF_R))
		return broken(r, "%s: the segment at 0x%lx is not readable, which SGX does not offer", r->name,
			      ph->p_vaddr);
	if (elf->segments == KIT_ELF_SEGMENTS)
		return broken(r, "%s has more than %d segments", r->name, KIT_ELF_SEGMENTS);
	s = &elf->segment[elf->segments++];
	s->start = ph->p_vaddr & PAGE_MASK;
	s->end = page_round_up(ph->p_vaddr + ph->p_memsz);
	s->data_offset = ph->p_vaddr;
	s->data = r->file + ph->p_offset;
	s->data_bytes = ph->p_filesz;
	s->secinfo_flags = secinfo_flags_of(ph->p_flags);
	return 0;
}

/* The segment that holds [@address, @address + @bytes) in its file part, or NULL. */
static const struct kit_segment *segment_at(const struct kit_elf *elf, uint64_t address, uint64_t bytes, bool in_data)
{
	for (unsigned i = 0; i < elf->segments; i++) {
		const struct kit_segment *s = &elf->segment[i];
		uint64_t start = in_data ? s->data_offset : s->start, end = in_data ? start + s->data_bytes : s->end;

		if (address >= start && address <= end && bytes <= end - address)
			return s;
	}
	return NULL;
}

static int find_config(const struct reader *r, const Elf64_Phdr *ph)
{
	struct kit_note note;

	if (ph->p_filesz < sizeof(note) || !in_file(r, ph->p_offset, ph->p_filesz))
		return 0;
	memcpy(&note, r->file + ph->p_offset, sizeof(note));
	if (note.name_bytes != sizeof(KIT_NOTE_NAME) || memcmp(note.name, KIT_NOTE_NAME, sizeof(KIT_NOTE_NAME)) != 0 ||
	    note.type != KIT_NOTE_TYPE)
		return 0;
	if (note.desc_bytes != sizeof(note.config) || note.config.version != KIT_CONFIG_VERSION)
		return broken(r, "%s was built with another version of the kit: build it again", r->name);
	r->elf->config = note.config;
	return 0;
}

/* The enclave relocates itself, and can do only this: add its base to words in pages it may write. */
static int check_relocations(const struct reader *r, uint64_t table, uint64_t bytes)
{
	const struct kit_segment *s = segment_at(r->elf, table, bytes, true);

	if (bytes == 0)
		return 0;
	if (!s || bytes % sizeof(Elf64_Rela) != 0)
		return broken(r, "%s: its relocation table is outside its segments", r->name);
	for (uint64_t at = 0; at < bytes; at += sizeof(Elf64_Rela)) {
		const struct kit_segment *target;
		Elf64_Rela rela;

		memcpy(&rela, s->data + (table - s->data_offset) + at, sizeof(rela));
		if (rela.r_info != ELF64_R_INFO(0, R_X86_64_RELATIVE))
			return broken(
				r,
				"%s refers to a symbol that nobody defines, or needs a dynamic linker (relocation "
				"at 0x%lx): link all it uses into it, hidden",
				r->name, rela.r_offset);
		target = segment_at(r->elf, rela.r_offset, sizeof(uint64_t), false);
		if (!target || !(target->secinfo_flags & SGX_SECINFO_W))
			return broken(
				r,
				"%s has a relocation in a page it may not write (0x%lx): compile with -fPIE, link "
				"with kit/enclave/enclave.lds",
				r->name, rela.r_offset);
	}
	return 0;
}

static int check_dynamic(const struct reader *r, const Elf64_Phdr *ph)
{
	uint64_t table = 0, bytes = 0;

	if (!in_file(r, ph->p_offset, ph->p_filesz))
		return broken(r, "%s is truncated: its dynamic section is not all there", r->name);
	for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= ph->p_filesz; at += sizeof(Elf64_Dyn)) {
		Elf64_Dyn dyn;

		memcpy(&dyn, r->file + ph->p_offset + at, sizeof(dyn));
		switch (dyn.d_tag) {
		case DT_NULL:
			return check_relocations(r, table, bytes);
		case DT_NEEDED:
			return broken(r,
				      "%s needs a shared library, and there is none in an enclave: link with -nostdlib",
				      r->name);
		case DT_REL:
		case DT_JMPREL:
		case 36: /* DT_RELR, which older <elf.h> lack */
			return broken(r,
				      "%s has relocations that the enclave cannot do itself: link it with -static-pie "
				      "and without packed relocations",
				      r->name);
		case DT_RELA:
			table = dyn.d_un.d_ptr;
			break;
		case DT_RELASZ:
			bytes = dyn.d_un.d_val;
			break;
		default:
			break;
		}
	}
	return broken(r, "%s: its dynamic section has no end", r->name);
}

static int read_header(const struct reader *r, const Elf64_Phdr *ph)
{
	switch (ph->p_type) {
	case PT_LOAD:
		return add_segment(r, ph);
	case PT_NOTE:
		return find_config(r, ph);
	case PT_INTERP:
		return broken(r, "%s wants a dynamic linker: link it with -static-pie", r->name);
	case PT_TLS:
		if (ph->p_memsz == 0)
			return 0;
		return broken(r, "%s has thread-local variables, which the kit does not offer: use kit_thread()->index",
			      r->name);
	default:
		return 0;
	}
}

static int read_headers(const struct reader *r)
{
	int ret = 0;

	for (unsigned i = 0; i < r->header->e_phnum && ret == 0; i++) {
		Elf64_Phdr ph = program_header(r, i);

		ret = read_header(r, &ph);
	}
	/* Relocations are checked against the segments, so these come first. */
	for (unsigned i = 0; i < r->header->e_phnum && ret == 0; i++) {
		Elf64_Phdr ph = program_header(r, i);

		if (ph.p_type == PT_DYNAMIC)
			ret = check_dynamic(r, &ph);
	}
	return ret;
}

int kit_elf_parse(const void *file, size_t bytes, const char *name, struct kit_elf *elf, struct kit_error *err)
{
	Elf64_Ehdr header = { 0 };
	struct reader r = { .file = file, .bytes = bytes, .name = name, .err = err, .header = &header, .elf = elf };
	const struct kit_segment *entry;
	int ret;

	memset(elf, 0, sizeof(*elf));
	memcpy(&header, file, min_of(bytes, sizeof(header)));
	ret = check_header(&r);
	if (ret == 0)
		ret = read_headers(&r);
	if (ret != 0)
		return ret;
	if (elf->segments == 0)
		return broken(&r, "%s has nothing to load", name);
	if (elf->config.version == 0)
		return broken(&r,
			      "%s has no enclave note: say KIT_ENCLAVE(...) in one of its sources, link with "
			      "kit/enclave/enclave.lds",
			      name);
	elf->entry = header.e_entry;
	entry = segment_at(elf, header.e_entry, 1, false);
	if (!entry || !(entry->secinfo_flags & SGX_SECINFO_X))
		return broken(&r, "%s: its entry point 0x%lx is not in an executable segment", name, header.e_entry);
	return 0;
}
