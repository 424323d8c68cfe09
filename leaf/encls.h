/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ENCLS, the supervisor leaf functions of SGX1: one function each, with the checks and results of its page in SDM 3D
 * chapter 36.3. No policy, no system calls. Where hardware takes the effective address of an EPC page, these take the
 * EPCM entry, and the bytes of the page where the leaf touches them.
 *
 * Context: the caller excludes other leaves on the same enclave (the driver's enclave lock, or a page in flight that
 * only it may touch). Unless said otherwise async-signal-safe.
 * Return: enum sgx_status; the codes named at a function are those that software can provoke. Nothing is changed
 * unless SGX_SUCCESS is returned. Every leaf that wants an invalid EPCM entry returns SGX_FAULT_PF for a valid one, and the
 * other way round.
 */
#ifndef SOFTSGX_LEAF_ENCLS_H
#define SOFTSGX_LEAF_ENCLS_H

#include "arch/errors.h"
#include "crypto/pagecrypt.h"
#include "epc/epc.h"
#include "leaf/secs.h"

/* What the emulated processor offers: SECS fields are checked against it by ECREATE and EINIT. */
struct sgx_caps {
	uint64_t attributes;   /* settable ATTRIBUTES.FLAGS, CPUID.12H.1 EAX:EBX */
	uint64_t xfrm;         /* settable XFRM, CPUID.12H.1 ECX:EDX */
	uint32_t miscselect;   /* CPUID.12H.0 EBX */
	uint8_t max_size_log2; /* of ELRANGE in 64-bit mode, CPUID.12H.0 EDX[15:8] */
	uint8_t ssa_min_pages; /* for the full xfrm; per-XFRM size: sgx_ssa_frame_pages() */
};

/**
 * sgx_ssa_frame_bytes() - the smallest SSA frame for @xfrm and @miscselect, SDM 3D 35.9: XSAVE area in the standard
 * format with the offsets of this processor (executes CPUID 0DH), MISC region, GPRSGX.
 */
uint32_t sgx_ssa_frame_bytes(uint64_t xfrm, uint32_t miscselect);

/**
 * encls_ecreate() - make @page a SECS: @src is checked and copied to the page's private memory. Fills @secs, which must
 * stay where it is as long as the enclave has pages. Not async-signal-safe.
 * Return: SGX_FAULT_GP for any illegal field; SGX_UNMASKED_EVENT without memory for the measurement: try again.
 */
enum sgx_status must_check encls_ecreate(struct epc *epc, uint32_t page, const struct sgx_secs *src,
					 const struct sgx_caps *caps, struct secs *secs);
/**
 * encls_eadd() - make @page part of @secs at info->linaddr, copying info->srcpge to @dst (4096 bytes: the page's
 * private memory for a TCS, else where the caller maps it from), and measure the fact. info->secs is not used.
 * A TCS gets no permissions, and starts idle, with CSSA 0 and DBGOPTIN clear. Not async-signal-safe.
 * Return: SGX_FAULT_GP: misaligned or outside ELRANGE, a type but REG and TCS, reserved bits in SECINFO or TCS, W
 * without R, enclave initialised.
 */
enum sgx_status must_check encls_eadd(struct epc_page *page, struct secs *secs, const struct sgx_pageinfo *info,
				      void *dst);
/**
 * encls_eextend() - measure the 256 bytes at @offset (multiple of 256) of the page whose 4096 bytes are @data.
 * Not async-signal-safe.
 */
enum sgx_status must_check encls_eextend(const struct epc_page *page, struct secs *secs, const void *data,
					 unsigned offset);
/**
 * encls_einit() - verify @sig and start the enclave. Launch control is open, as under Linux with FLC: whoever signed
 * it, the platform's launch key hash is that signer's; @token is checked only if its VALID bit is set (then
 * SGX_INVALID_EINITTOKEN: there is no launch enclave). Not async-signal-safe.
 * Return: in this order SGX_INVALID_SIG_STRUCT (constants, vendor, exponent, reserved fields), SGX_INVALID_SIGNATURE,
 * SGX_INVALID_SIG_STRUCT (ISVFAMILYID without KSS), SGX_INVALID_MEASUREMENT, SGX_INVALID_ATTRIBUTE,
 * SGX_INVALID_EINITTOKEN; SGX_UNMASKED_EVENT without memory: try again; SGX_FAULT_GP if initialised already.
 */
enum sgx_status must_check encls_einit(struct secs *secs, const struct sgx_sigstruct *sig,
				       const struct sgx_einittoken *token, const struct sgx_caps *caps);
/**
 * encls_eremove() - @secs_of: for a SECS page its companion (secs_discard() is done to it), else ignored.
 * Return: SGX_CHILD_PRESENT (SECS page), SGX_ENCLAVE_ACT (a thread is inside), or success, also if there is no page.
 */
enum sgx_status must_check encls_eremove(struct epc_page *page, struct secs *secs_of);

/** encls_epa() - make an empty version array of a free page; @va are its bytes. */
enum sgx_status must_check encls_epa(struct epc_page *page, struct sgx_va *va);
/** encls_eblock() - SGX_PG_INVLD, SGX_NOTBLOCKABLE, SGX_BLKSTATE. A SECS page is not blockable: SGX_PG_IS_SECS. */
enum sgx_status must_check encls_eblock(struct epc_page *page);
/** encls_etrack() - SGX_PREV_TRK_INCMPL while the previous epoch's translations are not all gone. */
enum sgx_status must_check encls_etrack(struct secs *secs);
/**
 * encls_ewb() - encrypt a blocked and tracked page (or a childless SECS, or a VA page) to @dst with a fresh version.
 * @data: the page's bytes; @slot: an empty VA slot (SGX_VA_SLOT_OCCUPIED otherwise), receives the version.
 * On success the EPCM entry is invalid and the caller frees the page.
 * Return: SGX_PAGE_NOT_BLOCKED, SGX_NOT_TRACKED, SGX_CHILD_PRESENT, SGX_VA_SLOT_OCCUPIED, or success.
 */
enum sgx_status must_check encls_ewb(struct epc *epc, const struct pagecrypt *pc, uint32_t page, const void *data,
				     void *dst, struct sgx_pcmd *pcmd, uint64_t *slot);
/**
 * encls_eldu() - decrypt into @scratch, check MAC and version, and make @page the page that @pcmd describes.
 * @linaddr: ENCLAVEADDRESS of the page, 0 for SECS and VA. @secs: its enclave; for a SECS page its companion, for a
 * VA page NULL. @scratch: 4096 bytes; for SECS, TCS and VA pages best the page's private memory, into which they are
 * copied otherwise. On success *slot is 0. On SGX_MAC_COMPARE_FAIL, which every alteration of @src, of any byte of
 * @pcmd, of the version, of @linaddr or of the enclave leads to, nothing is changed but @scratch: the slot, the copy
 * and the PCMD stay as evidence. encls_eldb() leaves a REG or TCS page BLOCKED.
 */
enum sgx_status must_check encls_eldu(struct epc *epc, const struct pagecrypt *pc, uint32_t page, struct secs *secs,
				      uint64_t linaddr, const void *src, const struct sgx_pcmd *pcmd, uint64_t *slot,
				      void *scratch);
enum sgx_status must_check encls_eldb(struct epc *epc, const struct pagecrypt *pc, uint32_t page, struct secs *secs,
				      uint64_t linaddr, const void *src, const struct sgx_pcmd *pcmd, uint64_t *slot,
				      void *scratch);

/**
 * encls_eldu_undo() - not a leaf: take back a successful ELDU or ELDB whose page could not be made reachable, as if it
 * had not been executed. @version: what *slot held before; copy and PCMD are good as they were. Unlike EREMOVE it is
 * possible with threads inside, and leaves the companion of a SECS alive.
 */
void encls_eldu_undo(struct epc *epc, uint32_t page, uint64_t *slot, uint64_t version);

/**
 * encls_edbgrd(), encls_edbgwr() - 8 bytes at @offset of a debug enclave's page, whose 4096 bytes are @data; of a TCS
 * the defined part may be read and FLAGS written; of a version array it is told whether a slot is taken.
 * Return: SGX_PAGE_NOT_DEBUGGABLE (PENDING or MODIFIED); SGX_FAULT_GP: misaligned, not a debug enclave, not that part
 * of a TCS; SGX_FAULT_PF: no such page, or of a type that cannot be accessed.
 */
enum sgx_status must_check encls_edbgrd(const struct epc_page *page, const void *data, unsigned offset,
					uint64_t *value);
enum sgx_status must_check encls_edbgwr(const struct epc_page *page, void *data, unsigned offset, uint64_t value);

#endif
