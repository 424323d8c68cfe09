/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

const struct check *const all_checks[] = { cpu_checks, kernel_checks, limit_checks, NULL };

void finding_set(struct finding *finding, enum check_status status, const char *cure, const char *detail, ...)
{
	va_list ap;

	finding->status = status;
	va_start(ap, detail);
	vsnprintf(finding->detail, sizeof(finding->detail), detail, ap);
	va_end(ap);
	snprintf(finding->cure, sizeof(finding->cure), "%s", cure ? cure : "");
}

struct finding check_run(const struct check *check)
{
	struct finding finding = { 0 };

	check->look(&finding);
	return finding;
}

const struct check *checks_refusal(struct finding *finding)
{
	for (const struct check *const *table = all_checks; *table; table++) {
		for (const struct check *check = *table; check->name; check++) {
			if (!check->essential)
				continue;
			*finding = check_run(check);
			if (finding->status == CHECK_MISSING)
				return check;
		}
	}
	return NULL;
}

bool file_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, buf, size - 1);

	if (fd >= 0)
		close(fd);
	while (n > 0 && buf[n - 1] == '\n')
		n--;
	buf[max_of(n, 0)] = '\0';
	return n >= 0;
}
