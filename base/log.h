/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages for the user, one line each on standard error, prefixed "softsgx: ". Formatted on the stack and written
 * with one raw system call, so usable wherever the host's FS base is in place, signal handlers included.
 */
#ifndef SOFTSGX_BASE_LOG_H
#define SOFTSGX_BASE_LOG_H

#include "base/compiler.h"

void log_line(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** log_fatal() - say it and abort: a broken law or a state that must not be. */
void log_fatal(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/** law() - an accounting law or lifecycle rule; executed in debug builds and tests, free otherwise. */
#if SOFTSGX_LAWS
#define law(cond) \
	do { \
		if (unlikely(!(cond))) \
			log_fatal("law broken at %s:%d: %s", __FILE__, __LINE__, #cond); \
	} while (0)
#else
#define law(cond) ((void)sizeof(!(cond)))
#endif

#endif
