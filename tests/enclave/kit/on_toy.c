/* SPDX-License-Identifier: Apache-2.0 */
/* The code inside an enclave - entry, exit, OCALLs, exceptions, relocation, heap - run by a toy processor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>

#include "kit/host/host.h"
#include "tests/enclave/kit/probe.h"
#include "tests/enclave/kit/toy.h"
#include "tests/testing.h"

static const char *elf_path;
static struct kit_image *image;
static struct toy toy;

static int start(void **state)
{
	struct kit_error err;

	if (kit_image_open(elf_path, &image, &err) != 0) {
		fprintf(stderr, "%s\n", err.text);
		return -1;
	}
	toy_start(&toy, image);
	return 0;
}

static int stop(void **state)
{
	toy_stop(&toy);
	kit_image_close(image);
	return 0;
}

/* One EENTER to EEXIT. Return: enum kit_exit. */
static uint64_t enter(struct kit_call *call)
{
	struct kit_raw_exit exit;

	assert_int_equal(toy_enter(&toy, call, &exit), 0);
	return exit.rdi;
}

static int64_t ecall(uint64_t function, uint64_t arg)
{
	struct kit_call call = { .function = function, .arg = arg };

	assert_int_equal(enter(&call), KIT_EXIT_RETURN);
	return call.result;
}

static void calls_carry_argument_and_result(void **state)
{
	struct probe_add a = { 40, 2 };

	assert_int_equal(ecall(PROBE_ECHO, 0xfedcba9876543210), (int64_t)0xfedcba9876543210);
	assert_int_equal(ecall(PROBE_ADD, (uint64_t)&a), 42);
	assert_int_equal(ecall(PROBE_THREAD, 0), 0);
}

static void pointers_in_data_are_relocated(void **state)
{
	assert_int_equal(ecall(PROBE_POINTERS, 0), 0);
}

static void entry_trusts_nothing_of_the_hosts_state(void **state)
{
	struct probe_entry e;

	toy.hostile = true;
	assert_int_equal(ecall(PROBE_ENTRY, (uint64_t)&e), 0);
	assert_int_equal(e.rflags & (1U << 10 | 1U << 18), 0);
	assert_int_equal(e.mxcsr, 0x1f80);
	assert_int_equal(e.fcw, 0x37f);
	assert_int_equal(e.xmm_or, 0);
	assert_true(e.rsp_offset < image->size);
}

/* RBP, RSP, R12-R15, MXCSR and the control word come back; nothing of the enclave's leaves in any other. */
static void exit_gives_back_and_gives_away_nothing(void **state)
{
	static const unsigned cleared[] = { 3, 4, 8, 9, 10, 11 }; /* rdx rsi r8 - r11 */
	static const unsigned kept[] = { 6, 7, 12, 13, 14, 15 };

	(void)ecall(PROBE_SPIN, 1000);
	for (unsigned i = 0; i < ARRAY_SIZE(cleared); i++)
		assert_int_equal(toy.leave.gpr[cleared[i]], 0);
	for (unsigned i = 0; i < ARRAY_SIZE(kept); i++)
		assert_int_equal(toy.leave.gpr[kept[i]], toy.enter.gpr[kept[i]]);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(toy.leave.xmm[i][0] | toy.leave.xmm[i][1], 0);
	assert_int_equal(toy.leave.mxcsr, toy.enter.mxcsr);
	assert_int_equal(toy.leave.fcw, toy.enter.fcw);
	assert_int_equal(toy.leave.gpr[1], (uint64_t)kit_raw_eenter + 3);
}

static void odd_control_words_of_the_host_survive(void **state)
{
	toy.hostile = true;
	assert_int_equal(ecall(PROBE_ECHO, 1), 1);
	assert_int_equal(toy.leave.mxcsr, 0x7f80);
	assert_int_equal(toy.leave.fcw, 0x0c7f);
	assert_int_equal(toy.leave.gpr[7], toy.enter.gpr[7]);
}

static void ocalls_go_out_and_come_back(void **state)
{
	struct kit_call call = { .function = PROBE_OCALLS, .arg = 100 };
	uint64_t served = 0, why;

	while ((why = enter(&call)) == KIT_EXIT_OCALL) {
		assert_int_equal(call.ocall, PROBE_PING);
		assert_int_equal(call.ocall_arg, served);
		/* One wrong answer: the enclave must see each as it was given. */
		call.ocall_result = served == 57 ? 0 : (int64_t)(2 * served + 1);
		served++;
	}
	assert_int_equal(why, KIT_EXIT_RETURN);
	assert_int_equal(served, 100);
	assert_int_equal(call.result, 1);
}

static void host_addresses_are_checked(void **state)
{
	uint8_t buf[64];
	struct probe_copy good = { (uint64_t)buf, sizeof(buf) }, inside = { toy.base, 16 }, into = { toy.base - 8, 16 };
	struct probe_copy tail = { toy.base + image->size - 8, 16 }, wraps = { UINT64_MAX - 7, 16 };

	assert_int_equal(ecall(PROBE_COPY, (uint64_t)&good), 0);
	assert_int_equal(ecall(PROBE_COPY, (uint64_t)&inside), -EFAULT);
	assert_int_equal(ecall(PROBE_COPY, (uint64_t)&into), -EFAULT);
	assert_int_equal(ecall(PROBE_COPY, (uint64_t)&tail), -EFAULT);
	assert_int_equal(ecall(PROBE_COPY, (uint64_t)&wraps), -EFAULT);
}

static void a_call_structure_inside_the_enclave_is_refused(void **state)
{
	struct kit_call *call = (struct kit_call *)(toy.base + image->heap);

	assert_int_equal(enter(call), KIT_EXIT_ABORT);
}

static void exceptions_reach_the_handler_and_can_be_resumed(void **state)
{
	static const struct {
		enum probe_raise how;
		unsigned vector;
	} kinds[] = { { RAISE_UD, 6 }, { RAISE_DE, 0 } };

	assert_int_equal(ecall(PROBE_HANDLER, HANDLER_SKIP), HANDLER_DECLINE);
	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct kit_call call = { .function = PROBE_RAISE, .arg = kinds[i].how };
		struct probe_caught caught;
		struct kit_raw_exit exit;

		assert_int_equal(toy_enter(&toy, &call, &exit), 0);
		assert_int_equal(exit.rdi, KIT_EXIT_RETURN);
		assert_int_equal(call.result, 1);
		assert_int_equal(ecall(PROBE_CAUGHT, (uint64_t)&caught), i + 1);
		assert_int_equal(caught.rip_offset, caught.expected_rip_offset);
		assert_int_equal(caught.exitinfo, SGX_EXITINFO_VALID | SGX_EXITINFO_TYPE_HW | kinds[i].vector);
	}
}

static void exceptions_that_the_handler_declines_end_the_call(void **state)
{
	struct kit_call call = { .function = PROBE_RAISE, .arg = RAISE_UD };
	struct kit_raw_exit exit;

	assert_int_equal(toy_enter(&toy, &call, &exit), -EFAULT);
	assert_int_equal(toy.exceptions, 1);
	assert_int_equal(toy.resumes, 0);
}

static void an_exception_in_the_handler_ends_the_call(void **state)
{
	struct kit_call call = { .function = PROBE_RAISE, .arg = RAISE_DE };
	struct kit_raw_exit exit;

	(void)ecall(PROBE_HANDLER, HANDLER_FAULT);
	assert_int_equal(toy_enter(&toy, &call, &exit), -EFAULT);
	assert_int_equal(toy.exceptions, 2);
}

static void an_aborted_enclave_stays_aborted(void **state)
{
	struct kit_call abort_call = { .function = PROBE_ABORT }, echo = { .function = PROBE_ECHO };

	assert_int_equal(enter(&abort_call), KIT_EXIT_ABORT);
	assert_int_equal(enter(&echo), KIT_EXIT_ABORT);
}

static void the_heap_keeps_what_is_put_into_it(void **state)
{
	assert_int_equal(ecall(PROBE_MALLOC, 20000), 0);
	assert_int_equal(ecall(PROBE_MALLOC, 20000), 0);
}

static void the_touch_test_notices_a_changed_and_an_old_page(void **state)
{
	struct probe_touch t = { .pages = 64, .rounds = 500, .mode = TOUCH_FILL };
	uint8_t *page, old[4096];

	assert_int_equal(ecall(PROBE_TOUCH, (uint64_t)&t), 0);
	page = (uint8_t *)(toy.base + (uint64_t)ecall(PROBE_BLOCK, 0)) + 5 * PAGE_SIZE;
	memcpy(old, page, sizeof(old));
	t.mode = TOUCH_RANDOM;
	assert_int_equal(ecall(PROBE_TOUCH, (uint64_t)&t), 0);
	memcpy(page, old, sizeof(old));
	t.mode = TOUCH_CHECK;
	assert_int_equal(ecall(PROBE_TOUCH, (uint64_t)&t), 1);
	assert_int_equal(t.bad_page, 5);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(calls_carry_argument_and_result, start, stop),
		cmocka_unit_test_setup_teardown(pointers_in_data_are_relocated, start, stop),
		cmocka_unit_test_setup_teardown(entry_trusts_nothing_of_the_hosts_state, start, stop),
		cmocka_unit_test_setup_teardown(exit_gives_back_and_gives_away_nothing, start, stop),
		cmocka_unit_test_setup_teardown(odd_control_words_of_the_host_survive, start, stop),
		cmocka_unit_test_setup_teardown(ocalls_go_out_and_come_back, start, stop),
		cmocka_unit_test_setup_teardown(host_addresses_are_checked, start, stop),
		cmocka_unit_test_setup_teardown(a_call_structure_inside_the_enclave_is_refused, start, stop),
		cmocka_unit_test_setup_teardown(exceptions_reach_the_handler_and_can_be_resumed, start, stop),
		cmocka_unit_test_setup_teardown(exceptions_that_the_handler_declines_end_the_call, start, stop),
		cmocka_unit_test_setup_teardown(an_exception_in_the_handler_ends_the_call, start, stop),
		cmocka_unit_test_setup_teardown(an_aborted_enclave_stays_aborted, start, stop),
		cmocka_unit_test_setup_teardown(the_heap_keeps_what_is_put_into_it, start, stop),
		cmocka_unit_test_setup_teardown(the_touch_test_notices_a_changed_and_an_old_page, start, stop),
	};

	if (argc != 2)
		return 2;
	elf_path = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
