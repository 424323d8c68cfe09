/* SPDX-License-Identifier: Apache-2.0 */
/* One line that rewrites itself, on standard error, if that is a terminal; otherwise nothing. */
#ifndef SOFTSGX_EXAMPLES_WORDINDEX_PROGRESS_H
#define SOFTSGX_EXAMPLES_WORDINDEX_PROGRESS_H

/** progress_show() - at most ten times a second, whatever the number of calls. Any thread. */
void progress_show(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/** progress_clear() - before any other output. */
void progress_clear(void);

#endif
