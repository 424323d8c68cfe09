/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers, sorting, searching. */
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'Z')
		return c - 'A' + 10;
	return INT_MAX;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

struct number {
	unsigned long magnitude;
	bool negative, overflow;
};

static const char *skip_prefix(const char *s, int *base)
{
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X') && digit_value(s[2]) < 16;

	if (hex && (*base == 0 || *base == 16)) {
		*base = 16;
		return s + 2;
	}
	if (*base == 0)
		*base = s[0] == '0' ? 8 : 10;
	return s;
}

static struct number parse(const char *s, char **end, int base)
{
	struct number n = { 0 };
	const char *p = s, *digits;

	while (is_space(*p))
		p++;
	n.negative = *p == '-';
	if (*p == '-' || *p == '+')
		p++;
	p = digits = skip_prefix(p, &base);
	for (; digit_value(*p) < base; p++) {
		unsigned long scaled, digit = (unsigned long)digit_value(*p);

		if (__builtin_mul_overflow(n.magnitude, (unsigned long)base, &scaled) ||
		    __builtin_add_overflow(scaled, digit, &n.magnitude))
			n.overflow = true;
	}
	if (end)
		*end = (char *)(p == digits ? s : p);
	return n;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
	struct number n = parse(s, end, base);

	if (n.overflow)
		return ULONG_MAX;
	return n.negative ? -n.magnitude : n.magnitude;
}

long strtol(const char *restrict s, char **restrict end, int base)
{
	struct number n = parse(s, end, base);

	if (n.negative)
		return n.overflow || n.magnitude > (unsigned long)LONG_MAX + 1 ? LONG_MIN : (long)-n.magnitude;
	return n.overflow || n.magnitude > LONG_MAX ? LONG_MAX : (long)n.magnitude;
}

static void swap(uint8_t *a, uint8_t *b, size_t size)
{
	for (; size != 0; size--, a++, b++) {
		uint8_t t = *a;

		*a = *b;
		*b = t;
	}
}

typedef int (*compare_fn)(const void *, const void *);

static void sift_down(uint8_t *base, size_t root, size_t n, size_t size, compare_fn compare)
{
	for (size_t child = 2 * root + 1; child < n; child = 2 * root + 1) {
		if (child + 1 < n && compare(base + child * size, base + (child + 1) * size) < 0)
			child++;
		if (compare(base + root * size, base + child * size) >= 0)
			return;
		swap(base + root * size, base + child * size, size);
		root = child;
	}
}

/* Heap sort: no stack, no worst case. */
void qsort(void *base, size_t n, size_t size, compare_fn compare)
{
	uint8_t *b = base;

	for (size_t i = n / 2; i-- > 0;)
		sift_down(b, i, n, size, compare);
	for (size_t last = n; last-- > 1;) {
		swap(b, b + last * size, size);
		sift_down(b, 0, last, size, compare);
	}
}

void *bsearch(const void *key, const void *base, size_t n, size_t size, compare_fn compare)
{
	const uint8_t *b = base;

	while (n != 0) {
		const uint8_t *middle = b + n / 2 * size;
		int order = compare(key, middle);

		if (order == 0)
			return (void *)middle;
		if (order > 0) {
			b = middle + size;
			n -= n / 2 + 1;
		} else {
			n /= 2;
		}
	}
	return NULL;
}
