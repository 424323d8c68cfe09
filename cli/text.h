/* SPDX-License-Identifier: Apache-2.0 */
/* Text for people: colour only on a terminal that wants it, paragraphs wrapped to its width. */
#ifndef SOFTSGX_CLI_TEXT_H
#define SOFTSGX_CLI_TEXT_H

#include <stdio.h>

#include "base/compiler.h"

enum text_style { TEXT_PLAIN, TEXT_BOLD, TEXT_GREEN, TEXT_YELLOW, TEXT_RED };

/**
 * text_style() - the escape sequence that switches @out to @style, or "" where colour is not wanted: not a terminal,
 * TERM unset or "dumb", or NO_COLOR set.
 */
const char *text_style(FILE *out, enum text_style style);

/** text_wrap() - print words of @text up to the width of @out, the cursor being in @column already; ends the line. */
void text_wrap(FILE *out, const char *text, int column);
/** text_paragraphs() - wrap each paragraph of @text (separated by an empty line) from the first column. */
void text_paragraphs(FILE *out, const char *text);

#endif
