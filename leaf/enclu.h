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
	struct sgx_tcs *tcs;     /* contents, in engine memory */
	uint64_t tcs_linaddr;
	uint64_t aep;
	uint64_t fsbase, gsbase; /* to load on entry */
	uint64_t rip;            /* where execution goes on */
	uint32_t cssa;           /* EENTER: returned in RAX */
};

/**
 * enclu_ssa_gpr() - linear address of the GPRSGX area of frame @cssa of @tcs; the MISC region lies directly below and
 * the XSAVE area starts at the frame's first byte.
 */
uint64_t enclu_ssa_frame(const struct secs *secs, const struct sgx_tcs *tcs, uint32_t cssa);
uint64_t enclu_ssa_gpr(const struct secs *secs, const struct sgx_tcs *tcs, uint32_t cssa);

/**
 * enclu_eenter() - check and start an entry: marks the TCS active (atomically: the only entry lock), stores URSP/URBP
 * in the current SSA frame, fills @entry.
 * @ssa: pointer to the current frame's GPRSGX (its linear address while pinned).
 * Return: SGX_FAULT_GP (not initialised, TCS busy, CSSA >= NSSA, RBX misaligned, non-canonical OENTRY, AEP
 * non-canonical), SGX_FAULT_PF is the caller's (TCS or SSA not there), or success.
 */
enum sgx_status must_check enclu_eenter(struct secs *secs, struct sgx_tcs *tcs, uint64_t tcs_linaddr, uint64_t aep,
					uint64_t ursp, uint64_t urbp, struct enclu_entry *entry);
/**
 * enclu_eresume() - as EENTER, but from SSA frame CSSA-1: SGX_FAULT_GP if CSSA is 0. On success CSSA is decremented;
 * the caller loads GPRs, extended state, FS/GS from the frame (entry->rip, fsbase, gsbase are filled from it).
 */
enum sgx_status must_check enclu_eresume(struct secs *secs, struct sgx_tcs *tcs, uint64_t tcs_linaddr, uint64_t aep,
					 uint64_t ursp, uint64_t urbp, struct enclu_entry *entry);
/** enclu_eexit() - SGX_FAULT_GP if @target (RBX) is non-canonical; else the TCS is idle again. */
enum sgx_status must_check enclu_eexit(struct enclu_entry *entry, uint64_t target);

/* What an AEX saves: filled by the caller from the interrupted context. */
struct aex_state {
	struct sgx_gprsgx gpr;   /* rax..r15, rflags, rip, fsbase, gsbase; the rest is filled in by enclu_aex() */
	unsigned vector;         /* enum x86_vector; ignored unless @exception */
	uint32_t error_code;
	uint64_t fault_address;  /* full address for #PF, for EXINFO.MADDR */
	int exception;           /* 1: synchronous exception; 0: interrupt (EXITINFO.VALID = 0) */
};
/* The synthetic state after an AEX, SDM 3D 37.3 and table 37-1. */
struct aex_exit {
	uint64_t rsp, rbp;       /* URSP, URBP of the frame */
	uint64_t rip;            /* AEP */
	uint64_t rax, rbx, rcx;  /* ENCLU_ERESUME, TCS, AEP; all other GPRs are 0 */
};
/** enclu_aex() - write GPRSGX and EXINFO of the current frame, advance CSSA, make the TCS idle, fill @out. */
void enclu_aex(struct enclu_entry *entry, struct aex_state *state, struct aex_exit *out);

#endif
