/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/thread.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/slab.h"

/*
 * Slots are carved from arenas of address space, so that "is this stack one of ours" is a comparison that reads no
 * memory of the application's.
 */
#define ARENA_SLOTS 1024UL
#define ARENA_BYTES (ARENA_SLOTS * SLOT_BYTES)
#define ARENAS 64

struct arena {
	_Atomic uint64_t base; /* 0: not there yet; published last, pairs with the loads in arena_of() */
	_Atomic uint64_t used[ARENA_SLOTS / 64];
};

static struct arena arenas[ARENAS];
static __thread struct thread *self;
static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;
static bool exit_key_valid;

struct thread_start {
	void *(*start)(void *);
	void *arg;
	uint64_t virtual_mask; /* the creator's: a mask is inherited */
};
static struct slab starts = { .size = (sizeof(struct thread_start) + 15) & ~15UL };

struct thread *thread_self(void)
{
	return self;
}

static struct arena *arena_of(uint64_t addr)
{
	for (int i = 0; i < ARENAS; i++) {
		uint64_t base = atomic_load_explicit(&arenas[i].base, memory_order_acquire);

		if (base == 0)
			return NULL;
		if (addr >= base && addr < base + ARENA_BYTES)
			return &arenas[i];
	}
	return NULL;
}

struct thread *thread_of_stack(uint64_t sp)
{
	struct arena *a = arena_of(sp);

	if (!a || (sp - atomic_load(&a->base)) % SLOT_BYTES != SLOT_STACK)
		return NULL;
	return (struct thread *)(sp - SLOT_STACK);
}

/* Another thread may map the same arena at the same moment: one of the two wins, the other's goes back. */
static bool arena_map(struct arena *a)
{
	uint64_t none = 0;
	long base = sys_mmap(0, ARENA_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (sys_is_err(base))
		return false;
	if (!atomic_compare_exchange_strong(&a->base, &none, (uint64_t)base))
		sys_munmap((uint64_t)base, ARENA_BYTES);
	return true;
}

static bool slot_open(uint64_t slot)
{
	if (sys_mprotect(slot, SLOT_GUARD, PROT_READ | PROT_WRITE) ||
	    sys_mprotect(slot + SLOT_STACK, SLOT_BYTES - SLOT_STACK, PROT_READ | PROT_WRITE))
		return false;
	/* Decrypted enclave pages pass through the scratch page: keep them out of core dumps. */
	sys_madvise(slot + SLOT_SCRATCH, PAGE_SIZE, MADV_DONTDUMP);
	return true;
}

static struct thread *slot_take_in(struct arena *a)
{
	for (unsigned word = 0; word < ARENA_SLOTS / 64; word++) {
		uint64_t used = atomic_load(&a->used[word]);

		while (~used) {
			unsigned bit = (unsigned)__builtin_ctzll(~used);
			uint64_t slot = atomic_load(&a->base) + (word * 64 + bit) * (uint64_t)SLOT_BYTES;

			if (!atomic_compare_exchange_weak(&a->used[word], &used, used | 1ULL << bit))
				continue;
			if (slot_open(slot))
				return (struct thread *)slot;
			atomic_fetch_and(&a->used[word], ~(1ULL << bit));
			return NULL;
		}
	}
	return NULL;
}

static struct thread *slot_take(void)
{
	for (int i = 0; i < ARENAS; i++) {
		if (atomic_load(&arenas[i].base) == 0 && !arena_map(&arenas[i]))
			return NULL;
		struct thread *t = slot_take_in(&arenas[i]);
		if (t)
			return t;
	}
	return NULL;
}

static void slot_free(struct thread *t)
{
	struct arena *a = arena_of((uint64_t)t);
	uint64_t index = ((uint64_t)t - atomic_load(&a->base)) / SLOT_BYTES;

	atomic_fetch_and(&a->used[index / 64], ~(1ULL << index % 64));
}

static void on_thread_exit(void *t)
{
	thread_detach(t);
}

static void make_exit_key(void)
{
	exit_key_valid = pthread_key_create(&exit_key, on_thread_exit) == 0;
}

static struct thread *thread_new(const stack_t *altstack)
{
	struct thread *t = slot_take();

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->altstack = *altstack;
	if (altstack->ss_size == 0)
		t->altstack.ss_flags = SS_DISABLE;
	return t;
}

static void thread_publish(struct thread *t)
{
	self = t;
	pthread_once(&exit_key_once, make_exit_key);
	if (exit_key_valid)
		pthread_setspecific(exit_key, t);
}

struct thread *thread_attach_blocked(uint64_t mask)
{
	stack_t old;
	struct thread *t;

	if (self)
		return self;
	sys_call2(SYS_sigaltstack, NULL, &old);
	t = thread_new(&old);
	if (!t)
		return NULL;
	stack_t ours = thread_stack(t);
	if (sys_call2(SYS_sigaltstack, &ours, NULL)) {
		slot_free(t);
		return NULL;
	}
	t->virtual_mask = mask & SYNCHRONOUS_SIGNALS;
	thread_publish(t);
	return t;
}

struct thread *thread_attach(void)
{
	struct thread *t = self;

	if (!t) {
		uint64_t mask = signals_block_all();
		t = thread_attach_blocked(mask);
		if (t)
			t->suspect = true;
		signals_restore(t ? mask & ~SYNCHRONOUS_SIGNALS : mask);
	}
	return t;
}

struct thread *thread_adopt(const stack_t *old, uint64_t mask)
{
	struct thread *t = self;

	if (t)
		return t;
	t = thread_new(old);
	if (!t)
		return NULL;
	t->suspect = true;
	t->virtual_mask = mask & SYNCHRONOUS_SIGNALS;
	thread_publish(t);
	return t;
}

void thread_detach(struct thread *t)
{
	uint64_t mask = signals_block_all();
	stack_t none = { .ss_flags = SS_DISABLE };

	self = NULL;
	sys_call2(SYS_sigaltstack, &none, NULL);
	if (!(t->altstack.ss_flags & SS_DISABLE))
		sys_call2(SYS_sigaltstack, &t->altstack, NULL);
	slot_free(t);
	signals_restore(mask);
}

void thread_fork_prepare(void)
{
	lock_acquire(&starts.lock);
}

void thread_fork_done(void)
{
	lock_release(&starts.lock);
}

void thread_forget_others(void)
{
	struct thread *me = self;

	for (int i = 0; i < ARENAS && atomic_load(&arenas[i].base); i++)
		for (unsigned word = 0; word < ARENA_SLOTS / 64; word++)
			atomic_store(&arenas[i].used[word], 0);
	if (!me)
		return;
	struct arena *a = arena_of((uint64_t)me);
	uint64_t index = ((uint64_t)me - atomic_load(&a->base)) / SLOT_BYTES;
	atomic_store(&a->used[index / 64], 1ULL << index % 64);
}

struct thread_start *thread_wrap_start(void *(*start)(void *), void *arg)
{
	uint64_t mask = signals_block_all();
	struct thread_start *s = slab_alloc(&starts);

	if (s)
		*s = (struct thread_start){ .start = start, .arg = arg, .virtual_mask = self ? self->virtual_mask : 0 };
	signals_restore(mask);
	return s;
}

void thread_wrap_cancel(struct thread_start *wrapped)
{
	uint64_t mask = signals_block_all();

	slab_free(&starts, wrapped);
	signals_restore(mask);
}

void *thread_run(void *wrapped)
{
	struct thread_start start = *(struct thread_start *)wrapped;

	thread_wrap_cancel(wrapped);
	/* Without memory for it the thread is adopted at its first signal, or fails at its first entry. */
	struct thread *t = thread_attach();
	if (t) {
		t->suspect = false; /* no handler is running yet */
		t->virtual_mask |= start.virtual_mask;
	}
	return start.start(start.arg);
}
