/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON, one member a line. Commas, indentation and escapes are done here; nesting is the caller's. */
#ifndef SOFTSGX_CLI_JSON_H
#define SOFTSGX_CLI_JSON_H

#include <stdio.h>

#include "base/compiler.h"

#define JSON_DEPTH 8

struct json {
	FILE *out;
	int depth;
	bool filled[JSON_DEPTH]; /* something stands in the object or array already */
	char closing[JSON_DEPTH];
};

/* @key: the member's name, NULL for an element of an array and for the outermost value. */
void json_open_object(struct json *json, const char *key);
void json_open_array(struct json *json, const char *key);
/** json_close() - end the innermost object or array; a newline after the outermost. */
void json_close(struct json *json);

/** json_string() - @value NULL: null. Bytes that are not UTF-8 become U+FFFD. */
void json_string(struct json *json, const char *key, const char *value);
void json_unsigned(struct json *json, const char *key, uint64_t value);
void json_signed(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);

#endif
