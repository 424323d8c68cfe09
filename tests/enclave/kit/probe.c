/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave that does one thing of each kind; see probe.h. */
#include "tests/enclave/kit/probe.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "kit/enclave/kit.h"

#ifndef PROBE_MISCSELECT
#define PROBE_MISCSELECT 0
#endif

KIT_ENCLAVE(.flags = KIT_CONFIG_DEBUG, .heap = (uint64_t)PROBE_HEAP_MIB << 20, .stack = 64 << 10, .tcs = 4, .nssa = 3,
	    .miscselect = PROBE_MISCSELECT, .product = 7, .svn = 2);

void probe_spin(uint64_t rounds, const struct probe_registers *in, struct probe_registers *out);

/* SplitMix64: good enough to fill pages and to choose them. */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

/* --- memory --- */

/*
 * One block of most of the heap. How often each page was written is kept beside it, so that an old copy of a page is
 * as wrong as a damaged one.
 */
static struct {
	struct kit_lock lock;
	uint64_t *words;
	uint32_t *generation;
	uint64_t pages;
} block;

#define PAGE_WORDS (SGX_PAGE_SIZE / 8)

static bool block_ready(void)
{
	kit_lock(&block.lock);
	if (!block.words) {
		block.generation = calloc(kit_heap_left() / SGX_PAGE_SIZE, sizeof(*block.generation));
		block.pages = kit_heap_left() / SGX_PAGE_SIZE;
		block.words = malloc(block.pages * SGX_PAGE_SIZE);
	}
	kit_unlock(&block.lock);
	return block.words && block.generation;
}

static uint64_t expected_word(uint64_t page, unsigned word)
{
	return mix(page << 32 ^ (uint64_t)block.generation[page] << 10 ^ word);
}

static void fill_page(uint64_t page)
{
	uint64_t *words = block.words + page * PAGE_WORDS;

	block.generation[page]++;
	for (unsigned i = 0; i < PAGE_WORDS; i++)
		words[i] = expected_word(page, i);
}

static bool page_is_right(uint64_t page)
{
	const volatile uint64_t *words = block.words + page * PAGE_WORDS;

	for (unsigned i = 0; i < PAGE_WORDS; i++) {
		if (words[i] != expected_word(page, i))
			return false;
	}
	return true;
}

static bool touch_page(uint64_t mode, uint64_t page, uint64_t random)
{
	volatile uint64_t *word = block.words + page * PAGE_WORDS + random % PAGE_WORDS;
	bool right = true;

	switch (mode) {
	case TOUCH_CHECK:
		return page_is_right(page);
	case TOUCH_RANDOM:
		right = page_is_right(page);
		fill_page(page);
		return right;
	case TOUCH_READ:
		return *word == expected_word(page, random % PAGE_WORDS);
	case TOUCH_WRITE:
		*word = expected_word(page, random % PAGE_WORDS);
		return true;
	default:
		fill_page(page);
		return true;
	}
}

static int64_t touch(uint64_t arg)
{
	struct probe_touch t;
	int64_t wrong = 0;
	uint64_t rounds;

	if (!kit_copy_in(&t, arg, sizeof(t)) || !block_ready() || t.pages == 0 || t.first > block.pages ||
	    t.pages > block.pages - t.first)
		return -22;
	rounds = t.mode == TOUCH_FILL || t.mode == TOUCH_CHECK ? t.pages : t.rounds;
	for (uint64_t i = 0; i < rounds; i++) {
		bool in_order = t.mode == TOUCH_FILL || t.mode == TOUCH_CHECK;
		uint64_t random = mix(t.seed + i), page = t.first + (in_order ? i : random % t.pages);

		if (!touch_page(t.mode, page, random >> 32) && wrong++ == 0)
			t.bad_page = page;
	}
	return kit_copy_out(arg, &t, sizeof(t)) ? wrong : -14;
}

static int64_t stress_malloc(uint64_t rounds)
{
	enum { SLOTS = 256 };
	static _Atomic uint64_t calls;
	uint64_t seed = mix(atomic_fetch_add(&calls, 1));
	struct {
		uint8_t *at;
		uint32_t bytes;
		uint8_t fill;
	} slot[SLOTS] = { 0 };
	int64_t wrong = 0;

	for (uint64_t i = 0; i < rounds + SLOTS; i++) {
		uint64_t r = mix(seed + i);
		unsigned s = i < rounds ? r % SLOTS : (unsigned)(i - rounds); /* the last rounds free everything */

		for (uint32_t b = 0; b < slot[s].bytes; b++)
			wrong += slot[s].at[b] != slot[s].fill;
		free(slot[s].at);
		slot[s].bytes = i < rounds ? (uint32_t)(r >> 8) % (r & 0x80 ? 9000 : 300) : 0;
		slot[s].at = slot[s].bytes ? malloc(slot[s].bytes) : NULL;
		if (!slot[s].at)
			slot[s].bytes = 0;
		slot[s].fill = (uint8_t)(r >> 40);
		memset(slot[s].at, slot[s].fill, slot[s].bytes);
	}
	return wrong;
}

/* --- exceptions --- */

static _Atomic uint64_t handler_mode, times_caught;
static struct probe_caught caught;
static uint64_t resume_at; /* where the instruction behind the offending one is */

/* Noted just before the exception: which instruction it will be, and where to go on. */
#define RAISE_AT(before, instruction, ...) \
	__asm__ volatile(before "lea 1f(%%rip), %%rcx\n\t" \
				"mov %%rcx, %[faulting]\n\t" \
				"lea 2f(%%rip), %%rcx\n\t" \
				"mov %%rcx, %[next]\n" \
				"1:\t" instruction "\n" \
				"2:" \
			 : [faulting] "=m"(caught.expected_rip_offset), [next] "=m"(resume_at) \
			 : __VA_ARGS__ \
			 : "rax", "rbx", "rcx", "rdx", "rsi", "r11", "memory", "cc")

static uint64_t data_word = 0xc3; /* RET, were it executable */

static __attribute__((noinline)) uint64_t recurse(uint64_t depth)
{
	volatile uint64_t frame[64];

	frame[0] = depth;
	return depth == 0 ? frame[0] : recurse(depth - 1) + frame[0];
}

static void raise_page_fault(uint64_t how)
{
	uint8_t *base = kit_base_address();
	uint8_t *gap = base + kit_thread()->heap - 4096;

	switch (how) {
	case RAISE_PF_GAP:
		RAISE_AT("", "mov (%[at]), %%eax", [at] "D"(gap));
		break;
	case RAISE_PF_CODE:
		RAISE_AT("", "mov %%eax, (%[at])", [at] "D"(base));
		break;
	case RAISE_PF_EXECUTE:
		RAISE_AT("", "call *%[at]", [at] "D"(&data_word));
		break;
	default:
		RAISE_AT("", "mov (%[at]), %%eax", [at] "D"(0x1000));
	}
}

static int64_t raise_exception(uint64_t how)
{
	switch (how) {
	case RAISE_UD:
		RAISE_AT("", "ud2", "m"(data_word));
		break;
	case RAISE_DE:
		RAISE_AT("xor %%eax, %%eax\n\txor %%edx, %%edx\n\txor %%ebx, %%ebx\n\t", "div %%ebx", "m"(data_word));
		break;
	case RAISE_GP:
		RAISE_AT("", "mov (%[at]), %%eax", [at] "D"(0x8000000000000000));
		break;
	case RAISE_BP:
		RAISE_AT("", "int3", "m"(data_word));
		break;
	case RAISE_CPUID:
		RAISE_AT("xor %%eax, %%eax\n\t", "cpuid", "m"(data_word));
		break;
	case RAISE_SYSCALL:
		RAISE_AT("mov $39, %%eax\n\t", "syscall", "m"(data_word));
		break;
	case RAISE_STACK:
		return (int64_t)recurse(UINT64_MAX);
	default:
		raise_page_fault(how);
	}
	return 1;
}

bool kit_exception(struct sgx_gprsgx *ssa)
{
	const struct sgx_exinfo *exinfo = (const struct sgx_exinfo *)ssa - 1;
	uint64_t base = (uint64_t)kit_base_address(), mode = atomic_load(&handler_mode);

	if (mode == HANDLER_FAULT)
		__asm__ volatile("ud2");
	atomic_fetch_add(&times_caught, 1);
	caught.rip_offset = ssa->rip - base;
	caught.exitinfo = ssa->exitinfo;
	if (PROBE_MISCSELECT & SGX_MISC_EXINFO) {
		caught.errcd = exinfo->errcd;
		caught.maddr = exinfo->maddr;
	}
	if (mode != HANDLER_SKIP)
		return false;
	if (ssa->rip == (uint64_t)&data_word)
		ssa->rsp += 8; /* the call's return address */
	ssa->rip = resume_at;
	return true;
}

static int64_t copy_caught(uint64_t arg)
{
	struct probe_caught c = caught;

	c.expected_rip_offset -= (uint64_t)kit_base_address();
	return kit_copy_out(arg, &c, sizeof(c)) ? (int64_t)atomic_load(&times_caught) : -14;
}

/* --- registers --- */

static int64_t spin(uint64_t rounds)
{
	struct probe_registers in, out = { 0 };
	int64_t changed = 0;

	for (unsigned i = 0; i < sizeof(in) / 8; i++)
		((uint64_t *)&in)[i] = mix(rounds + i);
	in.carry &= 1;
	probe_spin(rounds ? rounds : 1, &in, &out);
	for (unsigned i = 0; i < 15; i++)
		changed |= (int64_t)(in.gpr[i] != out.gpr[i]) << i;
	for (unsigned i = 0; i < 16; i++)
		changed |= (int64_t)(memcmp(in.xmm[i], out.xmm[i], 16) != 0) << (16 + i);
	return changed | (int64_t)(in.carry != (out.carry & 0xff)) << 32;
}

static int64_t entry_state(uint64_t arg)
{
	struct probe_entry e = { .rsp_offset = (uint64_t)__builtin_frame_address(0) - (uint64_t)kit_base_address() };
	uint64_t xmm[16][2];

	__asm__ volatile("pushfq\n\tpop %0" : "=r"(e.rflags));
	__asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(e.mxcsr), "=m"(e.fcw));
	/* The compiler uses the low registers for its own zeros and copies: the upper half is what the host left. */
	__asm__ volatile("movups %%xmm8, %0\n\tmovups %%xmm9, %1\n\tmovups %%xmm14, %2\n\tmovups %%xmm15, %3"
			 : "=m"(xmm[0]), "=m"(xmm[1]), "=m"(xmm[2]), "=m"(xmm[3]));
	for (unsigned i = 0; i < 4; i++)
		e.xmm_or |= xmm[i][0] | xmm[i][1];
	return kit_copy_out(arg, &e, sizeof(e)) ? 0 : -14;
}

/* --- calls --- */

static int64_t add(uint64_t arg)
{
	struct probe_add a;

	return kit_copy_in(&a, arg, sizeof(a)) ? (int64_t)(a.a + a.b) : -14;
}

static int64_t ocalls(uint64_t count)
{
	int64_t wrong = 0;

	for (uint64_t i = 0; i < count; i++)
		wrong += kit_ocall(PROBE_PING, i) != (int64_t)(2 * i + 1);
	return wrong;
}

static int64_t (*const function_pointers[])(uint64_t) = { add, ocalls, spin };
static uint64_t *const data_pointer = &data_word;

static int64_t pointers(void)
{
	int64_t (*const volatile *p)(uint64_t) = function_pointers;
	uint64_t *const volatile *d = &data_pointer;

	return p[0] == add && p[1] == ocalls && p[2] == spin && **d == 0xc3 ? 0 : 1;
}

static int64_t copy(uint64_t arg)
{
	struct probe_copy c;
	uint8_t buf[256];

	if (!kit_copy_in(&c, arg, sizeof(c)) || c.bytes > sizeof(buf) || !kit_copy_in(buf, c.address, c.bytes))
		return -14;
	return kit_copy_out(c.address, buf, c.bytes) ? 0 : -14;
}

static int64_t hold(uint64_t arg)
{
	if (!kit_is_outside((const void *)arg, sizeof(uint32_t)))
		return -14;
	while (!*(volatile uint32_t *)arg)
		__builtin_ia32_pause();
	return 0;
}

int64_t kit_main(uint64_t function, uint64_t arg)
{
	switch (function) {
	case PROBE_ECHO:
		return (int64_t)arg;
	case PROBE_ADD:
		return add(arg);
	case PROBE_TOUCH:
		return touch(arg);
	case PROBE_RAISE:
		return raise_exception(arg);
	case PROBE_SPIN:
		return spin(arg);
	case PROBE_OCALLS:
		return ocalls(arg);
	case PROBE_HANDLER:
		return (int64_t)atomic_exchange(&handler_mode, arg);
	case PROBE_CAUGHT:
		return copy_caught(arg);
	case PROBE_MALLOC:
		return stress_malloc(arg);
	case PROBE_POINTERS:
		return pointers();
	case PROBE_ENTRY:
		return entry_state(arg);
	case PROBE_THREAD:
		return (int64_t)kit_thread()->index;
	case PROBE_STACK:
		return (int64_t)recurse(arg / 600);
	case PROBE_COPY:
		return copy(arg);
	case PROBE_ABORT:
		kit_abort();
	case PROBE_BLOCK:
		return block_ready() ? (uint8_t *)block.words - kit_base_address() : -12;
	case PROBE_HOLD:
		return hold(arg);
	default:
		return kit_ocall(PROBE_CALL_BACK, arg);
	}
}
