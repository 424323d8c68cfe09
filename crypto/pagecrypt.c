/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/pagecrypt.h"

#include <errno.h>
#include <intel-ipsec-mb.h>
#include <string.h>
#include <sys/mman.h>

#include "arch/sgx.h"
#include "base/sys.h"

#define KEY_BYTES 16
#define IV_BYTES 12

/* The functions are picked once for this processor; after that the library's manager is not needed any more. */
struct pagecrypt {
	/* Read-only once expanded. The library wants the alignment, but its header asks for it in its own build only. */
	struct gcm_key_data key __attribute__((aligned(64)));
	aes_gcm_enc_dec_t encrypt, decrypt;
};

static int expand_key(struct pagecrypt *pc, const uint8_t key[KEY_BYTES])
{
	IMB_ARCH arch = IMB_ARCH_NONE;
	IMB_MGR *mgr = alloc_mb_mgr(0);

	if (!mgr)
		return -ENOMEM;
	init_mb_mgr_auto(mgr, &arch);
	if (arch == IMB_ARCH_NONE || imb_get_errno(mgr) != 0) {
		free_mb_mgr(mgr);
		return -EIO;
	}
	IMB_AES128_GCM_PRE(mgr, key, &pc->key);
	pc->encrypt = mgr->gcm128_enc;
	pc->decrypt = mgr->gcm128_dec;
	free_mb_mgr(mgr);
	return 0;
}

/* Pages of its own, so that the key reaches neither core dumps nor forked children. */
static struct pagecrypt *map_object(void)
{
	long addr = sys_mmap(0, sizeof(struct pagecrypt), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (sys_is_err(addr))
		return NULL;
	(void)sys_madvise((uint64_t)addr, sizeof(struct pagecrypt), MADV_DONTDUMP);
	(void)sys_madvise((uint64_t)addr, sizeof(struct pagecrypt), MADV_WIPEONFORK);
	return (struct pagecrypt *)addr;
}

int pagecrypt_new_with_key(const uint8_t key[KEY_BYTES], struct pagecrypt **out)
{
	struct pagecrypt *pc = map_object();
	int ret;

	if (!pc)
		return -ENOMEM;
	ret = expand_key(pc, key);
	if (ret) {
		pagecrypt_destroy(pc);
		return ret;
	}
	*out = pc;
	return 0;
}

int pagecrypt_new(struct pagecrypt **out)
{
	uint8_t key[KEY_BYTES];
	long n;
	int ret = -EIO;

	do {
		n = sys_call3(SYS_getrandom, key, sizeof(key), 0);
	} while (n == -EINTR);
	if (n == (long)sizeof(key))
		ret = pagecrypt_new_with_key(key, out);
	explicit_bzero(key, sizeof(key));
	return ret;
}

void pagecrypt_destroy(struct pagecrypt *pc)
{
	if (!pc)
		return;
	explicit_bzero(pc, sizeof(*pc));
	sys_munmap((uint64_t)pc, sizeof(*pc));
}

static void make_iv(uint8_t iv[IV_BYTES], uint64_t version)
{
	memcpy(iv, &version, sizeof(version));
	memset(iv + sizeof(version), 0, IV_BYTES - sizeof(version));
}

void pagecrypt_seal(const struct pagecrypt *pc, uint64_t version, const void *aad, const void *src, void *dst,
		    uint8_t mac[PAGECRYPT_MAC_BYTES])
{
	struct gcm_context_data ctx;
	uint8_t iv[IV_BYTES];

	make_iv(iv, version);
	pc->encrypt(&pc->key, &ctx, dst, src, SGX_PAGE_SIZE, iv, aad, PAGECRYPT_AAD_BYTES, mac, PAGECRYPT_MAC_BYTES);
}

/* In time that does not depend on where the two differ. */
static bool mac_equal(const uint8_t a[PAGECRYPT_MAC_BYTES], const uint8_t b[PAGECRYPT_MAC_BYTES])
{
	uint64_t x[2], y[2];

	memcpy(x, a, sizeof(x));
	memcpy(y, b, sizeof(y));
	return ((x[0] ^ y[0]) | (x[1] ^ y[1])) == 0;
}

bool pagecrypt_open(const struct pagecrypt *pc, uint64_t version, const void *aad, const void *src, void *dst,
		    const uint8_t mac[PAGECRYPT_MAC_BYTES])
{
	struct gcm_context_data ctx;
	uint8_t iv[IV_BYTES], computed[PAGECRYPT_MAC_BYTES];

	make_iv(iv, version);
	pc->decrypt(&pc->key, &ctx, dst, src, SGX_PAGE_SIZE, iv, aad, PAGECRYPT_AAD_BYTES, computed,
		    PAGECRYPT_MAC_BYTES);
	if (likely(mac_equal(computed, mac)))
		return true;
	explicit_bzero(dst, SGX_PAGE_SIZE);
	return false;
}
