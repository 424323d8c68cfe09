/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/suggest.h"

#include <string.h>

#define LONGEST 32 /* no name of ours is longer */

struct suggestion suggestion_begin(const char *word, size_t len)
{
	/* One slip in three letters still looks like the word; more is a different word. */
	return (struct suggestion){ .word = word, .word_len = len, .distance = len / 3 + 2 };
}

/*
 * Edits (insert, delete, replace, swap of neighbours) that turn @a into @b: the optimal string alignment distance,
 * with three rows of its table.
 */
static size_t edits(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t rows[3][LONGEST + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2];

	for (size_t j = 0; j <= b_len; j++)
		above[j] = j;
	for (size_t i = 1; i <= a_len; i++) {
		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t best = above[j - 1] + (a[i - 1] != b[j - 1]);

			best = min_of(best, min_of(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				best = min_of(best, before[j - 2] + 1);
			row[j] = best;
		}
		size_t *spare = before;

		before = above;
		above = row;
		row = spare;
	}
	return above[b_len];
}

void suggestion_consider(struct suggestion *s, const char *name)
{
	size_t len = strlen(name), distance;

	if (len > LONGEST || s->word_len > LONGEST)
		return;
	distance = edits(s->word, s->word_len, name, len);
	if (distance < s->distance) {
		s->name = name;
		s->distance = distance;
	}
}
