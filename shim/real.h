/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions that stand behind the interposed ones. What is a plain system call is made as one; these are for
 * what libc does beyond that: cancellation points, bookkeeping of threads.
 */
#ifndef SOFTSGX_SHIM_REAL_H
#define SOFTSGX_SHIM_REAL_H

#include <dlfcn.h>

/** real() - the next definition of @name after ours, looked up once. NULL: libc has none. */
#define real(name) \
	({ \
		static __typeof__(&name) found; \
		if (!found) \
			found = (__typeof__(&name))dlsym(RTLD_NEXT, #name); \
		found; \
	})

#endif
