/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/image/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/measure.h"
#include "kit/image/elf.h"

#define STACK_DEFAULT (64UL << 10)
#define NSSA_DEFAULT 2
#define NSSA_MAX 64

#define RW (SGX_SECINFO_R | SGX_SECINFO_W)
#define THREAD_PAGES 2 /* exception stack; struct kit_thread, which the TCS wants page-aligned */
#define THREAD_MEASURED_PAGES (THREAD_PAGES + 1) /* and the TCS */

/* State components whose place in the standard XSAVE layout leaves room for GPRSGX and EXINFO in one page. */
#define XFRM_ONE_PAGE 0x2ffULL

/* --- configuration --- */

static int check_config(struct kit_config *c, const char *name, struct kit_error *err)
{
	c->tcs = c->tcs ? c->tcs : 1;
	c->nssa = c->nssa ? c->nssa : NSSA_DEFAULT;
	c->xfrm = c->xfrm ? c->xfrm : SGX_XFRM_LEGACY;
	if (c->heap > KIT_HEAP_MAX)
		return kit_fail(err, E2BIG, "%s asks for %lu bytes of heap; the limit is %lu GiB", name, c->heap,
				KIT_HEAP_MAX >> 30);
	if (c->stack > KIT_STACK_MAX)
		return kit_fail(err, E2BIG, "%s asks for stacks of %lu bytes; the limit is %lu MiB", name, c->stack,
				KIT_STACK_MAX >> 20);
	if (c->tcs > KIT_TCS_MAX)
		return kit_fail(err, E2BIG, "%s asks for %u threads; the limit is %d", name, c->tcs, KIT_TCS_MAX);
	if (c->nssa > NSSA_MAX)
		return kit_fail(err, E2BIG, "%s asks for %u SSA frames; the limit is %d", name, c->nssa, NSSA_MAX);
	if ((c->xfrm & SGX_XFRM_LEGACY) != SGX_XFRM_LEGACY || (c->xfrm & ~XFRM_ONE_PAGE))
		return kit_fail(err, ENOEXEC, "%s asks for XFRM 0x%lx; it must contain 0x3 and nothing beyond 0x%llx",
				name, c->xfrm, XFRM_ONE_PAGE);
	if ((c->miscselect & ~SGX_MISC_EXINFO) || (c->flags & ~KIT_CONFIG_DEBUG))
		return kit_fail(err, ENOEXEC,
				"%s asks for flags 0x%x, MISCSELECT 0x%x: some of these bits do not exist", name,
				c->flags, c->miscselect);
	c->stack = page_round_up(c->stack ? c->stack : STACK_DEFAULT);
	c->heap = page_round_up(c->heap);
	return 0;
}

/* --- layout --- */

struct layout {
	struct kit_image *image;
	uint64_t at;       /* next offset */
	uint8_t *contents; /* next free page of image->contents */
};

static void put_run(struct layout *l, uint64_t pages, uint64_t flags, const uint8_t *contents, bool measured)
{
	struct kit_image *image = l->image;

	if (pages == 0)
		return;
	image->runs[image->run_count++] = (struct kit_run){
		.offset = l->at,
		.pages = pages,
		.secinfo_flags = flags,
		.contents = contents,
		.measured = measured,
	};
	image->pages += pages;
	l->at += pages * PAGE_SIZE;
}

static uint8_t *take_contents(struct layout *l, uint64_t bytes)
{
	uint8_t *taken = l->contents;

	l->contents += bytes;
	return taken;
}

static void put_segment(struct layout *l, const struct kit_segment *s)
{
	uint8_t *contents = take_contents(l, s->end - s->start);

	memcpy(contents + (s->data_offset - s->start), s->data, s->data_bytes);
	l->at = s->start;
	put_run(l, (s->end - s->start) / PAGE_SIZE, s->secinfo_flags | SGX_SECINFO_PT(SGX_PT_REG), contents, true);
}

static void put_thread_data(struct layout *l, uint32_t index, uint64_t stack_top)
{
	const struct kit_image *image = l->image;
	uint8_t *contents = take_contents(l, THREAD_PAGES * PAGE_SIZE);
	uint64_t self = l->at + (THREAD_PAGES - 1) * PAGE_SIZE;

	*(struct kit_thread *)(contents + (THREAD_PAGES - 1) * PAGE_SIZE) = (struct kit_thread){
		.self = self,
		.stack_top = stack_top,
		.exception_stack_top = self,
		.xfrm = image->config.xfrm,
		.ssa = self + 2 * PAGE_SIZE,
		.heap = image->heap,
		.heap_bytes = image->config.heap,
		.enclave_bytes = image->size,
		.index = index,
	};
	put_run(l, THREAD_PAGES, RW | SGX_SECINFO_PT(SGX_PT_REG), contents, true);
}

static void put_tcs(struct layout *l)
{
	uint8_t *contents = take_contents(l, PAGE_SIZE);

	*(struct sgx_tcs *)contents = (struct sgx_tcs){
		.ossa = l->at + PAGE_SIZE,
		.nssa = l->image->config.nssa,
		.oentry = l->image->entry,
		.ofsbase = l->at - PAGE_SIZE,
		.ogsbase = l->at - PAGE_SIZE,
		.fslimit = UINT32_MAX,
		.gslimit = UINT32_MAX,
	};
	put_run(l, 1, SGX_SECINFO_PT(SGX_PT_TCS), contents, true);
}

static void put_thread(struct layout *l, uint32_t index)
{
	const struct kit_config *c = &l->image->config;
	uint64_t stack_top;

	l->at += KIT_GAP;
	put_run(l, c->stack / PAGE_SIZE, RW | SGX_SECINFO_PT(SGX_PT_REG), NULL, false);
	stack_top = l->at;
	l->at += PAGE_SIZE;
	put_thread_data(l, index, stack_top);
	put_tcs(l);
	put_run(l, (uint64_t)c->nssa * KIT_SSA_FRAME_PAGES, RW | SGX_SECINFO_PT(SGX_PT_REG), NULL, false);
}

static uint64_t thread_stride(const struct kit_config *c)
{
	return KIT_GAP + c->stack + (1 + THREAD_MEASURED_PAGES + (uint64_t)c->nssa * KIT_SSA_FRAME_PAGES) * PAGE_SIZE;
}

static uint64_t next_power_of_2(uint64_t x)
{
	return is_power_of_2(x) ? x : 1ULL << (64 - __builtin_clzll(x));
}

static void plan(struct kit_image *image, uint64_t elf_end)
{
	const struct kit_config *c = &image->config;
	uint64_t threads;

	image->heap = elf_end + KIT_GAP;
	threads = image->heap + c->heap;
	image->tcs_stride = thread_stride(c);
	image->first_tcs = threads + KIT_GAP + c->stack + (1 + THREAD_PAGES) * PAGE_SIZE;
	image->size = next_power_of_2(threads + c->tcs * image->tcs_stride);
}

static int allocate(struct kit_image *image, const struct kit_elf *elf)
{
	size_t runs = elf->segments + 1 + (size_t)image->config.tcs * 4;

	image->contents_bytes = (size_t)image->config.tcs * THREAD_MEASURED_PAGES * PAGE_SIZE;
	for (unsigned i = 0; i < elf->segments; i++)
		image->contents_bytes += elf->segment[i].end - elf->segment[i].start;
	image->runs = calloc(runs, sizeof(*image->runs));
	image->contents = mmap(NULL, image->contents_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (image->contents == MAP_FAILED)
		image->contents = NULL;
	return image->runs && image->contents ? 0 : -ENOMEM;
}

static int lay_out(struct kit_image *image, const struct kit_elf *elf)
{
	struct layout l = { .image = image };

	image->entry = elf->entry;
	plan(image, elf->segment[elf->segments - 1].end);
	if (allocate(image, elf) != 0)
		return -ENOMEM;
	l.contents = image->contents;
	for (unsigned i = 0; i < elf->segments; i++)
		put_segment(&l, &elf->segment[i]);
	l.at = image->heap;
	put_run(&l, image->config.heap / PAGE_SIZE, RW | SGX_SECINFO_PT(SGX_PT_REG), NULL, false);
	for (uint32_t i = 0; i < image->config.tcs; i++)
		put_thread(&l, i);
	return 0;
}

/* --- interface --- */

int kit_image_from_memory(const void *file, size_t bytes, const char *name, struct kit_image **image,
			  struct kit_error *err)
{
	struct kit_image *new;
	struct kit_elf elf;
	int ret = kit_elf_parse(file, bytes, name, &elf, err);

	if (ret == 0)
		ret = check_config(&elf.config, name, err);
	if (ret != 0)
		return ret;
	new = calloc(1, sizeof(*new));
	if (!new)
		return kit_fail(err, ENOMEM, "%s: out of memory", name);
	new->config = elf.config;
	if (lay_out(new, &elf) != 0) {
		kit_image_close(new);
		return kit_fail(err, ENOMEM, "%s: out of memory", name);
	}
	*image = new;
	return 0;
}

static int map_file(int fd, const char *path, void **file, size_t *bytes, struct kit_error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return kit_fail(err, errno, "cannot read %s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return kit_fail(err, ENOEXEC, "%s is not a regular file", path);
	if (st.st_size == 0)
		return kit_fail(err, ENOEXEC, "%s is empty", path);
	*bytes = (size_t)st.st_size;
	*file = mmap(NULL, *bytes, PROT_READ, MAP_PRIVATE, fd, 0);
	if (*file == MAP_FAILED)
		return kit_fail(err, errno, "cannot read %s: %s", path, strerror(errno));
	return 0;
}

int kit_image_open(const char *path, struct kit_image **image, struct kit_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	size_t bytes = 0;
	void *file;

	if (fd < 0)
		return kit_fail(err, errno, "cannot open %s: %s", path, strerror(errno));
	ret = map_file(fd, path, &file, &bytes, err);
	close(fd);
	if (ret != 0)
		return ret;
	ret = kit_image_from_memory(file, bytes, path, image, err);
	munmap(file, bytes);
	return ret;
}

void kit_image_close(struct kit_image *image)
{
	if (!image)
		return;
	if (image->contents)
		munmap(image->contents, image->contents_bytes);
	free(image->runs);
	free(image);
}

static void measure_page(struct measure *m, uint64_t offset, const struct sgx_secinfo *secinfo, const uint8_t *contents)
{
	measure_eadd(m, offset, secinfo);
	if (!contents)
		return;
	for (unsigned at = 0; at < PAGE_SIZE; at += SGX_EEXTEND_BYTES)
		measure_eextend(m, offset + at, contents + at);
}

int kit_image_measure(const struct kit_image *image, uint8_t mrenclave[32])
{
	struct measure *m = measure_new(KIT_SSA_FRAME_PAGES, image->size);
	int ret;

	if (!m)
		return -ENOMEM;
	for (size_t i = 0; i < image->run_count; i++) {
		const struct kit_run *run = &image->runs[i];
		struct sgx_secinfo secinfo = { .flags = run->secinfo_flags };

		for (uint64_t page = 0; page < run->pages; page++)
			measure_page(m, run->offset + page * PAGE_SIZE, &secinfo,
				     run->measured ? run->contents + page * PAGE_SIZE : NULL);
	}
	ret = measure_final(m, mrenclave);
	measure_free(m);
	return ret;
}
