/* SPDX-License-Identifier: Apache-2.0 */
/* The subset of <stdlib.h> that enclaves built with the kit have. */
#ifndef SOFTSGX_KIT_STDLIB_H
#define SOFTSGX_KIT_STDLIB_H

#include <stddef.h>

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *p, size_t n);
/**
 * free() - a pointer that malloc() did not give aborts the enclave; so does one that is free already, unless it is
 * small and other objects of its page are in use, which goes unnoticed.
 */
void free(void *p);
void abort(void) __attribute__((noreturn));

/** strtoul(), strtol() - as in C, without errno: what does not fit gives ULONG_MAX, LONG_MAX or LONG_MIN. */
unsigned long strtoul(const char *restrict s, char **restrict end, int base);
long strtol(const char *restrict s, char **restrict end, int base);
void qsort(void *base, size_t n, size_t size, int (*compare)(const void *, const void *));
void *bsearch(const void *key, const void *base, size_t n, size_t size, int (*compare)(const void *, const void *));

/** kit_heap_left() - bytes of the heap that no page of any allocation covers. */
size_t kit_heap_left(void);

#endif
