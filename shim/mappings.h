/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap(), munmap() and mprotect() where enclaves are. ELRANGE belongs to the engine from ECREATE until the enclave is
 * destroyed: what the application maps and unmaps there is a change of what it may reach, never of what is there.
 * Elsewhere a mapping of the device is an inaccessible reservation.
 */
#ifndef SOFTSGX_SHIM_MAPPINGS_H
#define SOFTSGX_SHIM_MAPPINGS_H

#include "encl/encl.h"

/* Context of all: ordinary code, the machine active. Return: as the system call, -errno included. */

/** mappings_device() - mmap() of the device file of @e. @writable: the file was opened for writing. */
long must_check mappings_device(struct encl *e, bool writable, uint64_t addr, uint64_t len, int prot, int flags);
/**
 * mappings_other() - mmap() of anything else. With MAP_FIXED over an enclave, hardware would let the new mapping replace
 * the enclave's. Here PROT_NONE there counts as munmap(); anything else would leave the engine without the pages that
 * are still the enclave's, and is refused with -ENOMEM.
 */
long must_check mappings_other(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset);
long must_check mappings_unmap(uint64_t addr, uint64_t len);
long must_check mappings_protect(uint64_t addr, uint64_t len, int prot);
/** mappings_overlap() - some part of the range is inside an ELRANGE. */
bool mappings_overlap(uint64_t addr, uint64_t len);

#endif
