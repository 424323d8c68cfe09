/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_KIT_ERROR_H
#define SOFTSGX_KIT_ERROR_H

/** struct kit_error - one line for the user: what is wrong and, where there is one, the cure. */
struct kit_error {
	char text[320];
};

/** kit_fail() - fill @err (may be NULL). Return: -@code, for `return kit_fail(...)`. */
int kit_fail(struct kit_error *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
