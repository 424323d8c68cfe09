/* SPDX-License-Identifier: Apache-2.0 */
#include "examples/wordindex/files.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "examples/wordindex/progress.h"

void warn_about(const char *path, const char *reason)
{
	progress_clear();
	fprintf(stderr, "wordindex: %s: %s\n", path, reason);
}

static int add(struct file_list *list, const char *path, uint64_t bytes)
{
	if (list->count == list->room) {
		size_t room = list->room ? 2 * list->room : 1024;
		struct file *file = realloc(list->file, room * sizeof(*file));

		if (!file)
			return -ENOMEM;
		list->file = file;
		list->room = room;
	}
	list->file[list->count].path = strdup(path);
	if (!list->file[list->count].path)
		return -ENOMEM;
	list->file[list->count++].bytes = bytes;
	list->bytes += bytes;
	return 0;
}

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static int visit(struct file_list *list, const FTSENT *entry)
{
	switch (entry->fts_info) {
	case FTS_F:
		return add(list, entry->fts_path, (uint64_t)entry->fts_statp->st_size);
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		warn_about(entry->fts_path, strerror(entry->fts_errno));
		list->unreadable++;
		return entry->fts_level == FTS_ROOTLEVEL ? -ENOENT : 0;
	default:
		return 0;
	}
}

int files_find(struct file_list *list, const char *path)
{
	char *const paths[] = { (char *)path, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR, by_name);
	FTSENT *entry;
	int ret = 0;

	if (!tree)
		return -ENOMEM;
	while (ret == 0 && (entry = fts_read(tree)))
		ret = visit(list, entry);
	fts_close(tree);
	return ret;
}

void files_free(struct file_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->file[i].path);
	free(list->file);
}

/* The file may have changed since it was listed: what read() gives is what counts. */
static char *read_open_file(int fd, size_t *bytes)
{
	size_t room = 64 << 10, have = 0;
	char *data = NULL;
	struct stat st;

	if (fstat(fd, &st) == 0 && st.st_size > 0)
		room = (size_t)st.st_size + 1;
	for (;;) {
		char *more = realloc(data, room);
		ssize_t n;

		if (!more || have > UINT32_MAX) {
			errno = more ? EFBIG : ENOMEM;
			free(more ? more : data);
			return NULL;
		}
		data = more;
		while ((n = read(fd, data + have, room - have)) > 0)
			have += (size_t)n;
		if (n < 0) {
			free(data);
			return NULL;
		}
		if (have < room) {
			*bytes = have;
			return data;
		}
		room *= 2;
	}
}

char *file_read(const struct file *file, size_t *bytes)
{
	int fd = open(file->path, O_RDONLY | O_CLOEXEC), saved;
	char *data = NULL;

	if (fd >= 0)
		data = read_open_file(fd, bytes);
	saved = errno;
	if (fd >= 0)
		close(fd);
	if (!data)
		warn_about(file->path, strerror(saved));
	return data;
}
