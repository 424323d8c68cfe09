/* SPDX-License-Identifier: Apache-2.0 */
/* EDBGRD, EDBGWR: a debugger's way into debug enclaves (SDM 3D 36.3). EPCM permissions do not apply. */
#include <string.h>

#include "leaf/encls.h"

#define WORD sizeof(uint64_t)
#define TCS_LIMIT offsetof(struct sgx_tcs, ocetssa) /* architectural size of a TCS without shadow stacks */

static bool offset_ok(unsigned offset)
{
	return offset % WORD == 0 && offset < SGX_PAGE_SIZE;
}

static bool belongs_to_debug_enclave(const struct epc_page *page)
{
	return (page->secs->attributes & SGX_ATTR_DEBUG) != 0;
}

/* Of a version array only whether a slot is taken is shown. */
static uint64_t read_slot(const void *data, unsigned offset)
{
	const struct sgx_va *va = data;

	return va->slot[offset / WORD] != 0 ? UINT64_MAX : 0;
}

enum sgx_status encls_edbgrd(const struct epc_page *page, const void *data, unsigned offset, uint64_t *value)
{
	if (!offset_ok(offset))
		return SGX_FAULT_GP;
	if (!(page->flags & EPCM_VALID) ||
	    (page->type != SGX_PT_REG && page->type != SGX_PT_TCS && page->type != SGX_PT_VA))
		return SGX_FAULT_PF;
	if (page->flags & (EPCM_PENDING | EPCM_MODIFIED))
		return SGX_PAGE_NOT_DEBUGGABLE;
	if (page->type == SGX_PT_VA) {
		*value = read_slot(data, offset);
		return SGX_SUCCESS;
	}
	if ((page->type == SGX_PT_TCS && offset >= TCS_LIMIT) || !belongs_to_debug_enclave(page))
		return SGX_FAULT_GP;
	memcpy(value, (const uint8_t *)data + offset, WORD);
	return SGX_SUCCESS;
}

enum sgx_status encls_edbgwr(const struct epc_page *page, void *data, unsigned offset, uint64_t value)
{
	if (!offset_ok(offset))
		return SGX_FAULT_GP;
	if (!(page->flags & EPCM_VALID) || (page->type != SGX_PT_REG && page->type != SGX_PT_TCS))
		return SGX_FAULT_PF;
	if (page->flags & (EPCM_PENDING | EPCM_MODIFIED))
		return SGX_PAGE_NOT_DEBUGGABLE;
	/* The only thing that a debugger may change of a thread is its FLAGS: DBGOPTIN. */
	if ((page->type == SGX_PT_TCS && offset != offsetof(struct sgx_tcs, flags)) || !belongs_to_debug_enclave(page))
		return SGX_FAULT_GP;
	memcpy((uint8_t *)data + offset, &value, WORD);
	return SGX_SUCCESS;
}
