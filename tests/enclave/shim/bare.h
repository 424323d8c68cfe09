/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bare enclave: a few pages of assembly that does one architectural thing per entry, and its host. No runtime is in
 * the way: every register on both sides is the test's.
 *
 * A test program defines bare_test(). The harness starts it anew under the shim (SHIM_LIBRARY) with a statistics
 * page of its own; it is skipped where the mechanism asked for (SOFTSGX_MECHANISM) does not exist.
 */
#ifndef SOFTSGX_TESTS_SHIM_BARE_H
#define SOFTSGX_TESTS_SHIM_BARE_H

/* Offsets in struct bare_request and struct bare_regs, for bare.S. */
#define REQ_OP 0
#define REQ_ADDRESS 8
#define REQ_VALUE 16
#define REQ_COUNT 24
#define REQ_WIDTH 32
#define REQ_FSBASE 40
#define REQ_GSBASE 48
#define REQ_CSSA 56
#define REQ_IN 64
#define REQ_OUT (REQ_IN + REGS_BYTES)
#define REGS_VECTORS 192
#define REGS_BYTES (REGS_VECTORS + 64 * 32)

/* What the enclave does. OP_NESTED is the only one at CSSA > 0. */
#define OP_ECHO 0  /* `out` := registers at entry; leaves with `in` in all but RAX, RBX, RCX, RSP, RBP */
#define OP_READ 1  /* value := *address */
#define OP_WRITE 2 /* *address := value */
#define OP_EXEC 3  /* call address */
#define OP_UD 4
#define OP_DE 5
#define OP_BP 6
#define OP_LEAF 7 /* ENCLU with RAX = value */
#define OP_SPIN 8 /* load `in`, count down from `count`, store `out` and the bases */
#define OP_WALK \
	9 /* `count` pages from `address`: each word compared with `value` + its address, if value is odd; or set */
#define OP_SETFS 10 /* FS base := value, then as OP_SPIN */

#ifndef __ASSEMBLER__

#include <asm/sgx.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#include "arch/errors.h"
#include "arch/sgx.h"
#include "base/compiler.h"
#include "encl/stats.h"

struct bare_regs {
	uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rflags, reserved[7];
	uint8_t vector[32][64];
};
struct bare_request {
	uint64_t op, address, value, count;
	uint64_t width;          /* of vectors, bytes: 16, 32 or 64 */
	uint64_t fsbase, gsbase; /* out: as found inside */
	uint64_t cssa;           /* out: of a nested entry */
	struct bare_regs in, out;
};
_Static_assert(offsetof(struct bare_regs, vector) == REGS_VECTORS, "bare.S");
_Static_assert(offsetof(struct bare_request, out) == REQ_OUT, "bare.S");

#define check(cond) \
	do { \
		if (unlikely(!(cond))) \
			check_failed(__FILE__, __LINE__, #cond); \
	} while (0)
void check_failed(const char *file, int line, const char *cond) __attribute__((noreturn));

/** bare_test() - the test. Returning is success. */
void bare_test(void);
/** bare_prepare() - optional: set the environment that the test is to run in. */
void bare_prepare(void) __attribute__((weak));

/* --- processes --- */

/** ends_by() - run @fn in a forked child. Return: the signal that ended it, or 0 if it came back or exited. */
int ends_by(void (*fn)(void));

/* --- the enclave --- */

#define BARE_TCS_MAX 8
#define BARE_NSSA 3

/* Offsets of its pages. Between them nothing is added. */
#define BARE_CODE 0x0UL         /* RX */
#define BARE_READ_ONLY 0x8000UL /* R */
#define BARE_DATA 0x10000UL     /* RW, bare_options.data_pages of them */

struct kit_image;
struct kit_enclave;

struct bare_options {
	unsigned tcs;        /* 0: one */
	uint64_t data_pages; /* 0: four */
	uint64_t xfrm;       /* 0: x87 and SSE */
	bool exinfo;
};

struct bare {
	struct kit_image *image;
	struct kit_enclave *enclave;
	uint64_t base, size, data_pages;
	unsigned tcs_count;
	int fd;
};

/** bare_open() - build and start one. Any failure ends the program. */
void bare_open(struct bare *b, const struct bare_options *options);
/** bare_close() - unmap and close everything of it. */
void bare_close(struct bare *b);
/** bare_try() - as bare_open(). Return: 0 or errno of whatever failed. */
int bare_try(struct bare *b, const struct bare_options *options);

uint64_t bare_tcs(const struct bare *b, unsigned i);
/** bare_ssa() - SSA frame @frame of TCS @i; bare_gpr() - its GPRSGX. */
uint64_t bare_ssa(const struct bare *b, unsigned i, unsigned frame);
struct sgx_gprsgx *bare_gpr(const struct bare *b, unsigned i, unsigned frame);
/** bare_thread_page() - what FS and GS of TCS @i point to. */
uint64_t bare_thread_page(const struct bare *b, unsigned i);
/** bare_offset() - of a label of bare.S in the enclave. */
#define bare_address(b, label) ((b)->base + BARE_CODE + (uint64_t)((label)-bare_code))
extern const uint8_t bare_code[], bare_code_end[];
extern const uint8_t bare_at_ud[], bare_at_de[], bare_at_bp[], bare_at_read[], bare_at_write[], bare_at_leaf[];
extern const uint8_t bare_spin_start[], bare_spin_end[];

/* --- entering --- */

/** bare_vdso() - the vDSO function with registers and vectors of *@in; its own result, the registers after in *@out. */
int bare_vdso(const struct bare_regs *in, struct bare_regs *out, struct sgx_enclave_run *run, uint64_t function,
	      uint64_t width);
/** bare_raw() - an ENCLU with its own AEP, where another ENCLU stands. Return: 0 after EEXIT, -14 by bare_raw_fixup. */
int bare_raw(const struct bare_regs *in, struct bare_regs *out, uint64_t tcs, uint64_t leaf, uint64_t width);
extern const uint8_t bare_raw_enclu[], bare_raw_aep[], bare_raw_fixup[];
extern vdso_sgx_enter_enclave_t bare_vdso_entry;

/** bare_call() - one request by the vDSO, plainly. Return: of the vDSO; run filled in. */
int bare_call(const struct bare *b, unsigned tcs, struct bare_request *r, struct sgx_enclave_run *run);
/** bare_resume() - ERESUME of what bare_call() left. */
int bare_resume(const struct bare *b, unsigned tcs, struct sgx_enclave_run *run);
/** bare_do() - a request that must succeed. */
void bare_do(const struct bare *b, unsigned tcs, struct bare_request *r);

/** bare_width() - widest vectors that this machine and the enclave of @xfrm have, bytes. bare_xfrm_full(): all of it. */
uint64_t bare_xfrm_full(void);
uint64_t bare_width(uint64_t xfrm);
/** bare_fill() - different values everywhere, none zero. bare_same(): compare GPRs (all but @ignored bits) and vectors. */
void bare_fill(struct bare_regs *r, uint64_t seed);
bool bare_same_vectors(const struct bare_regs *a, const struct bare_regs *b, uint64_t width);

/* --- the machine --- */

/** bare_stats() - this process's numbers, as published last. */
const struct stats_process *bare_stats(void);
/** bare_publish() - have them brought up to date: an enclave is made and destroyed. */
const struct stats_process *bare_fresh_stats(void);

#endif
#endif
