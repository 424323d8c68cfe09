/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this machine offers, one question at a time, each answered by trial and not by version numbers. `doctor` shows
 * all answers; `run` asks the essential ones before it starts anything.
 */
#ifndef SOFTSGX_CLI_CHECKS_H
#define SOFTSGX_CLI_CHECKS_H

#include "base/compiler.h"

enum check_status {
	CHECK_OK,
	CHECK_WARN,    /* enclaves run, but something is slower or tighter than it could be */
	CHECK_MISSING, /* enclaves cannot run */
};

struct finding {
	enum check_status status;
	char detail[200]; /* what was found */
	char cure[240];   /* what to do about it; empty: nothing to do */
};

struct check {
	const char *name; /* stable: scripts read it from the JSON output */
	bool essential;   /* may find CHECK_MISSING */
	void (*look)(struct finding *finding);
};

/* Each ends with an entry without a name. */
extern const struct check cpu_checks[];
extern const struct check kernel_checks[];
extern const struct check limit_checks[];
/* The three tables above; ends with NULL. */
extern const struct check *const all_checks[];

/** finding_set() - @cure may be NULL: nothing to do. */
void finding_set(struct finding *finding, enum check_status status, const char *cure, const char *detail, ...)
	__attribute__((format(printf, 4, 5)));

/** check_run() - the answer to one question. */
struct finding check_run(const struct check *check);

/** checks_refusal() - the first essential check that finds something missing, or NULL; *finding is its answer. */
const struct check *checks_refusal(struct finding *finding);

/**
 * file_text() - the beginning of a small text file, without its trailing newline; "" if it cannot be read.
 * Return: whether it could be read. @size is at least 1.
 */
bool file_text(const char *path, char *buf, size_t size);

#endif
