/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for a vDSO: an object with the entry among other symbols, linked with one kind of hash table or the other. */
#define SHOWN __attribute__((visibility("default")))

int __vdso_sgx_enter_enclave(void);
int __vdso_before(void);
int __vdso_sgx_enter_enclave_not(void);

SHOWN int __vdso_before(void)
{
	return 1;
}

#ifndef WITHOUT_ENTRY
SHOWN int __vdso_sgx_enter_enclave(void)
{
	return 2;
}
#endif

SHOWN int __vdso_sgx_enter_enclave_not(void)
{
	return 3;
}
