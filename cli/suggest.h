/* SPDX-License-Identifier: Apache-2.0 */
/* "Did you mean ...?": of the names there are, the one that a mistyped word is closest to. */
#ifndef SOFTSGX_CLI_SUGGEST_H
#define SOFTSGX_CLI_SUGGEST_H

#include "base/compiler.h"

struct suggestion {
	const char *name; /* the best so far; NULL: none is close enough */
	const char *word;
	size_t word_len;
	size_t distance; /* of @name; only smaller ones replace it */
};

/** suggestion_begin() - look for something like @word; it must stay valid until the last suggestion_consider(). */
struct suggestion suggestion_begin(const char *word, size_t len);
/** suggestion_consider() - keep @name if it is closer than all before it. */
void suggestion_consider(struct suggestion *s, const char *name);

#endif
