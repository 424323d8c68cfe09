/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MRENCLAVE: SHA-256 over the 64-byte records of ECREATE, EADD and EEXTEND (SDM 3D 36.1.2 and the leaves' own pages).
 * Not for signal handlers (OpenSSL).
 */
#ifndef SOFTSGX_CRYPTO_MEASURE_H
#define SOFTSGX_CRYPTO_MEASURE_H

#include "arch/sgx.h"
#include "base/compiler.h"

struct measure; /* a running measurement */

/** measure_new() - start with the ECREATE record; @ssa_frame_size in pages. Return: NULL if memory is short. */
struct measure *must_check measure_new(uint32_t ssa_frame_size, uint64_t size);
void measure_free(struct measure *m);
/** measure_eadd() - @offset in bytes from the enclave's base; @secinfo's first 48 bytes enter the record. */
void measure_eadd(struct measure *m, uint64_t offset, const struct sgx_secinfo *secinfo);
/** measure_eextend() - @chunk: 256 bytes of page contents at @offset from the base. */
void measure_eextend(struct measure *m, uint64_t offset, const void *chunk);
/**
 * measure_final() - the value so far; the measurement may go on afterwards (EINIT may be tried again).
 * Return: 0; -ENOMEM if the library had no memory for it, now or earlier.
 */
int must_check measure_final(const struct measure *m, uint8_t mrenclave[32]);

/** sha256() - one-shot digest (MRSIGNER = SHA-256 of the modulus). Return: 0 or -ENOMEM. */
int must_check sha256(const void *data, size_t len, uint8_t digest[32]);

#endif
