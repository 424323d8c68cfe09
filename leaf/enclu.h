/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENCLU entry and exit: the architectural state changes of EENTER, ERESUME, EEXIT and the asynchronous exit, SDM 3D
 * chapter 36.4 and 37. They work on engine copies and pointers; loading registers is the shim's business.
 *
 * Context: the TCS, and the SSA frames it can reach, are resident and pinned. Async-signal-safe, general registers
 * only, no TLS.
 */
#ifndef SOFTSGX_LEAF_ENCLU_H
#define SOFTSGX_LEAF_ENCLU_H

#include "arch/errors.h"
#include "leaf/secs.h"

/* Where a thread stands in an entry: what EENTER/ERESUME compute and EEXIT/AEX need. */
struct enclu_entry {
	struct secs *secs;
	struct sgx_tcs *tcs; /* contents, in engine memory */
	uint64_t tcs_linaddr;
	uint64_t aep;
	uint64_t fsbase, gsbase; /* to load on entry */
	uint64_t rip;            /* where execution goes on */
	uint32_t cssa;           /* EENTER: returned in RAX */
};

/** enclu_ssa_frame() - linear address of SSA frame @cssa of @tcs: where its XSAVE area starts. */
uint64_t enclu_ssa_frame(const struct secs *secs, const struct sgx_tcs *tcs, uint32_t cssa);
/** enclu_ssa_gpr() - linear address of the frame's GPRSGX area, its last bytes; the MISC region lies directly below. */
uint64_t enclu_ssa_gpr(const struct secs *secs, const struct sgx_tcs *tcs, uint32_t cssa);

/**
 * enclu_eenter() - check and start an entry: marks the TCS active (atomically: the only entry lock), stores URSP/URBP
 * in the current SSA frame, fills @entry.
 * @frame: linear address of the SSA frame that the caller has pinned. The frame is chosen before the TCS is locked:
 * had another thread moved CSSA meanwhile, the entry would touch a frame that may not be there.
 * Return: SGX_FAULT_GP (enclave not initialised, TCS busy or its frame no longer @frame, CSSA >= NSSA, @tcs_linaddr,
 * OSSA, OFSBASE or OGSBASE misaligned, a reserved or contradicting TCS flag, OENTRY, FS, GS base or @aep
 * non-canonical); SGX_FAULT_PF (frame outside ELRANGE; that TCS and SSA are there is the caller's to ensure); or
 * success.
 */
enum sgx_status must_check enclu_eenter(struct secs *secs, struct sgx_tcs *tcs, uint64_t tcs_linaddr, uint64_t frame,
					uint64_t aep, uint64_t ursp, uint64_t urbp, struct enclu_entry *entry);
/**
 * enclu_eresume() - as EENTER, but from SSA frame CSSA-1, which @frame is: SGX_FAULT_GP also if CSSA is 0, or if the
 * frame holds what XRSTOR would refuse (XSTATE_BV beyond XFRM, a compacted or dirty XSAVE header, reserved MXCSR bits)
 * or a non-canonical RIP, FS or GS base. On success CSSA is decremented; the caller loads GPRs, extended state, FS/GS
 * from the frame (entry->rip, fsbase, gsbase are filled from it).
 */
enum sgx_status must_check enclu_eresume(struct secs *secs, struct sgx_tcs *tcs, uint64_t tcs_linaddr, uint64_t frame,
					 uint64_t aep, uint64_t ursp, uint64_t urbp, struct enclu_entry *entry);
/** enclu_eexit() - SGX_FAULT_GP if @target (RBX) is non-canonical; else the TCS is idle again. RCX is entry->aep. */
enum sgx_status must_check enclu_eexit(struct enclu_entry *entry, uint64_t target);

/* What an AEX saves: filled by the caller from the interrupted context. */
struct aex_state {
	struct sgx_gprsgx gpr; /* rax..r15, rflags, rip, fsbase, gsbase; enclu_aex() completes the rest */
	unsigned vector;       /* enum x86_vector; ignored unless @exception */
	uint32_t error_code;
	uint64_t fault_address; /* full address for #PF, for EXINFO.MADDR */
	int exception;          /* 1: synchronous exception; 0: interrupt (EXITINFO.VALID = 0) */
};
/* The synthetic state after an AEX, SDM 3D 37.3 and table 37-1. */
struct aex_exit {
	uint64_t rsp, rbp;      /* URSP, URBP of the frame */
	uint64_t rip;           /* AEP */
	uint64_t rax, rbx, rcx; /* ENCLU_ERESUME, TCS, AEP; all other GPRs are 0 */
};
/**
 * enclu_aex() - write GPRSGX and EXINFO of the current frame, advance CSSA, make the TCS idle, fill @out. The caller
 * has stored the extended state in the frame's XSAVE area before: when this returns another thread may resume the TCS.
 */
void enclu_aex(struct enclu_entry *entry, struct aex_state *state, struct aex_exit *out);

#endif
