/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SGX architectural data structures and constants: Intel SDM vol. 3D, chapter 35 ("Enclave access control and data
 * structures"). Sizes and offsets are the hardware's; every one that software relies on is asserted below.
 */
#ifndef SOFTSGX_ARCH_SGX_H
#define SOFTSGX_ARCH_SGX_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define SGX_PAGE_SIZE 4096
#define SGX_EEXTEND_BYTES 256

/* Leaf numbers, SDM 3D tables 34-1 and 34-2. */
enum sgx_encls_leaf {
	ENCLS_ECREATE = 0x00,
	ENCLS_EADD = 0x01,
	ENCLS_EINIT = 0x02,
	ENCLS_EREMOVE = 0x03,
	ENCLS_EDBGRD = 0x04,
	ENCLS_EDBGWR = 0x05,
	ENCLS_EEXTEND = 0x06,
	ENCLS_ELDB = 0x07,
	ENCLS_ELDU = 0x08,
	ENCLS_EBLOCK = 0x09,
	ENCLS_EPA = 0x0a,
	ENCLS_EWB = 0x0b,
	ENCLS_ETRACK = 0x0c,
	ENCLS_EAUG = 0x0d,
	ENCLS_EMODPR = 0x0e,
	ENCLS_EMODT = 0x0f,
};

enum sgx_enclu_leaf {
	ENCLU_EREPORT = 0x00,
	ENCLU_EGETKEY = 0x01,
	ENCLU_EENTER = 0x02,
	ENCLU_ERESUME = 0x03,
	ENCLU_EEXIT = 0x04,
	ENCLU_EACCEPT = 0x05,
	ENCLU_EMODPE = 0x06,
	ENCLU_EACCEPTCOPY = 0x07,
	ENCLU_EDECCSSA = 0x09,
};

/* Page types, SDM 3D table 35-24 ("Supported PAGE_TYPE"). */
enum sgx_page_type {
	SGX_PT_SECS = 0,
	SGX_PT_TCS = 1,
	SGX_PT_REG = 2,
	SGX_PT_VA = 3,
	SGX_PT_TRIM = 4,
};

/* SECINFO.FLAGS, SDM 3D table 35-13. */
#define SGX_SECINFO_R (1ULL << 0)
#define SGX_SECINFO_W (1ULL << 1)
#define SGX_SECINFO_X (1ULL << 2)
#define SGX_SECINFO_PENDING (1ULL << 3)
#define SGX_SECINFO_MODIFIED (1ULL << 4)
#define SGX_SECINFO_PR (1ULL << 5)
#define SGX_SECINFO_RWX (SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_X)
#define SGX_SECINFO_PT_SHIFT 8
#define SGX_SECINFO_PT_MASK (0xffULL << SGX_SECINFO_PT_SHIFT)
#define SGX_SECINFO_PT(type) ((uint64_t)(type) << SGX_SECINFO_PT_SHIFT)

struct sgx_secinfo {
	uint64_t flags;
	uint8_t reserved[56];
} __attribute__((aligned(64)));

/* ATTRIBUTES.FLAGS, SDM 3D table 35-3. */
#define SGX_ATTR_INIT (1ULL << 0)
#define SGX_ATTR_DEBUG (1ULL << 1)
#define SGX_ATTR_MODE64BIT (1ULL << 2)
#define SGX_ATTR_PROVISIONKEY (1ULL << 4)
#define SGX_ATTR_EINITTOKENKEY (1ULL << 5)
#define SGX_ATTR_CET (1ULL << 6)
#define SGX_ATTR_KSS (1ULL << 7)
#define SGX_ATTR_AEXNOTIFY (1ULL << 10)
#define SGX_ATTR_RESERVED_MASK \
	(~(SGX_ATTR_INIT | SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKENKEY | \
	   SGX_ATTR_CET | SGX_ATTR_KSS | SGX_ATTR_AEXNOTIFY))

#define SGX_MISC_EXINFO (1U << 0)

/* XFRM: x87 and SSE are always required, SDM 3D 35.7.2. */
#define SGX_XFRM_LEGACY 0x3ULL

struct sgx_attributes {
	uint64_t flags;
	uint64_t xfrm;
};

/* SECS, SDM 3D table 35-2. */
struct sgx_secs {
	uint64_t size;
	uint64_t base;
	uint32_t ssa_frame_size; /* in pages */
	uint32_t miscselect;
	uint8_t reserved1[24];
	struct sgx_attributes attributes;
	uint8_t mrenclave[32];
	uint8_t reserved2[32];
	uint8_t mrsigner[32];
	uint8_t reserved3[32];
	uint8_t configid[64];
	uint16_t isvprodid;
	uint16_t isvsvn;
	uint16_t configsvn;
	uint8_t reserved4[3834];
};

/* TCS, SDM 3D table 35-7. Only the first 72 bytes are defined. */
struct sgx_tcs {
	uint64_t state;
	uint64_t flags;
	uint64_t ossa;
	uint32_t cssa;
	uint32_t nssa;
	uint64_t oentry;
	uint64_t aep;
	uint64_t ofsbase;
	uint64_t ogsbase;
	uint32_t fslimit;
	uint32_t gslimit;
	uint64_t ocetssa;
	uint64_t prevssp;
	uint8_t reserved[4008];
};

#define SGX_TCS_DBGOPTIN (1ULL << 0)
#define SGX_TCS_AEXNOTIFY (1ULL << 1)
#define SGX_TCS_FLAGS_RESERVED (~(SGX_TCS_DBGOPTIN | SGX_TCS_AEXNOTIFY))

/* EXITINFO, SDM 3D table 35-9. */
#define SGX_EXITINFO_VALID (1U << 31)
#define SGX_EXITINFO_TYPE_HW (3U << 8)
#define SGX_EXITINFO_TYPE_SW (6U << 8)

/* GPRSGX, SDM 3D table 35-8: the last 184 bytes of an SSA frame. */
struct sgx_gprsgx {
	uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rflags;
	uint64_t rip;
	uint64_t ursp;
	uint64_t urbp;
	uint32_t exitinfo;
	uint8_t reserved[3];
	uint8_t aexnotify;
	uint64_t fsbase;
	uint64_t gsbase;
};

/* EXINFO in the MISC region, directly below GPRSGX, SDM 3D table 35-11. */
struct sgx_exinfo {
	uint64_t maddr;
	uint32_t errcd;
	uint32_t reserved;
};

/* PAGEINFO, SDM 3D table 35-12. Addresses are engine pointers: there is no physical EPC. */
struct sgx_pageinfo {
	uint64_t linaddr;
	const void *srcpge;
	const struct sgx_secinfo *secinfo;
	void *secs;
};

/* PCMD, SDM 3D table 35-15. */
struct sgx_pcmd {
	struct sgx_secinfo secinfo;
	uint64_t enclaveid;
	uint8_t reserved[40];
	uint8_t mac[16];
} __attribute__((aligned(128)));

#define SGX_RSA_BYTES 384
#define SGX_VENDOR_INTEL 0x8086

/* SIGSTRUCT, SDM 3D table 35-17. The signature covers bytes 0..127 and 900..1027. */
struct sgx_sigstruct {
	uint8_t header[16];
	uint32_t vendor;
	uint32_t date;
	uint8_t header2[16];
	uint32_t swdefined;
	uint8_t reserved1[84];
	uint8_t modulus[SGX_RSA_BYTES]; /* little endian, like every number here */
	uint32_t exponent;
	uint8_t signature[SGX_RSA_BYTES];
	uint32_t miscselect;
	uint32_t miscmask;
	uint8_t cet_attributes;
	uint8_t cet_attributes_mask;
	uint8_t reserved2[2];
	uint8_t isvfamilyid[16];
	struct sgx_attributes attributes;
	struct sgx_attributes attributemask;
	uint8_t enclavehash[32];
	uint8_t reserved3[16];
	uint8_t isvextprodid[16];
	uint16_t isvprodid;
	uint16_t isvsvn;
	uint8_t reserved4[12];
	uint8_t q1[SGX_RSA_BYTES];
	uint8_t q2[SGX_RSA_BYTES];
} __attribute__((packed));

/* The two constants of a SIGSTRUCT, SDM 3D table 35-17. */
#define SGX_SIGSTRUCT_HEADER "\x06\x00\x00\x00\xe1\x00\x00\x00\x00\x00\x01\x00\x00\x00\x00\x00"
#define SGX_SIGSTRUCT_HEADER2 "\x01\x01\x00\x00\x60\x00\x00\x00\x60\x00\x00\x00\x01\x00\x00\x00"

/* EINITTOKEN, SDM 3D table 35-18. */
struct sgx_einittoken {
	uint32_t valid;
	uint8_t rest[300];
};

/* Version array page, SDM 3D 35.19.1: 512 slots; 0 = empty. */
#define SGX_VA_SLOTS 512
struct sgx_va {
	uint64_t slot[SGX_VA_SLOTS];
};

_Static_assert(sizeof(struct sgx_secinfo) == 64, "SECINFO");
_Static_assert(sizeof(struct sgx_secs) == 4096, "SECS");
_Static_assert(offsetof(struct sgx_secs, attributes) == 48, "SECS.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_secs, mrenclave) == 64, "SECS.MRENCLAVE");
_Static_assert(offsetof(struct sgx_secs, mrsigner) == 128, "SECS.MRSIGNER");
_Static_assert(offsetof(struct sgx_secs, configid) == 192, "SECS.CONFIGID");
_Static_assert(offsetof(struct sgx_secs, isvprodid) == 256, "SECS.ISVPRODID");
_Static_assert(offsetof(struct sgx_secs, configsvn) == 260, "SECS.CONFIGSVN");
_Static_assert(sizeof(struct sgx_tcs) == 4096, "TCS");
_Static_assert(offsetof(struct sgx_tcs, ossa) == 16, "TCS.OSSA");
_Static_assert(offsetof(struct sgx_tcs, oentry) == 32, "TCS.OENTRY");
_Static_assert(offsetof(struct sgx_tcs, ofsbase) == 48, "TCS.OFSBASE");
_Static_assert(offsetof(struct sgx_tcs, reserved) == 88, "TCS, defined part");
_Static_assert(sizeof(struct sgx_gprsgx) == 184, "GPRSGX");
_Static_assert(offsetof(struct sgx_gprsgx, exitinfo) == 160, "GPRSGX.EXITINFO");
_Static_assert(offsetof(struct sgx_gprsgx, aexnotify) == 167, "GPRSGX.AEXNOTIFY");
_Static_assert(sizeof(struct sgx_exinfo) == 16, "EXINFO");
_Static_assert(sizeof(struct sgx_pcmd) == 128, "PCMD");
_Static_assert(offsetof(struct sgx_pcmd, mac) == 112, "PCMD.MAC");
_Static_assert(sizeof(struct sgx_sigstruct) == 1808, "SIGSTRUCT");
_Static_assert(offsetof(struct sgx_sigstruct, modulus) == 128, "SIGSTRUCT.MODULUS");
_Static_assert(offsetof(struct sgx_sigstruct, miscselect) == 900, "SIGSTRUCT.MISCSELECT");
_Static_assert(offsetof(struct sgx_sigstruct, isvfamilyid) == 912, "SIGSTRUCT.ISVFAMILYID");
_Static_assert(offsetof(struct sgx_sigstruct, attributes) == 928, "SIGSTRUCT.ATTRIBUTES");
_Static_assert(offsetof(struct sgx_sigstruct, enclavehash) == 960, "SIGSTRUCT.ENCLAVEHASH");
_Static_assert(offsetof(struct sgx_sigstruct, isvextprodid) == 1008, "SIGSTRUCT.ISVEXTPRODID");
_Static_assert(offsetof(struct sgx_sigstruct, isvprodid) == 1024, "SIGSTRUCT.ISVPRODID");
_Static_assert(offsetof(struct sgx_sigstruct, q1) == 1040, "SIGSTRUCT.Q1");
_Static_assert(sizeof(struct sgx_einittoken) == 304, "EINITTOKEN");
_Static_assert(sizeof(struct sgx_va) == 4096, "VA");

#endif
