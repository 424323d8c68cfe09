/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standing between a shell and a program without being noticed: signals go on to the program, stops and continues
 * work as if it were alone, and its end becomes our end.
 */
#ifndef SOFTSGX_CLI_SUPERVISE_H
#define SOFTSGX_CLI_SUPERVISE_H

#include "base/compiler.h"

/**
 * supervise() - execute @path with @argv in a child and wait for its end. The child dies if this process does. Signals
 * that somebody sends to this process are passed on; those from the terminal reach the child by themselves.
 * If @path cannot be executed, the child says so and ends with EXIT_NOT_FOUND or EXIT_NOT_EXECUTABLE.
 * Return: 0 with *status as waitpid() has it, or -errno if there is no child. From then on, this process has blocked
 * the signals that it passes on.
 */
int must_check supervise(const char *path, char **argv, int *status);

/** end_like() - end this process as *status tells: the same exit status, or the same deadly signal (without a core). */
void end_like(int status) __attribute__((noreturn));

#endif
