/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "mmu/maps.h"
#include "mmu/mmu.h"

/* Newer than the C library's headers on the oldest system supported. */
#ifndef MADV_GUARD_INSTALL
#define MADV_GUARD_INSTALL 102
#endif
#ifndef UFFD_USER_MODE_ONLY
#define UFFD_USER_MODE_ONLY 1
#endif
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* Descriptors of the engine live up here, out of the way of programs that expect the lowest numbers for themselves. */
#define ENGINE_FD_MIN 500

#define UFFD_FEATURES_NEEDED (UFFD_FEATURE_SIGBUS | UFFD_FEATURE_PAGEFAULT_FLAG_WP)

#define ANON_FLAGS (MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE)

static int move_up(int fd)
{
	long high = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, ENGINE_FD_MIN);

	if (high < 0)
		return fd;
	sys_close(fd);
	return (int)high;
}

static enum mmu_obstacle open_uffd(struct mmu *mmu)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURES_NEEDED };
	long fd = sys_call1(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	if (fd == -ENOSYS)
		return MMU_NO_UFFD;
	if (fd < 0)
		return MMU_UFFD_FORBIDDEN;
	mmu->uffd = (int)fd;
	if (sys_ioctl(mmu->uffd, UFFDIO_API, &api) != 0)
		return MMU_NO_FEATURES;
	mmu->uffd = move_up(mmu->uffd);
	return MMU_OK;
}

static enum mmu_obstacle open_mem(struct mmu *mmu)
{
	long fd = sys_call3(SYS_openat, AT_FDCWD, "/proc/self/mem", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return MMU_NO_PROC_MEM;
	mmu->mem_fd = move_up((int)fd);
	return MMU_OK;
}

static int register_range(struct mmu *mmu, uint64_t start, uint64_t len)
{
	struct uffdio_register reg = {
		.range = { .start = start, .len = len },
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP,
	};

	return sys_ioctl(mmu->uffd, UFFDIO_REGISTER, &reg);
}

/* Do guard markers work here, and can a page be copied over one? Tried on a page of its own. */
static bool guard_works(struct mmu *mmu)
{
	static const uint8_t blank[PAGE_SIZE];
	long page = sys_mmap(0, PAGE_SIZE, PROT_NONE, ANON_FLAGS, -1, 0);
	bool works;

	if (sys_is_err(page))
		return false;
	works = register_range(mmu, (uint64_t)page, PAGE_SIZE) == 0 &&
		sys_madvise((uint64_t)page, PAGE_SIZE, MADV_GUARD_INSTALL) == 0 &&
		mmu_map(mmu, (uint64_t)page, blank) == 0;
	sys_munmap((uint64_t)page, PAGE_SIZE);
	return works;
}

static enum mmu_obstacle choose_mechanism(struct mmu *mmu, enum mmu_mechanism want)
{
	bool guard = want != MMU_SIGBUS && guard_works(mmu);

	if (want == MMU_GUARD && !guard)
		return MMU_NO_GUARD;
	mmu->mechanism = guard ? MMU_GUARD : MMU_SIGBUS;
	return MMU_OK;
}

enum mmu_obstacle mmu_init(struct mmu *mmu, enum mmu_mechanism want)
{
	enum mmu_obstacle obstacle;

	*mmu = (struct mmu){ .uffd = -1, .mem_fd = -1 };
	obstacle = open_uffd(mmu);
	if (obstacle == MMU_OK)
		obstacle = open_mem(mmu);
	if (obstacle == MMU_OK)
		obstacle = choose_mechanism(mmu, want);
	if (obstacle != MMU_OK)
		mmu_destroy(mmu);
	return obstacle;
}

void mmu_destroy(struct mmu *mmu)
{
	if (mmu->uffd >= 0)
		sys_close(mmu->uffd);
	if (mmu->mem_fd >= 0)
		sys_close(mmu->mem_fd);
	mmu->uffd = mmu->mem_fd = -1;
}

const char *mmu_obstacle_text(enum mmu_obstacle o)
{
	static const char *const text[] = {
		[MMU_OK] = "nothing is in the way",
		[MMU_NO_UFFD] = "this kernel has no userfaultfd",
		[MMU_UFFD_FORBIDDEN] = "userfaultfd is forbidden to this process",
		[MMU_NO_FEATURES] = "this kernel's userfaultfd lacks SIGBUS delivery or write-protection",
		[MMU_NO_GUARD] = "this kernel has no guard markers (MADV_GUARD_INSTALL)",
		[MMU_NO_PROC_MEM] = "/proc/self/mem cannot be opened for writing",
	};

	return text[o];
}

const char *mmu_cure(enum mmu_obstacle o)
{
	static const char *const cure[] = {
		[MMU_OK] = "",
		[MMU_NO_UFFD] = "use a kernel built with CONFIG_USERFAULTFD, as every Debian kernel is",
		[MMU_UFFD_FORBIDDEN] =
			"use Linux 5.14 or newer, and a container or seccomp profile that allows userfaultfd",
		[MMU_NO_FEATURES] = "use Linux 5.14 or newer",
		[MMU_NO_GUARD] = "use Linux 6.13 or newer, or --mechanism sigbus, which works on older kernels",
		[MMU_NO_PROC_MEM] = "mount /proc, and do not run the program setuid or as a different user",
	};

	return cure[o];
}

const char *mmu_mechanism_name(enum mmu_mechanism m)
{
	static const char *const name[] = { [MMU_AUTO] = "auto", [MMU_GUARD] = "guard", [MMU_SIGBUS] = "sigbus" };

	return name[m];
}

/* Nothing of the range may be huge (pages move one by one), inherited (a child would read zeros) or dumped. */
static int prepare_range(struct mmu *mmu, uint64_t start, uint64_t len)
{
	int ret = register_range(mmu, start, len);

	if (ret)
		return ret;
	ret = sys_madvise(start, len, MADV_DONTFORK);
	if (ret)
		return ret;
	sys_madvise(start, len, MADV_DONTDUMP);
	/* Fails where the kernel has no huge pages, and is not needed there. */
	sys_madvise(start, len, MADV_NOHUGEPAGE);
	/* A process under mlockall(MCL_FUTURE) would otherwise lock the range, and locked pages cannot leave. */
	sys_call2(SYS_munlock, start, len);
	return 0;
}

int mmu_reserve(struct mmu *mmu, uint64_t start, uint64_t len)
{
	long at = sys_mmap(start, len, PROT_NONE, ANON_FLAGS | MAP_FIXED_NOREPLACE, -1, 0);
	int ret;

	if (at == -EEXIST && maps_only_reservations(start, len))
		at = sys_mmap(start, len, PROT_NONE, ANON_FLAGS | MAP_FIXED, -1, 0);
	if (sys_is_err(at))
		return at == -EEXIST ? -EEXIST : -ENOMEM;
	ret = prepare_range(mmu, start, len);
	if (ret) {
		mmu_release(mmu, start, len);
		return -ENOMEM;
	}
	return 0;
}

void mmu_release(struct mmu *mmu, uint64_t start, uint64_t len)
{
	sys_munmap(start, len);
}

int mmu_protect(struct mmu *mmu, uint64_t start, uint64_t len, int prot)
{
	return sys_mprotect(start, len, prot);
}

int mmu_map(struct mmu *mmu, uint64_t addr, const void *src)
{
	struct uffdio_copy copy;
	int ret;

	/* EAGAIN: the address space changed under the copy (a fork, an munmap elsewhere); nothing was copied. */
	do {
		copy = (struct uffdio_copy){ .dst = addr, .src = (uint64_t)src, .len = PAGE_SIZE };
		ret = sys_ioctl(mmu->uffd, UFFDIO_COPY, &copy);
	} while (ret == -EAGAIN);
	return ret;
}

static int write_protect_once(struct mmu *mmu, uint64_t start, uint64_t len, uint64_t mode)
{
	struct uffdio_writeprotect wp;
	int ret;

	do {
		wp = (struct uffdio_writeprotect){ .range = { .start = start, .len = len }, .mode = mode };
		ret = sys_ioctl(mmu->uffd, UFFDIO_WRITEPROTECT, &wp);
	} while (ret == -EAGAIN);
	return ret;
}

/*
 * Kernels like 6.1 refuse a range that lies in more than one mapping (-ENOENT, with nothing done): pages of different
 * permissions. Where the borders are only the kernel knows; halving finds them. Depth: log2 of the pages.
 */
static int write_protect(struct mmu *mmu, uint64_t start, uint64_t len, uint64_t mode)
{
	int ret = write_protect_once(mmu, start, len, mode);
	uint64_t half = page_round_up(len / 2);

	if (ret != -ENOENT || len <= PAGE_SIZE)
		return ret;
	ret = write_protect(mmu, start, half, mode);
	return ret ? ret : write_protect(mmu, start + half, len - half, mode);
}

int mmu_block(struct mmu *mmu, uint64_t start, uint64_t len)
{
	return write_protect(mmu, start, len, UFFDIO_WRITEPROTECT_MODE_WP);
}

int mmu_unblock(struct mmu *mmu, uint64_t start, uint64_t len)
{
	return write_protect(mmu, start, len, 0);
}

int mmu_unmap(struct mmu *mmu, uint64_t start, uint64_t len)
{
	int advice = mmu->mechanism == MMU_GUARD ? MADV_GUARD_INSTALL : MADV_DONTNEED;
	int ret = sys_madvise(start, len, advice);

	if (ret == -EINVAL) {
		/* The application locked its memory after we reserved ours. */
		sys_call2(SYS_munlock, start, len);
		ret = sys_madvise(start, len, advice);
	}
	/* Markers may need page tables that the kernel has no memory for; absence needs none and means the same. */
	if (ret && advice != MADV_DONTNEED)
		ret = sys_madvise(start, len, MADV_DONTNEED);
	return ret;
}

int mmu_read(struct mmu *mmu, uint64_t addr, void *dst, size_t len)
{
	return sys_call4(SYS_pread64, mmu->mem_fd, dst, len, addr) == (long)len ? 0 : -EIO;
}

int mmu_write(struct mmu *mmu, uint64_t addr, const void *src, size_t len)
{
	return sys_call4(SYS_pwrite64, mmu->mem_fd, src, len, addr) == (long)len ? 0 : -EIO;
}
