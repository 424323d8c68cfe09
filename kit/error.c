/* SPDX-License-Identifier: Apache-2.0 */
#include "kit/error.h"

#include <stdarg.h>
#include <stdio.h>

int kit_fail(struct kit_error *err, int code, const char *fmt, ...)
{
	va_list args;

	if (err) {
		va_start(args, fmt);
		(void)vsnprintf(err->text, sizeof(err->text), fmt, args);
		va_end(args);
	}
	return -code;
}
