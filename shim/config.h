/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `softsgx run` asks for, handed over in the environment:
 *   SOFTSGX_EPC           size of the EPC
 *   SOFTSGX_OVERCOMMIT    backing RAM in percent of it; negative: no limit
 *   SOFTSGX_BACKING_MAX   a further limit on backing RAM, a size
 *   SOFTSGX_MECHANISM     auto, guard or sigbus
 *   SOFTSGX_STRICT        0 or 1: nothing that an enclave could tell from hardware
 *   SOFTSGX_STATS_FD      descriptor of a memory file with a struct stats_page
 */
#ifndef SOFTSGX_SHIM_CONFIG_H
#define SOFTSGX_SHIM_CONFIG_H

#include "encl/machine.h"

struct shim_config {
	struct machine_config machine;
	bool strict;
	int stats_fd; /* -1: none */
};

/** config_defaults() - what holds where the environment says nothing. */
struct shim_config config_defaults(void);

/**
 * config_read() - @env: the environment, NULL-terminated (libc's may not be there yet).
 * Return: 0; -EINVAL with the reason on standard error, one line.
 */
int must_check config_read(struct shim_config *config, char *const *env);

#endif
