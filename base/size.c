/* SPDX-License-Identifier: Apache-2.0 */
#include "base/size.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static int digits(const char **text, uint64_t *value)
{
	const char *p = *text;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (*value = 0; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, (uint64_t)(*p - '0'), value))
			return -ERANGE;
	}
	*text = p;
	return 0;
}

static int suffix_shift(const char *suffix)
{
	static const char letters[] = "kmgt";
	const char *hit;

	if (*suffix == '\0' || strcasecmp(suffix, "b") == 0)
		return 0;
	hit = strchr(letters, *suffix | 0x20);
	if (!hit)
		return -EINVAL;
	suffix++;
	if (*suffix && strcasecmp(suffix, "b") != 0 && strcasecmp(suffix, "ib") != 0)
		return -EINVAL;
	return 10 * (int)(hit - letters + 1);
}

int size_parse(const char *text, uint64_t *bytes)
{
	uint64_t value;
	int shift, ret = digits(&text, &value);

	if (ret)
		return ret;
	shift = suffix_shift(text);
	if (shift < 0)
		return shift;
	if (value > UINT64_MAX >> shift)
		return -ERANGE;
	*bytes = value << shift;
	return 0;
}

char *size_format(char *buf, uint64_t bytes)
{
	static const char letters[] = "KMGT";
	int unit = -1;

	while (unit < 3 && bytes && bytes % 1024 == 0) {
		bytes /= 1024;
		unit++;
	}
	snprintf(buf, 24, unit < 0 ? "%llu" : "%llu%c", (unsigned long long)bytes, unit < 0 ? 0 : letters[unit]);
	return buf;
}

int int_parse(const char *text, int64_t min, int64_t max, int64_t *value)
{
	bool negative = *text == '-';
	uint64_t magnitude;
	int ret;

	text += negative || *text == '+';
	ret = digits(&text, &magnitude);
	if (ret)
		return ret;
	if (*text)
		return -EINVAL;
	if (magnitude > INT64_MAX)
		return -ERANGE;
	*value = negative ? -(int64_t)magnitude : (int64_t)magnitude;
	return *value < min || *value > max ? -ERANGE : 0;
}
