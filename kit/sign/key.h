/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_KIT_SIGN_KEY_H
#define SOFTSGX_KIT_SIGN_KEY_H

#include <openssl/bn.h>
#include <openssl/evp.h>

#include "kit/sign/sign.h"

struct kit_key {
	EVP_PKEY *pkey;
	BIGNUM *modulus;
};

#endif
