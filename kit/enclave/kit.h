/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What code inside an enclave may use, beside the small C library in kit/enclave/include: how the enclave is laid out,
 * what it implements, and how it reaches host memory and host functions.
 */
#ifndef SOFTSGX_KIT_ENCLAVE_KIT_H
#define SOFTSGX_KIT_ENCLAVE_KIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/sgx.h"
#include "kit/abi.h"

/**
 * KIT_ENCLAVE() - once in every enclave: its layout, as designated initialisers of struct kit_config, e.g.
 * KIT_ENCLAVE(.heap = 16 << 20, .stack = 64 << 10, .tcs = 2);
 */
#define KIT_ENCLAVE(...) \
	__attribute__((section(".note.softsgx"), used, aligned(8))) static const struct kit_note kit_note = { \
		.name_bytes = sizeof(KIT_NOTE_NAME), \
		.desc_bytes = sizeof(struct kit_config), \
		.type = KIT_NOTE_TYPE, \
		.name = KIT_NOTE_NAME, \
		.config = { .version = KIT_CONFIG_VERSION, __VA_ARGS__ }, \
	}

/**
 * kit_main() - implemented by the enclave: serve one ECALL. Runs on the thread's own stack; as many at once as there
 * are TCS. @arg comes from the host: reach memory it names only through kit_copy_in() and kit_copy_out().
 * Return: what the host's kit_ecall() reports as the result.
 */
int64_t kit_main(uint64_t function, uint64_t arg);

/**
 * kit_exception() - may be implemented by the enclave: an exception has interrupted this thread; @ssa is its state,
 * which may be changed (RIP, say) before it is resumed. Runs on a small stack of its own (about 3 KiB).
 * Return: true to resume, false if the thread cannot go on.
 */
bool kit_exception(struct sgx_gprsgx *ssa);

/** kit_ocall() - have the host do @function with @arg. Return: what it says; believe nothing. */
int64_t kit_ocall(uint64_t function, uint64_t arg);

/** kit_scratch() - KIT_SCRATCH_BYTES of host memory that belong to the current call, for OCALL arguments. */
void *kit_scratch(void);

/** kit_is_outside() - all of [@ptr, @ptr + @len) is host memory. */
bool kit_is_outside(const void *ptr, size_t len);
/** kit_is_inside() - all of it is within the enclave's range. */
bool kit_is_inside(const void *ptr, size_t len);
/**
 * kit_copy_in(), kit_copy_out() - between enclave and host.
 * Return: false, and nothing is copied, if the host's side is not all host memory.
 */
bool kit_copy_in(void *dst, uint64_t host_src, size_t len) __attribute__((warn_unused_result));
bool kit_copy_out(uint64_t host_dst, const void *src, size_t len) __attribute__((warn_unused_result));

/** kit_thread() - the calling thread's own data. */
static inline struct kit_thread *kit_thread(void)
{
	struct kit_thread *self;

	__asm__("mov %%gs:%c1, %0; lea kit_base(%%rip), %%rcx; add %%rcx, %0"
		: "=&r"(self)
		: "i"(KIT_THREAD_SELF)
		: "rcx", "cc");
	return self;
}

/** kit_base_address() - where the enclave starts. */
static inline uint8_t *kit_base_address(void)
{
	uint8_t *base;

	__asm__("lea kit_base(%%rip), %0" : "=r"(base));
	return base;
}

/** kit_print() - formatted text to the host's standard error, cut at KIT_SCRATCH_BYTES. A convenience for tests. */
void kit_print(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** kit_abort() - give up: this call and every later one on any thread ends with KIT_EXIT_ABORT. */
void kit_abort(void) __attribute__((noreturn));

/**
 * struct kit_lock - mutual exclusion between the enclave's threads. Spins a little, then asks the host to run somebody
 * else: the holder may have been interrupted. Zero is free.
 */
struct kit_lock {
	_Atomic uint32_t held;
};

void kit_lock(struct kit_lock *lock);
void kit_unlock(struct kit_lock *lock);

#endif
