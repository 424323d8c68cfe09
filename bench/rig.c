/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/rig.h"

#include <asm/sgx.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "base/log.h"

#define ALTSTACK_BYTES (64UL * 1024)
#define ADD_AT_ONCE 256 /* pages per ADD_PAGES */

/* The calling thread, as its signal handler knows it. */
static __thread struct {
	struct machine *machine;
	uint8_t *memory;    /* altstack, then the scratch page */
	uint64_t step_over; /* where a null fault goes on; 0: none under way */
} self;

static const char *fault_name(enum encl_fault f)
{
	static const char *const name[] = {
		[ENCL_FAULT_FIXED] = "fixed",
		[ENCL_FAULT_NOT_OURS] = "no enclave there",
		[ENCL_FAULT_SEGV] = "the mapping forbids it",
		[ENCL_FAULT_EPCM] = "the EPCM forbids it",
		[ENCL_FAULT_BUS] = "the page cannot be loaded",
	};

	return name[f];
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	enum encl_fault result;

	if (self.step_over) {
		uc->uc_mcontext.gregs[REG_RIP] = (greg_t)self.step_over;
		self.step_over = 0;
		return;
	}
	if (!self.machine)
		log_fatal("signal %d at %p in a thread that touches no enclave", sig, info->si_addr);
	result = encl_fault(self.machine, (uint64_t)info->si_addr, (uint32_t)uc->uc_mcontext.gregs[REG_ERR],
			    rig_scratch());
	if (result != ENCL_FAULT_FIXED)
		log_fatal("fault at %p: %s", info->si_addr, fault_name(result));
}

void rig_null_fault(uint64_t addr)
{
	__asm__ volatile("lea 1f(%%rip), %%rax\n\t"
			 "mov %%rax, %0\n\t"
			 "movzbl (%1), %%eax\n"
			 "1:"
			 : "=m"(self.step_over)
			 : "r"(addr)
			 : "rax", "memory");
}

static bool install_handlers(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigfillset(&sa.sa_mask);
	return sigaction(SIGSEGV, &sa, NULL) == 0 && sigaction(SIGBUS, &sa, NULL) == 0;
}

bool rig_thread_enter(struct rig *rig)
{
	stack_t stack = { .ss_size = ALTSTACK_BYTES };
	void *memory = mmap(NULL, ALTSTACK_BYTES + PAGE_SIZE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		return false;
	stack.ss_sp = memory;
	if (sigaltstack(&stack, NULL) != 0) {
		munmap(memory, ALTSTACK_BYTES + PAGE_SIZE);
		return false;
	}
	self.memory = memory;
	self.machine = &rig->machine;
	return true;
}

void rig_thread_leave(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	sigaltstack(&none, NULL);
	munmap(self.memory, ALTSTACK_BYTES + PAGE_SIZE);
	self.memory = NULL;
	self.machine = NULL;
}

void *rig_scratch(void)
{
	return self.memory + ALTSTACK_BYTES;
}

bool rig_init(struct rig *rig, const struct options *o)
{
	struct machine_config config = {
		.epc_bytes = o->epc_bytes,
		.overcommit_percent = -1,
		.backing_max_bytes = LEDGER_NO_LIMIT,
		.mechanism = o->mechanism,
		.no_background = o->no_background,
	};
	enum mmu_obstacle obstacle = MMU_OK;
	int ret;

	memset(rig, 0, sizeof(*rig));
	ret = machine_init(&rig->machine, &config, &obstacle);
	if (ret) {
		fprintf(stderr, "bench/fault: no machine: %s\n",
			obstacle != MMU_OK ? mmu_obstacle_text(obstacle) : strerror(-ret));
		return false;
	}
	return install_handlers();
}

void rig_destroy(struct rig *rig)
{
	machine_destroy(&rig->machine);
}

static bool not_provisioning(int fd)
{
	return false;
}

/* The engine wants every signal blocked while it holds its locks. */
static sigset_t block_signals(void)
{
	sigset_t all, before;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	return before;
}

static void restore_signals(sigset_t before)
{
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static long device_ioctl(struct rig *rig, unsigned long cmd, void *arg)
{
	sigset_t before = block_signals();
	long ret = encl_ioctl(rig->encl, cmd, (uint64_t)arg, not_provisioning);

	restore_signals(before);
	return ret;
}

static int device_mmap(struct rig *rig)
{
	sigset_t before = block_signals();
	int ret = encl_mmap(rig->encl, rig->base, rig->pages * SGX_PAGE_SIZE, PROT_READ | PROT_WRITE);

	restore_signals(before);
	return ret;
}

/* Address space for an ELRANGE: naturally aligned, of a power of two. */
static uint64_t reserve_aligned(uint64_t size)
{
	uint8_t *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t base = ((uint64_t)at + size - 1) & ~(size - 1);

	if (at == MAP_FAILED)
		return 0;
	if (base != (uint64_t)at)
		munmap(at, base - (uint64_t)at);
	munmap((void *)(base + size), (uint64_t)at + size - base);
	return base;
}

static long create(struct rig *rig, uint64_t size)
{
	struct sgx_secs *secs = aligned_alloc(SGX_PAGE_SIZE, sizeof(*secs));
	struct sgx_enclave_create arg = { .src = (uint64_t)secs };
	long ret;

	if (!secs)
		return -1;
	*secs = (struct sgx_secs){
		.size = size,
		.base = rig->base,
		.ssa_frame_size = 1,
		.attributes = { .flags = SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY },
	};
	ret = device_ioctl(rig, SGX_IOC_ENCLAVE_CREATE, &arg);
	free(secs);
	return ret;
}

static long add_pages(struct rig *rig, uint64_t first, uint64_t count, uint64_t *buffer)
{
	struct sgx_secinfo secinfo = { .flags = SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PT(SGX_PT_REG) };
	struct sgx_enclave_add_pages arg = {
		.src = (uint64_t)buffer,
		.offset = first * SGX_PAGE_SIZE,
		.length = count * SGX_PAGE_SIZE,
		.secinfo = (uint64_t)&secinfo,
	};
	const unsigned words = SGX_PAGE_SIZE / sizeof(uint64_t);

	for (uint64_t p = 0; p < count; p++)
		for (unsigned i = 0; i < words; i++)
			buffer[p * words + i] = rig_word(first + p, i);
	return device_ioctl(rig, SGX_IOC_ENCLAVE_ADD_PAGES, &arg);
}

static long add_all(struct rig *rig, uint64_t pages)
{
	uint64_t *buffer = aligned_alloc(SGX_PAGE_SIZE, (size_t)ADD_AT_ONCE * SGX_PAGE_SIZE);
	long ret = buffer ? 0 : -1;

	for (uint64_t p = 0; p < pages && ret == 0; p += ADD_AT_ONCE)
		ret = add_pages(rig, p, min_of(pages - p, (uint64_t)ADD_AT_ONCE), buffer);
	free(buffer);
	return ret;
}

bool rig_create(struct rig *rig, uint64_t pages)
{
	uint64_t size = SGX_PAGE_SIZE;

	while (size < pages * SGX_PAGE_SIZE)
		size *= 2;
	rig->base = reserve_aligned(size);
	rig->reserved = size;
	rig->pages = pages;
	rig->encl = rig->base ? encl_open(&rig->machine) : NULL;
	if (!rig->encl || create(rig, size) != 0 || add_all(rig, pages) != 0 || device_mmap(rig) != 0) {
		fprintf(stderr, "bench/fault: cannot build an enclave of %lu pages\n", pages);
		return false;
	}
	return true;
}

void rig_remove(struct rig *rig)
{
	sigset_t before = block_signals();

	if (encl_munmap(rig->encl, rig->base, rig->pages * SGX_PAGE_SIZE) != 0)
		log_fatal("cannot unmap the enclave");
	encl_file_closed(rig->encl);
	rig->encl = NULL;
	restore_signals(before);
	munmap((void *)rig->base, rig->reserved);
}

uint64_t rig_pages_loaded(const struct rig *rig)
{
	return atomic_load_explicit(&rig->encl->count.eldu, memory_order_relaxed);
}

uint64_t rig_pages_resident(struct rig *rig)
{
	sigset_t before = block_signals();
	uint64_t resident;

	lock_acquire(&rig->encl->lock);
	resident = rig->encl->resident;
	lock_release(&rig->encl->lock);
	restore_signals(before);
	return resident;
}
