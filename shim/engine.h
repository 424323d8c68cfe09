/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Calling the engine from ordinary code: every signal is blocked meanwhile, for its locks' sake.
 */
#ifndef SOFTSGX_SHIM_ENGINE_H
#define SOFTSGX_SHIM_ENGINE_H

#include "base/compiler.h"

/** engine_enter() - Return: what to hand to engine_leave(). May be nested. */
uint64_t engine_enter(void);
void engine_leave(uint64_t mask);
/** engine_running() - this thread is between the two: what it asks of libc is for the engine, not the application. */
bool engine_running(void);

#endif
