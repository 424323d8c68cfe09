/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ENCLU instruction: it raises an exception, and the signal is where it is executed. A processor without SGX raises
 * #UD. One that has SGX, but where firmware or hypervisor keeps it disabled, raises #GP, or #PF at an EENTER whose TCS
 * is not in an EPC (SDM 3D, ENCLU).
 */
#ifndef SOFTSGX_SHIM_ENCLU_H
#define SOFTSGX_SHIM_ENCLU_H

#include "shim/exception.h"

#define ENCLU_BYTES 3

enum enclu_outcome {
	ENCLU_NOT,     /* the instruction that trapped is another */
	ENCLU_DONE,    /* executed, or to be tried again */
	ENCLU_FAULTED, /* *e says how */
};

/** enclu_may_be() - the exception is one that ENCLU raises here. Cheap: reads no memory of the application's. */
bool enclu_may_be(const struct exception *e, const ucontext_t *uc);

/** enclu_trap() - such an exception came. Context: signal handler, the host's FS base. */
enum enclu_outcome must_check enclu_trap(struct thread *t, ucontext_t *uc, struct exception *e);

/**
 * enclu_start() - the checks and the state changes of EENTER, all but loading registers: fills t->entry, t->pin and the
 * bases to load. Return: false with *e filled (e may be NULL), nothing changed.
 */
bool must_check enclu_start(struct thread *t, uint64_t tcs, uint64_t aep, uint64_t rsp, uint64_t rbp,
			    struct exception *e);

#endif
