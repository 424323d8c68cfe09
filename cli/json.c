/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/json.h"

#include <inttypes.h>

/* Bytes of the well-formed UTF-8 character at @p (RFC 3629: no overlong forms, no surrogates), or 0. */
static int utf8_length(const unsigned char *p)
{
	uint32_t c = p[0];
	int more = c >= 0xf0 && c < 0xf5 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc2 && c < 0xe0 ? 1 : 0;
	static const uint32_t smallest[] = { 0, 0x80, 0x800, 0x10000 };

	if (c < 0x80)
		return 1;
	if (!more)
		return 0;
	c &= 0x3fu >> more;
	for (int i = 1; i <= more; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	return c < smallest[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : more + 1;
}

static void quoted(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	fputc('"', out);
	while (*p) {
		int len = utf8_length(p);

		if (len == 0)
			fputs("\\ufffd", out);
		else if (*p == '"' || *p == '\\')
			fprintf(out, "\\%c", *p);
		else if (*p < 0x20)
			fprintf(out, "\\u%04x", *p);
		else
			fwrite(p, 1, (size_t)len, out);
		p += max_of(len, 1);
	}
	fputc('"', out);
}

static void member(struct json *json, const char *key)
{
	if (json->depth) {
		bool *filled = &json->filled[json->depth - 1];

		fprintf(json->out, "%s\n%*s", *filled ? "," : "", 2 * json->depth, "");
		*filled = true;
	}
	if (key) {
		quoted(json->out, key);
		fputs(": ", json->out);
	}
}

static void open_nested(struct json *json, const char *key, char opening, char closing)
{
	member(json, key);
	fputc(opening, json->out);
	json->filled[json->depth] = false;
	json->closing[json->depth++] = closing;
}

void json_open_object(struct json *json, const char *key)
{
	open_nested(json, key, '{', '}');
}

void json_open_array(struct json *json, const char *key)
{
	open_nested(json, key, '[', ']');
}

void json_close(struct json *json)
{
	json->depth--;
	if (json->filled[json->depth])
		fprintf(json->out, "\n%*s", 2 * json->depth, "");
	fputc(json->closing[json->depth], json->out);
	if (json->depth == 0)
		fputc('\n', json->out);
}

void json_string(struct json *json, const char *key, const char *value)
{
	member(json, key);
	if (value)
		quoted(json->out, value);
	else
		fputs("null", json->out);
}

void json_unsigned(struct json *json, const char *key, uint64_t value)
{
	member(json, key);
	fprintf(json->out, "%" PRIu64, value);
}

void json_signed(struct json *json, const char *key, int64_t value)
{
	member(json, key);
	fprintf(json->out, "%" PRId64, value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	member(json, key);
	fputs(value ? "true" : "false", json->out);
}
