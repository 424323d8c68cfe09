/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls that go straight to the kernel. The engine lives in a process whose libc calls are interposed by
 * the shim, and it runs in signal handlers where errno is not ours to touch: every function here bypasses libc,
 * leaves errno alone, is async-signal-safe and returns the kernel's own result: >= 0, or -errno.
 */
#ifndef SOFTSGX_BASE_SYS_H
#define SOFTSGX_BASE_SYS_H

#include <sys/syscall.h>

#include "base/compiler.h"

static inline long sys_call6(long nr, long a, long b, long c, long d, long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long ret;
	__asm__ volatile("syscall"
			 : "=a"(ret)
			 : "a"(nr), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return ret;
}

#define SYS_ARG(x) ((long)(x))
#define sys_call0(nr) sys_call6(nr, 0, 0, 0, 0, 0, 0)
#define sys_call1(nr, a) sys_call6(nr, SYS_ARG(a), 0, 0, 0, 0, 0)
#define sys_call2(nr, a, b) sys_call6(nr, SYS_ARG(a), SYS_ARG(b), 0, 0, 0, 0)
#define sys_call3(nr, a, b, c) sys_call6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), 0, 0, 0)
#define sys_call4(nr, a, b, c, d) sys_call6(nr, SYS_ARG(a), SYS_ARG(b), SYS_ARG(c), SYS_ARG(d), 0, 0)

static inline bool sys_is_err(long ret)
{
	return ret < 0 && ret >= -4095;
}

/*
 * The kernel orders an munmap() before the mmap() that hands the same addresses out again. ThreadSanitizer does not see
 * system calls made directly, and would take the former and the new user of the addresses for a race.
 */
#if defined(__SANITIZE_THREAD__)
#define SYS_ORDER_MAPPINGS 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SYS_ORDER_MAPPINGS 1
#endif
#endif

#ifdef SYS_ORDER_MAPPINGS
__attribute__((weak)) uint32_t sys_unmapped;
#define sys_before_munmap() ((void)__atomic_fetch_add(&sys_unmapped, 1, __ATOMIC_RELEASE))
#define sys_after_mmap() ((void)__atomic_load_n(&sys_unmapped, __ATOMIC_ACQUIRE))
#else
#define sys_before_munmap() ((void)0)
#define sys_after_mmap() ((void)0)
#endif

static inline long sys_mmap(uint64_t addr, size_t len, int prot, int flags, int fd, uint64_t offset)
{
	long ret = sys_call6(SYS_mmap, SYS_ARG(addr), SYS_ARG(len), prot, flags, fd, SYS_ARG(offset));

	sys_after_mmap();
	return ret;
}

static inline int sys_munmap(uint64_t addr, size_t len)
{
	sys_before_munmap();
	return (int)sys_call2(SYS_munmap, addr, len);
}

static inline int sys_mprotect(uint64_t addr, size_t len, int prot)
{
	return (int)sys_call3(SYS_mprotect, addr, len, prot);
}

static inline int sys_madvise(uint64_t addr, size_t len, int advice)
{
	return (int)sys_call3(SYS_madvise, addr, len, advice);
}

static inline int sys_ioctl(int fd, unsigned long request, void *arg)
{
	return (int)sys_call3(SYS_ioctl, fd, request, arg);
}

static inline int sys_close(int fd)
{
	return (int)sys_call1(SYS_close, fd);
}

#endif
