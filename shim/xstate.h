/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended state (x87, SSE, AVX, ...) between a signal frame and an SSA frame. Both hold it in XSAVE's standard
 * format, laid out by CPUID leaf 0DH. Context of all but xstate_init(): async-signal-safe.
 */
#ifndef SOFTSGX_SHIM_XSTATE_H
#define SOFTSGX_SHIM_XSTATE_H

#include "base/compiler.h"

/** xstate_init() - learn the layout from CPUID. */
void xstate_init(void);
/** xstate_xsavec() - the processor has XSAVEC. */
bool xstate_xsavec(void);
/** xstate_max_bytes() - room that a save of all that the system has enabled can take. */
uint32_t xstate_max_bytes(void);

/** xstate_save() - what an AEX does: the components in @xfrm of signal frame state @fpstate go to XSAVE area @ssa. */
void xstate_save(const void *fpstate, void *ssa, uint64_t xfrm);
/** xstate_set_initial() - the components in @xfrm get their initial configuration in @fpstate. */
void xstate_set_initial(void *fpstate, uint64_t xfrm);
/**
 * xstate_load() - what ERESUME does: XRSTOR of the components in @xfrm from @ssa, with the effect on the signal frame
 * state @fpstate. ERESUME has checked the area already; what another thread makes of it since is forced into a form
 * that the kernel accepts.
 */
void xstate_load(void *fpstate, const void *ssa, uint64_t xfrm);

#endif
