/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_BASE_SIZE_H
#define SOFTSGX_BASE_SIZE_H

#include "base/compiler.h"

/**
 * size_parse() - read a byte count: decimal digits and an optional suffix K, M, G or T (powers of 1024, either case,
 * optionally followed by "iB" or "B").
 * Return: 0; -EINVAL if the text is anything else; -ERANGE if it does not fit in 64 bits.
 */
int must_check size_parse(const char *text, uint64_t *bytes);

/** size_format() - write @bytes as a short exact size ("16M", "1536K", "4097"). @buf needs 24 bytes. Returns @buf. */
char *size_format(char *buf, uint64_t bytes);

/** int_parse() - read a decimal integer in [@min, @max]. Return: 0, -EINVAL or -ERANGE. */
int must_check int_parse(const char *text, int64_t min, int64_t max, int64_t *value);

#endif
