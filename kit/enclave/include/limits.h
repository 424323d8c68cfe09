/* SPDX-License-Identifier: Apache-2.0 */
/* The subset of <limits.h> that code in an enclave needs; the compiler's own wants a libc beneath it. */
#ifndef SOFTSGX_KIT_LIMITS_H
#define SOFTSGX_KIT_LIMITS_H

#define CHAR_BIT __CHAR_BIT__
#define INT_MAX __INT_MAX__
#define INT_MIN (-__INT_MAX__ - 1)
#define UINT_MAX (__INT_MAX__ * 2U + 1)
#define LONG_MAX __LONG_MAX__
#define LONG_MIN (-__LONG_MAX__ - 1L)
#define ULONG_MAX (__LONG_MAX__ * 2UL + 1)

#endif
