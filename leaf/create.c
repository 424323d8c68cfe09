/* SPDX-License-Identifier: Apache-2.0 */
/* ECREATE, EADD, EEXTEND, EREMOVE: how an enclave comes into being and goes (SDM 3D 36.3). */
#include <cpuid.h>
#include <string.h>

#include "leaf/encls.h"

#define CPUID_XSAVE 0x0d
#define XSAVE_LEGACY_AND_HEADER 576
#define XSAVE_EXTENDED_FIRST 2
#define XSAVE_EXTENDED_END 63

#define XFRM_AVX (1ULL << 2)
#define XFRM_MPX (3ULL << 3)
#define XFRM_AVX512 (7ULL << 5)
#define XFRM_AMX (3ULL << 17)

/* With EADD only these may be set; a page is never PENDING, MODIFIED or PR when it is added. */
#define EADD_SECINFO_FLAGS (SGX_SECINFO_RWX | SGX_SECINFO_PT_MASK)

uint32_t sgx_ssa_frame_bytes(uint64_t xfrm, uint32_t miscselect)
{
	uint32_t end = XSAVE_LEGACY_AND_HEADER;

	/* SSA frames are in the standard format: every component at its own offset, gaps included. */
	for (unsigned i = XSAVE_EXTENDED_FIRST; i < XSAVE_EXTENDED_END; i++) {
		unsigned size, offset, ecx, edx;

		if (!(xfrm & (1ULL << i)))
			continue;
		__cpuid_count(CPUID_XSAVE, i, size, offset, ecx, edx);
		end = max_of(end, offset + size);
	}
	if (miscselect & SGX_MISC_EXINFO)
		end += (uint32_t)sizeof(struct sgx_exinfo);
	return end + (uint32_t)sizeof(struct sgx_gprsgx);
}

/* What XCR0 would accept, SDM 1 13.3: components that depend on others, and those that only go together. */
static bool xfrm_is_legal(uint64_t xfrm, uint64_t allowed)
{
	static const uint64_t inseparable[] = { XFRM_MPX, XFRM_AVX512, XFRM_AMX };

	if (xfrm & ~allowed || (xfrm & SGX_XFRM_LEGACY) != SGX_XFRM_LEGACY)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(inseparable); i++) {
		if (xfrm & inseparable[i] && (xfrm & inseparable[i]) != inseparable[i])
			return false;
	}
	return !(xfrm & XFRM_AVX512) || xfrm & XFRM_AVX;
}

static bool elrange_is_legal(const struct sgx_secs *s, const struct sgx_caps *caps)
{
	return is_power_of_2(s->size) && s->size >= 2 * SGX_PAGE_SIZE && s->size <= 1ULL << caps->max_size_log2 &&
	       is_canonical(s->base) && (s->base & (s->size - 1)) == 0;
}

static bool attributes_are_legal(const struct sgx_secs *s, const struct sgx_caps *caps)
{
	uint64_t flags = s->attributes.flags;

	if (flags & (SGX_ATTR_INIT | SGX_ATTR_RESERVED_MASK) || flags & ~caps->attributes)
		return false;
	/* 32-bit enclaves cannot be entered from here. */
	if (!(flags & SGX_ATTR_MODE64BIT))
		return false;
	return flags & SGX_ATTR_KSS || (mem_is_zero(s->configid, sizeof(s->configid)) && s->configsvn == 0);
}

static bool reserved_are_zero(const struct sgx_secs *s)
{
	return mem_is_zero(s->reserved1, sizeof(s->reserved1)) && mem_is_zero(s->reserved2, sizeof(s->reserved2)) &&
	       mem_is_zero(s->reserved3, sizeof(s->reserved3)) && mem_is_zero(s->reserved4, sizeof(s->reserved4));
}

static bool secs_is_legal(const struct sgx_secs *s, const struct sgx_caps *caps)
{
	if (!reserved_are_zero(s) || !elrange_is_legal(s, caps) || !attributes_are_legal(s, caps) ||
	    !xfrm_is_legal(s->attributes.xfrm, caps->xfrm) || s->miscselect & ~caps->miscselect)
		return false;
	return (uint64_t)s->ssa_frame_size * SGX_PAGE_SIZE >= sgx_ssa_frame_bytes(s->attributes.xfrm, s->miscselect);
}

static void fill_companion(struct secs *secs, struct sgx_secs *page, uint64_t eid, struct measure *measure)
{
	*secs = (struct secs){
		.page = page,
		.measure = measure,
		.eid = eid,
		.base = page->base,
		.size = page->size,
		.attributes = page->attributes.flags,
		.xfrm = page->attributes.xfrm,
		.miscselect = page->miscselect,
		.ssa_frame_size = page->ssa_frame_size,
		.epoch = 1,
		.flushed_epoch = 1,
	};
}

enum sgx_status encls_ecreate(struct epc *epc, uint32_t page, const struct sgx_secs *src, const struct sgx_caps *caps,
			      struct secs *secs)
{
	struct epc_page *entry = epc_entry(epc, page);
	struct sgx_secs *dst = epc_private(epc, page);
	struct measure *measure;

	if (entry->flags & EPCM_VALID)
		return SGX_FAULT_PF;
	if (!secs_is_legal(src, caps))
		return SGX_FAULT_GP;
	measure = measure_new(src->ssa_frame_size, src->size);
	if (!measure)
		return SGX_UNMASKED_EVENT;

	*dst = *src;
	/* Software may leave anything in the fields that are EINIT's to fill. */
	memset(dst->mrenclave, 0, sizeof(dst->mrenclave));
	memset(dst->mrsigner, 0, sizeof(dst->mrsigner));
	dst->isvprodid = 0;
	dst->isvsvn = 0;
	fill_companion(secs, dst, epc_next_eid(epc), measure);
	entry->linaddr = 0;
	entry->secs = secs;
	entry->type = SGX_PT_SECS;
	entry->perms = 0;
	entry->flags = EPCM_VALID;
	return SGX_SUCCESS;
}

static bool tcs_is_legal(const struct sgx_tcs *tcs)
{
	/* Shadow stacks are not offered, so their two fields belong to the reserved part. */
	return mem_is_zero(&tcs->ocetssa, sizeof(*tcs) - offsetof(struct sgx_tcs, ocetssa));
}

static enum sgx_status check_eadd(const struct epc_page *page, const struct secs *secs, const struct sgx_pageinfo *info)
{
	uint64_t flags = info->secinfo->flags;

	if (!is_page_aligned(info->linaddr) || flags & ~EADD_SECINFO_FLAGS ||
	    !mem_is_zero(info->secinfo->reserved, sizeof(info->secinfo->reserved)))
		return SGX_FAULT_GP;
	if (page->flags & EPCM_VALID || !secs->page)
		return SGX_FAULT_PF;
	switch ((flags & SGX_SECINFO_PT_MASK) >> SGX_SECINFO_PT_SHIFT) {
	case SGX_PT_TCS:
		if (!tcs_is_legal(info->srcpge))
			return SGX_FAULT_GP;
		break;
	case SGX_PT_REG:
		if (flags & SGX_SECINFO_W && !(flags & SGX_SECINFO_R))
			return SGX_FAULT_GP;
		break;
	default:
		return SGX_FAULT_GP;
	}
	if (info->linaddr < secs->base || info->linaddr - secs->base >= secs->size || secs_is_initialized(secs))
		return SGX_FAULT_GP;
	return SGX_SUCCESS;
}

/* A thread starts idle, with an empty SSA stack, and without the right to be debugged. */
static void reset_tcs(struct sgx_tcs *tcs)
{
	tcs->state = 0;
	tcs->flags &= ~SGX_TCS_DBGOPTIN;
	tcs->cssa = 0;
	tcs->aep = 0;
}

enum sgx_status encls_eadd(struct epc_page *page, struct secs *secs, const struct sgx_pageinfo *info, void *dst)
{
	struct sgx_secinfo secinfo = *info->secinfo;
	enum sgx_status status = check_eadd(page, secs, info);

	if (status != SGX_SUCCESS)
		return status;
	memcpy(dst, info->srcpge, SGX_PAGE_SIZE);
	page->type = (uint8_t)(secinfo.flags >> SGX_SECINFO_PT_SHIFT);
	if (page->type == SGX_PT_TCS) {
		secinfo.flags &= ~SGX_SECINFO_RWX;
		reset_tcs(dst);
	}
	measure_eadd(secs->measure, info->linaddr - secs->base, &secinfo);
	page->linaddr = info->linaddr;
	page->secs = secs;
	page->perms = (uint8_t)(secinfo.flags & SGX_SECINFO_RWX);
	page->flags = EPCM_VALID;
	atomic_fetch_add_explicit(&secs->children, 1, memory_order_relaxed);
	return SGX_SUCCESS;
}

enum sgx_status encls_eextend(const struct epc_page *page, struct secs *secs, const void *data, unsigned offset)
{
	if (offset % SGX_EEXTEND_BYTES != 0 || offset >= SGX_PAGE_SIZE)
		return SGX_FAULT_GP;
	if (!(page->flags & EPCM_VALID) || (page->type != SGX_PT_REG && page->type != SGX_PT_TCS))
		return SGX_FAULT_PF;
	if (page->secs != secs || secs_is_initialized(secs))
		return SGX_FAULT_GP;
	measure_eextend(secs->measure, page->linaddr - secs->base + offset, (const uint8_t *)data + offset);
	return SGX_SUCCESS;
}

void secs_discard(struct secs *secs)
{
	measure_free(secs->measure);
	secs->measure = NULL;
	secs->page = NULL;
}

static enum sgx_status remove_secs(struct epc_page *page, struct secs *secs)
{
	if (atomic_load_explicit(&secs->children, memory_order_acquire) != 0)
		return SGX_CHILD_PRESENT;
	secs_discard(secs);
	page->flags = 0;
	return SGX_SUCCESS;
}

enum sgx_status encls_eremove(struct epc_page *page, struct secs *secs_of)
{
	if (!(page->flags & EPCM_VALID))
		return SGX_SUCCESS;
	if (page->type == SGX_PT_SECS)
		return remove_secs(page, secs_of);
	if (page->type != SGX_PT_VA) {
		bool trimmed = page->type == SGX_PT_TRIM && !(page->flags & EPCM_MODIFIED);

		if (!trimmed && atomic_load_explicit(&page->secs->threads, memory_order_acquire) != 0)
			return SGX_ENCLAVE_ACT;
		atomic_fetch_sub_explicit(&page->secs->children, 1, memory_order_release);
	}
	page->flags = 0;
	return SGX_SUCCESS;
}
