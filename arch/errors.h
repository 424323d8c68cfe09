/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an SGX leaf function returns: SDM 3D table 36-4 ("Error codes for the Intel SGX instructions").
 * This is a space of its own, never mixed with -errno: 0 is success, small positive values are what hardware leaves
 * in RAX, and a fault that hardware would raise instead of completing is SGX_FAULT | vector.
 */
#ifndef SOFTSGX_ARCH_ERRORS_H
#define SOFTSGX_ARCH_ERRORS_H

enum sgx_status {
	SGX_SUCCESS = 0,
	SGX_INVALID_SIG_STRUCT = 1,
	SGX_INVALID_ATTRIBUTE = 2,
	SGX_BLKSTATE = 3,
	SGX_INVALID_MEASUREMENT = 4,
	SGX_NOTBLOCKABLE = 5,
	SGX_PG_INVLD = 6,
	SGX_EPC_PAGE_CONFLICT = 7,
	SGX_INVALID_SIGNATURE = 8,
	SGX_MAC_COMPARE_FAIL = 9,
	SGX_PAGE_NOT_BLOCKED = 10,
	SGX_NOT_TRACKED = 11,
	SGX_VA_SLOT_OCCUPIED = 12,
	SGX_CHILD_PRESENT = 13,
	SGX_ENCLAVE_ACT = 14,
	SGX_ENTRYEPOCH_LOCKED = 15,
	SGX_INVALID_EINITTOKEN = 16,
	SGX_PREV_TRK_INCMPL = 17,
	SGX_PG_IS_SECS = 18,
	SGX_PAGE_ATTRIBUTES_MISMATCH = 19,
	SGX_PAGE_NOT_MODIFIABLE = 20,
	SGX_PAGE_NOT_DEBUGGABLE = 21,
	SGX_INVALID_COUNTER = 25,
	SGX_PG_NONEPC = 26,
	SGX_TARGET_MISSED = 27,
	SGX_INVALID_CPUSVN = 32,
	SGX_INVALID_ISVSVN = 64,
	SGX_UNMASKED_EVENT = 128,
	SGX_INVALID_KEYNAME = 256,

	SGX_FAULT = 0x40000000,
	SGX_FAULT_UD = SGX_FAULT | 6,
	SGX_FAULT_GP = SGX_FAULT | 13,
	SGX_FAULT_PF = SGX_FAULT | 14,
};

/** sgx_is_fault() - hardware would have raised an exception rather than returned a code. */
static inline int sgx_is_fault(enum sgx_status status)
{
	return (status & SGX_FAULT) != 0;
}

/* #PF error code bits, SDM 3A 4.7. */
#define PF_PRESENT (1U << 0)
#define PF_WRITE (1U << 1)
#define PF_USER (1U << 2)
#define PF_INSTR (1U << 4)
#define PF_PK (1U << 5)
#define PF_SGX (1U << 15)

/* Exception vectors, SDM 3A table 6-1. */
enum x86_vector {
	VECTOR_DE = 0,
	VECTOR_DB = 1,
	VECTOR_BP = 3,
	VECTOR_OF = 4,
	VECTOR_BR = 5,
	VECTOR_UD = 6,
	VECTOR_NM = 7,
	VECTOR_DF = 8,
	VECTOR_SS = 12,
	VECTOR_GP = 13,
	VECTOR_PF = 14,
	VECTOR_MF = 16,
	VECTOR_AC = 17,
	VECTOR_XM = 19,
	VECTOR_CP = 21,
};

#endif
