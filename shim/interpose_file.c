/* SPDX-License-Identifier: Apache-2.0 */
/* libc's file functions, as far as a device of ours can be named or held in them. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <asm/sgx.h>

#include "base/sys.h"
#include "shim/device.h"
#include "shim/engine.h"
#include "shim/fds.h"
#include "shim/real.h"
#include "shim/state.h"

/* Exported by glibc for this very purpose: no lookup needed. */
extern int __open64(const char *path, int flags, ...);
extern int __close(int fd);

/* Not declared by headers any more, but called by programs built with old ones or with fortification. */
public_api int __open_2(const char *path, int flags);
public_api int __open64_2(const char *path, int flags);
public_api int __openat_2(int dir, const char *path, int flags);
public_api int __openat64_2(int dir, const char *path, int flags);
public_api int __xstat(int version, const char *path, struct stat *st);
public_api int __xstat64(int version, const char *path, struct stat64 *st);
public_api int __lxstat(int version, const char *path, struct stat *st);
public_api int __lxstat64(int version, const char *path, struct stat64 *st);
public_api int __fxstat(int version, int fd, struct stat *st);
public_api int __fxstat64(int version, int fd, struct stat64 *st);
public_api int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags);
public_api int __fxstatat64(int version, int dir, const char *path, struct stat64 *st, int flags);

static int set_errno(long ret)
{
	if (ret >= 0)
		return (int)ret;
	errno = (int)-ret;
	return -1;
}

/* --- open --- */

static mode_t mode_argument(int flags, va_list ap)
{
	return flags & (O_CREAT | __O_TMPFILE) ? va_arg(ap, mode_t) : 0;
}

static int open_common(const char *path, int flags, mode_t mode)
{
	enum device device = device_of_path(path);

	return device == DEVICE_NONE ? __open64(path, flags, mode) : set_errno(device_open(device, flags));
}

static int openat_common(int dir, const char *path, int flags, mode_t mode)
{
	enum device device = device_of_path(path);

	return device == DEVICE_NONE ? real(openat)(dir, path, flags, mode) : set_errno(device_open(device, flags));
}

public_api int open(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_argument(flags, ap);
	va_end(ap);
	return open_common(path, flags, mode);
}

public_api int open64(const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_argument(flags, ap);
	va_end(ap);
	return open_common(path, flags, mode);
}

public_api int openat(int dir, const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_argument(flags, ap);
	va_end(ap);
	return openat_common(dir, path, flags, mode);
}

public_api int openat64(int dir, const char *path, int flags, ...)
{
	va_list ap;

	va_start(ap, flags);
	mode_t mode = mode_argument(flags, ap);
	va_end(ap);
	return openat_common(dir, path, flags, mode);
}

public_api int __open_2(const char *path, int flags)
{
	return open_common(path, flags, 0);
}

public_api int __open64_2(const char *path, int flags)
{
	return open_common(path, flags, 0);
}

public_api int __openat_2(int dir, const char *path, int flags)
{
	return openat_common(dir, path, flags, 0);
}

public_api int __openat64_2(int dir, const char *path, int flags)
{
	return openat_common(dir, path, flags, 0);
}

/* --- close --- */

/* After a descriptor is gone it may have been an enclave's last. */
static void after_close(void)
{
	if (!shim_active())
		return;
	uint64_t mask = engine_enter();
	device_sweep();
	engine_leave(mask);
}

static bool is_engine(int fd)
{
	uint64_t mask = engine_enter();
	bool ours = fd_is_engine(fd);

	engine_leave(mask);
	return ours;
}

public_api int close(int fd)
{
	int ret;

	if ((shim_active() || fd == shim.config.stats_fd) && is_engine(fd)) {
		errno = EBADF;
		return -1;
	}
	ret = __close(fd);
	after_close();
	return ret;
}

/* dup2() and dup3() close what was there. */
static long replace(int from, int to, int flags)
{
	if (shim_active() && is_engine(to))
		return -EBADF;
	long ret = sys_call3(SYS_dup3, from, to, flags);

	after_close();
	return ret;
}

public_api int dup2(int from, int to)
{
	return set_errno(from == to ? sys_call2(SYS_dup2, from, to) : replace(from, to, 0));
}

public_api int dup3(int from, int to, int flags)
{
	return set_errno(replace(from, to, flags));
}

static int next_engine(unsigned from, unsigned to)
{
	uint64_t mask = engine_enter();
	int fd = fd_next_engine(from, to);

	engine_leave(mask);
	return fd;
}

/* All but the engine's own. */
static long close_around(unsigned first, unsigned last, unsigned flags)
{
	long ret = 0;

	while (!ret && first <= last) {
		int skip = next_engine(first, last);
		unsigned stop = skip < 0 ? last : (unsigned)skip;

		if (skip < 0 || stop > first)
			ret = sys_call3(SYS_close_range, first, skip < 0 ? last : stop - 1, flags);
		if (stop == UINT_MAX)
			break;
		first = stop + 1;
	}
	return ret;
}

public_api int close_range(unsigned first, unsigned last, int flags)
{
	long ret = first > last ? -EINVAL : close_around(first, last, (unsigned)flags);

	after_close();
	return set_errno(ret);
}

public_api void closefrom(int lowest)
{
	close_around((unsigned)max_of(lowest, 0), UINT_MAX, 0);
	after_close();
}

/* --- stat --- */

static int stat_path(int dir, const char *path, struct stat *st, int flags)
{
	enum device device = device_of_path(path);

	if (device == DEVICE_NONE)
		return set_errno(sys_call4(SYS_newfstatat, dir, path, st, flags));
	device_path_stat(device, st);
	return 0;
}

static enum device device_held(int fd)
{
	if (!shim_active())
		return DEVICE_NONE;
	uint64_t mask = engine_enter();
	enum device device = device_of_fd(fd);

	engine_leave(mask);
	return device;
}

static int stat_fd(int fd, struct stat *st)
{
	long ret = sys_call2(SYS_fstat, fd, st);

	if (ret == 0 && shim_active() && S_ISFIFO(st->st_mode)) {
		enum device device = device_held(fd);

		if (device != DEVICE_NONE)
			device_stat(device, st);
	}
	return set_errno(ret);
}

/* Linux 6.11 takes a null pointer for it too. */
static bool names_descriptor(const char *path, int flags)
{
	return flags & AT_EMPTY_PATH && (!path || !*path);
}

static int stat_at(int dir, const char *path, struct stat *st, int flags)
{
	if (names_descriptor(path, flags) && dir != AT_FDCWD)
		return stat_fd(dir, st);
	return stat_path(dir, path, st, flags);
}

#define STAT64(st) ((struct stat *)(st))
_Static_assert(sizeof(struct stat) == sizeof(struct stat64), "one layout on x86-64");

public_api int stat(const char *restrict path, struct stat *restrict st)
{
	return stat_path(AT_FDCWD, path, st, 0);
}

public_api int stat64(const char *restrict path, struct stat64 *restrict st)
{
	return stat_path(AT_FDCWD, path, STAT64(st), 0);
}

public_api int lstat(const char *restrict path, struct stat *restrict st)
{
	return stat_path(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

public_api int lstat64(const char *restrict path, struct stat64 *restrict st)
{
	return stat_path(AT_FDCWD, path, STAT64(st), AT_SYMLINK_NOFOLLOW);
}

public_api int fstat(int fd, struct stat *st)
{
	return stat_fd(fd, st);
}

public_api int fstat64(int fd, struct stat64 *st)
{
	return stat_fd(fd, STAT64(st));
}

public_api int fstatat(int dir, const char *restrict path, struct stat *restrict st, int flags)
{
	return stat_at(dir, path, st, flags);
}

public_api int fstatat64(int dir, const char *restrict path, struct stat64 *restrict st, int flags)
{
	return stat_at(dir, path, STAT64(st), flags);
}

public_api int __xstat(int version, const char *path, struct stat *st)
{
	return stat_path(AT_FDCWD, path, st, 0);
}

public_api int __xstat64(int version, const char *path, struct stat64 *st)
{
	return stat_path(AT_FDCWD, path, STAT64(st), 0);
}

public_api int __lxstat(int version, const char *path, struct stat *st)
{
	return stat_path(AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

public_api int __lxstat64(int version, const char *path, struct stat64 *st)
{
	return stat_path(AT_FDCWD, path, STAT64(st), AT_SYMLINK_NOFOLLOW);
}

public_api int __fxstat(int version, int fd, struct stat *st)
{
	return stat_fd(fd, st);
}

public_api int __fxstat64(int version, int fd, struct stat64 *st)
{
	return stat_fd(fd, STAT64(st));
}

public_api int __fxstatat(int version, int dir, const char *path, struct stat *st, int flags)
{
	return stat_at(dir, path, st, flags);
}

public_api int __fxstatat64(int version, int dir, const char *path, struct stat64 *st, int flags)
{
	return stat_at(dir, path, STAT64(st), flags);
}

public_api int statx(int dir, const char *restrict path, int flags, unsigned mask, struct statx *restrict st)
{
	enum device device = device_of_path(path);
	long ret;

	if (device != DEVICE_NONE) {
		device_path_statx(device, st);
		return 0;
	}
	ret = sys_call6(SYS_statx, dir, SYS_ARG(path), flags, mask, SYS_ARG(st), 0);
	if (ret == 0 && shim_active() && names_descriptor(path, flags)) {
		device = device_held(dir);
		if (device != DEVICE_NONE)
			device_statx(device, st);
	}
	return set_errno(ret);
}

/* --- access: readable and writable by everybody, as udev makes them, and not executable --- */

static int device_access(int mode)
{
	return set_errno(mode & X_OK ? -EACCES : 0);
}

public_api int access(const char *path, int mode)
{
	if (device_of_path(path) != DEVICE_NONE)
		return device_access(mode);
	return set_errno(sys_call2(SYS_access, path, mode));
}

public_api int faccessat(int dir, const char *path, int mode, int flags)
{
	if (device_of_path(path) != DEVICE_NONE)
		return device_access(mode);
	return real(faccessat)(dir, path, mode, flags);
}

public_api int euidaccess(const char *path, int mode)
{
	if (device_of_path(path) != DEVICE_NONE)
		return device_access(mode);
	return real(euidaccess)(path, mode);
}

public_api int eaccess(const char *path, int mode)
{
	return euidaccess(path, mode);
}

/* --- ioctl --- */

static void raise_backing(struct encl *e)
{
	lock_acquire(&e->lock);
	if (e->created)
		e->backing.store.fd = fd_raise(e->backing.store.fd);
	lock_release(&e->lock);
}

/* Return: false if @fd is no device of ours; else *ret is what the ioctl returns. */
static bool device_ioctl(int fd, unsigned long request, uint64_t arg, long *ret)
{
	uint64_t mask = engine_enter();
	enum device device = device_of_fd(fd);
	bool writable;

	*ret = -ENOTTY;
	if (device == DEVICE_ENCLAVE) {
		struct encl *e = device_encl(fd, &writable);

		*ret = e ? encl_ioctl(e, request, arg, device_is_provision) : -EBADF;
		if (*ret == 0 && request == SGX_IOC_ENCLAVE_CREATE)
			raise_backing(e);
		if (e)
			encl_put(e);
	}
	engine_leave(mask);
	return device != DEVICE_NONE;
}

public_api int ioctl(int fd, unsigned long request, ...)
{
	va_list ap;
	long ret;

	va_start(ap, request);
	uint64_t arg = va_arg(ap, uint64_t);
	va_end(ap);
	if (_IOC_TYPE(request) == SGX_MAGIC && shim_active() && device_ioctl(fd, request, arg, &ret))
		return set_errno(ret);
	return set_errno(sys_call3(SYS_ioctl, fd, request, arg));
}
