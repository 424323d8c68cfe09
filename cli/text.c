/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH 80
#define WIDEST 100 /* longer lines are hard to read, however wide the terminal */

const char *text_style(FILE *out, enum text_style style)
{
	static const char *const escapes[] = {
		[TEXT_PLAIN] = "\033[0m",   [TEXT_BOLD] = "\033[1m", [TEXT_GREEN] = "\033[32m",
		[TEXT_YELLOW] = "\033[33m", [TEXT_RED] = "\033[31m",
	};
	const char *term = getenv("TERM"), *no_color = getenv("NO_COLOR");

	if (!isatty(fileno(out)) || !term || strcmp(term, "dumb") == 0 || (no_color && *no_color))
		return "";
	return escapes[style];
}

static int text_width(FILE *out)
{
	struct winsize size;

	if (ioctl(fileno(out), TIOCGWINSZ, &size) < 0 || size.ws_col < DEFAULT_WIDTH / 2)
		return DEFAULT_WIDTH;
	return min_of(size.ws_col, WIDEST);
}

/* Prints up to @end; words are separated by single spaces or newlines. */
static void wrap_range(FILE *out, const char *text, const char *end, int column)
{
	int width = text_width(out), at = column;

	while (text < end) {
		int word = (int)strcspn(text, " \n");

		if (at > column && at + 1 + word > width) {
			fprintf(out, "\n%*s", column, "");
			at = column;
		}
		at += fprintf(out, "%s%.*s", at > column ? " " : "", word, text);
		text += word;
		text += strspn(text, " \n");
	}
	fputc('\n', out);
}

void text_wrap(FILE *out, const char *text, int column)
{
	wrap_range(out, text, text + strlen(text), column);
}

void text_paragraphs(FILE *out, const char *text)
{
	while (*text) {
		const char *gap = strstr(text, "\n\n");
		const char *end = gap ? gap : text + strlen(text);

		wrap_range(out, text, end, 0);
		if (gap)
			fputc('\n', out);
		text = gap ? gap + 2 : end;
	}
}
