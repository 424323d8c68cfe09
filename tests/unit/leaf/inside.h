/* SPDX-License-Identifier: Apache-2.0 */
/* An initialised enclave with one TCS and two SSA frames in ordinary memory, to enter and leave. After cmocka.h. */
#ifndef SOFTSGX_TESTS_LEAF_INSIDE_H
#define SOFTSGX_TESTS_LEAF_INSIDE_H

#include <string.h>
#include <sys/mman.h>

#include "leaf/enclu.h"

#define SIZE 0x10000
#define OSSA 0x4000
#define NSSA 2
#define AEP 0x401000
#define URSP 0x7ffd00001000
#define URBP 0x7ffd00001040

struct inside {
	uint8_t *memory; /* ELRANGE */
	struct secs secs;
	struct sgx_tcs tcs;
	struct enclu_entry entry;
};

static inline int inside_setup(void **state)
{
	static struct inside in;
	uint8_t *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		return -1;
	memset(&in, 0, sizeof(in));
	in.memory = memory;
	in.secs = (struct secs){
		.base = (uint64_t)memory,
		.size = SIZE,
		.attributes = SGX_ATTR_INIT | SGX_ATTR_MODE64BIT,
		.xfrm = 7,
		.miscselect = SGX_MISC_EXINFO,
		.ssa_frame_size = 1,
	};
	in.tcs = (struct sgx_tcs){
		.ossa = OSSA,
		.nssa = NSSA,
		.oentry = 0x1230,
		.ofsbase = 0x2000,
		.ogsbase = 0x3000,
	};
	*state = &in;
	return 0;
}

static inline int inside_teardown(void **state)
{
	struct inside *in = *state;

	return munmap(in->memory, SIZE);
}

static inline uint64_t inside_frame(const struct inside *in, unsigned cssa)
{
	return (uint64_t)in->memory + OSSA + cssa * SGX_PAGE_SIZE;
}

static inline struct sgx_gprsgx *inside_gpr(const struct inside *in, unsigned cssa)
{
	return (struct sgx_gprsgx *)(inside_frame(in, cssa) + SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx));
}

static inline uint64_t inside_tcs_linaddr(const struct inside *in)
{
	return (uint64_t)in->memory;
}

static inline enum sgx_status inside_eenter(struct inside *in)
{
	return enclu_eenter(&in->secs, &in->tcs, inside_tcs_linaddr(in), inside_frame(in, in->tcs.cssa), AEP, URSP,
			    URBP, &in->entry);
}

static inline enum sgx_status inside_eresume(struct inside *in)
{
	return enclu_eresume(&in->secs, &in->tcs, inside_tcs_linaddr(in), inside_frame(in, in->tcs.cssa - 1), AEP, URSP,
			     URBP, &in->entry);
}

#endif
