/* SPDX-License-Identifier: Apache-2.0 */
/* EPA, EBLOCK, ETRACK, EWB, ELDU, ELDB: how pages leave the EPC and come back (SDM 3D 36.3, 36.5). */
#include <string.h>

#include "leaf/encls.h"

/*
 * What a page's MAC covers beside its contents (SDM 3D 35.16, MACHEADER). Here it takes in the whole PCMD but the MAC
 * itself: on hardware ENCLAVEID is a hint for software that may be changed unnoticed.
 */
struct mac_header {
	struct sgx_secinfo secinfo;
	uint64_t linaddr;
	uint64_t eid;       /* of the enclave that the page belongs to; 0 for SECS and VA pages, which have no parent */
	uint64_t enclaveid; /* PCMD.ENCLAVEID */
	uint8_t reserved[40];
};
_Static_assert(sizeof(struct mac_header) == PAGECRYPT_AAD_BYTES, "MACHEADER");
_Static_assert(sizeof(((struct mac_header *)0)->reserved) == sizeof(((struct sgx_pcmd *)0)->reserved), "PCMD.RESERVED");

#define PCMD_FLAGS (SGX_SECINFO_RWX | SGX_SECINFO_PENDING | SGX_SECINFO_MODIFIED | SGX_SECINFO_PR | SGX_SECINFO_PT_MASK)

static bool is_child(unsigned type)
{
	return type == SGX_PT_REG || type == SGX_PT_TCS || type == SGX_PT_TRIM;
}

static bool is_parentless(unsigned type)
{
	return type == SGX_PT_SECS || type == SGX_PT_VA;
}

enum sgx_status encls_epa(struct epc_page *page, struct sgx_va *va)
{
	if (page->flags & EPCM_VALID)
		return SGX_FAULT_PF;
	memset(va, 0, sizeof(*va));
	page->linaddr = 0;
	page->secs = NULL;
	page->type = SGX_PT_VA;
	page->perms = 0;
	page->flags = EPCM_VALID;
	return SGX_SUCCESS;
}

enum sgx_status encls_eblock(struct epc_page *page)
{
	if (!(page->flags & EPCM_VALID))
		return SGX_PG_INVLD;
	if (page->type == SGX_PT_SECS)
		return SGX_PG_IS_SECS;
	if (!is_child(page->type))
		return SGX_NOTBLOCKABLE;
	if (page->flags & EPCM_BLOCKED)
		return SGX_BLKSTATE;
	page->flags |= EPCM_BLOCKED;
	/* Pairs with the release in encls_etrack(): a page blocked in an epoch is stamped with it or an earlier one. */
	page->block_epoch = atomic_load_explicit(&page->secs->epoch, memory_order_acquire);
	return SGX_SUCCESS;
}

enum sgx_status encls_etrack(struct secs *secs)
{
	uint32_t epoch = atomic_load_explicit(&secs->epoch, memory_order_relaxed);

	if (atomic_load_explicit(&secs->flushed_epoch, memory_order_acquire) != epoch)
		return SGX_PREV_TRK_INCMPL;
	atomic_store_explicit(&secs->epoch, epoch + 1, memory_order_release);
	return SGX_SUCCESS;
}

void secs_translations_flushed(struct secs *secs)
{
	/* The release orders the shootdown before the EWB that reads this with acquire in evictable(). */
	atomic_store_explicit(&secs->flushed_epoch, atomic_load_explicit(&secs->epoch, memory_order_relaxed),
			      memory_order_release);
}

static enum sgx_status evictable(const struct epc_page *page)
{
	struct secs *secs = page->secs;

	if (is_child(page->type)) {
		if (!(page->flags & EPCM_BLOCKED))
			return SGX_PAGE_NOT_BLOCKED;
		if (!secs_epoch_before(page->block_epoch,
				       atomic_load_explicit(&secs->flushed_epoch, memory_order_acquire)))
			return SGX_NOT_TRACKED;
	} else if (page->type == SGX_PT_SECS && atomic_load_explicit(&secs->children, memory_order_acquire) != 0) {
		return SGX_CHILD_PRESENT;
	}
	return SGX_SUCCESS;
}

static uint64_t secinfo_flags(const struct epc_page *page)
{
	return SGX_SECINFO_PT(page->type) | page->perms | (page->flags & EPCM_PENDING ? SGX_SECINFO_PENDING : 0) |
	       (page->flags & EPCM_MODIFIED ? SGX_SECINFO_MODIFIED : 0) | (page->flags & EPCM_PR ? SGX_SECINFO_PR : 0);
}

static void make_header(struct mac_header *h, const struct sgx_pcmd *pcmd, uint64_t linaddr, uint64_t eid)
{
	h->secinfo = pcmd->secinfo;
	h->linaddr = linaddr;
	h->eid = eid;
	h->enclaveid = pcmd->enclaveid;
	memcpy(h->reserved, pcmd->reserved, sizeof(h->reserved));
}

/* The entry becomes invalid, and the enclave has one page less. */
static void leave_epc(struct epc_page *entry)
{
	if (is_child(entry->type))
		atomic_fetch_sub_explicit(&entry->secs->children, 1, memory_order_release);
	else if (entry->type == SGX_PT_SECS)
		entry->secs->page = NULL;
	entry->flags = 0;
}

enum sgx_status encls_ewb(struct epc *epc, const struct pagecrypt *pc, uint32_t page, const void *data, void *dst,
			  struct sgx_pcmd *pcmd, uint64_t *slot)
{
	struct epc_page *entry = epc_entry(epc, page);
	struct secs *secs = entry->secs;
	struct mac_header header;
	enum sgx_status status;

	if (!(entry->flags & EPCM_VALID))
		return SGX_FAULT_PF;
	status = evictable(entry);
	if (status != SGX_SUCCESS)
		return status;
	if (*slot != 0)
		return SGX_VA_SLOT_OCCUPIED;

	memset(pcmd, 0, sizeof(*pcmd));
	pcmd->secinfo.flags = secinfo_flags(entry);
	pcmd->enclaveid = entry->type == SGX_PT_VA ? 0 : secs->eid;
	make_header(&header, pcmd, entry->linaddr, is_child(entry->type) ? secs->eid : 0);
	*slot = epc_next_version(epc);
	pagecrypt_seal(pc, *slot, &header, data, dst, pcmd->mac);

	leave_epc(entry);
	return SGX_SUCCESS;
}

static void restore_entry(struct epc_page *entry, const struct sgx_pcmd *pcmd, struct secs *secs, uint64_t linaddr)
{
	uint64_t flags = pcmd->secinfo.flags;

	entry->linaddr = linaddr;
	entry->secs = secs;
	entry->type = (uint8_t)(flags >> SGX_SECINFO_PT_SHIFT);
	entry->perms = (uint8_t)(flags & SGX_SECINFO_RWX);
	entry->flags = (uint8_t)(EPCM_VALID | (flags & SGX_SECINFO_PENDING ? EPCM_PENDING : 0) |
				 (flags & SGX_SECINFO_MODIFIED ? EPCM_MODIFIED : 0) |
				 (flags & SGX_SECINFO_PR ? EPCM_PR : 0));
}

/*
 * Before any cryptography: a PCMD that no EWB can have written, or one for another kind of page than the caller has
 * a place for, needs no MAC to be told from an authentic one.
 */
static bool pcmd_plausible(const struct sgx_pcmd *pcmd, const struct secs *secs, uint64_t linaddr)
{
	uint64_t flags = pcmd->secinfo.flags;
	unsigned type = (unsigned)((flags & SGX_SECINFO_PT_MASK) >> SGX_SECINFO_PT_SHIFT);

	if (flags & ~PCMD_FLAGS || pcmd->enclaveid != (secs ? secs->eid : 0))
		return false;
	if (is_child(type))
		return secs != NULL;
	return is_parentless(type) && linaddr == 0 && (type == SGX_PT_VA) == (secs == NULL);
}

static enum sgx_status load(struct epc *epc, const struct pagecrypt *pc, uint32_t page, struct secs *secs,
			    uint64_t linaddr, const void *src, const struct sgx_pcmd *pcmd, uint64_t *slot,
			    void *scratch)
{
	struct epc_page *entry = epc_entry(epc, page);
	struct sgx_pcmd copy = *pcmd; /* what is checked is what is used, whoever may write to the backing memory */
	struct mac_header header;
	unsigned type = (unsigned)((copy.secinfo.flags & SGX_SECINFO_PT_MASK) >> SGX_SECINFO_PT_SHIFT);

	if (entry->flags & EPCM_VALID)
		return SGX_FAULT_PF;
	if (!pcmd_plausible(&copy, secs, linaddr) || *slot == 0)
		return SGX_MAC_COMPARE_FAIL;
	make_header(&header, &copy, linaddr, is_child(type) ? secs->eid : 0);
	if (!pagecrypt_open(pc, *slot, &header, src, scratch, copy.mac))
		return SGX_MAC_COMPARE_FAIL;

	*slot = 0;
	restore_entry(entry, &copy, secs, linaddr);
	if (type != SGX_PT_REG && type != SGX_PT_TRIM && scratch != epc_private(epc, page))
		memcpy(epc_private(epc, page), scratch, SGX_PAGE_SIZE);
	if (is_child(type))
		atomic_fetch_add_explicit(&secs->children, 1, memory_order_relaxed);
	else if (type == SGX_PT_SECS)
		secs->page = epc_private(epc, page);
	return SGX_SUCCESS;
}

enum sgx_status encls_eldu(struct epc *epc, const struct pagecrypt *pc, uint32_t page, struct secs *secs,
			   uint64_t linaddr, const void *src, const struct sgx_pcmd *pcmd, uint64_t *slot,
			   void *scratch)
{
	return load(epc, pc, page, secs, linaddr, src, pcmd, slot, scratch);
}

enum sgx_status encls_eldb(struct epc *epc, const struct pagecrypt *pc, uint32_t page, struct secs *secs,
			   uint64_t linaddr, const void *src, const struct sgx_pcmd *pcmd, uint64_t *slot,
			   void *scratch)
{
	struct epc_page *entry = epc_entry(epc, page);
	enum sgx_status status = load(epc, pc, page, secs, linaddr, src, pcmd, slot, scratch);

	if (status == SGX_SUCCESS && is_child(entry->type)) {
		entry->flags |= EPCM_BLOCKED;
		entry->block_epoch = atomic_load_explicit(&secs->epoch, memory_order_acquire);
	}
	return status;
}

void encls_eldu_undo(struct epc *epc, uint32_t page, uint64_t *slot, uint64_t version)
{
	leave_epc(epc_entry(epc, page));
	*slot = version;
}
