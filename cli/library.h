/* SPDX-License-Identifier: Apache-2.0 */
/* Where libsoftsgx.so is, and how it gets into a program. */
#ifndef SOFTSGX_CLI_LIBRARY_H
#define SOFTSGX_CLI_LIBRARY_H

#include <limits.h>

#include "base/compiler.h"

/**
 * library_find() - the library that belongs to this executable: beside it in the build tree, or where it was
 * installed, which may be under another root than the configured one.
 * Return: 0, or -ENOENT.
 */
int must_check library_find(char path[PATH_MAX]);

/** library_preloadable() - false if @path holds a character that LD_PRELOAD cannot express. */
bool library_preloadable(const char *path);

/**
 * library_preload() - a value for LD_PRELOAD: @library before what @existing (may be NULL) asks for, once.
 * Return: malloc()ed text, or NULL if memory is out.
 */
char *library_preload(const char *library, const char *existing);

#endif
