/* SPDX-License-Identifier: Apache-2.0 */
/* The kit's C library under the names that rename.h gives it. */
#ifndef SOFTSGX_TESTS_UNIT_KIT_LIBC_H
#define SOFTSGX_TESTS_UNIT_KIT_LIBC_H

#include <stdarg.h>
#include <stddef.h>

void *kit_memcpy(void *dst, const void *src, size_t n);
void *kit_memmove(void *dst, const void *src, size_t n);
void *kit_memset(void *dst, int c, size_t n);
int kit_memcmp(const void *a, const void *b, size_t n);
void *kit_memchr(const void *s, int c, size_t n);
size_t kit_strlen(const char *s);
size_t kit_strnlen(const char *s, size_t max);
int kit_strcmp(const char *a, const char *b);
int kit_strncmp(const char *a, const char *b, size_t n);
char *kit_strchr(const char *s, int c);
void *kit_malloc(size_t n);
void *kit_calloc(size_t n, size_t size);
void *kit_realloc(void *p, size_t n);
void kit_free(void *p);
size_t kit_heap_left(void);
void kit_heap_init(void *start, size_t bytes);
unsigned long kit_strtoul(const char *s, char **end, int base);
long kit_strtol(const char *s, char **end, int base);
void kit_qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
void *kit_bsearch(const void *key, const void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
int kit_snprintf(char *buf, size_t size, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
