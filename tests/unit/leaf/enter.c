/* SPDX-License-Identifier: Apache-2.0 */
/* EENTER and EEXIT: what an entry sets up, everything that refuses it without a trace, and one thread to a TCS. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>

#include "tests/testing.h"
#include "tests/unit/leaf/inside.h"

#define NON_CANONICAL 0x0000800000000000ULL

static void an_entry(void **state)
{
	struct inside *in = *state;
	uint8_t expected[SGX_PAGE_SIZE] = { 0 };
	struct sgx_gprsgx *gpr = (struct sgx_gprsgx *)(expected + SGX_PAGE_SIZE - sizeof(*gpr));
	uint64_t base = in->secs.base;

	assert_int_equal(inside_eenter(in), SGX_SUCCESS);
	assert_true(in->entry.rip == base + 0x1230);
	assert_true(in->entry.fsbase == base + 0x2000);
	assert_true(in->entry.gsbase == base + 0x3000);
	assert_true(in->entry.aep == AEP && in->entry.tcs_linaddr == inside_tcs_linaddr(in));
	assert_ptr_equal(in->entry.secs, &in->secs);
	assert_ptr_equal(in->entry.tcs, &in->tcs);
	assert_int_equal(in->entry.cssa, 0);
	assert_int_equal(in->tcs.state, 1);
	assert_int_equal(in->tcs.aep, AEP);
	assert_int_equal(in->tcs.cssa, 0);
	assert_int_equal(in->secs.threads, 1);
	/* Of the SSA frame only URSP and URBP are written. */
	gpr->ursp = URSP;
	gpr->urbp = URBP;
	assert_memory_equal((void *)inside_frame(in, 0), expected, SGX_PAGE_SIZE);
}

static void an_exit(void **state)
{
	struct inside *in = *state;

	assert_int_equal(inside_eenter(in), SGX_SUCCESS);
	assert_int_equal(enclu_eexit(&in->entry, NON_CANONICAL), SGX_FAULT_GP);
	assert_int_equal(in->tcs.state, 1);
	assert_int_equal(in->secs.threads, 1);
	assert_int_equal(enclu_eexit(&in->entry, 0x402000), SGX_SUCCESS);
	assert_int_equal(in->tcs.state, 0);
	assert_int_equal(in->secs.threads, 0);
	assert_int_equal(in->tcs.cssa, 0);
	assert_int_equal(inside_eenter(in), SGX_SUCCESS);
}

static void a_busy_tcs(void **state)
{
	struct inside *in = *state;
	struct sgx_tcs before;

	assert_int_equal(inside_eenter(in), SGX_SUCCESS);
	before = in->tcs;
	assert_int_equal(inside_eenter(in), SGX_FAULT_GP);
	in->tcs.cssa = before.cssa = 1;
	assert_int_equal(inside_eresume(in), SGX_FAULT_GP);
	assert_memory_equal(&in->tcs, &before, sizeof(before));
	assert_int_equal(in->secs.threads, 1);
}

/* What EENTER is given, to be spoilt in one point. */
struct attempt {
	struct secs secs;
	struct sgx_tcs tcs;
	uint64_t tcs_linaddr, frame, aep;
};

static struct attempt attempt(const struct inside *in)
{
	return (struct attempt){
		.secs = in->secs,
		.tcs = in->tcs,
		.tcs_linaddr = inside_tcs_linaddr(in),
		.frame = inside_frame(in, 0),
		.aep = AEP,
	};
}

/* The entry is refused with @expected, and TCS, SECS and all the enclave's memory are as they were. */
static void assert_refused(struct inside *in, struct attempt *a, enum sgx_status expected)
{
	static uint8_t memory[SIZE];
	const struct attempt before = *a;
	struct enclu_entry entry;

	memcpy(memory, in->memory, SIZE);
	assert_int_equal(enclu_eenter(&a->secs, &a->tcs, a->tcs_linaddr, a->frame, a->aep, URSP, URBP, &entry),
			 expected);
	assert_memory_equal(a, &before, sizeof(before));
	assert_memory_equal(in->memory, memory, SIZE);
}

#define REFUSED(in, expected, spoil) \
	do { \
		struct attempt a = attempt(in); \
		spoil; \
		assert_refused(in, &a, expected); \
	} while (0)

static void what_refuses_an_entry(void **state)
{
	struct inside *in = *state;

	REFUSED(in, SGX_FAULT_GP, a.secs.attributes &= ~SGX_ATTR_INIT);
	REFUSED(in, SGX_FAULT_GP, a.tcs_linaddr += 8);
	REFUSED(in, SGX_FAULT_GP, a.aep = NON_CANONICAL);
	REFUSED(in, SGX_FAULT_GP, a.tcs.nssa = 0);
	REFUSED(in, SGX_FAULT_GP, a.tcs.cssa = NSSA);
	REFUSED(in, SGX_FAULT_GP, (a.tcs.ossa += 8, a.frame += 8));
	REFUSED(in, SGX_FAULT_GP, a.tcs.ofsbase += 0x10);
	REFUSED(in, SGX_FAULT_GP, a.tcs.ogsbase += 0x10);
	REFUSED(in, SGX_FAULT_GP, a.tcs.flags = 4);
	REFUSED(in, SGX_FAULT_GP, a.tcs.flags = 1ULL << 63);
	REFUSED(in, SGX_FAULT_GP, a.tcs.oentry = NON_CANONICAL);
	REFUSED(in, SGX_FAULT_GP, a.tcs.ofsbase = NON_CANONICAL);
	REFUSED(in, SGX_FAULT_GP, a.tcs.ogsbase = NON_CANONICAL);
	REFUSED(in, SGX_FAULT_GP, a.tcs.flags = SGX_TCS_AEXNOTIFY);
	REFUSED(in, SGX_FAULT_GP, a.secs.attributes |= SGX_ATTR_AEXNOTIFY);
}

static void a_frame_that_is_not_the_current_one(void **state)
{
	struct inside *in = *state;

	REFUSED(in, SGX_FAULT_GP, a.frame += SGX_PAGE_SIZE);
	REFUSED(in, SGX_FAULT_GP, a.tcs.cssa = 1); /* moved since the frame was pinned */
}

static void a_frame_outside_the_enclave(void **state)
{
	struct inside *in = *state;

	REFUSED(in, SGX_FAULT_PF, (a.tcs.ossa = SIZE, a.frame = in->secs.base + SIZE));
	REFUSED(in, SGX_FAULT_PF, (a.tcs.ossa = -SGX_PAGE_SIZE, a.frame = in->secs.base - SGX_PAGE_SIZE));
	/* Begins inside, ends outside. */
	REFUSED(in, SGX_FAULT_PF,
		(a.secs.ssa_frame_size = 4, a.tcs.ossa = SIZE - 0x3000, a.frame = in->secs.base + SIZE - 0x3000));
	REFUSED(in, SGX_FAULT_PF, a.secs.ssa_frame_size = SIZE / SGX_PAGE_SIZE + 1);
}

static void debug_threads_may_contradict_on_notification(void **state)
{
	struct inside *in = *state;

	in->tcs.flags = SGX_TCS_DBGOPTIN | SGX_TCS_AEXNOTIFY;
	assert_int_equal(inside_eenter(in), SGX_SUCCESS);
}

/* The last frame of the enclave, ending at its very end. */
static void the_last_frame(void **state)
{
	struct inside *in = *state;

	in->tcs.ossa = SIZE - SGX_PAGE_SIZE;
	in->tcs.nssa = 1;
	assert_int_equal(enclu_eenter(&in->secs, &in->tcs, inside_tcs_linaddr(in), in->secs.base + SIZE - SGX_PAGE_SIZE,
				      AEP, URSP, URBP, &in->entry),
			 SGX_SUCCESS);
}

struct racer {
	pthread_t thread;
	struct inside *in;
	_Atomic uint32_t *inside;
	uint64_t entered, wrong;
};

static void *race(void *arg)
{
	struct racer *r = arg;
	uint64_t rounds = test_scaled(100000, 1000);
	struct enclu_entry entry;

	while (r->entered < rounds) {
		if (enclu_eenter(&r->in->secs, &r->in->tcs, inside_tcs_linaddr(r->in), inside_frame(r->in, 0), AEP,
				 URSP, URBP, &entry) != SGX_SUCCESS) {
			sched_yield(); /* the other one is inside, perhaps without a processor */
			continue;
		}
		r->entered++;
		r->wrong += atomic_fetch_add(r->inside, 1) != 0;
		r->wrong += atomic_load(&r->in->secs.threads) != 1;
		atomic_fetch_sub(r->inside, 1);
		r->wrong += enclu_eexit(&entry, AEP) != SGX_SUCCESS;
	}
	return NULL;
}

static void one_thread_to_a_tcs(void **state)
{
	struct inside *in = *state;
	_Atomic uint32_t inside = 0;
	struct racer r[2] = { { .in = in, .inside = &inside }, { .in = in, .inside = &inside } };

	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&r[i].thread, NULL, race, &r[i]), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(r[i].thread, NULL);
		assert_true(r[i].wrong == 0);
	}
	assert_int_equal(in->tcs.state, 0);
	assert_int_equal(in->secs.threads, 0);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, inside_setup, inside_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_entry),
		TEST(an_exit),
		TEST(a_busy_tcs),
		TEST(what_refuses_an_entry),
		TEST(a_frame_that_is_not_the_current_one),
		TEST(a_frame_outside_the_enclave),
		TEST(debug_threads_may_contradict_on_notification),
		TEST(the_last_frame),
		TEST(one_thread_to_a_tcs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
