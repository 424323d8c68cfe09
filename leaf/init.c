/* SPDX-License-Identifier: Apache-2.0 */
/* EINIT: who signed the enclave, and is it what was signed (SDM 3D 36.3). */
#include <string.h>

#include "crypto/rsa.h"
#include "leaf/encls.h"

/* Fields of features that the processor does not have are reserved, and must be zero like the rest. */
static bool absent_features_unused(const struct sgx_sigstruct *sig, const struct sgx_caps *caps)
{
	if (!(caps->attributes & SGX_ATTR_CET) && (sig->cet_attributes || sig->cet_attributes_mask))
		return false;
	if (!(caps->attributes & SGX_ATTR_KSS) && !(mem_is_zero(sig->isvfamilyid, sizeof(sig->isvfamilyid)) &&
						    mem_is_zero(sig->isvextprodid, sizeof(sig->isvextprodid))))
		return false;
	return caps->miscselect || (!sig->miscselect && !sig->miscmask);
}

static bool sigstruct_is_legal(const struct sgx_sigstruct *sig, const struct sgx_caps *caps)
{
	if (memcmp(sig->header, SGX_SIGSTRUCT_HEADER, sizeof(sig->header)) != 0 ||
	    memcmp(sig->header2, SGX_SIGSTRUCT_HEADER2, sizeof(sig->header2)) != 0)
		return false;
	if ((sig->vendor != 0 && sig->vendor != SGX_VENDOR_INTEL) || sig->exponent != 3)
		return false;
	return mem_is_zero(sig->reserved1, sizeof(sig->reserved1)) &&
	       mem_is_zero(sig->reserved2, sizeof(sig->reserved2)) &&
	       mem_is_zero(sig->reserved3, sizeof(sig->reserved3)) &&
	       mem_is_zero(sig->reserved4, sizeof(sig->reserved4)) && absent_features_unused(sig, caps);
}

/* Every bit that the signer cares about (mask) has the value that the signer wants. */
static bool attributes_match(const struct secs *secs, const struct sgx_sigstruct *sig)
{
	return ((secs->attributes ^ sig->attributes.flags) & sig->attributemask.flags) == 0 &&
	       ((secs->xfrm ^ sig->attributes.xfrm) & sig->attributemask.xfrm) == 0 &&
	       ((secs->miscselect ^ sig->miscselect) & sig->miscmask) == 0;
}

static enum sgx_status check_signature(const struct secs *secs, const struct sgx_sigstruct *sig,
				       const struct sgx_caps *caps)
{
	if (!sigstruct_is_legal(sig, caps))
		return SGX_INVALID_SIG_STRUCT;
	if (!sigstruct_signature_ok(sig))
		return SGX_INVALID_SIGNATURE;
	if (!(secs->attributes & SGX_ATTR_KSS) && !mem_is_zero(sig->isvfamilyid, sizeof(sig->isvfamilyid)))
		return SGX_INVALID_SIG_STRUCT;
	return SGX_SUCCESS;
}

static enum sgx_status check_identity(const struct secs *secs, const struct sgx_sigstruct *sig,
				      const struct sgx_einittoken *token, const uint8_t mrenclave[32])
{
	if (memcmp(mrenclave, sig->enclavehash, sizeof(sig->enclavehash)) != 0)
		return SGX_INVALID_MEASUREMENT;
	if (!attributes_match(secs, sig))
		return SGX_INVALID_ATTRIBUTE;
	if (token && token->valid & 1)
		return SGX_INVALID_EINITTOKEN;
	return SGX_SUCCESS;
}

static void commit(struct secs *secs, const struct sgx_sigstruct *sig, const uint8_t mrenclave[32],
		   const uint8_t mrsigner[32])
{
	struct sgx_secs *page = secs->page;

	memcpy(page->mrenclave, mrenclave, sizeof(page->mrenclave));
	memcpy(page->mrsigner, mrsigner, sizeof(page->mrsigner));
	page->isvprodid = sig->isvprodid;
	page->isvsvn = sig->isvsvn;
	memcpy(secs_kss(page)->isvextprodid, sig->isvextprodid, sizeof(sig->isvextprodid));
	memcpy(secs_kss(page)->isvfamilyid, sig->isvfamilyid, sizeof(sig->isvfamilyid));
	page->attributes.flags |= SGX_ATTR_INIT;
	secs->attributes |= SGX_ATTR_INIT;
	measure_free(secs->measure);
	secs->measure = NULL;
}

enum sgx_status encls_einit(struct secs *secs, const struct sgx_sigstruct *sig, const struct sgx_einittoken *token,
			    const struct sgx_caps *caps)
{
	uint8_t mrenclave[32], mrsigner[32];
	enum sgx_status status;

	if (!secs->page)
		return SGX_FAULT_PF;
	if (secs_is_initialized(secs))
		return SGX_FAULT_GP;
	status = check_signature(secs, sig, caps);
	if (status != SGX_SUCCESS)
		return status;
	/* Out of memory: as if an interrupt had come in the middle, which also asks for another try. */
	if (measure_final(secs->measure, mrenclave) != 0 || sha256(sig->modulus, sizeof(sig->modulus), mrsigner) != 0)
		return SGX_UNMASKED_EVENT;
	status = check_identity(secs, sig, token, mrenclave);
	if (status == SGX_SUCCESS)
		commit(secs, sig, mrenclave, mrsigner);
	return status;
}
