/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store in an anonymous memory file, sparse and as large as it will ever be, mapped once. Raw system calls only:
 * the application's libc is interposed, and most calls come from signal handlers.
 */
#include "backing/store.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/sys.h"

/* Newer than the oldest headers this builds with. */
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* Out of the way of applications that count on getting the lowest descriptors, or close all the low ones. */
#define HIGH_FD 500

static int create_file(void)
{
	static const char name[] = "softsgx-backing";
	long fd = sys_call2(SYS_memfd_create, name, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
	if (fd == -EINVAL) /* before Linux 6.3 */
		fd = sys_call2(SYS_memfd_create, name, MFD_CLOEXEC);
	if (sys_is_err(fd))
		return (int)fd;
	long high = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, HIGH_FD);
	if (sys_is_err(high)) /* beyond RLIMIT_NOFILE */
		return (int)fd;
	sys_close((int)fd);
	return (int)high;
}

/* A file beyond RLIMIT_FSIZE would not only be refused, but kill the application with SIGXFSZ: ask first. */
static int set_file_size(int fd, uint64_t bytes)
{
	struct rlimit limit;
	long ret = sys_call4(SYS_prlimit64, 0, RLIMIT_FSIZE, 0, &limit);
	if (ret == 0 && bytes > limit.rlim_cur)
		return -EFBIG;
	ret = sys_call2(SYS_ftruncate, fd, bytes);
	return (int)ret;
}

/*
 * Inaccessible at first, and unlocked before it is accessible: under mlockall(MCL_FUTURE) the kernel would otherwise
 * populate every cell of it here, and count all of it against the application. Huge pages would occupy 512 cells where
 * one is charged.
 */
static int map_file(struct store *s, uint64_t bytes)
{
	long base = sys_mmap(0, bytes, PROT_NONE, MAP_SHARED | MAP_NORESERVE, s->fd, 0);
	if (sys_is_err(base))
		return (int)base;
	for (int r = 0; r < STORE_REGIONS; r++)
		s->base[r] = (uint64_t)base + s->offset[r];
	sys_call2(SYS_munlock, base, bytes);
	sys_madvise((uint64_t)base, bytes, MADV_NOHUGEPAGE); /* -EINVAL: a kernel without them */
	int ret = sys_madvise((uint64_t)base, bytes, MADV_DONTDUMP);
	if (!ret)
		ret = sys_madvise((uint64_t)base, bytes, MADV_DONTFORK);
	if (!ret)
		ret = sys_mprotect((uint64_t)base, bytes, PROT_READ | PROT_WRITE);
	if (!ret && sys_madvise((uint64_t)base, 0, MADV_POPULATE_WRITE))
		ret = -ENOSYS;
	if (ret)
		sys_munmap((uint64_t)base, bytes);
	return ret;
}

static uint64_t file_bytes(const struct store *s)
{
	return s->offset[STORE_PCMD] + s->cells[STORE_PCMD] * PAGE_SIZE;
}

int store_init(struct store *s, uint64_t cells)
{
	if (cells == 0 || cells > (uint64_t)INT64_MAX / (2 * PAGE_SIZE))
		return -EINVAL;
	s->cells[STORE_CONTENTS] = cells;
	s->cells[STORE_PCMD] = (cells + PCMD_PER_PAGE - 1) / PCMD_PER_PAGE;
	s->offset[STORE_CONTENTS] = 0;
	s->offset[STORE_PCMD] = cells * PAGE_SIZE;
	s->fd = create_file();
	if (s->fd < 0)
		return s->fd;
	int ret = set_file_size(s->fd, file_bytes(s));
	if (!ret)
		ret = map_file(s, file_bytes(s));
	if (ret)
		sys_close(s->fd);
	return ret;
}

void store_destroy(struct store *s)
{
	sys_munmap(s->base[STORE_CONTENTS], file_bytes(s));
	sys_close(s->fd);
	s->fd = -1;
}

/*
 * By a write fault on the mapping rather than fallocate(), which knows no MADV_NOHUGEPAGE and would leave the first
 * touch to fault once more.
 */
int store_populate(struct store *s, enum store_region r, uint64_t first, uint64_t count)
{
	law(count > 0 && first + count <= s->cells[r]);
	int ret;
	do {
		ret = sys_madvise(s->base[r] + first * PAGE_SIZE, count * PAGE_SIZE, MADV_POPULATE_WRITE);
	} while (ret == -EINTR);
	if (!ret)
		return 0;
	store_punch(s, r, first, count);
	return -ENOMEM;
}

void store_punch(struct store *s, enum store_region r, uint64_t first, uint64_t count)
{
	law(count > 0 && first + count <= s->cells[r]);
	long ret;
	do {
		ret = sys_call4(SYS_fallocate, s->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				s->offset[r] + first * PAGE_SIZE, count * PAGE_SIZE);
	} while (ret == -EINTR);
	if (ret)
		log_fatal("the kernel does not take backing memory back: error %ld", -ret);
}

void *store_page(const struct store *s, enum store_region r, uint64_t index)
{
	law(index < s->cells[r]);
	return (void *)(s->base[r] + index * PAGE_SIZE);
}

int64_t store_held(const struct store *s)
{
	struct stat st;
	long ret = sys_call2(SYS_fstat, s->fd, &st);
	return ret ? ret : st.st_blocks / (int64_t)(PAGE_SIZE / 512);
}
