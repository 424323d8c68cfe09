/* SPDX-License-Identifier: Apache-2.0 */
/*
 * mmap, mprotect and munmap of enclaves: what Linux allows, with its errnos (arch/x86/kernel/cpu/sgx, mm/mmap.c), where
 * enclave and ordinary memory are neighbours too.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bare.h"

#define RW (PROT_READ | PROT_WRITE)

static struct bare b;
static uint64_t data;

#define fails_with(error, expression) check((errno = 0, (expression)) && errno == (error))

static bool map_fails(uint64_t at, uint64_t len, int prot, int flags)
{
	return mmap((void *)at, len, prot, flags, b.fd, 0) == MAP_FAILED;
}

static bool map_works(uint64_t at, uint64_t len, int prot)
{
	return mmap((void *)at, len, prot, MAP_SHARED | MAP_FIXED, b.fd, 0) == (void *)at;
}

/* Never more than the permissions that a page was added with. */
static void permissions(void)
{
	fails_with(EACCES, map_fails(b.base + BARE_CODE, PAGE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
				     MAP_SHARED | MAP_FIXED));
	fails_with(EACCES, map_fails(b.base + BARE_READ_ONLY, PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED));
	fails_with(EACCES, map_fails(data, PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED));
	fails_with(EACCES, map_fails(b.base, b.size, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED));
	fails_with(EACCES, mprotect((void *)(b.base + BARE_CODE), PAGE_SIZE, RW) < 0);
	fails_with(EACCES, mprotect((void *)data, PAGE_SIZE, PROT_READ | PROT_EXEC) < 0);
	fails_with(EACCES, map_fails(bare_tcs(&b, 0), PAGE_SIZE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_FIXED));
	/* Less is always allowed, and more up to those permissions again. */
	check(mprotect((void *)data, PAGE_SIZE, PROT_NONE) == 0 && mprotect((void *)data, PAGE_SIZE, PROT_READ) == 0);
	check(mprotect((void *)data, PAGE_SIZE, RW) == 0);
	check(map_works(b.base + BARE_CODE, PAGE_SIZE, PROT_READ) &&
	      map_works(b.base + BARE_CODE, PAGE_SIZE, PROT_READ | PROT_EXEC));
}

static void arguments(void)
{
	int read_only = open("/dev/sgx_enclave", O_RDONLY);

	fails_with(EINVAL, map_fails(data, PAGE_SIZE, RW, MAP_PRIVATE | MAP_FIXED));
	fails_with(EINVAL, map_fails(0, PAGE_SIZE, PROT_READ, MAP_PRIVATE));
	fails_with(EINVAL, map_fails(data, 0, RW, MAP_SHARED | MAP_FIXED));
	fails_with(EINVAL, map_fails(data + 8, PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED));
	fails_with(EEXIST, map_fails(data, PAGE_SIZE, RW, MAP_SHARED | MAP_FIXED_NOREPLACE));
	/* An initialised enclave is nowhere but in its ELRANGE. */
	fails_with(EACCES, map_fails(0, PAGE_SIZE, PROT_READ, MAP_SHARED));
	fails_with(EACCES, map_fails(b.base + b.size, PAGE_SIZE, PROT_READ, MAP_SHARED | MAP_FIXED));
	fails_with(EINVAL, mprotect((void *)(data + 1), PAGE_SIZE, PROT_READ) < 0);
	check(read_only >= 0);
	fails_with(EACCES, mmap(NULL, PAGE_SIZE, RW, MAP_SHARED, read_only, 0) == MAP_FAILED);
	void *at = mmap(NULL, PAGE_SIZE, PROT_READ, MAP_SHARED, read_only, 0);
	check(at != MAP_FAILED && munmap(at, PAGE_SIZE) == 0 && close(read_only) == 0);
}

static void exception_at(uint64_t address, unsigned error_code)
{
	struct bare_request r = { .op = OP_READ, .address = address };
	struct sgx_enclave_run run;
	uint64_t *rip = &bare_gpr(&b, 0, 0)->rip;

	check(bare_call(&b, 0, &r, &run) == 0 && run.function == ENCLU_ERESUME && run.exception_vector == VECTOR_PF);
	check(run.exception_error_code == error_code && run.exception_addr == address);
	*rip += 3;
	check(bare_resume(&b, 0, &run) == 0 && run.function == ENCLU_EEXIT);
}

/* Unmapping takes pages out of sight, not out of the enclave. */
static void unmapped_pages_stay(void)
{
	struct bare_request r = { .op = OP_READ, .address = data + PAGE_SIZE };

	*(uint64_t *)(data + PAGE_SIZE) = 0x1234;
	check(munmap((void *)(data + PAGE_SIZE), PAGE_SIZE) == 0);
	exception_at(data + PAGE_SIZE, PF_USER);
	fails_with(ENOMEM, mprotect((void *)(data + PAGE_SIZE), PAGE_SIZE, PROT_READ) < 0);
	fails_with(ENOMEM, mprotect((void *)data, 4 * PAGE_SIZE, PROT_READ) < 0);
	check(map_works(data, 4 * PAGE_SIZE, RW));
	bare_do(&b, 0, &r);
	check(r.value == 0x1234);
	/* An inaccessible anonymous mapping over it: likewise. One that is more would need the addresses. */
	check(mmap((void *)data, 2 * PAGE_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) ==
	      (void *)data);
	exception_at(data + PAGE_SIZE, PF_USER);
	fails_with(ENOMEM,
		   mmap((void *)data, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED);
	check(map_works(data, 4 * PAGE_SIZE, RW));
	bare_do(&b, 0, &r);
	check(r.value == 0x1234);
}

/* One call over ordinary memory and enclave: each gets its part. */
static void neighbours(void)
{
	uint64_t below = b.base - 4 * PAGE_SIZE;
	void *at = mmap((void *)below, 4 * PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	if (at != (void *)below) /* something else is there: nothing to see */
		return;
	memset(at, 7, 4 * PAGE_SIZE);
	check(mprotect((void *)(b.base - PAGE_SIZE), 2 * PAGE_SIZE, PROT_READ) == 0);
	check(((volatile uint8_t *)b.base)[-1] == 7);
	check(map_works(b.base + BARE_CODE, PAGE_SIZE, PROT_READ | PROT_EXEC));
	check(munmap((void *)below, 5 * PAGE_SIZE) == 0);
	check(mmap((void *)below, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) ==
	      (void *)below);
	check(*(volatile uint8_t *)below == 0 && munmap((void *)below, PAGE_SIZE) == 0);
	check(map_works(b.base + BARE_CODE, PAGE_SIZE, PROT_READ | PROT_EXEC));
	struct bare_request r = { .op = OP_READ, .address = data };
	bare_do(&b, 0, &r);
}

/* Nothing pulls pages away from under the enclave. */
static void pages_are_safe(void)
{
	void *ordinary = mmap(NULL, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct bare_request r = { .op = OP_READ, .address = data + PAGE_SIZE };

	fails_with(EINVAL, madvise((void *)data, 2 * PAGE_SIZE, MADV_DONTNEED) < 0);
	fails_with(EFAULT, mremap((void *)data, PAGE_SIZE, 2 * PAGE_SIZE, MREMAP_MAYMOVE) == MAP_FAILED);
	fails_with(ENOMEM,
		   mremap(ordinary, PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED, (void *)data) == MAP_FAILED);
	check(madvise(ordinary, PAGE_SIZE, MADV_DONTNEED) == 0);
	check(mremap(ordinary, PAGE_SIZE, 3 * PAGE_SIZE, MREMAP_MAYMOVE) != MAP_FAILED);
	bare_do(&b, 0, &r);
	check(r.value == 0x1234);
}

/* Addresses reserved by the device itself, before there is an enclave. */
static void reservations(void)
{
	int fd = open("/dev/sgx/enclave", O_RDWR);
	uint64_t len = 64 * PAGE_SIZE;
	void *at = mmap(NULL, len, PROT_NONE, MAP_SHARED, fd, 0);

	check(fd >= 0 && at != MAP_FAILED);
	fails_with(EEXIST,
		   mmap(at, PAGE_SIZE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED);
	check(mprotect(at, PAGE_SIZE, RW) == 0);
	check(munmap((char *)at + PAGE_SIZE, PAGE_SIZE) == 0);
	fails_with(ENOMEM, mprotect(at, 2 * PAGE_SIZE, RW) < 0);
	check(mmap(at, len, PROT_NONE, MAP_SHARED | MAP_FIXED, fd, 0) == at);
	check(munmap(at, len) == 0 && close(fd) == 0);
	check(mmap(at, len, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == at &&
	      munmap(at, len) == 0);
}

void bare_test(void)
{
	bare_open(&b, NULL);
	data = b.base + BARE_DATA;
	permissions();
	arguments();
	unmapped_pages_stay();
	pages_are_safe();
	neighbours();
	reservations();
	bare_close(&b);
}
