/* SPDX-License-Identifier: Apache-2.0 */
#include "mmu/maps.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

/* One line: "start-end perms offset dev inode path". */
static bool is_reservation(const char *line, uint64_t start, uint64_t end)
{
	char *p;
	uint64_t from = strtoull(line, &p, 16);
	uint64_t to = *p == '-' ? strtoull(p + 1, &p, 16) : 0;

	if (to <= start || from >= end)
		return true;
	return strncmp(p, " ---p 00000000 00:00 0", 22) == 0;
}

/* Checks every whole line of @text and moves the rest to its front. Return: length of the rest, or -1. */
static int check_lines(char *text, int len, uint64_t start, uint64_t end)
{
	char *line = text, *eol;

	while ((eol = memchr(line, '\n', (size_t)(text + len - line)))) {
		*eol = '\0';
		if (!is_reservation(line, start, end))
			return -1;
		line = eol + 1;
	}
	len -= (int)(line - text);
	memmove(text, line, (size_t)len);
	return len;
}

bool maps_only_reservations(uint64_t start, uint64_t len)
{
	char text[8192];
	int kept = 0;
	long fd = sys_call3(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC), n = -1;

	if (fd < 0)
		return false;
	while (kept >= 0 && kept < (int)sizeof(text) - 1 &&
	       (n = sys_call3(SYS_read, fd, text + kept, sizeof(text) - 1 - (size_t)kept)) > 0) {
		text[kept + n] = '\0';
		kept = check_lines(text, kept + (int)n, start, start + len);
	}
	sys_close((int)fd);
	return n == 0 && kept == 0;
}
