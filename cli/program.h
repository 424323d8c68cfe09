/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the program to run, and telling before it starts whether a library can be preloaded into it. */
#ifndef SOFTSGX_CLI_PROGRAM_H
#define SOFTSGX_CLI_PROGRAM_H

#include <limits.h>

#include "base/compiler.h"

enum program_obstacle {
	PROGRAM_OK,
	PROGRAM_STATIC,     /* no dynamic linker: nothing reads LD_PRELOAD */
	PROGRAM_PRIVILEGED, /* setuid, setgid or with file capabilities: the dynamic linker ignores LD_PRELOAD */
	PROGRAM_OTHER_ABI,  /* not for x86-64 */
	PROGRAM_OTHER_LIBC, /* its dynamic linker is not the C library's that the shim was built against */
};

/**
 * program_find() - what execvp() would execute for @name: itself if it holds a slash, else the first executable file
 * along PATH.
 * Return: 0; -ENOENT; -EACCES if all that was found is not executable; -ENAMETOOLONG.
 */
int must_check program_find(const char *name, char path[PATH_MAX]);

/**
 * program_inspect() - can a library be preloaded into the program at @path? For a script, into its interpreter.
 * @subject: the file that decided it. What cannot be read is left to the kernel: PROGRAM_OK.
 */
enum program_obstacle program_inspect(const char *path, char subject[PATH_MAX]);

const char *program_obstacle_text(enum program_obstacle o);
const char *program_cure(enum program_obstacle o);

#endif
