/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engine tests: a machine, enclaves built through the driver's ioctls, and threads that simply touch enclave memory at
 * its addresses. What the shim does for applications, two signal handlers do here: they call encl_fault() and return.
 *
 * Each test program defines engine_test(); its one argument says which way of mapping pages to force, and where the
 * kernel lacks that one it is skipped. Any failed check ends the program.
 */
#ifndef SOFTSGX_TESTS_ENGINE_HARNESS_H
#define SOFTSGX_TESTS_ENGINE_HARNESS_H

#include "encl/encl.h"
#include "tests/testing.h"

#define check(cond) \
	do { \
		if (unlikely(!(cond))) \
			check_failed(__FILE__, __LINE__, #cond); \
	} while (0)

void check_failed(const char *file, int line, const char *cond) __attribute__((noreturn));

/** engine_test() - the test itself, on an initialised system that has @mechanism. */
void engine_test(enum mmu_mechanism mechanism);

/* --- the machine --- */

struct rig {
	struct machine machine;
	unsigned descriptors; /* open before there was a machine */
	unsigned alive;       /* enclaves opened and not yet gone */
};

/** rig_config() - @epc_pages, @overcommit percent; no other limit, with a background reclaimer. */
struct machine_config rig_config(enum mmu_mechanism mechanism, uint64_t epc_pages, int64_t overcommit);
void rig_open(struct rig *r, const struct machine_config *config);
/** rig_close() - the enclaves are gone: every counter must be 0, every descriptor closed. */
void rig_close(struct rig *r);
/**
 * rig_check() - wait until no page is in flight, then execute the laws: machine_is_valid(), limits, and that the kernel
 * has exactly the resident pages mapped. Context: no thread touches enclave memory meanwhile.
 */
void rig_check(struct rig *r);

static inline uint64_t rig_backing(struct rig *r)
{
	return atomic_load(&r->machine.root.counter[RES_BACKING].current);
}
static inline uint64_t rig_backing_limit(struct rig *r)
{
	return atomic_load(&r->machine.root.counter[RES_BACKING].limit);
}
static inline uint64_t rig_event(struct rig *r, enum group_event event)
{
	return atomic_load(&r->machine.root.event[event]);
}
/** rig_poll() - call @done every millisecond until it says true. */
void rig_poll(bool (*done)(void *arg), void *arg);

/* --- enclaves --- */

#define PAGE_WORDS (PAGE_SIZE / sizeof(uint64_t))

struct enclave {
	struct rig *rig;
	struct encl *encl;
	uint64_t base, size;
	uint64_t pages; /* added; pages [0, pages) */
	uint64_t seed;  /* what its memory holds: word_value() */
};

/** word_value() - what word @word of page @page holds in version @version; version 0 is what it was added with. */
uint64_t word_value(const struct enclave *e, uint64_t page, unsigned word, uint32_t version);

/** enclave_open() - open the device, and find a place for an ELRANGE of at least @room pages. */
void enclave_open(struct enclave *e, struct rig *r, uint64_t room, uint64_t seed);
/** enclave_create() - CREATE an opened one. Return: of the ioctl. */
long enclave_create(struct enclave *e);
/** enclave_add() - ADD_PAGES @count more with @perms (SGX_SECINFO_*). Return: of the ioctl; e->pages by its count. */
long enclave_add(struct enclave *e, uint64_t count, uint64_t perms);
/** enclave_map() - the application maps pages [@first, @first + @count). Return: of encl_mmap(). */
int enclave_map(struct enclave *e, uint64_t first, uint64_t count, int prot);
/** enclave_build() - create, add @pages REG pages RW, map them all RW. */
void enclave_build(struct enclave *e, struct rig *r, uint64_t pages, uint64_t seed);
/** enclave_init() - sign and INIT, with a key made for this process. */
void enclave_init(struct enclave *e);
/** enclave_destroy() - unmap and close, and wait until it is gone. */
void enclave_destroy(struct enclave *e);
/** enclave_wait_gone() - whoever still holds it, a reclaim pass perhaps, is about to let go. */
void enclave_wait_gone(struct enclave *e);

static inline uint64_t enclave_addr(const struct enclave *e, uint64_t page, unsigned word)
{
	return e->base + page * PAGE_SIZE + word * sizeof(uint64_t);
}
/** enclave_load(), enclave_store() - a word of enclave memory; the fault must be fixed. */
static inline uint64_t enclave_load(const struct enclave *e, uint64_t page, unsigned word)
{
	return __atomic_load_n((uint64_t *)enclave_addr(e, page, word), __ATOMIC_RELAXED);
}
static inline void enclave_store(const struct enclave *e, uint64_t page, unsigned word, uint64_t value)
{
	__atomic_store_n((uint64_t *)enclave_addr(e, page, word), value, __ATOMIC_RELAXED);
}
/** enclave_state() - of page @page; a glance, only good while nothing moves. */
enum page_state enclave_state(const struct enclave *e, uint64_t page);
/** enclave_verify() - every word of pages [0, e->pages) holds version 0. */
void enclave_verify(const struct enclave *e);

/* --- touching what may be refused --- */

/** probe_load() - read a word. Return: ENCL_FAULT_FIXED, or why not. */
enum encl_fault probe_load(uint64_t addr, uint64_t *value);
/** probe_store() - write a byte back unchanged, atomically. */
enum encl_fault probe_store(uint64_t addr);
/** probe_exec() - call the RET instruction at @addr. */
enum encl_fault probe_exec(uint64_t addr);

/* --- threads --- */

/** thread_enter() - an alternate stack and a scratch page for the calling thread; the main thread has them. */
void thread_enter(void);
void thread_leave(void);
/** thread_scratch() - the scratch page. */
void *thread_scratch(void);

/*
 * A crew: threads that read and write random words of enclaves' pages, verifying each against what they know it to
 * hold. Pages are shared by all threads, words are not.
 */
#define CREW_ENCLAVES 4
#define CREW_THREADS 4

struct crew {
	struct enclave *enclave[CREW_ENCLAVES];
	unsigned enclaves, threads;
	_Atomic unsigned only; /* index of the one enclave to touch; CREW_ALL: any */
	_Atomic bool stop, pause;
	_Atomic unsigned paused;
	struct crew_thread *thread;
};
#define CREW_ALL UINT32_MAX

void crew_start(struct crew *c, unsigned threads, struct enclave **enclaves, unsigned count);
/** crew_pause() - returns when no thread touches enclave memory any more. */
void crew_pause(struct crew *c);
void crew_resume(struct crew *c);
/** crew_run() - until @faults more faults were resolved. */
void crew_run(struct crew *c, uint64_t faults);
/** crew_stop() - end the threads, read back every word they wrote, and put version 0 back there. */
void crew_stop(struct crew *c);

/* A thread that looks at the counters all the time: no limit may be passed even for an instant. */
struct observer {
	struct rig *rig;
	pthread_t thread;
	_Atomic bool stop;
	uint64_t looks, backing_max, backing_min;
};

void observer_start(struct observer *o, struct rig *r);
/** observer_stop() - o->backing_{min,max} are the extremes it saw. */
void observer_stop(struct observer *o);

#endif
