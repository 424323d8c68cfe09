/* SPDX-License-Identifier: Apache-2.0 */
/* The device files as files: by every name, by every function that opens or looks at one. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "bare.h"

static const char *const names[] = { "/dev/sgx_enclave", "/dev/sgx/enclave", "/dev/sgx_provision",
				     "/dev/sgx/provision" };

static void is_device(const struct stat *st)
{
	check(S_ISCHR(st->st_mode) && major(st->st_rdev) == 10 && st->st_nlink == 1);
}

static void is_device_x(const struct statx *st)
{
	check(S_ISCHR(st->stx_mode) && st->stx_rdev_major == 10);
}

static void by_name(const char *name)
{
	struct stat st;
	struct statx stx;

	check(stat(name, &st) == 0);
	is_device(&st);
	check(lstat(name, &st) == 0);
	is_device(&st);
	check(fstatat(AT_FDCWD, name, &st, 0) == 0);
	is_device(&st);
	check(statx(AT_FDCWD, name, 0, STATX_BASIC_STATS, &stx) == 0);
	is_device_x(&stx);
	check(access(name, R_OK | W_OK) == 0 && faccessat(AT_FDCWD, name, F_OK, 0) == 0);
	check(access(name, X_OK) < 0 && errno == EACCES);
}

static void by_descriptor(const char *name)
{
	struct stat st, named;
	struct statx stx;
	int fd = open(name, O_RDWR), at = openat(AT_FDCWD, name, O_RDWR | O_CLOEXEC);

	check(fd >= 0 && at >= 0);
	check((fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0 && (fcntl(at, F_GETFD) & FD_CLOEXEC) != 0);
	check(fstat(fd, &st) == 0 && stat(name, &named) == 0 && st.st_rdev == named.st_rdev);
	is_device(&st);
	check(fstatat(at, "", &st, AT_EMPTY_PATH) == 0);
	is_device(&st);
	check(statx(at, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &stx) == 0);
	is_device_x(&stx);
	check(close(fd) == 0 && close(at) == 0);
	check(fstat(fd, &st) < 0 && errno == EBADF);
}

/* Programs count on the lowest free number; nothing of the engine's may take those. */
static void numbers(void)
{
	int first = open("/dev/null", O_RDONLY), fd;

	check(close(first) == 0);
	fd = open("/dev/sgx_enclave", O_RDWR);
	check(fd == first && open("/dev/null", O_RDONLY) == first + 1);
	check(close(fd) == 0 && close(first + 1) == 0);
}

static void ioctls(void)
{
	int enclave = open("/dev/sgx_enclave", O_RDWR), provision = open("/dev/sgx_provision", O_RDONLY);
	int other = open("/dev/null", O_RDONLY);
	struct sgx_enclave_provision arg = { .fd = (uint64_t)provision };

	errno = 0;
	check(ioctl(enclave, SGX_IOC_ENCLAVE_PROVISION, &arg) == 0);
	arg.fd = (uint64_t)other;
	check(ioctl(enclave, SGX_IOC_ENCLAVE_PROVISION, &arg) < 0 && errno == EINVAL);
	arg.fd = (uint64_t)enclave;
	check(ioctl(enclave, SGX_IOC_ENCLAVE_PROVISION, &arg) < 0 && errno == EINVAL);
	check(ioctl(enclave, _IO(SGX_MAGIC, 0x77), &arg) < 0 && errno == ENOTTY);
	check(ioctl(provision, SGX_IOC_ENCLAVE_PROVISION, &arg) < 0 && errno == ENOTTY);
	check(ioctl(enclave, SGX_IOC_ENCLAVE_CREATE, 0x10) < 0 && errno == EFAULT);
	check(ioctl(enclave, SGX_IOC_ENCLAVE_INIT, &arg) < 0);
	check(ioctl(other, SGX_IOC_ENCLAVE_CREATE, &arg) < 0 && errno == ENOTTY);
	close(other);
	close(provision);
	close(enclave);
}

void bare_test(void)
{
	/* Once before the machine is there, once with it. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			by_name(names[i]);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			by_descriptor(names[i]);
	}
	check(open("/dev/sgx_nothing", O_RDWR) < 0 && errno == ENOENT);
	numbers();
	ioctls();
}
