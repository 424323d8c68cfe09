/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The least of a processor with SGX: enough to run an image of the kit in plain memory and to see what its entry code
 * does with registers. EENTER, EEXIT, ERESUME and asynchronous exits are played by a signal handler; there is
 * no EPC, no driver and no protection. After an exception the enclave's handler is asked first, as kit_ecall() does; if
 * it declines, toy_enter() returns -EFAULT. One enclave, one thread.
 */
#ifndef SOFTSGX_TESTS_ENCLAVE_KIT_TOY_H
#define SOFTSGX_TESTS_ENCLAVE_KIT_TOY_H

#include <stdbool.h>
#include <stdint.h>

#include "kit/host/host.h"

/* What the host leaves in registers as it enters, and what it finds after the exit. */
struct toy_registers {
	uint64_t gpr[16]; /* rax rbx rcx rdx rsi rdi rbp rsp r8 .. r15 */
	uint64_t rflags;
	uint32_t mxcsr;
	uint16_t fcw;
	uint64_t xmm[16][2];
};

struct toy {
	const struct kit_image *image;
	uint64_t base;
	uint32_t cssa;
	bool hostile;               /* enter with flags and vector registers full of surprises */
	struct toy_registers enter; /* as the last EENTER found them */
	struct toy_registers leave; /* as the last EEXIT left them */
	unsigned enters, exits, resumes, exceptions;
};

/** toy_start() - load @image. Aborts if it cannot. */
void toy_start(struct toy *toy, const struct kit_image *image);
void toy_stop(struct toy *toy);
/** toy_enter() - kit_enter_raw() with this processor beneath it. */
int toy_enter(struct toy *toy, struct kit_call *call, struct kit_raw_exit *exit);
uint64_t toy_tcs(const struct toy *toy);

#endif
