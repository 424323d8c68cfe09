/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

void kit_error_set(struct kit_error *err, const char *fmt, ...)
{
	int saved = errno;
	va_list args;

	if (!err)
		return;
	va_start(args, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	errno = saved;
}
