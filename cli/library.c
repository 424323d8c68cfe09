/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/library.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEPARATORS " :" /* between the names in LD_PRELOAD, ld.so(8) */

/* The directory of the running executable. */
static int own_directory(char dir[PATH_MAX])
{
	ssize_t n = readlink("/proc/self/exe", dir, PATH_MAX - 1);
	char *slash;

	if (n < 0)
		return -errno;
	dir[n] = '\0';
	slash = strrchr(dir, '/');
	if (!slash)
		return -ENOENT;
	*slash = '\0';
	return 0;
}

int library_find(char path[PATH_MAX])
{
	static const char *const places[] = { "../shim", SOFTSGX_LIBRARY_FROM_BINDIR };
	char dir[PATH_MAX], candidate[PATH_MAX + 128];

	if (own_directory(dir) == 0) {
		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			snprintf(candidate, sizeof(candidate), "%s/%s/libsoftsgx.so", dir, places[i]);
			if (access(candidate, R_OK) == 0 && realpath(candidate, path))
				return 0;
		}
	}
	return realpath(SOFTSGX_LIBRARY_DIR "/libsoftsgx.so", path) && access(path, R_OK) == 0 ? 0 : -ENOENT;
}

bool library_preloadable(const char *path)
{
	return !strpbrk(path, SEPARATORS "$"); /* "$" would be expanded: $ORIGIN, $LIB */
}

/* Does @list begin with @name as a whole? */
static bool starts_with_name(const char *list, const char *name)
{
	size_t len = strlen(name);

	return strncmp(list, name, len) == 0 && (!list[len] || strchr(SEPARATORS, list[len]));
}

char *library_preload(const char *library, const char *existing)
{
	char *value;

	if (!existing || !*existing || starts_with_name(existing, library))
		return strdup(existing && *existing ? existing : library);
	return asprintf(&value, "%s:%s", library, existing) < 0 ? NULL : value;
}
