/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the in-enclave runtime use of one another. */
#ifndef SOFTSGX_KIT_ENCLAVE_RUNTIME_H
#define SOFTSGX_KIT_ENCLAVE_RUNTIME_H

#include "kit/enclave/kit.h"

/* entry.S */
void kit_leave_for_ocall(void);
void kit_leave_for_good(int why) __attribute__((noreturn));

/* called by entry.S */
int kit_enter(struct kit_call *call);
int kit_enter_exception(void);

/** kit_heap_init() - the region malloc() works on; called once, before any other code of the enclave. */
void kit_heap_init(void *start, size_t bytes);

#endif
