/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kit/host/enclave.h"
#include "kit/sign/sign.h"

#define DEVICE "/dev/sgx_enclave"
#define ZERO_BYTES (1UL << 20)

#define CURE_MEMORY "give it more (softsgx run --epc SIZE, --overcommit PERCENT, --backing-max SIZE)"

/* --- device and addresses --- */

static int open_device(struct kit_enclave *e, struct kit_error *err)
{
	e->fd = open(DEVICE, O_RDWR | O_CLOEXEC);
	if (e->fd >= 0)
		return 0;
	if (errno == ENOENT || errno == ENXIO || errno == ENODEV)
		return kit_fail(err, errno,
				"there is no " DEVICE ": this machine has no SGX, or it is off; start the program "
				"with softsgx run");
	if (errno == EACCES)
		return kit_fail(err, errno,
				"cannot open " DEVICE ": permission denied; be in the group that owns it, or start "
				"the program with softsgx run");
	return kit_fail(err, errno, "cannot open " DEVICE ": %s", strerror(errno));
}

/* ELRANGE is aligned to its own size: reserve twice that, keep the aligned part. */
static int reserve(struct kit_enclave *e, struct kit_error *err)
{
	uint64_t size = e->image->size, start, base;
	void *twice = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (twice == MAP_FAILED)
		return kit_fail(err, errno, "cannot reserve %lu MiB of addresses: %s", 2 * size >> 20, strerror(errno));
	start = (uint64_t)twice;
	base = (start + size - 1) & ~(size - 1);
	if (base > start)
		munmap(twice, base - start);
	if (start + size > base)
		munmap((void *)(base + size), start + size - base);
	e->base = base;
	return 0;
}

static int create(struct kit_enclave *e, const struct sgx_sigstruct *sig, struct kit_error *err)
{
	struct sgx_secs secs __attribute__((aligned(SGX_PAGE_SIZE))) = {
		.size = e->image->size,
		.base = e->base,
		.ssa_frame_size = KIT_SSA_FRAME_PAGES,
		.miscselect = sig->miscselect & sig->miscmask,
		.attributes = {
			.flags = sig->attributes.flags & sig->attributemask.flags,
			.xfrm = sig->attributes.xfrm & sig->attributemask.xfrm,
		},
	};
	struct sgx_enclave_create arg = { .src = (uint64_t)&secs };

	if (ioctl(e->fd, SGX_IOC_ENCLAVE_CREATE, &arg) == 0)
		return 0;
	if (errno == ENOMEM)
		return kit_fail(err, ENOMEM, "no EPC left to create an enclave in: " CURE_MEMORY);
	return kit_fail(err, errno,
			"the platform refuses to create this enclave (%s): ELRANGE %lu MiB, ATTRIBUTES 0x%lx, "
			"XFRM 0x%lx, MISCSELECT 0x%x: one of these is more than it offers",
			strerror(errno), secs.size >> 20, secs.attributes.flags, secs.attributes.xfrm, secs.miscselect);
}

int kit_enclave_open(const struct kit_image *image, const struct sgx_sigstruct *sig, struct kit_enclave **enclave,
		     struct kit_error *err)
{
	struct kit_enclave *e = calloc(1, sizeof(*e));
	int ret;

	if (!e)
		return kit_fail(err, ENOMEM, "out of memory");
	e->image = image;
	ret = open_device(e, err);
	if (ret == 0)
		ret = reserve(e, err);
	if (ret == 0)
		ret = create(e, sig, err);
	if (ret == 0 && kit_calls_init(e) != 0)
		ret = kit_fail(err, ENOMEM, "out of memory");
	if (ret == 0)
		*enclave = e;
	else
		kit_unload(e);
	return ret;
}

/* --- pages --- */

static int fail_add(const struct kit_enclave *e, uint64_t offset, int code, struct kit_error *err)
{
	if (code == ENOMEM)
		return kit_fail(err, code,
				"the enclave needs %lu MiB, and no EPC or backing memory is left at 0x%lx: " CURE_MEMORY
				", or build the enclave with a smaller heap",
				e->image->pages * PAGE_SIZE >> 20, offset);
	return kit_fail(err, code, "the platform refuses the page at 0x%lx: %s", offset, strerror(code));
}

/* The driver may stop early, for a signal or for want of a page: it says how far it came. */
static int add_range(struct kit_enclave *e, const struct kit_run *run, uint64_t offset, const void *src, uint64_t bytes,
		     struct kit_error *err)
{
	struct sgx_secinfo secinfo = { .flags = run->secinfo_flags };
	struct sgx_enclave_add_pages arg = {
		.src = (uint64_t)src,
		.offset = offset,
		.length = bytes,
		.secinfo = (uint64_t)&secinfo,
		.flags = run->measured ? SGX_PAGE_MEASURE : 0,
	};

	while (arg.length != 0) {
		int ret;

		arg.count = 0;
		ret = ioctl(e->fd, SGX_IOC_ENCLAVE_ADD_PAGES, &arg);
		if (ret != 0 && errno != EINTR && errno != EAGAIN)
			return fail_add(e, arg.offset + arg.count, errno, err);
		arg.src += arg.count;
		arg.offset += arg.count;
		arg.length -= arg.count;
	}
	return 0;
}

static int add_run(struct kit_enclave *e, const struct kit_run *run, const void *zeros, struct kit_error *err)
{
	uint64_t bytes = run->pages * PAGE_SIZE;
	int ret = 0;

	if (run->contents)
		return add_range(e, run, run->offset, run->contents, bytes, err);
	for (uint64_t at = 0; at < bytes && ret == 0; at += ZERO_BYTES)
		ret = add_range(e, run, run->offset + at, zeros, min_of(ZERO_BYTES, bytes - at), err);
	return ret;
}

int kit_enclave_add(struct kit_enclave *e, struct kit_error *err)
{
	void *zeros = mmap(NULL, ZERO_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int ret = 0;

	if (zeros == MAP_FAILED)
		return kit_fail(err, ENOMEM, "out of memory");
	for (size_t i = 0; i < e->image->run_count && ret == 0; i++)
		ret = add_run(e, &e->image->runs[i], zeros, err);
	munmap(zeros, ZERO_BYTES);
	return ret;
}

/* A TCS has no permissions of its own in the SECINFO, but is mapped readable and writable. */
static int prot_of(uint64_t secinfo_flags)
{
	if ((secinfo_flags & SGX_SECINFO_PT_MASK) == SGX_SECINFO_PT(SGX_PT_TCS))
		return PROT_READ | PROT_WRITE;
	return (secinfo_flags & SGX_SECINFO_R ? PROT_READ : 0) | (secinfo_flags & SGX_SECINFO_W ? PROT_WRITE : 0) |
	       (secinfo_flags & SGX_SECINFO_X ? PROT_EXEC : 0);
}

/* The last run that continues run @first without a gap and with the same protection. */
static size_t last_alike(const struct kit_image *image, size_t first)
{
	size_t last = first;

	while (last + 1 < image->run_count &&
	       image->runs[last + 1].offset == image->runs[last].offset + image->runs[last].pages * PAGE_SIZE &&
	       prot_of(image->runs[last + 1].secinfo_flags) == prot_of(image->runs[first].secinfo_flags))
		last++;
	return last;
}

int kit_enclave_map(struct kit_enclave *e, struct kit_error *err)
{
	const struct kit_image *image = e->image;

	for (size_t first = 0, last; first < image->run_count; first = last + 1) {
		uint64_t offset = image->runs[first].offset, end;
		void *at = (void *)(e->base + offset);

		last = last_alike(image, first);
		end = image->runs[last].offset + image->runs[last].pages * PAGE_SIZE;
		if (mmap(at, end - offset, prot_of(image->runs[first].secinfo_flags), MAP_SHARED | MAP_FIXED, e->fd,
			 0) != at)
			return kit_fail(err, errno, "cannot map the enclave's pages at 0x%lx: %s", offset,
					strerror(errno));
	}
	return 0;
}

int kit_enclave_init(struct kit_enclave *e, const struct sgx_sigstruct *sig, struct kit_error *err)
{
	struct sgx_enclave_init arg = { .sigstruct = (uint64_t)sig };

	if (ioctl(e->fd, SGX_IOC_ENCLAVE_INIT, &arg) == 0)
		return 0;
	switch (errno) {
	case EPERM:
		return kit_fail(err, EPERM, "the signature does not match the enclave: sign it again (softsgx sign)");
	case EACCES:
		return kit_fail(err, EACCES,
				"the enclave wants the provisioning key, which this program may not give it");
	default:
		return kit_fail(err, errno, "the platform refuses to start the enclave: %s", strerror(errno));
	}
}

/* --- all of it --- */

int kit_load(const char *elf, const char *sig_path, struct kit_enclave **enclave, struct kit_error *err)
{
	struct kit_image *image = NULL;
	struct kit_enclave *e = NULL;
	struct sgx_sigstruct sig;
	int ret = kit_image_open(elf, &image, err);

	if (ret == 0)
		ret = kit_sigstruct_read(sig_path, &sig, err);
	if (ret == 0)
		ret = kit_enclave_open(image, &sig, &e, err);
	if (ret == 0)
		ret = kit_enclave_add(e, err);
	if (ret == 0)
		ret = kit_enclave_map(e, err);
	if (ret == 0)
		ret = kit_enclave_init(e, &sig, err);
	if (ret != 0) {
		kit_unload(e);
		kit_image_close(image);
		return ret;
	}
	e->own_image = image;
	*enclave = e;
	return 0;
}

void kit_unload(struct kit_enclave *e)
{
	if (!e)
		return;
	if (e->base)
		munmap((void *)e->base, e->image->size);
	if (e->fd >= 0)
		close(e->fd);
	kit_calls_destroy(e);
	kit_image_close(e->own_image);
	free(e);
}

uint64_t kit_enclave_base(const struct kit_enclave *e)
{
	return e->base;
}

const struct kit_image *kit_enclave_image(const struct kit_enclave *e)
{
	return e->image;
}

int kit_enclave_fd(const struct kit_enclave *e)
{
	return e->fd;
}
