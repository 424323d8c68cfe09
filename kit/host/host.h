/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loading and calling enclaves built with the kit, by nothing but Linux's public SGX interface: /dev/sgx_enclave, its
 * ioctls, mmap, and __vdso_sgx_enter_enclave(). What runs here runs on a machine that has SGX.
 */
#ifndef SOFTSGX_KIT_HOST_HOST_H
#define SOFTSGX_KIT_HOST_HOST_H

#include <asm/sgx.h>

#include "arch/sgx.h"
#include "base/compiler.h"
#include "kit/abi.h"
#include "kit/error.h"
#include "kit/image/image.h"

struct kit_enclave;

/* --- loading --- */

/**
 * kit_load() - build, measure and start the enclave at @elf with the SIGSTRUCT at @sig.
 * Return: 0, or -errno with @err saying what failed and what to do. -ENOMEM from adding pages means that the EPC, or
 * the backing memory it may overcommit, is too small for this enclave.
 */
int must_check kit_load(const char *elf, const char *sig, struct kit_enclave **enclave, struct kit_error *err);

/**
 * The steps of kit_load(), for who wants to do something in between. kit_enclave_open() opens the device, reserves
 * addresses and creates the enclave; it keeps @image, which must live as long as the enclave. @sig gives ATTRIBUTES and
 * MISCSELECT. Then kit_enclave_add() adds all pages, kit_enclave_map() maps them, kit_enclave_init() starts.
 */
int must_check kit_enclave_open(const struct kit_image *image, const struct sgx_sigstruct *sig,
				struct kit_enclave **enclave, struct kit_error *err);
int must_check kit_enclave_add(struct kit_enclave *enclave, struct kit_error *err);
int must_check kit_enclave_map(struct kit_enclave *enclave, struct kit_error *err);
int must_check kit_enclave_init(struct kit_enclave *enclave, const struct sgx_sigstruct *sig, struct kit_error *err);

/** kit_unload() - no call may be under way. NULL is allowed. */
void kit_unload(struct kit_enclave *enclave);

uint64_t kit_enclave_base(const struct kit_enclave *enclave);
const struct kit_image *kit_enclave_image(const struct kit_enclave *enclave);
int kit_enclave_fd(const struct kit_enclave *enclave);

/* --- calling --- */

/** struct kit_exception - what the processor reported. */
struct kit_exception {
	uint32_t function; /* ENCLU leaf: ENCLU_ERESUME: happened inside; ENCLU_EENTER: the entry itself failed */
	uint16_t vector;   /* enum x86_vector */
	uint16_t error_code;
	uint64_t address; /* page faults: which page; as the kernel reports it */
};

struct kit_result {
	int64_t value;                  /* kit_main()'s */
	struct kit_exception exception; /* if the call returned -EFAULT */
};

/**
 * kit_ecall() - run kit_main(@function, @arg) on a thread of the enclave; waits until one is free.
 * Return: 0; -EFAULT: an exception, see @result, that nobody handled - that thread of the enclave is lost;
 * -ECANCELED: the enclave has given up; -EBUSY: no free thread, and this is called from an OCALL, so that waiting might
 * be forever; -ENXIO: no thread is left; -EPROTO: the enclave does not follow kit/abi.h.
 */
int must_check kit_ecall(struct kit_enclave *enclave, uint64_t function, uint64_t arg, struct kit_result *result);

/** kit_ocall_fn - serve one OCALL, on the thread that made the ECALL. Return: what the enclave gets. */
typedef int64_t (*kit_ocall_fn)(void *data, uint64_t function, uint64_t arg);
/** kit_on_ocall() - set before the first ECALL. Without one every OCALL but the kit's own answers -ENOSYS (-38). */
void kit_on_ocall(struct kit_enclave *enclave, kit_ocall_fn ocall, void *data);

enum kit_fault_action {
	KIT_FAULT_ASK,    /* let the enclave's kit_exception() look at it; the default */
	KIT_FAULT_RESUME, /* repaired: go on where it happened */
	KIT_FAULT_FAIL,   /* kit_ecall() returns -EFAULT */
};
typedef enum kit_fault_action (*kit_fault_fn)(void *data, const struct kit_exception *exception);
/** kit_on_fault() - who decides about exceptions inside the enclave. */
void kit_on_fault(struct kit_enclave *enclave, kit_fault_fn fault, void *data);

/** kit_describe_exception() - for people: "page fault writing 0x7f.. (enclave + 0x5000), EPCM". Returns @buf. */
char *kit_describe_exception(const struct kit_enclave *enclave, const struct kit_exception *exception, char *buf,
			     size_t size);

/* --- without the vDSO --- */

/** struct kit_raw_exit - registers after EEXIT. */
struct kit_raw_exit {
	uint64_t rdi, rsi;
};

/**
 * kit_enter_raw() - EENTER with an asynchronous exit pointer of one's own, as runtimes did before the vDSO had an
 * entry. Exceptions arrive as signals with RIP = kit_raw_aep, where an ENCLU[ERESUME] waits; a handler that does not
 * want to resume sets RIP to kit_raw_fixup.
 * Return: 0 after EEXIT, with *exit filled in; -EFAULT from kit_raw_fixup.
 */
int kit_enter_raw(uint64_t tcs, uint64_t rdi, struct kit_raw_exit *exit);
extern const char kit_raw_eenter[], kit_raw_aep[], kit_raw_fixup[];

/** kit_vdso_enter() - the plain vDSO call, for tests. @entry from kit_find_vdso_entry(). */
int kit_vdso_enter(vdso_sgx_enter_enclave_t entry, uint64_t rdi, struct sgx_enclave_run *run, uint32_t function);
/** kit_find_vdso_entry() - __vdso_sgx_enter_enclave, or NULL if the vDSO has none. */
vdso_sgx_enter_enclave_t kit_find_vdso_entry(void);

#endif
