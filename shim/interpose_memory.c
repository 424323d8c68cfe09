/* SPDX-License-Identifier: Apache-2.0 */
/* libc's memory mapping functions. */
#include <errno.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/types.h>

#include "base/sys.h"
#include "shim/device.h"
#include "shim/engine.h"
#include "shim/mappings.h"
#include "shim/state.h"

static int set_errno(long ret)
{
	if (ret >= 0)
		return (int)ret;
	errno = (int)-ret;
	return -1;
}

static long map_in_engine(uint64_t addr, size_t len, int prot, int flags, int fd, uint64_t offset)
{
	bool writable;
	struct encl *e = fd >= 0 && !(flags & MAP_ANONYMOUS) ? device_encl(fd, &writable) : NULL;
	long ret;

	if (!e)
		return mappings_other(addr, len, prot, flags, fd, offset);
	ret = mappings_device(e, writable, addr, len, prot, flags);
	encl_put(e);
	return ret;
}

/* Most mappings are anonymous and anywhere: no business of the engine's. */
static bool concerns_engine(int flags, int fd)
{
	return shim_active() && (flags & MAP_FIXED || (fd >= 0 && !(flags & MAP_ANONYMOUS)));
}

public_api void *mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	long ret;

	if (concerns_engine(flags, fd)) {
		uint64_t mask = engine_enter();
		ret = map_in_engine((uint64_t)addr, len, prot, flags, fd, (uint64_t)offset);
		engine_leave(mask);
	} else {
		ret = sys_mmap((uint64_t)addr, len, prot, flags, fd, (uint64_t)offset);
	}
	if (!sys_is_err(ret))
		return (void *)ret;
	errno = (int)-ret;
	return MAP_FAILED;
}

public_api void *mmap64(void *addr, size_t len, int prot, int flags, int fd, off64_t offset)
{
	return mmap(addr, len, prot, flags, fd, offset);
}

public_api int munmap(void *addr, size_t len)
{
	long ret;

	if (!shim_active())
		return set_errno(sys_munmap((uint64_t)addr, len));
	uint64_t mask = engine_enter();
	device_sweep();
	ret = mappings_unmap((uint64_t)addr, len);
	engine_leave(mask);
	return set_errno(ret);
}

public_api int mprotect(void *addr, size_t len, int prot)
{
	long ret;

	if (!shim_active())
		return set_errno(sys_mprotect((uint64_t)addr, len, prot));
	uint64_t mask = engine_enter();
	ret = mappings_protect((uint64_t)addr, len, prot);
	engine_leave(mask);
	return set_errno(ret);
}

/* --- what could pull the pages away from under the engine: Linux refuses it for device memory too (VM_PFNMAP) --- */

static bool touches_enclave(const void *addr, size_t len)
{
	bool touches;

	if (!shim_active())
		return false;
	uint64_t mask = engine_enter();
	touches = mappings_overlap((uint64_t)addr, len);
	engine_leave(mask);
	return touches;
}

public_api int madvise(void *addr, size_t len, int advice)
{
	if (touches_enclave(addr, len))
		return set_errno(-EINVAL);
	return set_errno(sys_madvise((uint64_t)addr, len, advice));
}

public_api void *mremap(void *addr, size_t old_len, size_t new_len, int flags, ...)
{
	va_list ap;
	long ret;

	va_start(ap, flags);
	void *target = flags & MREMAP_FIXED ? va_arg(ap, void *) : NULL;
	va_end(ap);
	if (touches_enclave(addr, max_of(old_len, 1UL)))
		ret = -EFAULT;
	else if (flags & MREMAP_FIXED && touches_enclave(target, new_len))
		ret = -ENOMEM;
	else
		ret = sys_call6(SYS_mremap, SYS_ARG(addr), SYS_ARG(old_len), SYS_ARG(new_len), flags, SYS_ARG(target),
				0);
	if (!sys_is_err(ret))
		return (void *)ret;
	errno = (int)-ret;
	return MAP_FAILED;
}
