/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"

static void write_line(const char *fmt, va_list ap)
{
	char line[512] = "softsgx: ";
	size_t at = strlen(line);
	int n = vsnprintf(line + at, sizeof(line) - at - 1, fmt, ap);

	at += n < 0 ? 0 : min_of((size_t)n, sizeof(line) - at - 2);
	line[at++] = '\n';
	sys_call3(SYS_write, 2, line, at);
}

void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(fmt, ap);
	va_end(ap);
}

void log_fatal(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	write_line(fmt, ap);
	va_end(ap);
	abort();
}
