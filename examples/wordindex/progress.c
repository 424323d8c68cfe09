/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/wordindex/progress.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define INTERVAL_MS 100

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool shown;
static int64_t last_ms;

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A line can be taken back on a terminal only, and not on one that says it can do nothing. */
static bool can_erase(void)
{
	const char *term = getenv("TERM");

	return isatty(STDERR_FILENO) && term && *term && strcmp(term, "dumb") != 0;
}

void progress_show(const char *fmt, ...)
{
	va_list args;
	int64_t now;

	if (!can_erase())
		return;
	pthread_mutex_lock(&lock);
	now = now_ms();
	if (now - last_ms >= INTERVAL_MS) {
		last_ms = now;
		shown = true;
		fputs("\r\033[K", stderr);
		va_start(args, fmt);
		vfprintf(stderr, fmt, args);
		va_end(args);
		fflush(stderr);
	}
	pthread_mutex_unlock(&lock);
}

void progress_clear(void)
{
	pthread_mutex_lock(&lock);
	if (shown)
		fputs("\r\033[K", stderr);
	shown = false;
	pthread_mutex_unlock(&lock);
}
