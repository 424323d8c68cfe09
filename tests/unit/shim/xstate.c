/* SPDX-License-Identifier: Apache-2.0 */
/* Extended state between signal frames and SSA frames: what XSAVE, XRSTOR and the kernel would make of it. */
#include "shim/xstate.h"

#include <cpuid.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "tests/testing.h"

#define AREA 16384
#define HEADER 512
#define SOFTWARE 464

static uint8_t frame[AREA] __attribute__((aligned(64))), ssa[AREA] __attribute__((aligned(64)));
static uint8_t before[AREA];
static uint64_t features;
static uint32_t bytes;

static void learn(void)
{
	uint32_t eax, ebx, ecx, edx;

	__cpuid_count(0xd, 0, eax, ebx, ecx, edx);
	features = (eax | (uint64_t)edx << 32) & 0xe7;
	bytes = ebx;
	xstate_init();
	assert_true(xstate_max_bytes() >= bytes && bytes <= AREA);
}

/* Between components there are holes that nobody writes. */
static void assert_components_equal(const uint8_t *a, const uint8_t *b)
{
	for (uint32_t i = 2; i < 63; i++) {
		uint32_t size, offset, ecx, edx;

		if (!(features & 1ULL << i))
			continue;
		__cpuid_count(0xd, i, size, offset, ecx, edx);
		assert_memory_equal(a + offset, b + offset, size);
	}
}

static uint64_t word(const uint8_t *area, size_t offset)
{
	uint64_t w;

	memcpy(&w, area + offset, sizeof(w));
	return w;
}

static void put(uint8_t *area, size_t offset, const void *value, size_t len)
{
	memcpy(area + offset, value, len);
}

/* A frame as the kernel leaves it: random registers, everything in use. */
static void make_frame(void)
{
	struct rng rng = { 7 };
	struct {
		uint32_t magic, extended_size;
		uint64_t features;
		uint32_t size;
	} sw = { 0x46505853, bytes + 4, features, bytes };

	for (size_t i = 0; i < AREA; i++)
		frame[i] = (uint8_t)rng_next(&rng);
	put(frame, 24, &(uint32_t){ 0x1fa0 }, 4); /* MXCSR */
	memset(frame + HEADER, 0, 64);
	put(frame, HEADER, &features, 8);
	put(frame, SOFTWARE, &sw, sizeof(sw));
	memcpy(before, frame, AREA);
}

static int setup(void **state)
{
	learn();
	make_frame();
	memset(ssa, 0xee, sizeof(ssa));
	return 0;
}

static void save_copies_what_xfrm_names(void **state)
{
	xstate_save(frame, ssa, features);
	assert_memory_equal(ssa, frame, SOFTWARE);
	assert_memory_equal(ssa + HEADER, frame + HEADER, 64);
	assert_components_equal(ssa, frame);
	for (size_t i = SOFTWARE; i < HEADER; i++) /* the kernel's words are none of the enclave's business */
		assert_int_equal(ssa[i], 0xee);
	for (size_t i = bytes; i < AREA; i++)
		assert_int_equal(ssa[i], 0xee);
	assert_memory_equal(frame, before, AREA);
}

static void save_leaves_out_the_rest(void **state)
{
	xstate_save(frame, ssa, 3);
	assert_int_equal(word(ssa, HEADER), 3);
	for (size_t i = HEADER + 64; i < AREA; i++)
		assert_int_equal(ssa[i], 0xee);
}

/* A clear XSTATE_BV bit means the initial state: XSAVE writes zeros for it. */
static void save_of_unused_components(void **state)
{
	if (!(features & 4))
		skip();
	put(frame, HEADER, &(uint64_t){ 3 }, 8);
	xstate_save(frame, ssa, 7);
	assert_int_equal(word(ssa, HEADER), 3);
	for (size_t i = HEADER + 64; i < HEADER + 64 + 256; i++)
		assert_int_equal(ssa[i], 0);
}

static void initial_state(void **state)
{
	xstate_set_initial(frame, 3);
	assert_int_equal(word(frame, HEADER), features & ~3ULL);
	assert_int_equal(word(frame, 0) & 0xffff, 0x37f);
	assert_int_equal(word(frame, 24) & 0xffffffff, 0x1f80);
	for (size_t i = 32; i < 416; i++)
		assert_int_equal(frame[i], 0);
	assert_memory_equal(frame + SOFTWARE, before + SOFTWARE, HEADER - SOFTWARE);
	assert_memory_equal(frame + HEADER + 64, before + HEADER + 64, AREA - HEADER - 64);
}

static void load_is_the_inverse(void **state)
{
	xstate_save(frame, ssa, features);
	xstate_set_initial(frame, features);
	memset(frame + HEADER + 64, 0x11, bytes - HEADER - 64);
	xstate_load(frame, ssa, features);
	assert_memory_equal(frame, before, 416);
	assert_memory_equal(frame + SOFTWARE, before + SOFTWARE, HEADER + 64 - SOFTWARE);
	assert_components_equal(frame, before);
}

/* What the SSA marks as initial becomes initial, what XFRM does not name stays the host's. */
static void load_of_unused_components(void **state)
{
	uint64_t none = 0;

	xstate_save(frame, ssa, 3);
	put(ssa, HEADER, &none, 8);
	xstate_load(frame, ssa, 3);
	assert_int_equal(word(frame, HEADER), features & ~3ULL);
	for (size_t i = 160; i < 416; i++)
		assert_int_equal(frame[i], 0);
	assert_int_equal(word(frame, 24) & 0xffffffff, 0x1fa0); /* XRSTOR loads MXCSR in any case */
	assert_memory_equal(frame + HEADER + 64, before + HEADER + 64, bytes - HEADER - 64);
}

/* Whatever another thread of the enclave writes there meanwhile, the kernel must accept the frame. */
static void load_of_rubbish(void **state)
{
	uint32_t mxcsr;

	memset(ssa, 0xff, sizeof(ssa));
	xstate_load(frame, ssa, features);
	assert_int_equal(word(frame, HEADER), features);
	for (size_t i = 8; i < 64; i++)
		assert_int_equal(frame[HEADER + i], 0);
	memcpy(&mxcsr, frame + 24, sizeof(mxcsr));
	assert_int_equal(mxcsr & 0xffff0000, 0);
	assert_memory_equal(frame + SOFTWARE, before + SOFTWARE, HEADER - SOFTWARE);
	__asm__ volatile("xrstor64 %0" : : "m"(frame), "a"(features), "d"(0) : "memory", "xmm0", "xmm1");
	__asm__ volatile("fninit\n\tldmxcsr %0" : : "m"((uint32_t){ 0x1f80 }));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(save_copies_what_xfrm_names, setup),
		cmocka_unit_test_setup(save_leaves_out_the_rest, setup),
		cmocka_unit_test_setup(save_of_unused_components, setup),
		cmocka_unit_test_setup(initial_state, setup),
		cmocka_unit_test_setup(load_is_the_inverse, setup),
		cmocka_unit_test_setup(load_of_unused_components, setup),
		cmocka_unit_test_setup(load_of_rubbish, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
