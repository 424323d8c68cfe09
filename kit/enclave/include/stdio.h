/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subset of <stdio.h> that enclaves built with the kit have: formatting into memory. Conversions: d i u x X c s p
 * and %, flags - and 0, width and precision (also *), lengths hh h l ll z t j. No floating point.
 */
#ifndef SOFTSGX_KIT_STDIO_H
#define SOFTSGX_KIT_STDIO_H

#include <stdarg.h>
#include <stddef.h>

int snprintf(char *restrict buf, size_t size, const char *restrict fmt, ...) __attribute__((format(printf, 3, 4)));
int vsnprintf(char *restrict buf, size_t size, const char *restrict fmt, va_list args)
	__attribute__((format(printf, 3, 0)));

#endif
