/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_KIT_ERROR_H
#define SOFTSGX_KIT_ERROR_H

/** struct kit_error - one line for the user: what is wrong and, where there is one, the cure. */
struct kit_error {
	char text[320];
};

/** kit_error_set() - fill @err (may be NULL). Leaves errno alone. */
void kit_error_set(struct kit_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** kit_fail() - the same as an expression whose value is -@code: `return kit_fail(err, EINVAL, "...")`. */
#define kit_fail(err, code, ...) (kit_error_set(err, __VA_ARGS__), -(code))

#endif
