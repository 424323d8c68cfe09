/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <asm/sgx.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#define EXIT_SKIP 77
#define ALTSTACK_BYTES (256UL * 1024) /* instrumented builds need several times what plain ones do */

static struct machine *machine; /* the one that faults are for */

static __thread struct {
	uint8_t *memory; /* alternate stack, then the scratch page */
	volatile bool probing;
	volatile enum encl_fault refusal; /* why a probe was refused */
} self;

void check_failed(const char *file, int line, const char *cond)
{
	fprintf(stderr, "%s:%d: check failed: %s\n", file, line, cond);
	_exit(1);
}

/* --- faults --- */

/* Functions of one instruction that may be refused; a refused one returns at once. */
void do_load(uint64_t addr, uint64_t *value);
void do_store(uint64_t addr);
void do_exec(uint64_t addr);
__asm__(".text\n"
	"do_load:  mov (%rdi), %rax\n"
	"          mov %rax, (%rsi)\n"
	"          ret\n"
	"do_store: lock orb $0, (%rdi)\n"
	"          ret\n"
	"do_exec:  call *%rdi\n"
	"          ret\n");

/* To the caller of the function of which it was the first instruction; for do_exec(), to behind the call. */
static void return_from_probe(ucontext_t *uc)
{
	greg_t *regs = uc->uc_mcontext.gregs;
	const uint64_t *sp = (const uint64_t *)regs[REG_RSP];

	regs[REG_RIP] = (greg_t)*sp;
	regs[REG_RSP] += (greg_t)sizeof(*sp);
}

static void on_fault(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	int saved_errno = errno;
	uint64_t addr = (uint64_t)info->si_addr;
	enum encl_fault verdict = ENCL_FAULT_NOT_OURS;

	if (machine && self.memory)
		verdict = encl_fault(machine, addr, (uint32_t)uc->uc_mcontext.gregs[REG_ERR], thread_scratch());
	errno = saved_errno;
	if (verdict == ENCL_FAULT_FIXED)
		return;
	if (!self.probing) {
		fprintf(stderr, "signal %d at %#llx: refused with verdict %d\n", sig, (unsigned long long)addr,
			verdict);
		signal(sig, SIG_DFL);
		return;
	}
	self.refusal = verdict;
	return_from_probe(uc);
}

static void install_handlers(void)
{
	struct sigaction sa = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };

	sigfillset(&sa.sa_mask);
	check(sigaction(SIGSEGV, &sa, NULL) == 0);
	check(sigaction(SIGBUS, &sa, NULL) == 0);
}

enum encl_fault probe_load(uint64_t addr, uint64_t *value)
{
	self.refusal = ENCL_FAULT_FIXED;
	self.probing = true;
	do_load(addr, value);
	self.probing = false;
	return self.refusal;
}

enum encl_fault probe_store(uint64_t addr)
{
	self.refusal = ENCL_FAULT_FIXED;
	self.probing = true;
	do_store(addr);
	self.probing = false;
	return self.refusal;
}

enum encl_fault probe_exec(uint64_t addr)
{
	self.refusal = ENCL_FAULT_FIXED;
	self.probing = true;
	do_exec(addr);
	self.probing = false;
	return self.refusal;
}

void thread_enter(void)
{
	stack_t stack = { .ss_size = ALTSTACK_BYTES };

	self.memory = mmap(NULL, ALTSTACK_BYTES + PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	check(self.memory != MAP_FAILED);
	stack.ss_sp = self.memory;
	check(sigaltstack(&stack, NULL) == 0);
}

void thread_leave(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	check(sigaltstack(&none, NULL) == 0);
	munmap(self.memory, ALTSTACK_BYTES + PAGE_SIZE);
	self.memory = NULL;
}

void *thread_scratch(void)
{
	return self.memory + ALTSTACK_BYTES;
}

/* --- the machine --- */

static unsigned count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	check(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

struct machine_config rig_config(enum mmu_mechanism mechanism, uint64_t epc_pages, int64_t overcommit)
{
	return (struct machine_config){
		.epc_bytes = epc_pages * PAGE_SIZE,
		.overcommit_percent = overcommit,
		.backing_max_bytes = LEDGER_NO_LIMIT,
		.mechanism = mechanism,
	};
}

void rig_open(struct rig *r, const struct machine_config *config)
{
	enum mmu_obstacle obstacle;

	r->descriptors = count_descriptors();
	r->alive = 0;
	check(machine_init(&r->machine, config, &obstacle) == 0);
	check(r->machine.mmu.mechanism == config->mechanism);
	machine = &r->machine;
}

static void check_all_zero(struct machine *m)
{
	for (int res = 0; res < RES_COUNT; res++)
		check(atomic_load(&m->root.counter[res].current) == 0);
	for (int use = 0; use < USE_COUNT; use++)
		check(atomic_load(&m->root.use[use]) == 0);
	check(epc_free_count(&m->epc) == m->epc.total);
	check(atomic_load(&m->unevictable) == 0);
	check(atomic_load(&m->in_flight) == 0);
	check(m->table_len == 0);
}

void rig_close(struct rig *r)
{
	check_all_zero(&r->machine);
	machine = NULL;
	machine_destroy(&r->machine);
	check(count_descriptors() == r->descriptors);
}

void rig_poll(bool (*done)(void *arg), void *arg)
{
	while (!done(arg))
		usleep(1000);
}

/* With every enclave's lock held and nothing in flight, nothing moves. Context: nothing is created or destroyed. */
static bool freeze(struct rig *r)
{
	for (uint32_t i = 0; i < r->machine.table_len; i++)
		lock_acquire(&r->machine.table[i]->lock);
	return atomic_load(&r->machine.in_flight) == 0;
}

static void unfreeze(struct rig *r)
{
	for (uint32_t i = 0; i < r->machine.table_len; i++)
		lock_release(&r->machine.table[i]->lock);
}

/* Pages of the range that the kernel has mapped, by its own page tables. */
static uint64_t count_mapped(uint64_t base, uint64_t pages)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry[512], mapped = 0;

	check(fd >= 0);
	for (uint64_t done = 0; done < pages;) {
		uint64_t n = min_of(pages - done, ARRAY_SIZE(entry));

		check(pread(fd, entry, n * sizeof(*entry), (off_t)((base / PAGE_SIZE + done) * sizeof(*entry))) ==
		      (ssize_t)(n * sizeof(*entry)));
		for (uint64_t i = 0; i < n; i++)
			mapped += entry[i] >> 63;
		done += n;
	}
	close(fd);
	return mapped;
}

static void check_mapped(const struct encl *e)
{
	uint64_t resident = 0;
	struct encl_page *p;

	for (uint64_t i = 0; (p = pagetable_next(&e->pages, &i)); i++)
		resident += p->state == PAGE_RESIDENT && p->type == SGX_PT_REG;
	check(count_mapped(e->base, e->size / PAGE_SIZE) == resident);
}

void rig_check(struct rig *r)
{
	while (!freeze(r)) {
		unfreeze(r);
		usleep(1000);
	}
	check(machine_is_valid(&r->machine));
	check(atomic_load(&r->machine.root.counter[RES_EPC].current) <= r->machine.epc.total);
	check(rig_backing(r) <= rig_backing_limit(r));
	for (uint32_t i = 0; i < r->machine.table_len; i++)
		check_mapped(r->machine.table[i]);
	unfreeze(r);
}

/* --- enclaves --- */

uint64_t word_value(const struct enclave *e, uint64_t page, unsigned word, uint32_t version)
{
	struct rng r = { .state = e->seed << 56 ^ page << 24 ^ (uint64_t)word << 48 ^ version };

	return rng_next(&r);
}

static uint64_t reserve_aligned(uint64_t size)
{
	uint8_t *at = mmap(NULL, 2 * size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint64_t base = ((uint64_t)at + size - 1) & ~(size - 1);

	check(at != MAP_FAILED);
	if (base != (uint64_t)at)
		munmap(at, base - (uint64_t)at);
	munmap((void *)(base + size), (uint64_t)at + size - base);
	return base;
}

void enclave_open(struct enclave *e, struct rig *r, uint64_t room, uint64_t seed)
{
	uint64_t size = 2 * PAGE_SIZE;

	while (size < room * PAGE_SIZE)
		size *= 2;
	*e = (struct enclave){ .rig = r, .base = reserve_aligned(size), .size = size, .seed = seed };
	e->encl = encl_open(&r->machine);
	check(e->encl);
	r->alive++;
}

long enclave_create(struct enclave *e)
{
	struct sgx_secs secs = {
		.size = e->size,
		.base = e->base,
		.ssa_frame_size = 1,
		.attributes = { .flags = SGX_ATTR_MODE64BIT | SGX_ATTR_DEBUG, .xfrm = SGX_XFRM_LEGACY },
	};
	struct sgx_enclave_create arg = { .src = (uint64_t)&secs };

	return encl_ioctl(e->encl, SGX_IOC_ENCLAVE_CREATE, (uint64_t)&arg, NULL);
}

#define ADD_CHUNK 64 /* pages an ioctl */

static long add_chunk(struct enclave *e, uint64_t count, uint64_t perms, uint64_t *buffer)
{
	struct sgx_secinfo info = { .flags = perms | SGX_SECINFO_PT(SGX_PT_REG) };
	struct sgx_enclave_add_pages arg = {
		.src = (uint64_t)buffer,
		.offset = e->pages * PAGE_SIZE,
		.length = count * PAGE_SIZE,
		.secinfo = (uint64_t)&info,
	};
	long ret;

	for (uint64_t i = 0; i < count * PAGE_WORDS; i++)
		buffer[i] = word_value(e, e->pages + i / PAGE_WORDS, i % PAGE_WORDS, 0);
	ret = encl_ioctl(e->encl, SGX_IOC_ENCLAVE_ADD_PAGES, (uint64_t)&arg, NULL);
	check(ret == 0 ? arg.count == arg.length : arg.count < arg.length && is_page_aligned(arg.count));
	e->pages += arg.count / PAGE_SIZE;
	return ret;
}

long enclave_add(struct enclave *e, uint64_t count, uint64_t perms)
{
	uint64_t *buffer = mmap(NULL, ADD_CHUNK * PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
				0);
	long ret = 0;

	check(buffer != MAP_FAILED);
	while (!ret && count) {
		uint64_t n = min_of(count, ADD_CHUNK);

		ret = add_chunk(e, n, perms, buffer);
		count -= n;
	}
	munmap(buffer, ADD_CHUNK * PAGE_SIZE);
	return ret;
}

int enclave_map(struct enclave *e, uint64_t first, uint64_t count, int prot)
{
	return encl_mmap(e->encl, e->base + first * PAGE_SIZE, count * PAGE_SIZE, prot);
}

void enclave_build(struct enclave *e, struct rig *r, uint64_t pages, uint64_t seed)
{
	enclave_open(e, r, pages, seed);
	check(enclave_create(e) == 0);
	check(enclave_map(e, 0, pages, PROT_READ | PROT_WRITE) == 0);
	check(enclave_add(e, pages, SGX_SECINFO_R | SGX_SECINFO_W) == 0);
}

static bool as_many_as_alive(void *arg)
{
	struct rig *r = arg;
	bool equal;

	lock_acquire(&r->machine.encl_slab.lock);
	equal = r->machine.encl_slab.live == r->alive;
	lock_release(&r->machine.encl_slab.lock);
	return equal;
}

void enclave_wait_gone(struct enclave *e)
{
	e->encl = NULL;
	e->rig->alive--;
	rig_poll(as_many_as_alive, e->rig);
}

void enclave_destroy(struct enclave *e)
{
	check(encl_munmap(e->encl, e->base, e->size) == 0);
	encl_file_closed(e->encl);
	enclave_wait_gone(e);
}

enum page_state enclave_state(const struct enclave *e, uint64_t page)
{
	const struct encl_page *p = pagetable_lookup(&e->encl->pages, page);

	return p ? p->state : PAGE_ABSENT;
}

void enclave_verify(const struct enclave *e)
{
	for (uint64_t page = 0; page < e->pages; page++) {
		for (unsigned word = 0; word < PAGE_WORDS; word++)
			check(enclave_load(e, page, word) == word_value(e, page, word, 0));
	}
}

/* --- main --- */

static enum mmu_mechanism mechanism_named(const char *name)
{
	for (enum mmu_mechanism m = MMU_GUARD; m <= MMU_SIGBUS; m++) {
		if (strcmp(name, mmu_mechanism_name(m)) == 0)
			return m;
	}
	fprintf(stderr, "unknown mechanism '%s'\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	enum mmu_mechanism mechanism;
	enum mmu_obstacle obstacle;
	struct mmu mmu;

	if (argc != 2) {
		fprintf(stderr, "usage: %s guard|sigbus\n", argv[0]);
		return 2;
	}
	mechanism = mechanism_named(argv[1]);
	obstacle = mmu_init(&mmu, mechanism);
	if (obstacle != MMU_OK) {
		printf("skipped: %s\n", mmu_obstacle_text(obstacle));
		return EXIT_SKIP;
	}
	mmu_destroy(&mmu);
	thread_enter();
	install_handlers();
	engine_test(mechanism);
	thread_leave();
	return 0;
}
