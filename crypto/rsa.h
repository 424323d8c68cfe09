/* SPDX-License-Identifier: Apache-2.0 */
/* RSA-3072, e = 3, PKCS #1 v1.5 with SHA-256: how a SIGSTRUCT is signed (SDM 3D 36.4.2.2). Not for signal handlers. */
#ifndef SOFTSGX_CRYPTO_RSA_H
#define SOFTSGX_CRYPTO_RSA_H

#include "arch/sgx.h"
#include "base/compiler.h"

/**
 * sigstruct_signature_ok() - verify SIGNATURE over bytes 0..127 and 900..1027, and that Q1 and Q2 are the quotients
 * the SDM defines: Q1 = floor(S^2 / M), Q2 = floor((S^3 - Q1*S*M) / M). EXPONENT must be 3, the modulus odd and
 * of full length. Return: also false if memory is short.
 */
bool must_check sigstruct_signature_ok(const struct sgx_sigstruct *sig);

#endif
