/* SPDX-License-Identifier: Apache-2.0 */
/* Formatting into memory. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct out {
	char *buf;
	size_t size, len; /* len goes on counting beyond size */
};

struct spec {
	bool left, zero;
	size_t width;
	int precision;  /* < 0: none given */
	unsigned bytes; /* of the argument */
	char conversion;
};

static void put(struct out *o, char c)
{
	if (o->len + 1 < o->size)
		o->buf[o->len] = c;
	o->len++;
}

static void put_field(struct out *o, const struct spec *s, const char *prefix, const char *text, size_t len,
		      size_t zeros)
{
	size_t total = strlen(prefix) + zeros + len, padding = s->width > total ? s->width - total : 0;

	if (s->zero && !s->left && s->precision < 0) {
		zeros += padding;
		padding = 0;
	}
	for (; !s->left && padding != 0; padding--)
		put(o, ' ');
	for (; *prefix; prefix++)
		put(o, *prefix);
	for (; zeros != 0; zeros--)
		put(o, '0');
	for (; len != 0; len--)
		put(o, *text++);
	for (; padding != 0; padding--)
		put(o, ' ');
}

static void put_number(struct out *o, const struct spec *s, const char *prefix, uint64_t value, unsigned base)
{
	const char *digits = s->conversion == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
	char text[24], *p = text + sizeof(text);
	size_t len, zeros = 0;

	for (; value != 0; value /= base)
		*--p = digits[value % base];
	len = (size_t)(text + sizeof(text) - p);
	if (s->precision < 0 && len == 0)
		zeros = 1;
	else if (s->precision > (int)len)
		zeros = (size_t)s->precision - len;
	put_field(o, s, prefix, p, len, zeros);
}

static void put_string(struct out *o, struct spec *s, const char *text)
{
	size_t len;

	if (!text)
		text = "(null)";
	len = s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision);
	s->zero = false;
	put_field(o, s, "", text, len, 0);
}

static const char *parse_length(const char *f, struct spec *s)
{
	s->bytes = sizeof(int);
	switch (*f) {
	case 'h':
		s->bytes = f[1] == 'h' ? 1 : 2;
		return f + (f[1] == 'h' ? 2 : 1);
	case 'l':
		s->bytes = 8;
		return f + (f[1] == 'l' ? 2 : 1);
	case 'z':
	case 't':
	case 'j':
		s->bytes = 8;
		return f + 1;
	default:
		return f;
	}
}

static const char *parse_count(const char *f, int *count, va_list *args)
{
	if (*f == '*') {
		*count = va_arg(*args, int);
		return f + 1;
	}
	for (*count = 0; *f >= '0' && *f <= '9'; f++)
		*count = *count * 10 + (*f - '0');
	return f;
}

static const char *parse_spec(const char *f, struct spec *s, va_list *args)
{
	int width;

	*s = (struct spec){ .precision = -1 };
	for (;; f++) {
		if (*f == '-')
			s->left = true;
		else if (*f == '0')
			s->zero = true;
		else
			break;
	}
	f = parse_count(f, &width, args);
	s->left = s->left || width < 0;
	s->width = (size_t)(width < 0 ? -width : width);
	if (*f == '.')
		f = parse_count(f + 1, &s->precision, args);
	f = parse_length(f, s);
	s->conversion = *f;
	return *f ? f + 1 : f;
}

static uint64_t unsigned_arg(const struct spec *s, va_list *args)
{
	uint64_t value = s->bytes == 8 ? va_arg(*args, uint64_t) : va_arg(*args, unsigned);

	return s->bytes == 8 ? value : value & ((1ULL << (8 * s->bytes)) - 1);
}

static int64_t signed_arg(const struct spec *s, va_list *args)
{
	int64_t value = s->bytes == 8 ? va_arg(*args, int64_t) : va_arg(*args, int);

	switch (s->bytes) {
	case 1:
		return (int8_t)value;
	case 2:
		return (int16_t)value;
	default:
		return value;
	}
}

static void put_conversion(struct out *o, struct spec *s, va_list *args)
{
	int64_t value;
	char c;

	switch (s->conversion) {
	case 'd':
	case 'i':
		value = signed_arg(s, args);
		put_number(o, s, value < 0 ? "-" : "", value < 0 ? -(uint64_t)value : (uint64_t)value, 10);
		break;
	case 'u':
		put_number(o, s, "", unsigned_arg(s, args), 10);
		break;
	case 'x':
	case 'X':
		put_number(o, s, "", unsigned_arg(s, args), 16);
		break;
	case 'p':
		put_number(o, s, "0x", (uint64_t)va_arg(*args, void *), 16);
		break;
	case 's':
		put_string(o, s, va_arg(*args, const char *));
		break;
	case 'c':
		c = (char)va_arg(*args, int);
		put_field(o, s, "", &c, 1, 0);
		break;
	default: /* '%', and what is not supported shows as itself */
		put(o, s->conversion);
	}
}

int vsnprintf(char *restrict buf, size_t size, const char *restrict fmt, va_list args)
{
	struct out o = { .buf = buf, .size = size };
	struct spec s;
	va_list ap;

	va_copy(ap, args);
	while (*fmt) {
		if (*fmt != '%') {
			put(&o, *fmt++);
			continue;
		}
		fmt = parse_spec(fmt + 1, &s, &ap);
		if (s.conversion)
			put_conversion(&o, &s, &ap);
	}
	va_end(ap);
	if (size != 0)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return (int)o.len;
}

int snprintf(char *restrict buf, size_t size, const char *restrict fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(buf, size, fmt, args);
	va_end(args);
	return len;
}
