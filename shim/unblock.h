/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that were there before the machine. */
#ifndef SOFTSGX_SHIM_UNBLOCK_H
#define SOFTSGX_SHIM_UNBLOCK_H

/**
 * threads_unblock() - have the other threads that block signals of the processor's adopted, which keeps those blocked
 * only as far as the application can tell. Else their first ENCLU or page fault would kill the process. Threads that do
 * not block them are left alone: they are adopted when the first one comes.
 * Context: all signals blocked, dispositions taken over.
 */
void threads_unblock(void);

#endif
