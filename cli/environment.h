/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `run` tells the preloaded library, and nothing else does: whatever a user or an outer `run` has set is replaced.
 *
 *   LD_PRELOAD            libsoftsgx.so, before what is there already
 *   SOFTSGX_EPC           bytes
 *   SOFTSGX_OVERCOMMIT    percent of the EPC, may be negative
 *   SOFTSGX_BACKING_MAX   bytes; absent: no such limit
 *   SOFTSGX_MECHANISM     auto, guard or sigbus
 *   SOFTSGX_STRICT        0 or 1
 *   SOFTSGX_STATS_FD      descriptor of a memory file that holds a struct stats_page; absent: nobody asks
 */
#ifndef SOFTSGX_CLI_ENVIRONMENT_H
#define SOFTSGX_CLI_ENVIRONMENT_H

#include "encl/machine.h"

struct environment {
	uint64_t epc_bytes;
	int64_t overcommit_percent;
	uint64_t backing_max_bytes; /* LEDGER_NO_LIMIT: none */
	int mechanism;              /* enum mmu_mechanism */
	bool strict;
	int stats_fd; /* -1: none */
};

/** environment_set() - in this process, for the program it is about to start. Return: 0 or -ENOMEM. */
int must_check environment_set(const struct environment *env, const char *library);

#endif
