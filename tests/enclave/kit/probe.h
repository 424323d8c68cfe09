/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe enclave can do: function numbers and arguments, for the enclave and for its drivers. */
#ifndef SOFTSGX_TESTS_ENCLAVE_KIT_PROBE_H
#define SOFTSGX_TESTS_ENCLAVE_KIT_PROBE_H

#include <stdint.h>

enum probe_function {
	PROBE_ECHO,     /* returns its argument */
	PROBE_ADD,      /* arg: struct probe_add; returns the sum */
	PROBE_TOUCH,    /* arg: struct probe_touch; returns the number of wrong pages */
	PROBE_RAISE,    /* arg: enum probe_raise; returns 1 if it gets past the exception */
	PROBE_SPIN,     /* arg: rounds; returns a mask of the registers that changed, see struct probe_registers */
	PROBE_OCALLS,   /* arg: how many; each PROBE_PING must return 2 * i + 1; returns the number of wrong answers */
	PROBE_HANDLER,  /* arg: enum probe_handler: what kit_exception() does from now on; returns what it did before */
	PROBE_CAUGHT,   /* arg: struct probe_caught, filled with what the handler saw last; returns how often it ran */
	PROBE_MALLOC,   /* arg: rounds; random allocations with checked contents; returns the number of wrong ones */
	PROBE_POINTERS, /* returns 0 if pointers in initialised data point where they should */
	PROBE_ENTRY,    /* arg: struct probe_entry, filled with the state C code starts with */
	PROBE_THREAD,   /* returns the thread's index */
	PROBE_STACK,    /* arg: bytes of stack to use; returns a checksum */
	PROBE_COPY,     /* arg: struct probe_copy; returns 0, or -14 if the enclave refuses the host address */
	PROBE_ABORT,    /* gives up */
	PROBE_BLOCK,    /* returns the offset of the block that PROBE_TOUCH works on, from the enclave's base */
	PROBE_HOLD,     /* arg: address of a uint32_t in host memory: stays inside until it is not zero */
};

/* OCALLs. */
enum { PROBE_PING = 1, PROBE_CALL_BACK = 2 };

struct probe_add {
	uint64_t a, b;
};

enum probe_touch_mode {
	TOUCH_FILL,   /* write every page in order */
	TOUCH_CHECK,  /* read every page in order and compare all of it */
	TOUCH_RANDOM, /* `rounds` random pages: compare all of it, then write it anew */
	TOUCH_READ,   /* `rounds` random pages: compare one word */
	TOUCH_WRITE,  /* `rounds` random pages: write one word, keeping it right */
};

/* Pages of the probe's heap. Threads must not share pages. */
struct probe_touch {
	uint64_t first, pages; /* in pages, from the start of the probe's block */
	uint64_t mode;
	uint64_t rounds;
	uint64_t seed;     /* of the order in which pages are chosen */
	uint64_t bad_page; /* out: the first wrong one */
};

enum probe_raise {
	RAISE_UD,
	RAISE_DE,
	RAISE_GP, /* a non-canonical address */
	RAISE_BP,
	RAISE_PF_GAP,     /* read where no page was added */
	RAISE_PF_CODE,    /* write to the enclave's code */
	RAISE_PF_EXECUTE, /* run the enclave's data */
	RAISE_PF_HOST,    /* read host address 0x1000 */
	RAISE_CPUID,      /* illegal in an enclave: #UD */
	RAISE_SYSCALL,    /* likewise */
	RAISE_STACK,      /* endless recursion */
	RAISE_COUNT,
};

enum probe_handler {
	HANDLER_DECLINE,
	HANDLER_SKIP,  /* go on behind the offending instruction */
	HANDLER_FAULT, /* raise an exception in the handler itself */
};

struct probe_caught {
	uint64_t rip_offset; /* from the enclave's base */
	uint64_t expected_rip_offset;
	uint32_t exitinfo;
	uint32_t errcd; /* EXINFO, if the enclave was built with it */
	uint64_t maddr;
};

/* Bit i of PROBE_SPIN's result: gpr[i]; bit 16 + i: xmm[i]; bit 32: the carry flag. */
struct probe_registers {
	uint64_t gpr[15]; /* rax rbx rcx rdx rsi rdi rbp r8 .. r15 */
	uint64_t carry;
	uint64_t xmm[16][2];
};

struct probe_entry {
	uint64_t rflags;
	uint32_t mxcsr;
	uint16_t fcw;
	uint16_t reserved;
	uint64_t rsp_offset;
	uint64_t xmm_or; /* all vector registers or'ed together: nothing of the host's may be in them */
};

struct probe_copy {
	uint64_t address, bytes;
};

#endif
