/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_MMU_MAPS_H
#define SOFTSGX_MMU_MAPS_H

#include "base/compiler.h"

/**
 * maps_only_reservations() - whatever /proc/self/maps shows in the range is private, anonymous and inaccessible: address
 * space that somebody set aside, as loaders do before they create an enclave. False if it cannot be read.
 */
bool maps_only_reservations(uint64_t start, uint64_t len);

#endif
