/* SPDX-License-Identifier: Apache-2.0 */
#include "base/usercopy.h"

#include <errno.h>
#include <sys/uio.h>

#include "base/sys.h"

static int copy(long nr, void *local, uint64_t remote, size_t len)
{
	struct iovec here = { .iov_base = local, .iov_len = len };
	struct iovec there = { .iov_base = (void *)remote, .iov_len = len };
	long pid = sys_call0(SYS_getpid);
	long n = sys_call6(nr, pid, SYS_ARG(&here), 1, SYS_ARG(&there), 1, 0);

	return n == (long)len ? 0 : -EFAULT;
}

int copy_from_user(void *dst, uint64_t src, size_t len)
{
	return copy(SYS_process_vm_readv, dst, src, len);
}

int copy_to_user(uint64_t dst, const void *src, size_t len)
{
	/* The kernel only reads through this pointer; iovec has no const. */
	return copy(SYS_process_vm_writev, (void *)(uintptr_t)src, dst, len);
}
