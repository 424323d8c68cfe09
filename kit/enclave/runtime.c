/* SPDX-License-Identifier: Apache-2.0 */
/* From the entry code to kit_main() and back, and out to the host in between. */
#include "kit/enclave/runtime.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define R_X86_64_RELATIVE 8

struct rela {
	uint64_t offset;
	uint64_t info;
	int64_t addend;
};

/* Hidden, or a compiler may look their addresses up in a table that has not been relocated yet. */
#pragma GCC visibility push(hidden)
extern const struct rela kit_rela_start[], kit_rela_end[];
extern void (*const kit_init_start[])(void);
extern void (*const kit_init_end[])(void);
#pragma GCC visibility pop

enum life { LIFE_NEW, LIFE_STARTING, LIFE_RUNNING, LIFE_OVER };
static _Atomic uint32_t life;

/*
 * Pointers in initialised data, the only relocations there are: the image library refuses any other. Until this has
 * run, no code here may read such a pointer.
 */
static void relocate(uint8_t *base)
{
	for (const struct rela *r = kit_rela_start; r < kit_rela_end; r++) {
		uint64_t value = (uint64_t)base + (uint64_t)r->addend;

		if (r->info == R_X86_64_RELATIVE)
			memcpy(base + r->offset, &value, sizeof(value));
	}
}

static void start(const struct kit_thread *self)
{
	uint8_t *base = kit_base_address();

	relocate(base);
	kit_heap_init(base + self->heap, self->heap_bytes);
	for (void (*const *init)(void) = kit_init_start; init < kit_init_end; init++)
		(*init)();
	/* Pairs with the acquire in is_running(): who sees RUNNING sees the relocated data. */
	atomic_store_explicit(&life, LIFE_RUNNING, memory_order_release);
}

/* The first thread in starts the enclave, others wait for it. Return: false if the enclave has given up. */
static bool is_running(const struct kit_thread *self)
{
	uint32_t seen = LIFE_NEW;

	if (atomic_compare_exchange_strong(&life, &seen, LIFE_STARTING)) {
		start(self);
		return true;
	}
	while ((seen = atomic_load_explicit(&life, memory_order_acquire)) == LIFE_STARTING)
		__builtin_ia32_pause();
	return seen == LIFE_RUNNING;
}

int kit_enter(struct kit_call *call)
{
	struct kit_thread *self = kit_thread();
	int64_t result;

	if (!kit_is_outside(call, sizeof(*call)) || !is_running(self))
		return KIT_EXIT_ABORT;
	self->call = (uint64_t)call;
	/* Volatile: the host may change them at any time, so each is read once. */
	result = kit_main(*(volatile uint64_t *)&call->function, *(volatile uint64_t *)&call->arg);
	call->result = result;
	self->call = 0;
	return KIT_EXIT_RETURN;
}

__attribute__((weak)) bool kit_exception(struct sgx_gprsgx *ssa)
{
	(void)ssa;
	return false;
}

int kit_enter_exception(void)
{
	uint8_t *frame = kit_base_address() + kit_thread()->ssa;
	struct sgx_gprsgx *ssa = (struct sgx_gprsgx *)(frame + SGX_PAGE_SIZE - sizeof(*ssa));

	return kit_exception(ssa) ? KIT_EXIT_RESUME : KIT_EXIT_UNHANDLED;
}

int64_t kit_ocall(uint64_t function, uint64_t arg)
{
	struct kit_call *call = (struct kit_call *)kit_thread()->call;

	call->ocall = function;
	call->ocall_arg = arg;
	kit_leave_for_ocall();
	return *(volatile int64_t *)&call->ocall_result;
}

void *kit_scratch(void)
{
	return ((struct kit_call *)kit_thread()->call)->scratch;
}

void kit_abort(void)
{
	atomic_store(&life, LIFE_OVER);
	kit_leave_for_good(KIT_EXIT_ABORT);
}

bool kit_is_inside(const void *ptr, size_t len)
{
	uint64_t offset = (uint64_t)ptr - (uint64_t)kit_base_address();
	uint64_t size = kit_thread()->enclave_bytes;

	return offset < size && len <= size - offset;
}

bool kit_is_outside(const void *ptr, size_t len)
{
	uint64_t start_at = (uint64_t)ptr, base = (uint64_t)kit_base_address();

	if (start_at + len < start_at)
		return false;
	return start_at + len <= base || start_at >= base + kit_thread()->enclave_bytes;
}

bool kit_copy_in(void *dst, uint64_t host_src, size_t len)
{
	if (!kit_is_outside((const void *)host_src, len))
		return false;
	memcpy(dst, (const void *)host_src, len);
	return true;
}

bool kit_copy_out(uint64_t host_dst, const void *src, size_t len)
{
	if (!kit_is_outside((const void *)host_dst, len))
		return false;
	memcpy((void *)host_dst, src, len);
	return true;
}

void kit_print(const char *fmt, ...)
{
	char text[KIT_SCRATCH_BYTES];
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (len < 0)
		return;
	if ((size_t)len >= sizeof(text))
		len = sizeof(text) - 1;
	memcpy(kit_scratch(), text, (size_t)len);
	(void)kit_ocall(KIT_OCALL_PRINT, (uint64_t)len);
}

void kit_lock(struct kit_lock *lock)
{
	for (unsigned tries = 1; atomic_exchange_explicit(&lock->held, 1, memory_order_acquire); tries++) {
		if (tries % 128 == 0)
			(void)kit_ocall(KIT_OCALL_YIELD, 0);
		else
			__builtin_ia32_pause();
	}
}

void kit_unlock(struct kit_lock *lock)
{
	atomic_store_explicit(&lock->held, 0, memory_order_release);
}
