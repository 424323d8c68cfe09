/* SPDX-License-Identifier: Apache-2.0 */
/*
 * __vdso_sgx_enter_enclave() to the letter: asm/sgx.h says what it takes, returns and leaves alone.
 */
#include <errno.h>
#include <execinfo.h>
#include <string.h>

#include "bare.h"

static struct bare b;
static uint64_t width;

/* --- registers on the way in and out --- */

static void registers_pass_through(void)
{
	static struct bare_request r;
	static struct bare_regs in, out;
	struct sgx_enclave_run run = { .tcs = bare_tcs(&b, 0) };

	for (uint64_t round = 0; round < 20; round++) {
		r = (struct bare_request){ .op = OP_ECHO, .width = width };
		bare_fill(&in, 100 + round);
		bare_fill(&r.in, 200 + round);
		in.rdi = (uint64_t)&r;
		check(bare_vdso(&in, &out, &run, ENCLU_EENTER, width) == 0);
		check(run.function == ENCLU_EEXIT && run.exception_vector == 0 && run.exception_addr == 0);

		/* EENTER: RAX = CSSA, RBX = TCS, RCX = behind the ENCLU; the rest is the host's. */
		check(r.out.rax == 0 && r.out.rbx == bare_tcs(&b, 0));
		check(r.out.rdx == in.rdx && r.out.rsi == in.rsi && r.out.rdi == in.rdi && r.out.r8 == in.r8);
		check(r.out.r9 == in.r9 && r.out.r10 == in.r10 && r.out.r12 == in.r12 && r.out.r13 == in.r13);
		check(r.out.r14 == in.r14 && r.out.r15 == in.r15 && r.out.r11 == in.r11);
		check(bare_same_vectors(&r.out, &in, width));
		check(r.fsbase == bare_thread_page(&b, 0) && r.gsbase == bare_thread_page(&b, 0));
		check(memcmp((const uint8_t *)r.out.rcx - 3, "\x0f\x01\xd7", 3) == 0);

		/* EEXIT: RCX = AEP, which the vDSO's own ENCLU is; the rest is the enclave's. */
		check(out.rcx == r.out.rcx - 3);
		check(out.rdx == r.in.rdx && out.rsi == r.in.rsi && out.rdi == r.in.rdi && out.r8 == r.in.r8);
		check(out.r9 == r.in.r9 && out.r10 == r.in.r10 && out.r11 == r.in.r11 && out.r12 == r.in.r12);
		check(out.r13 == r.in.r13 && out.r14 == r.in.r14 && out.r15 == r.in.r15);
		check(bare_same_vectors(&out, &r.in, width));
	}
}

/* --- arguments that it refuses, without touching the run --- */

static void wrong_arguments(void)
{
	struct bare_request r = { .op = OP_ECHO, .width = 16 };
	static struct bare_regs in, out;
	struct sgx_enclave_run run = { .tcs = bare_tcs(&b, 0), .function = 77 };

	in.rdi = (uint64_t)&r;
	for (uint64_t function = 0; function < 10; function++) {
		if (function == ENCLU_EENTER || function == ENCLU_ERESUME)
			continue;
		check(bare_vdso(&in, &out, &run, function, 16) == -EINVAL && run.function == 77);
	}
	check(bare_vdso(&in, &out, &run, 0xffffffff, 16) == -EINVAL && run.function == 77);
	for (size_t i = 0; i < sizeof(run.reserved); i++) {
		run.reserved[i] = 1;
		check(bare_vdso(&in, &out, &run, ENCLU_EENTER, 16) == -EINVAL && run.function == 77);
		run.reserved[i] = 0;
	}
	/* Only the low half of the function counts. */
	check(bare_vdso(&in, &out, &run, 0x100000000 | ENCLU_EENTER, 16) == 0 && run.function == ENCLU_EEXIT);
}

/* --- entries that fault --- */

static void fails(uint64_t tcs, uint64_t function, unsigned vector, unsigned error_code, uint64_t address)
{
	static struct bare_regs in, out;
	struct sgx_enclave_run run = { .tcs = tcs };

	bare_fill(&in, 5);
	check(bare_vdso(&in, &out, &run, function, width) == 0);
	check(run.function == function);
	if (run.exception_vector != vector || run.exception_error_code != error_code || run.exception_addr != address)
		fprintf(stderr, "vector %u, error code %#x, address %#llx\n", run.exception_vector,
			run.exception_error_code, (unsigned long long)run.exception_addr);
	check(run.exception_vector == vector && run.exception_error_code == error_code &&
	      run.exception_addr == address);
	/* Nothing was entered: what the vDSO does not use is as it was. */
	check(out.r8 == in.r8 && out.r15 == in.r15 && bare_same_vectors(&in, &out, width));
}

static void failing_entries(void)
{
	static uint8_t ordinary[PAGE_SIZE] __attribute__((aligned(4096)));

	fails(bare_tcs(&b, 0) + 8, ENCLU_EENTER, VECTOR_GP, 0, 0); /* misaligned */
	fails(bare_tcs(&b, 0), ENCLU_ERESUME, VECTOR_GP, 0, 0);    /* CSSA is 0 */
	fails(b.base + BARE_DATA, ENCLU_EENTER, VECTOR_PF, PF_USER | PF_PRESENT | PF_SGX, b.base + BARE_DATA);
	fails(b.base + 0x4000, ENCLU_EENTER, VECTOR_PF, PF_USER, b.base + 0x4000); /* nothing there */
	fails((uint64_t)ordinary, ENCLU_EENTER, VECTOR_PF, PF_USER, (uint64_t)ordinary);
}

/* --- the exit handler --- */

static struct {
	int calls, results[4];
	uint32_t function[4];
	long args[6];
	bool aligned;
	bool has_vdso, has_caller; /* frames of the handler's backtrace */
	bool repair;               /* at the second call: skip the UD2 that the enclave stopped at */
} seen;

static int call_with_handler(struct bare_request *r, int first, int second, bool repair);

/* Unwinding goes through the vDSO's frame to its caller's. */
static void look_back(void)
{
	void *frame[64];
	int n = backtrace(frame, ARRAY_SIZE(frame));

	for (int i = 0; i < n; i++) {
		seen.has_vdso |= (uint64_t)frame[i] - (uint64_t)bare_vdso_entry < 256;
		seen.has_caller |= seen.has_vdso && (uint64_t)frame[i] - (uint64_t)call_with_handler < 1024;
	}
}

static int exit_handler(long rdi, long rsi, long rdx, long rsp, long r8, long r9, struct sgx_enclave_run *run)
{
	struct sgx_enclave_run *same = (struct sgx_enclave_run *)run->user_data;

	check(same == run);
	seen.aligned = ((uint64_t)__builtin_frame_address(0) & 15) == 0;
	memcpy(seen.args, (long[]){ rdi, rsi, rdx, rsp, r8, r9 }, sizeof(seen.args));
	seen.function[seen.calls] = run->function;
	look_back();
	if (seen.repair && seen.calls == 1)
		bare_gpr(&b, 0, 0)->rip += 2;
	return seen.results[seen.calls++];
}

static __attribute__((noinline)) int call_with_handler(struct bare_request *r, int first, int second, bool repair)
{
	static struct bare_regs in, out;
	struct sgx_enclave_run run = { .tcs = bare_tcs(&b, 0), .user_handler = (uint64_t)exit_handler };

	memset(&seen, 0, sizeof(seen));
	seen.results[0] = first;
	seen.results[1] = second;
	seen.repair = repair;
	run.user_data = (uint64_t)&run;
	in.rdi = (uint64_t)r;
	return bare_vdso(&in, &out, &run, ENCLU_EENTER, 16);
}

static void handler_contract(void)
{
	static struct bare_request r;

	r = (struct bare_request){ .op = OP_ECHO, .width = 16 };
	bare_fill(&r.in, 9);
	check(call_with_handler(&r, 0, 0, false) == 0 && seen.calls == 1 && seen.function[0] == ENCLU_EEXIT &&
	      seen.aligned);
	check(seen.has_vdso && seen.has_caller);
	check(seen.args[0] == (long)r.in.rdi && seen.args[1] == (long)r.in.rsi && seen.args[2] == (long)r.in.rdx);
	check(seen.args[3] == (long)r.out.rsp && seen.args[4] == (long)r.in.r8 && seen.args[5] == (long)r.in.r9);
	check(call_with_handler(&r, -1234, 0, false) == -1234 && seen.calls == 1);
	/* A positive value is the next function; one that ENCLU lacks ends the call. */
	check(call_with_handler(&r, 4, 0, false) == -EINVAL && seen.calls == 1);

	/* An exception; ERESUME, which meets it again; repaired, and ERESUME, which goes on to EEXIT. */
	r = (struct bare_request){ .op = OP_UD };
	check(call_with_handler(&r, ENCLU_ERESUME, ENCLU_ERESUME, true) == 0 && seen.calls == 3);
	check(seen.function[0] == ENCLU_ERESUME && seen.function[1] == ENCLU_ERESUME);
	check(seen.function[2] == ENCLU_EEXIT);
}

void bare_test(void)
{
	struct bare_options options = { .xfrm = bare_xfrm_full() };

	width = bare_width(options.xfrm);
	bare_open(&b, &options);
	registers_pass_through();
	wrong_arguments();
	failing_entries();
	handler_contract();
	bare_close(&b);
}
