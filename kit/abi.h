/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an enclave built with the kit and its host agree on. Included by the enclave (C and assembly), by the host
 * library, and by the image library that lays the enclave out.
 *
 * Entry: EENTER at CSSA 0 with RDI = struct kit_call in host memory; every other register is ignored. The entry point
 * finds its thread by GS and switches to the thread's own stack. RBP, RSP, R12-R15, MXCSR control bits and the x87
 * control word come back to the host as it left them; all other registers come back zeroed.
 *
 * Exit: EEXIT to the instruction after the host's EENTER with RDI = enum kit_exit.
 *   RETURN     the call is done, kit_call.result holds its value
 *   OCALL      the host does kit_call.ocall and enters the same TCS again (registers are ignored)
 *   RESUME     answers an entry at CSSA 1: the in-enclave handler repaired the exception; ERESUME now
 *   UNHANDLED  answers an entry at CSSA 1: nobody in the enclave wants it; the thread cannot go on
 *   ABORT      the enclave has given up; every later call says so too
 *
 * Exception: after an AEX the host may enter the TCS again (CSSA 1) to let kit_exception() inside look at it.
 */
#ifndef SOFTSGX_KIT_ABI_H
#define SOFTSGX_KIT_ABI_H

/* enum kit_exit, also for assembly. */
#define KIT_EXIT_RETURN 0
#define KIT_EXIT_OCALL 1
#define KIT_EXIT_RESUME 2
#define KIT_EXIT_UNHANDLED 3
#define KIT_EXIT_ABORT 4

/* Offsets in struct kit_thread that the entry code uses; asserted below. */
#define KIT_THREAD_SELF 0
#define KIT_THREAD_STACK_TOP 8
#define KIT_THREAD_EXCEPTION_STACK_TOP 16
#define KIT_THREAD_XFRM 24
#define KIT_THREAD_SSA 32
#define KIT_THREAD_OCALL_RSP 80
#define KIT_THREAD_HOST_RSP 88
#define KIT_THREAD_HOST_RBP 96
#define KIT_THREAD_HOST_R12 104
#define KIT_THREAD_HOST_R13 112
#define KIT_THREAD_HOST_R14 120
#define KIT_THREAD_HOST_R15 128
#define KIT_THREAD_HOST_RETURN 136
#define KIT_THREAD_HOST_MXCSR 144
#define KIT_THREAD_HOST_FCW 148

#define KIT_SCRATCH_BYTES 464

/* OCALL numbers from here on belong to the kit. */
#define KIT_OCALL_RESERVED 0xffffff00
#define KIT_OCALL_PRINT (KIT_OCALL_RESERVED + 0) /* text in scratch[], its length in ocall_arg */
#define KIT_OCALL_YIELD (KIT_OCALL_RESERVED + 1) /* give the processor to another thread */

#define KIT_NOTE_NAME "softsgx"
#define KIT_NOTE_TYPE 1
#define KIT_CONFIG_VERSION 1
#define KIT_CONFIG_DEBUG 1u

#ifndef __ASSEMBLER__

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/** struct kit_call - one ECALL, in host memory. The enclave reads each input once. */
struct kit_call {
	uint64_t function;                  /* in */
	uint64_t arg;                       /* in: a number, or the address of host memory */
	int64_t result;                     /* out */
	uint64_t ocall;                     /* out, at KIT_EXIT_OCALL: which */
	uint64_t ocall_arg;                 /* out */
	int64_t ocall_result;               /* in, when the thread is entered again */
	uint8_t scratch[KIT_SCRATCH_BYTES]; /* for what an OCALL passes by address */
};

/**
 * struct kit_thread - one for each TCS, in the enclave, at the GS (and FS) base that the TCS sets. The image library
 * fills in the first part, with offsets from the enclave's base, so that it is measured; the rest starts as zero.
 */
struct kit_thread {
	uint64_t self;                /* offset of this structure */
	uint64_t stack_top;           /* offset of the end of the stack */
	uint64_t exception_stack_top; /* offset of the end of the stack for entries at CSSA 1 */
	uint64_t xfrm;                /* SECS.ATTRIBUTES.XFRM */
	uint64_t ssa;                 /* offset of SSA frame 0; frames are one page each */
	uint64_t heap;                /* offset of the heap */
	uint64_t heap_bytes;
	uint64_t enclave_bytes; /* ELRANGE */
	uint64_t index;         /* 0 .. TCS count - 1 */

	uint64_t call;      /* the struct kit_call being served */
	uint64_t ocall_rsp; /* where to go on after an OCALL; 0: no OCALL pending */
	uint64_t host_rsp, host_rbp, host_r12, host_r13, host_r14, host_r15, host_return;
	uint32_t host_mxcsr;
	uint16_t host_fcw;
	uint16_t reserved;
};

/**
 * struct kit_config - how an enclave wants to be laid out: the payload of its ELF note. 0 means the default where one
 * is named. KIT_ENCLAVE() in kit/enclave/kit.h emits it.
 */
struct kit_config {
	uint32_t version; /* KIT_CONFIG_VERSION */
	uint32_t flags;   /* KIT_CONFIG_DEBUG */
	uint64_t heap;    /* bytes; 0: no heap */
	uint64_t stack;   /* bytes for each thread; 0: 64 KiB */
	uint64_t xfrm;    /* 0: x87 and SSE */
	uint32_t tcs;     /* threads that can be inside at once; 0: 1 */
	uint32_t nssa;    /* SSA frames for each thread; 0: 2 */
	uint32_t miscselect;
	uint16_t product, svn;
};

/** struct kit_note - an ELF note as it lies in the file. */
struct kit_note {
	uint32_t name_bytes, desc_bytes, type;
	char name[8];
	uint32_t padding; /* desc is aligned to 8 bytes in a note segment aligned to 8 */
	struct kit_config config;
};

static_assert(offsetof(struct kit_thread, stack_top) == KIT_THREAD_STACK_TOP, "stack_top");
static_assert(offsetof(struct kit_thread, exception_stack_top) == KIT_THREAD_EXCEPTION_STACK_TOP, "exception stack");
static_assert(offsetof(struct kit_thread, xfrm) == KIT_THREAD_XFRM, "xfrm");
static_assert(offsetof(struct kit_thread, ssa) == KIT_THREAD_SSA, "ssa");
static_assert(offsetof(struct kit_thread, ocall_rsp) == KIT_THREAD_OCALL_RSP, "ocall_rsp");
static_assert(offsetof(struct kit_thread, host_rsp) == KIT_THREAD_HOST_RSP, "host_rsp");
static_assert(offsetof(struct kit_thread, host_rbp) == KIT_THREAD_HOST_RBP, "host_rbp");
static_assert(offsetof(struct kit_thread, host_r12) == KIT_THREAD_HOST_R12, "host_r12");
static_assert(offsetof(struct kit_thread, host_r15) == KIT_THREAD_HOST_R15, "host_r15");
static_assert(offsetof(struct kit_thread, host_return) == KIT_THREAD_HOST_RETURN, "host_return");
static_assert(offsetof(struct kit_thread, host_mxcsr) == KIT_THREAD_HOST_MXCSR, "host_mxcsr");
static_assert(offsetof(struct kit_thread, host_fcw) == KIT_THREAD_HOST_FCW, "host_fcw");
static_assert(sizeof(struct kit_call) == 512, "struct kit_call");
static_assert(sizeof(struct kit_config) == 48, "struct kit_config");
static_assert(sizeof(struct kit_note) == 72 && offsetof(struct kit_note, config) == 24, "struct kit_note");

#endif
#endif
