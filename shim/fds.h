/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The engine's own descriptors, kept out of the way of programs that count on the lowest free number, and safe from
 * programs that close all there are.
 */
#ifndef SOFTSGX_SHIM_FDS_H
#define SOFTSGX_SHIM_FDS_H

#include "base/compiler.h"

/** fd_raise() - move @fd to a high number, closed on exec. Return: the new number; @fd itself if that cannot be. */
int fd_raise(int fd);
/** fd_is_engine() - the application must not close this one. Context: engine_enter()ed. */
bool fd_is_engine(int fd);
/** fd_next_engine() - the lowest engine descriptor in [@from, @to], or -1. Context: likewise. */
int fd_next_engine(unsigned from, unsigned to);

#endif
