/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/measure.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_BYTES 64
#define EADD_SECINFO_BYTES 48

/*
 * Records are gathered and hashed in runs: a call into OpenSSL for each 64-byte record would cost as much as the
 * hashing itself. One run holds a measured page: EADD, then 16 times EEXTEND and its chunk.
 */
#define RUN_BYTES (RECORD_BYTES + SGX_PAGE_SIZE / SGX_EEXTEND_BYTES * (RECORD_BYTES + SGX_EEXTEND_BYTES))

struct measure {
	EVP_MD_CTX *hash;
	bool failed; /* the library refused an update: there will be no digest */
	size_t filled;
	uint8_t run[RUN_BYTES];
};

static void flush(struct measure *m)
{
	if (m->filled && EVP_DigestUpdate(m->hash, m->run, m->filled) != 1)
		m->failed = true;
	m->filled = 0;
}

static uint8_t *reserve(struct measure *m, size_t len)
{
	uint8_t *at;

	if (m->filled + len > sizeof(m->run))
		flush(m);
	at = m->run + m->filled;
	m->filled += len;
	return at;
}

struct measure *measure_new(uint32_t ssa_frame_size, uint64_t size)
{
	struct measure *m = calloc(1, sizeof(*m));
	uint8_t *record;

	if (!m)
		return NULL;
	m->hash = EVP_MD_CTX_new();
	if (!m->hash || EVP_DigestInit_ex(m->hash, EVP_sha256(), NULL) != 1) {
		measure_free(m);
		return NULL;
	}
	record = reserve(m, RECORD_BYTES);
	memset(record, 0, RECORD_BYTES);
	memcpy(record, "ECREATE", 8);
	memcpy(record + 8, &ssa_frame_size, sizeof(ssa_frame_size));
	memcpy(record + 12, &size, sizeof(size));
	return m;
}

void measure_free(struct measure *m)
{
	if (!m)
		return;
	EVP_MD_CTX_free(m->hash);
	free(m);
}

void measure_eadd(struct measure *m, uint64_t offset, const struct sgx_secinfo *secinfo)
{
	uint8_t *record = reserve(m, RECORD_BYTES);

	memcpy(record, "EADD\0\0\0", 8);
	memcpy(record + 8, &offset, sizeof(offset));
	memcpy(record + 16, secinfo, EADD_SECINFO_BYTES);
}

void measure_eextend(struct measure *m, uint64_t offset, const void *chunk)
{
	uint8_t *record = reserve(m, RECORD_BYTES + SGX_EEXTEND_BYTES);

	memcpy(record, "EEXTEND", 8);
	memcpy(record + 8, &offset, sizeof(offset));
	memset(record + 16, 0, RECORD_BYTES - 16);
	memcpy(record + RECORD_BYTES, chunk, SGX_EEXTEND_BYTES);
}

int measure_final(const struct measure *m, uint8_t mrenclave[32])
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	bool ok = hash && !m->failed && EVP_MD_CTX_copy_ex(hash, m->hash) == 1 &&
		  EVP_DigestUpdate(hash, m->run, m->filled) == 1 && EVP_DigestFinal_ex(hash, mrenclave, NULL) == 1;

	EVP_MD_CTX_free(hash);
	return ok ? 0 : -ENOMEM;
}

int sha256(const void *data, size_t len, uint8_t digest[32])
{
	return EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;
}
