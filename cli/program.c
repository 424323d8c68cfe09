/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/program.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <paths.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SCRIPT_DEPTH 5  /* interpreters of interpreters that the kernel follows */
#define SCRIPT_LINE 256 /* bytes of a script's first line that it looks at */
#define PROGRAM_HEADERS 64
#define DEFAULT_PATH "/bin:/usr/bin" /* execvp(3), when PATH is not set */
#define DYNAMIC_LINKER "ld-linux-x86-64.so.2"

static int executable(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		return -errno;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : -EACCES;
}

int program_find(const char *name, char path[PATH_MAX])
{
	const char *dirs = getenv("PATH");
	int ret = -ENOENT;

	if (strlen(name) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (strchr(name, '/') || !*name) {
		memcpy(path, name, strlen(name) + 1);
		return executable(path);
	}
	for (const char *dir = dirs ? dirs : DEFAULT_PATH, *end;; dir = end + 1) {
		end = strchrnul(dir, ':');
		int n = snprintf(path, PATH_MAX, "%.*s%s%s", (int)(end - dir), dir, end > dir ? "/" : "", name);
		int found = n < PATH_MAX ? executable(path) : -ENAMETOOLONG;

		if (found == 0)
			return 0;
		if (found == -EACCES)
			ret = -EACCES;
		if (!*end)
			return ret;
	}
}

/* The rules by which the kernel sets AT_SECURE, for the present user. */
static bool gains_privileges(const char *path)
{
	struct statvfs fs;
	struct stat st;

	if (statvfs(path, &fs) != 0 || (fs.f_flag & ST_NOSUID) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		return false;
	if (stat(path, &st) != 0)
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != getuid())
		return true;
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != getgid())
		return true;
	return getuid() != 0 && getxattr(path, "security.capability", NULL, 0) > 0;
}

static bool is_dynamic_linker(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, DYNAMIC_LINKER) == 0;
}

static enum program_obstacle check_interpreter(int fd, const Elf64_Phdr *ph)
{
	char name[PATH_MAX] = "";

	if (pread(fd, name, min_of(ph->p_filesz, sizeof(name) - 1), (off_t)ph->p_offset) < 0)
		return PROGRAM_OK;
	return is_dynamic_linker(name) ? PROGRAM_OK : PROGRAM_OTHER_LIBC;
}

/* Without PT_INTERP: a static program, unless it is the dynamic linker that somebody runs by hand. */
static enum program_obstacle check_static(const char *path)
{
	char real[PATH_MAX];

	return realpath(path, real) && is_dynamic_linker(real) ? PROGRAM_OK : PROGRAM_STATIC;
}

static enum program_obstacle inspect_elf(const char *path, int fd, const Elf64_Ehdr *eh)
{
	Elf64_Phdr ph[PROGRAM_HEADERS];
	size_t count = min_of(eh->e_phnum, ARRAY_SIZE(ph));

	if (eh->e_ident[EI_CLASS] != ELFCLASS64 || eh->e_machine != EM_X86_64)
		return PROGRAM_OTHER_ABI;
	if (pread(fd, ph, count * sizeof(*ph), (off_t)eh->e_phoff) != (ssize_t)(count * sizeof(*ph)))
		return PROGRAM_OK;
	for (size_t i = 0; i < count; i++) {
		if (ph[i].p_type == PT_INTERP)
			return check_interpreter(fd, &ph[i]);
	}
	return check_static(path);
}

/* "#!INTERPRETER [ARGUMENT]"; a text without that line goes to the shell, as execvp() has it. */
static void script_interpreter(char *line, char subject[PATH_MAX])
{
	char *name = line + 2 + strspn(line + 2, " \t");

	name[strcspn(name, " \t\n")] = '\0';
	snprintf(subject, PATH_MAX, "%s", strncmp(line, "#!", 2) == 0 ? name : _PATH_BSHELL);
}

/* One file: an answer, or true in *script and the next file to look at in @subject. */
static enum program_obstacle inspect_file(char subject[PATH_MAX], bool *script)
{
	union {
		Elf64_Ehdr elf;
		char line[SCRIPT_LINE + 1];
	} head = { 0 };
	int fd = open(subject, O_RDONLY | O_CLOEXEC);
	enum program_obstacle answer = PROGRAM_OK;

	*script = false;
	if (fd < 0)
		return PROGRAM_OK;
	if (pread(fd, &head, SCRIPT_LINE, 0) >= (ssize_t)sizeof(head.elf) &&
	    memcmp(head.elf.e_ident, ELFMAG, SELFMAG) == 0) {
		answer = gains_privileges(subject) ? PROGRAM_PRIVILEGED : inspect_elf(subject, fd, &head.elf);
	} else {
		*script = true;
		script_interpreter(head.line, subject);
	}
	close(fd);
	return answer;
}

enum program_obstacle program_inspect(const char *path, char subject[PATH_MAX])
{
	enum program_obstacle answer = PROGRAM_OK;
	bool script = true;

	snprintf(subject, PATH_MAX, "%s", path);
	for (int depth = 0; script && depth <= SCRIPT_DEPTH; depth++)
		answer = inspect_file(subject, &script);
	return answer;
}

const char *program_obstacle_text(enum program_obstacle o)
{
	static const char *const text[] = {
		[PROGRAM_OK] = "nothing is in the way",
		[PROGRAM_STATIC] = "is statically linked, so that no library can be preloaded into it",
		[PROGRAM_PRIVILEGED] =
			"is setuid, setgid or has file capabilities, so that LD_PRELOAD is ignored for it",
		[PROGRAM_OTHER_ABI] = "is not an x86-64 program",
		[PROGRAM_OTHER_LIBC] = "uses another dynamic linker than " DYNAMIC_LINKER
				       ", so that a library for glibc cannot be preloaded into it",
	};

	return text[o];
}

const char *program_cure(enum program_obstacle o)
{
	static const char *const cure[] = {
		[PROGRAM_OK] = "",
		[PROGRAM_STATIC] = "link it dynamically",
		[PROGRAM_PRIVILEGED] = "run a copy of it without these bits, or as the user that it would become",
		[PROGRAM_OTHER_ABI] = "build it for x86-64",
		[PROGRAM_OTHER_LIBC] = "build it against glibc",
	};

	return cure[o];
}
