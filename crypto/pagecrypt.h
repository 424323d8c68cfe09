/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Encryption of evicted pages: AES-128-GCM over 4096 bytes of contents with the 128-byte MAC header as additional
 * data (SDM 3D, EWB). The engine is IPsec-MB's direct GCM API: no allocation, no TLS, no locks, read-only key data,
 * so every function but the constructor may be called in a signal handler and by many threads at once.
 */
#ifndef SOFTSGX_CRYPTO_PAGECRYPT_H
#define SOFTSGX_CRYPTO_PAGECRYPT_H

#include "base/compiler.h"

#define PAGECRYPT_MAC_BYTES 16
#define PAGECRYPT_AAD_BYTES 128

struct pagecrypt;

/**
 * pagecrypt_new() - a fresh key from the system's random source, which never leaves this object.
 * Return: 0; -ENOMEM; -EIO if the random source or the crypto library fails.
 */
int must_check pagecrypt_new(struct pagecrypt **out);
/** pagecrypt_new_with_key() - a chosen 16-byte key, for known-answer tests and deterministic simulation only. */
int must_check pagecrypt_new_with_key(const uint8_t key[16], struct pagecrypt **out);
/** pagecrypt_destroy() - wipes the key. */
void pagecrypt_destroy(struct pagecrypt *pc);

/**
 * pagecrypt_seal() - encrypt one page.
 * @version: the nonce; must never repeat under one key (see epc_next_version()).
 * @src, @dst: 4096 bytes each; may not overlap.
 */
void pagecrypt_seal(const struct pagecrypt *pc, uint64_t version, const void *aad, const void *src, void *dst,
		    uint8_t mac[PAGECRYPT_MAC_BYTES]);
/**
 * pagecrypt_open() - decrypt one page and compare its MAC in constant time.
 * @dst: scratch: holds unauthenticated plaintext until this returns, and is wiped when the MAC differs.
 * Return: true if the page is authentic.
 */
bool must_check pagecrypt_open(const struct pagecrypt *pc, uint64_t version, const void *aad, const void *src,
			       void *dst, const uint8_t mac[PAGECRYPT_MAC_BYTES]);

#endif
