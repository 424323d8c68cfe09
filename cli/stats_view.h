/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a run: the shared page that the processes fill in, and what is printed of it at the end. */
#ifndef SOFTSGX_CLI_STATS_VIEW_H
#define SOFTSGX_CLI_STATS_VIEW_H

#include <stdio.h>

#include "encl/stats.h"

/**
 * stats_page_create() - a fresh page in anonymous memory. *fd, at a high number, is inherited by programs executed
 * from here. Return: 0 or -errno.
 */
int must_check stats_page_create(struct stats_page **page, int *fd);

/** struct stats_view - what @page held at one moment. */
struct stats_view {
	struct stats_process process[STATS_PROCESSES]; /* those that created an enclave, in order of their start */
	size_t count;
	size_t others;              /* processes that looked for the device and created none */
	struct stats_process total; /* sums; no peaks or limits, for each process has its own EPC */
};

/** stats_view_read() - processes that are still running may change their numbers meanwhile. */
void stats_view_read(struct stats_view *view, const struct stats_page *page);

/** stats_print_table() - for people: a block for each process, and the totals of several. */
void stats_print_table(FILE *out, const struct stats_view *view);

/**
 * stats_print_json() - for programs: one object; units are in the names, names stay from version to version.
 * @wait_status: how the program ended, as waitpid() has it.
 */
void stats_print_json(FILE *out, const struct stats_view *view, int wait_status);

#endif
