/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/unblock.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/sys.h"
#include "shim/actions.h"
#include "shim/thread.h"

/*
 * libc's signal for set*id(), which libc does not let anybody block, and whose handler ignores what it has not sent
 * itself by tgkill(). It is installed before the first thread is made.
 */
#define SIGSETXID 33

static size_t read_file(int dir, const char *name, char *text, size_t size)
{
	long fd = sys_call4(SYS_openat, dir, name, O_RDONLY | O_CLOEXEC, 0), len;

	if (fd < 0)
		return 0;
	len = sys_call3(SYS_read, fd, text, size - 1);
	sys_close((int)fd);
	return len > 0 ? (size_t)len : 0;
}

static uint64_t blocked_by(int task, long tid)
{
	char path[32], text[4096];

	snprintf(path, sizeof(path), "%ld/status", tid);
	text[read_file(task, path, text, sizeof(text))] = 0;
	const char *line = strstr(text, "\nSigBlk:");
	return line ? strtoull(line + strlen("\nSigBlk:"), NULL, 16) : 0;
}

static void consider(int task, const char *name)
{
	const long pid = sys_call0(SYS_getpid), tid = strtol(name, NULL, 10);
	siginfo_t info = { .si_signo = SIGSETXID, .si_code = SI_QUEUE, .si_pid = (pid_t)pid };

	if (tid > 0 && tid != sys_call0(SYS_gettid) && blocked_by(task, tid) & SYNCHRONOUS_SIGNALS)
		sys_call4(SYS_rt_tgsigqueueinfo, pid, tid, SIGSETXID, &info);
}

void threads_unblock(void)
{
	struct action a = actions_look(SIGSETXID);
	long task, len;
	char entries[2048] __attribute__((aligned(8)));

	if (action_is_default(&a) || action_is_ignore(&a))
		return;
	task = sys_call4(SYS_openat, AT_FDCWD, "/proc/self/task", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
	if (task < 0)
		return;
	while ((len = sys_call3(SYS_getdents64, task, entries, sizeof(entries))) > 0)
		for (long at = 0; at < len; at += ((struct dirent64 *)(entries + at))->d_reclen)
			consider((int)task, ((struct dirent64 *)(entries + at))->d_name);
	sys_close((int)task);
}
