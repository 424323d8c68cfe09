/* SPDX-License-Identifier: Apache-2.0 */
/* What the ioctls refuse, with the driver's errnos, and that a refusal leaves nothing behind. */
#include <asm/sgx.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "encl/encl.h"

#define ELRANGE (1ULL << 20)

static struct machine m;
static struct encl *e;
static uint64_t base;
static struct sgx_secs secs;
static _Alignas(4096) uint8_t page[PAGE_SIZE];
static struct sgx_secinfo reg_rw = { .flags = SGX_SECINFO_R | SGX_SECINFO_W | SGX_SECINFO_PT(SGX_PT_REG) };

static int setup(void **state)
{
	struct machine_config config = {
		.epc_bytes = 1 << 20,
		.overcommit_percent = MACHINE_DEFAULT_OVERCOMMIT,
		.backing_max_bytes = LEDGER_NO_LIMIT,
	};
	enum mmu_obstacle obstacle;
	char *range;

	(void)state;
	if (machine_init(&m, &config, &obstacle))
		return -1;
	range = mmap(NULL, 2 * ELRANGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	base = ((uint64_t)range + ELRANGE - 1) & ~(ELRANGE - 1);
	secs = (struct sgx_secs){
		.size = ELRANGE,
		.base = base,
		.ssa_frame_size = 1,
		.attributes = { .flags = SGX_ATTR_MODE64BIT, .xfrm = SGX_XFRM_LEGACY },
	};
	e = encl_open(&m);
	return e ? 0 : -1;
}

/* Law 4: whatever was tried, nothing is left. */
static int teardown(void **state)
{
	(void)state;
	encl_file_closed(e);
	assert_true(machine_is_valid(&m));
	machine_destroy(&m);
	return 0;
}

static long create(const struct sgx_secs *src)
{
	struct sgx_enclave_create arg = { .src = (uint64_t)src };

	return encl_ioctl(e, SGX_IOC_ENCLAVE_CREATE, (uint64_t)&arg, NULL);
}

static long add(struct sgx_enclave_add_pages *arg)
{
	return encl_ioctl(e, SGX_IOC_ENCLAVE_ADD_PAGES, (uint64_t)arg, NULL);
}

static struct sgx_enclave_add_pages one_page(void)
{
	return (struct sgx_enclave_add_pages){
		.src = (uint64_t)page,
		.length = PAGE_SIZE,
		.secinfo = (uint64_t)&reg_rw,
		.count = 99,
	};
}

static void test_unknown_is_enotty(void **state)
{
	(void)state;
	assert_int_equal(encl_ioctl(e, 0xa4ff, 0, NULL), -ENOTTY);
}

static void test_create_refusals(void **state)
{
	struct sgx_secs bad;

	(void)state;
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_CREATE, 8, NULL), -EFAULT);
	assert_int_equal(create((void *)8), -EFAULT);
	bad = secs;
	bad.size = ELRANGE + PAGE_SIZE;
	assert_int_equal(create(&bad), -EINVAL);
	bad.size = 0;
	assert_int_equal(create(&bad), -EINVAL);
	bad.size = PAGE_SIZE; /* a power of two, but too small: the processor's to refuse, not the driver's */
	assert_int_equal(create(&bad), -EIO);
	bad.size = 1ULL << 62;
	bad.base = 0;
	assert_int_equal(create(&bad), -EIO);
	bad = secs;
	bad.attributes.flags = 0; /* not 64-bit */
	assert_int_equal(create(&bad), -EIO);
	bad = secs;
	bad.base += PAGE_SIZE; /* not naturally aligned */
	assert_int_equal(create(&bad), -EIO);
	bad = secs;
	bad.attributes.flags |= SGX_ATTR_INIT;
	assert_int_equal(create(&bad), -EIO);
	bad = secs;
	bad.attributes.xfrm = 1; /* SSE missing */
	assert_int_equal(create(&bad), -EIO);
	bad = secs;
	bad.ssa_frame_size = 0;
	assert_int_equal(create(&bad), -EIO);
	assert_int_equal(atomic_load(&m.root.counter[RES_EPC].current), 0);
	assert_int_equal(create(&secs), 0);
	assert_int_equal(create(&secs), -EINVAL);
}

static void test_order_of_calls(void **state)
{
	struct sgx_enclave_add_pages arg = one_page();
	struct sgx_enclave_init init = { .sigstruct = (uint64_t)page };

	(void)state;
	assert_int_equal(add(&arg), -EINVAL);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, (uint64_t)&init, NULL), -EINVAL);
}

static void test_add_pages_refusals(void **state)
{
	struct sgx_enclave_add_pages arg;
	struct sgx_secinfo info;

	(void)state;
	assert_int_equal(create(&secs), 0);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_ADD_PAGES, 8, NULL), -EFAULT);
#define REFUSED(field, value, expected) \
	do { \
		arg = one_page(); \
		arg.field = value; \
		assert_int_equal(add(&arg), expected); \
	} while (0)
	REFUSED(src, (uint64_t)page + 1, -EINVAL);
	REFUSED(offset, 1, -EINVAL);
	REFUSED(offset, ELRANGE, -EINVAL);
	REFUSED(length, 0, -EINVAL);
	REFUSED(length, 100, -EINVAL);
	REFUSED(length, ELRANGE + PAGE_SIZE, -EINVAL);
	REFUSED(length, ~0ULL << PAGE_SHIFT, -EINVAL);
	REFUSED(secinfo, 8, -EFAULT);
	REFUSED(src, 0x1000, -EFAULT);
	assert_int_equal(arg.count, 0);
#undef REFUSED
#define BAD_INFO(statement) \
	do { \
		info = reg_rw; \
		statement; \
		arg = one_page(); \
		arg.secinfo = (uint64_t)&info; \
		assert_int_equal(add(&arg), -EINVAL); \
	} while (0)
	BAD_INFO(info.flags = SGX_SECINFO_W | SGX_SECINFO_PT(SGX_PT_REG));
	BAD_INFO(info.flags = SGX_SECINFO_R | SGX_SECINFO_PT(SGX_PT_TCS));
	BAD_INFO(info.flags = SGX_SECINFO_PT(SGX_PT_SECS));
	BAD_INFO(info.flags = SGX_SECINFO_PT(SGX_PT_VA));
	BAD_INFO(info.flags |= SGX_SECINFO_PENDING);
	BAD_INFO(info.reserved[55] = 1);
#undef BAD_INFO
	/* EADD itself refuses a TCS of all ones. */
	memset(page, 0xff, sizeof(page));
	info = (struct sgx_secinfo){ .flags = SGX_SECINFO_PT(SGX_PT_TCS) };
	arg = one_page();
	arg.secinfo = (uint64_t)&info;
	assert_int_equal(add(&arg), -EIO);
	memset(page, 0, sizeof(page));
	assert_int_equal(e->page_count, 1);
	arg = one_page();
	assert_int_equal(add(&arg), 0);
	assert_int_equal(arg.count, PAGE_SIZE);
	assert_int_equal(add(&arg), -EBUSY);
	assert_int_equal(e->page_count, 2);
}

static bool no_provision(int fd)
{
	return fd == 42;
}

static void test_init_refusals(void **state)
{
	struct sgx_sigstruct sig = { 0 };
	struct sgx_enclave_init init = { .sigstruct = (uint64_t)&sig };
	struct sgx_enclave_init nowhere = { .sigstruct = 8 };

	(void)state;
	assert_int_equal(create(&secs), 0);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, 8, NULL), -EFAULT);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, (uint64_t)&nowhere, NULL), -EFAULT);
	sig.vendor = 1;
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, (uint64_t)&init, NULL), -EINVAL);
	sig.vendor = 0;
	sig.attributes.flags = sig.attributemask.flags = 1ULL << 40;
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, (uint64_t)&init, NULL), -EINVAL);
	memset(&sig, 0, sizeof(sig));
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, (uint64_t)&init, NULL), -EPERM);
	assert_false(e->initialized);
}

static void test_provision_key_needs_the_device(void **state)
{
	struct sgx_sigstruct sig = { 0 };
	struct sgx_enclave_init init = { .sigstruct = (uint64_t)&sig };
	struct sgx_enclave_provision wrong = { .fd = 3 }, right = { .fd = 42 };

	(void)state;
	secs.attributes.flags |= SGX_ATTR_PROVISIONKEY;
	assert_int_equal(create(&secs), 0);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, (uint64_t)&init, NULL), -EACCES);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_PROVISION, 8, no_provision), -EFAULT);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_PROVISION, (uint64_t)&wrong, no_provision), -EINVAL);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_PROVISION, (uint64_t)&right, no_provision), 0);
	assert_int_equal(encl_ioctl(e, SGX_IOC_ENCLAVE_INIT, (uint64_t)&init, NULL), -EPERM);
}

static void test_mapping_rules(void **state)
{
	struct sgx_secinfo ro = { .flags = SGX_SECINFO_R | SGX_SECINFO_PT(SGX_PT_REG) };
	struct sgx_enclave_add_pages arg = one_page();

	(void)state;
	assert_int_equal(create(&secs), 0);
	arg.secinfo = (uint64_t)&ro;
	assert_int_equal(add(&arg), 0);
	arg = one_page();
	arg.offset = PAGE_SIZE;
	assert_int_equal(add(&arg), 0);
	assert_int_equal(encl_mmap(e, base, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), -EACCES);
	assert_int_equal(encl_mmap(e, base, 2 * PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(encl_mprotect(e, base, 2 * PAGE_SIZE, PROT_READ | PROT_WRITE), -EACCES);
	assert_int_equal(encl_mprotect(e, base + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_WRITE), 0);
	assert_int_equal(encl_mprotect(e, base + PAGE_SIZE, PAGE_SIZE, PROT_READ | PROT_EXEC), -EACCES);
	assert_int_equal(encl_mprotect(e, base + 2 * PAGE_SIZE, PAGE_SIZE, PROT_READ), -ENOMEM);
	assert_int_equal(encl_munmap(e, base, ELRANGE), 0);
}

static void test_overlapping_elrange_is_refused(void **state)
{
	struct encl *first = e;

	(void)state;
	assert_int_equal(create(&secs), 0);
	e = encl_open(&m);
	assert_int_equal(create(&secs), -EBUSY);
	encl_file_closed(e);
	e = first;
	assert_int_equal(atomic_load(&m.root.counter[RES_EPC].current), 2); /* SECS and VA of the first */
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(test_unknown_is_enotty), CASE(test_create_refusals),
		CASE(test_order_of_calls),    CASE(test_add_pages_refusals),
		CASE(test_init_refusals),     CASE(test_provision_key_needs_the_device),
		CASE(test_mapping_rules),     CASE(test_overlapping_elrange_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
