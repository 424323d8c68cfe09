/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SOFTSGX_KIT_HOST_ENCLAVE_H
#define SOFTSGX_KIT_HOST_ENCLAVE_H

#include <pthread.h>

#include "kit/host/host.h"

struct kit_tcs {
	uint64_t address;
	struct kit_tcs *next;
};

/* Law: threads == free ones + calls under way; those lost to an exception have left the count. */
struct kit_enclave {
	const struct kit_image *image;
	struct kit_image *own_image; /* to be closed with the enclave */
	int fd;
	uint64_t base;
	vdso_sgx_enter_enclave_t enter;
	kit_ocall_fn ocall;
	void *ocall_data;
	kit_fault_fn fault;
	void *fault_data;

	pthread_mutex_t lock; /* protects what follows */
	pthread_cond_t changed;
	struct kit_tcs *tcs; /* array, one for each */
	struct kit_tcs *free;
	uint32_t threads;
};

/** kit_vdso_entry_of() - kit_find_vdso_entry() in the vDSO at @image. */
vdso_sgx_enter_enclave_t kit_vdso_entry_of(const void *image);

/** kit_calls_init() - every TCS of the image is free. Return: 0 or -ENOMEM. */
int must_check kit_calls_init(struct kit_enclave *enclave);
void kit_calls_destroy(struct kit_enclave *enclave);

#endif
