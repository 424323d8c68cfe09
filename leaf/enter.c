/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EENTER, ERESUME, EEXIT and the asynchronous exit (SDM 3D 36.4, 37.4).
 *
 * This file runs while the registers still hold, or already hold, the enclave's extended state and FS base: it is
 * compiled for general registers only, without stack protector or sanitizers, and calls nothing outside itself
 * (a test looks for undefined symbols in its object).
 */
#include "leaf/enclu.h"

#define RFLAGS_TF (1ULL << 8)

enum tcs_state { TCS_INACTIVE, TCS_ACTIVE };

/* Of the XSAVE area: legacy region and header, SDM 1 13.4. */
struct xsave_head {
	uint8_t fcw_to_rdp[24];
	uint32_t mxcsr;
	uint8_t mxcsr_mask_to_end[484];
	uint64_t xstate_bv;
	uint64_t xcomp_bv_and_reserved[7];
};
_Static_assert(offsetof(struct xsave_head, mxcsr) == 24, "FXSAVE.MXCSR");
_Static_assert(offsetof(struct xsave_head, xstate_bv) == 512, "XSAVE header");
_Static_assert(sizeof(struct xsave_head) == 576, "XSAVE header");
#define MXCSR_RESERVED 0xffff0000U

/* Vectors that EXITINFO reports to the enclave, SDM 3D table 35-10. */
#define VECTOR_BIT(v) (1U << (v))
#define REPORTED_ALWAYS \
	(VECTOR_BIT(VECTOR_DE) | VECTOR_BIT(VECTOR_DB) | VECTOR_BIT(VECTOR_BP) | VECTOR_BIT(VECTOR_BR) | \
	 VECTOR_BIT(VECTOR_UD) | VECTOR_BIT(VECTOR_MF) | VECTOR_BIT(VECTOR_AC) | VECTOR_BIT(VECTOR_XM))
#define REPORTED_WITH_EXINFO (VECTOR_BIT(VECTOR_GP) | VECTOR_BIT(VECTOR_PF))

static uint64_t frame_bytes(const struct secs *secs)
{
	return (uint64_t)secs->ssa_frame_size * SGX_PAGE_SIZE;
}

uint64_t enclu_ssa_frame(const struct secs *secs, const struct sgx_tcs *tcs, uint32_t cssa)
{
	return secs->base + tcs->ossa + frame_bytes(secs) * cssa;
}

static uint64_t frame_gpr(const struct secs *secs, uint64_t frame)
{
	return frame + frame_bytes(secs) - sizeof(struct sgx_gprsgx);
}

uint64_t enclu_ssa_gpr(const struct secs *secs, const struct sgx_tcs *tcs, uint32_t cssa)
{
	return frame_gpr(secs, enclu_ssa_frame(secs, tcs, cssa));
}

static bool acquire_tcs(struct sgx_tcs *tcs)
{
	uint64_t idle = TCS_INACTIVE;

	/* Pairs with the release in release_tcs(): what the last user left in TCS and SSA is seen. */
	return __atomic_compare_exchange_n(&tcs->state, &idle, TCS_ACTIVE, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static void release_tcs(struct sgx_tcs *tcs)
{
	__atomic_store_n(&tcs->state, TCS_INACTIVE, __ATOMIC_RELEASE);
}

static bool tcs_is_enterable(const struct secs *secs, const struct sgx_tcs *tcs)
{
	bool notify_tcs = tcs->flags & SGX_TCS_AEXNOTIFY, notify_secs = secs->attributes & SGX_ATTR_AEXNOTIFY;

	if (!is_page_aligned(tcs->ossa) || !is_page_aligned(tcs->ofsbase) || !is_page_aligned(tcs->ogsbase))
		return false;
	if (tcs->flags & SGX_TCS_FLAGS_RESERVED)
		return false;
	return tcs->flags & SGX_TCS_DBGOPTIN || notify_tcs == notify_secs;
}

static bool inside_elrange(const struct secs *secs, uint64_t frame)
{
	uint64_t bytes = frame_bytes(secs);

	return bytes <= secs->size && frame - secs->base <= secs->size - bytes;
}

/* What EENTER and ERESUME have in common, up to where their frames differ. The TCS is locked. */
static enum sgx_status check_entry(const struct enclu_entry *entry, uint64_t frame, uint32_t cssa)
{
	const struct secs *secs = entry->secs;

	if (!(secs->attributes & SGX_ATTR_INIT) || !is_page_aligned(entry->tcs_linaddr) || !is_canonical(entry->aep))
		return SGX_FAULT_GP;
	if (!tcs_is_enterable(secs, entry->tcs) || frame != enclu_ssa_frame(secs, entry->tcs, cssa))
		return SGX_FAULT_GP;
	return inside_elrange(secs, frame) ? SGX_SUCCESS : SGX_FAULT_PF;
}

static enum sgx_status check_target(const struct enclu_entry *entry)
{
	if (!is_canonical(entry->rip) || !is_canonical(entry->fsbase) || !is_canonical(entry->gsbase))
		return SGX_FAULT_GP;
	return SGX_SUCCESS;
}

/* From here on the thread is inside; an AEX finds its way out by these. */
static void commit_entry(struct enclu_entry *entry, uint64_t frame, uint64_t ursp, uint64_t urbp)
{
	struct sgx_gprsgx *gpr = (struct sgx_gprsgx *)frame_gpr(entry->secs, frame);

	gpr->ursp = ursp;
	gpr->urbp = urbp;
	entry->tcs->aep = entry->aep;
	atomic_fetch_add_explicit(&entry->secs->threads, 1, memory_order_relaxed);
}

static void begin_entry(struct enclu_entry *entry, struct secs *secs, struct sgx_tcs *tcs, uint64_t tcs_linaddr,
			uint64_t aep)
{
	entry->secs = secs;
	entry->tcs = tcs;
	entry->tcs_linaddr = tcs_linaddr;
	entry->aep = aep;
}

enum sgx_status enclu_eenter(struct secs *secs, struct sgx_tcs *tcs, uint64_t tcs_linaddr, uint64_t frame, uint64_t aep,
			     uint64_t ursp, uint64_t urbp, struct enclu_entry *entry)
{
	enum sgx_status status = SGX_FAULT_GP;

	if (!acquire_tcs(tcs))
		return SGX_FAULT_GP;
	begin_entry(entry, secs, tcs, tcs_linaddr, aep);
	entry->cssa = tcs->cssa;
	entry->rip = secs->base + tcs->oentry;
	entry->fsbase = secs->base + tcs->ofsbase;
	entry->gsbase = secs->base + tcs->ogsbase;
	if (tcs->cssa < tcs->nssa)
		status = check_entry(entry, frame, tcs->cssa);
	if (status == SGX_SUCCESS)
		status = check_target(entry);
	if (status == SGX_SUCCESS)
		commit_entry(entry, frame, ursp, urbp);
	else
		release_tcs(tcs);
	return status;
}

/* XRSTOR of the frame would not fault. */
static bool xsave_area_ok(const struct secs *secs, uint64_t frame)
{
	const struct xsave_head *x = (const struct xsave_head *)frame;
	uint64_t reserved = 0;

	for (unsigned i = 0; i < ARRAY_SIZE(x->xcomp_bv_and_reserved); i++)
		reserved |= x->xcomp_bv_and_reserved[i];
	return reserved == 0 && !(x->xstate_bv & ~secs->xfrm) && !(x->mxcsr & MXCSR_RESERVED);
}

static enum sgx_status check_frame(struct enclu_entry *entry, uint64_t frame)
{
	const struct sgx_gprsgx *gpr = (const struct sgx_gprsgx *)frame_gpr(entry->secs, frame);

	entry->rip = gpr->rip;
	entry->fsbase = gpr->fsbase;
	entry->gsbase = gpr->gsbase;
	return xsave_area_ok(entry->secs, frame) ? check_target(entry) : SGX_FAULT_GP;
}

enum sgx_status enclu_eresume(struct secs *secs, struct sgx_tcs *tcs, uint64_t tcs_linaddr, uint64_t frame,
			      uint64_t aep, uint64_t ursp, uint64_t urbp, struct enclu_entry *entry)
{
	enum sgx_status status = SGX_FAULT_GP;

	if (!acquire_tcs(tcs))
		return SGX_FAULT_GP;
	begin_entry(entry, secs, tcs, tcs_linaddr, aep);
	entry->cssa = tcs->cssa - 1;
	if (tcs->cssa != 0)
		status = check_entry(entry, frame, entry->cssa);
	if (status == SGX_SUCCESS)
		status = check_frame(entry, frame);
	if (status != SGX_SUCCESS) {
		release_tcs(tcs);
		return status;
	}
	/* The next AEX must land on the stack of the latest entry, which need not be where EENTER was executed. */
	commit_entry(entry, frame, ursp, urbp);
	tcs->cssa = entry->cssa;
	return SGX_SUCCESS;
}

static void leave(struct enclu_entry *entry)
{
	atomic_fetch_sub_explicit(&entry->secs->threads, 1, memory_order_release);
	/* Last: from now on another thread may enter by this TCS. */
	release_tcs(entry->tcs);
}

enum sgx_status enclu_eexit(struct enclu_entry *entry, uint64_t target)
{
	if (!is_canonical(target))
		return SGX_FAULT_GP;
	leave(entry);
	return SGX_SUCCESS;
}

static uint32_t exitinfo(const struct secs *secs, const struct aex_state *state)
{
	uint32_t reported = REPORTED_ALWAYS | (secs->miscselect & SGX_MISC_EXINFO ? REPORTED_WITH_EXINFO : 0);

	if (!state->exception || state->vector >= 32 || !(reported & VECTOR_BIT(state->vector)))
		return 0;
	return SGX_EXITINFO_VALID | state->vector |
	       (state->vector == VECTOR_BP ? SGX_EXITINFO_TYPE_SW : SGX_EXITINFO_TYPE_HW);
}

/* SDM 3D 37.4.1: only #PF and #GP have extended information, and only #PF an address. */
static void save_exinfo(const struct secs *secs, const struct aex_state *state, uint64_t gpr)
{
	struct sgx_exinfo *exinfo = (struct sgx_exinfo *)(gpr - sizeof(struct sgx_exinfo));

	if (!(secs->miscselect & SGX_MISC_EXINFO) || !state->exception ||
	    (state->vector != VECTOR_PF && state->vector != VECTOR_GP))
		return;
	exinfo->maddr = state->vector == VECTOR_PF ? state->fault_address : 0;
	exinfo->errcd = state->error_code;
	exinfo->reserved = 0;
}

/* A copy that the compiler cannot turn into a call of memcpy(), which uses vector registers. */
static void copy_gpr(struct sgx_gprsgx *dst, const struct sgx_gprsgx *src)
{
	size_t n = sizeof(*dst) / sizeof(uint64_t);

	__asm__ volatile("rep movsq" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}
_Static_assert(sizeof(struct sgx_gprsgx) % sizeof(uint64_t) == 0, "copy_gpr() copies whole words");

void enclu_aex(struct enclu_entry *entry, struct aex_state *state, struct aex_exit *out)
{
	struct sgx_tcs *tcs = entry->tcs;
	uint64_t gpr_addr = enclu_ssa_gpr(entry->secs, tcs, tcs->cssa);
	struct sgx_gprsgx *gpr = (struct sgx_gprsgx *)gpr_addr, *save = &state->gpr;

	save->rflags &= ~RFLAGS_TF;
	save->exitinfo = exitinfo(entry->secs, state);
	/* Not the AEX's to change. */
	save->ursp = gpr->ursp;
	save->urbp = gpr->urbp;
	save->aexnotify = gpr->aexnotify;
	for (unsigned i = 0; i < ARRAY_SIZE(save->reserved); i++)
		save->reserved[i] = gpr->reserved[i];
	copy_gpr(gpr, save);
	save_exinfo(entry->secs, state, gpr_addr);

	out->rsp = save->ursp;
	out->rbp = save->urbp;
	out->rip = entry->aep;
	out->rax = ENCLU_ERESUME;
	out->rbx = entry->tcs_linaddr;
	out->rcx = entry->aep;
	tcs->cssa++;
	leave(entry);
}
