/* SPDX-License-Identifier: Apache-2.0 */
/* The asynchronous exit and ERESUME: what goes into the SSA frame, what the outside sees, and the way back in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/leaf/inside.h"

#define RFLAGS_TF 0x100

/* Every register has a value of its own. */
static struct aex_state interrupted(const struct inside *in)
{
	struct aex_state s = { .vector = VECTOR_PF, .error_code = 6, .exception = 1 };
	uint64_t *reg = (uint64_t *)&s.gpr;

	for (unsigned i = 0; i < 16; i++)
		reg[i] = 0x1111000000000000 + i;
	s.gpr.rflags = 0x246 | RFLAGS_TF;
	s.gpr.rip = in->secs.base + 0x1500;
	s.gpr.fsbase = in->secs.base + 0x2800;
	s.gpr.gsbase = in->secs.base + 0x3800;
	s.fault_address = in->secs.base + 0x6abc;
	return s;
}

static struct sgx_exinfo *exinfo(const struct inside *in, unsigned cssa)
{
	return (struct sgx_exinfo *)inside_gpr(in, cssa) - 1;
}

/* An entry ends with @vector; the frame's MISC region and flags of the enclave are marked before. */
static struct aex_exit leave_by(struct inside *in, unsigned vector, int exception)
{
	struct aex_state s = interrupted(in);
	struct aex_exit out;

	assert_int_equal(inside_eenter(in), SGX_SUCCESS);
	memset(exinfo(in, in->tcs.cssa), 0xaa, sizeof(struct sgx_exinfo));
	inside_gpr(in, in->tcs.cssa)->aexnotify = 0x5d;
	s.vector = vector;
	s.exception = exception;
	enclu_aex(&in->entry, &s, &out);
	return out;
}

static void what_is_saved(void **state)
{
	struct inside *in = *state;
	struct sgx_gprsgx expected = interrupted(in).gpr;

	leave_by(in, VECTOR_PF, 1);
	expected.rflags &= ~RFLAGS_TF;
	expected.ursp = URSP;
	expected.urbp = URBP;
	expected.exitinfo = SGX_EXITINFO_VALID | SGX_EXITINFO_TYPE_HW | VECTOR_PF;
	expected.aexnotify = 0x5d; /* the enclave's own */
	assert_memory_equal(inside_gpr(in, 0), &expected, sizeof(expected));
	assert_int_equal(in->tcs.cssa, 1);
	assert_int_equal(in->tcs.state, 0);
	assert_int_equal(in->secs.threads, 0);
}

static void what_the_outside_sees(void **state)
{
	struct inside *in = *state;
	struct aex_exit out = leave_by(in, VECTOR_PF, 1);

	assert_true(out.rsp == URSP && out.rbp == URBP && out.rip == AEP);
	assert_true(out.rax == 3 && out.rbx == inside_tcs_linaddr(in) && out.rcx == AEP);
}

/* EXITINFO after @vector, from a fresh enclave thread. */
static uint32_t exitinfo_of(struct inside *in, unsigned vector, int exception)
{
	in->tcs.cssa = 0;
	leave_by(in, vector, exception);
	return inside_gpr(in, 0)->exitinfo;
}

static void reported_vectors(void **state)
{
	static const uint32_t always[] = {
		VECTOR_DE, VECTOR_DB, VECTOR_BR, VECTOR_UD, VECTOR_MF, VECTOR_AC, VECTOR_XM
	};
	struct inside *in = *state;
	uint32_t expected[64] = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		expected[always[i]] = 0x80000300 | always[i];
	expected[VECTOR_BP] = 0x80000600 | VECTOR_BP;
	in->secs.miscselect = 0;
	for (unsigned v = 0; v < ARRAY_SIZE(expected); v++)
		assert_int_equal(exitinfo_of(in, v, 1), expected[v]);
	in->secs.miscselect = SGX_MISC_EXINFO;
	expected[VECTOR_GP] = 0x80000300 | VECTOR_GP;
	expected[VECTOR_PF] = 0x80000300 | VECTOR_PF;
	for (unsigned v = 0; v < ARRAY_SIZE(expected); v++) {
		assert_int_equal(exitinfo_of(in, v, 1), expected[v]);
		assert_int_equal(exitinfo_of(in, v, 0), 0);
	}
}

static void assert_exinfo(const struct inside *in, uint64_t maddr, uint32_t errcd)
{
	assert_true(exinfo(in, 0)->maddr == maddr);
	assert_int_equal(exinfo(in, 0)->errcd, errcd);
	assert_int_equal(exinfo(in, 0)->reserved, 0);
}

static void extended_information(void **state)
{
	struct inside *in = *state;
	struct sgx_exinfo untouched;

	memset(&untouched, 0xaa, sizeof(untouched));
	exitinfo_of(in, VECTOR_PF, 1);
	assert_exinfo(in, in->secs.base + 0x6abc, 6); /* all of the address, low bits included */
	exitinfo_of(in, VECTOR_GP, 1);
	assert_exinfo(in, 0, 6);
	exitinfo_of(in, VECTOR_UD, 1);
	assert_memory_equal(exinfo(in, 0), &untouched, sizeof(untouched));
	exitinfo_of(in, VECTOR_PF, 0);
	assert_memory_equal(exinfo(in, 0), &untouched, sizeof(untouched));
	in->secs.miscselect = 0;
	exitinfo_of(in, VECTOR_PF, 1);
	assert_memory_equal(exinfo(in, 0), &untouched, sizeof(untouched));
}

static void resuming(void **state)
{
	struct inside *in = *state;
	struct sgx_gprsgx saved;

	leave_by(in, VECTOR_PF, 1);
	saved = *inside_gpr(in, 0);
	assert_int_equal(enclu_eresume(&in->secs, &in->tcs, inside_tcs_linaddr(in), inside_frame(in, 0), AEP + 0x10,
				       URSP - 0x80, URBP - 0x80, &in->entry),
			 SGX_SUCCESS);
	assert_true(in->entry.rip == saved.rip && in->entry.fsbase == saved.fsbase && in->entry.gsbase == saved.gsbase);
	assert_true(in->entry.aep == AEP + 0x10 && in->tcs.aep == AEP + 0x10);
	assert_int_equal(in->tcs.cssa, 0);
	assert_int_equal(in->tcs.state, 1);
	assert_int_equal(in->secs.threads, 1);
	saved.ursp = URSP - 0x80;
	saved.urbp = URBP - 0x80;
	assert_memory_equal(inside_gpr(in, 0), &saved, sizeof(saved));
}

static void exceptions_in_the_handler(void **state)
{
	struct inside *in = *state;
	struct sgx_gprsgx first;

	leave_by(in, VECTOR_UD, 1);
	first = *inside_gpr(in, 0);
	leave_by(in, VECTOR_DE, 1); /* entered again at CSSA 1: the handler, which fails too */
	assert_int_equal(in->entry.cssa, 1);
	assert_int_equal(in->tcs.cssa, 2);
	assert_memory_equal(inside_gpr(in, 0), &first, sizeof(first));
	assert_int_equal(inside_gpr(in, 1)->exitinfo, SGX_EXITINFO_VALID | SGX_EXITINFO_TYPE_HW | VECTOR_DE);
	assert_int_equal(inside_eenter(in), SGX_FAULT_GP); /* no frame left */
	assert_int_equal(in->tcs.state, 0);
	assert_int_equal(inside_eresume(in), SGX_SUCCESS);
	assert_int_equal(in->tcs.cssa, 1);
	assert_int_equal(enclu_eexit(&in->entry, AEP), SGX_SUCCESS);
	assert_int_equal(inside_eresume(in), SGX_SUCCESS);
	assert_int_equal(in->tcs.cssa, 0);
}

/* ERESUME is refused with #GP, and nothing has changed. */
static void assert_not_resumed(struct inside *in, uint64_t frame)
{
	static uint8_t memory[SIZE];
	const struct sgx_tcs tcs_before = in->tcs;
	const struct secs secs_before = in->secs;

	memcpy(memory, in->memory, SIZE);
	assert_int_equal(enclu_eresume(&in->secs, &in->tcs, inside_tcs_linaddr(in), frame, AEP, URSP, URBP, &in->entry),
			 SGX_FAULT_GP);
	assert_memory_equal(&in->tcs, &tcs_before, sizeof(tcs_before));
	assert_memory_equal(&in->secs, &secs_before, sizeof(secs_before));
	assert_memory_equal(in->memory, memory, SIZE);
}

static void nothing_to_resume(void **state)
{
	struct inside *in = *state;

	assert_not_resumed(in, inside_frame(in, 0));
	assert_not_resumed(in, inside_frame(in, 0) - SGX_PAGE_SIZE);
	leave_by(in, VECTOR_UD, 1);
	assert_not_resumed(in, inside_frame(in, 1)); /* not the frame that is on top */
	in->secs.attributes &= ~SGX_ATTR_INIT;
	assert_not_resumed(in, inside_frame(in, 0));
}

/* A frame into which the enclave wrote @value at @offset cannot be resumed; restored, it can. */
static void assert_frame_refused(struct inside *in, size_t offset, uint64_t value)
{
	uint64_t *word = (uint64_t *)(inside_frame(in, 0) + offset), before = *word;

	*word = value;
	assert_not_resumed(in, inside_frame(in, 0));
	*word = before;
}

static void frames_that_cannot_be_loaded(void **state)
{
	const size_t gpr = SGX_PAGE_SIZE - sizeof(struct sgx_gprsgx);
	struct inside *in = *state;

	leave_by(in, VECTOR_UD, 1);
	assert_frame_refused(in, 512, 8); /* XSTATE_BV has what XFRM has not */
	assert_frame_refused(in, 512, 1ULL << 63);
	assert_frame_refused(in, 520, 1ULL << 63); /* compacted */
	assert_frame_refused(in, 528, 1);
	assert_frame_refused(in, 568, 1);
	assert_frame_refused(in, 24, 0x10000); /* reserved MXCSR bit */
	assert_frame_refused(in, gpr + offsetof(struct sgx_gprsgx, rip), 0x0000800000000000);
	assert_frame_refused(in, gpr + offsetof(struct sgx_gprsgx, fsbase), 0x0000800000000000);
	assert_frame_refused(in, gpr + offsetof(struct sgx_gprsgx, gsbase), 0xffff000000000000);
	*(uint64_t *)(inside_frame(in, 0) + 512) = 7;
	assert_int_equal(inside_eresume(in), SGX_SUCCESS);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, inside_setup, inside_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_saved),     TEST(what_the_outside_sees),
		TEST(reported_vectors),  TEST(extended_information),
		TEST(resuming),          TEST(exceptions_in_the_handler),
		TEST(nothing_to_resume), TEST(frames_that_cannot_be_loaded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
