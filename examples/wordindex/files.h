/* SPDX-License-Identifier: Apache-2.0 */
/* Which files to read, and reading them. */
#ifndef SOFTSGX_EXAMPLES_WORDINDEX_FILES_H
#define SOFTSGX_EXAMPLES_WORDINDEX_FILES_H

#include <stddef.h>
#include <stdint.h>

struct file {
	char *path;
	uint64_t bytes; /* as listed */
};

struct file_list {
	struct file *file;
	size_t count, room;
	uint64_t bytes;
	size_t unreadable; /* files and directories that were passed over, with a warning each */
};

/**
 * files_find() - add @path, or all regular files below it in the order of their names. Symbolic links are followed only
 * in @path itself. What cannot be read is warned of and passed over.
 * Return: 0; -ENOENT: there is no such file or directory (warned of too); -ENOMEM.
 */
int files_find(struct file_list *list, const char *path);
void files_free(struct file_list *list);

/**
 * file_read() - all of it, in one allocation.
 * Return: NULL if it cannot be read, is too large to be indexed (4 GiB), or memory is short: warned of.
 */
char *file_read(const struct file *file, size_t *bytes);

/** warn_about() - one line on standard error: "wordindex: PATH: reason". */
void warn_about(const char *path, const char *reason);

#endif
