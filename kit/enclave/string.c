/* SPDX-License-Identifier: Apache-2.0 */
/* Memory and string functions. Long runs go through the string instructions, which are fast and small. */
#include <stdint.h>
#include <string.h>

#define SHORT 16

/* Unaligned 8-byte accesses; memcpy() itself is what is being defined here. */
typedef uint64_t __attribute__((aligned(1), may_alias)) word;
typedef uint32_t __attribute__((aligned(1), may_alias)) half;

/* At most SHORT bytes; loads everything before it stores anything, so overlap is harmless. */
static inline void copy_short(uint8_t *d, const uint8_t *s, size_t n)
{
	if (n >= 8) {
		uint64_t first = *(const word *)s, last = *(const word *)(s + n - 8);

		*(word *)d = first;
		*(word *)(d + n - 8) = last;
	} else if (n >= 4) {
		uint32_t first = *(const half *)s, last = *(const half *)(s + n - 4);

		*(half *)d = first;
		*(half *)(d + n - 4) = last;
	} else if (n != 0) {
		uint8_t first = s[0], middle = s[n / 2], last = s[n - 1];

		d[0] = first;
		d[n / 2] = middle;
		d[n - 1] = last;
	}
}

static inline void copy_forwards(void *d, const void *s, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}

static inline void copy_backwards(uint8_t *d, const uint8_t *s, size_t n)
{
	for (; n >= 8; n -= 8)
		*(word *)(d + n - 8) = *(const word *)(s + n - 8);
	copy_short(d, s, n);
}

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	if (n <= SHORT)
		copy_short(dst, src, n);
	else
		copy_forwards(dst, src, n);
	return dst;
}

void *memmove(void *dst, const void *src, size_t n)
{
	if (n <= SHORT)
		copy_short(dst, src, n);
	else if ((uintptr_t)dst - (uintptr_t)src >= n)
		copy_forwards(dst, src, n);
	else
		copy_backwards(dst, src, n);
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	void *d = dst;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const uint8_t *x = a, *y = b;

	for (; n >= 8 && *(const word *)x == *(const word *)y; n -= 8, x += 8, y += 8)
		;
	for (; n != 0; n--, x++, y++) {
		if (*x != *y)
			return *x - *y;
	}
	return 0;
}

void *memchr(const void *s, int c, size_t n)
{
	for (const uint8_t *p = s; n != 0; n--, p++) {
		if (*p == (uint8_t)c)
			return (void *)p;
	}
	return NULL;
}

size_t strnlen(const char *s, size_t max)
{
	size_t n = 0;

	while (n < max && s[n] != '\0')
		n++;
	return n;
}

size_t strlen(const char *s)
{
	return strnlen(s, SIZE_MAX);
}

int strncmp(const char *a, const char *b, size_t n)
{
	for (; n != 0; n--, a++, b++) {
		if (*a != *b || *a == '\0')
			return (uint8_t)*a - (uint8_t)*b;
	}
	return 0;
}

int strcmp(const char *a, const char *b)
{
	return strncmp(a, b, SIZE_MAX);
}

char *strchr(const char *s, int c)
{
	for (;; s++) {
		if (*s == (char)c)
			return (char *)s;
		if (*s == '\0')
			return NULL;
	}
}
