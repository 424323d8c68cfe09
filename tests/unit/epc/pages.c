/* SPDX-License-Identifier: Apache-2.0 */
/* The EPC is a strict count: never a page more than there are, and every page given back counts again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "epc/epc.h"

#define PAGES 64

static int make_epc(void **state)
{
	static struct epc epc;

	*state = &epc;
	return epc_init(&epc, PAGES);
}

static int destroy_epc(void **state)
{
	epc_destroy(*state);
	return 0;
}

static void assert_counts(struct epc *epc, uint32_t free, uint32_t peak)
{
	assert_int_equal(epc_free_count(epc), free);
	assert_int_equal(epc->used_peak, peak);
	assert_true(epc_is_valid(epc));
}

static void refuses_silly_sizes(void **state)
{
	struct epc epc;

	assert_int_equal(epc_init(&epc, 0), -EINVAL);
	assert_int_equal(epc_init(&epc, EPC_MIN_PAGES - 1), -EINVAL);
	assert_int_equal(epc_init(&epc, EPC_NONE), -EINVAL);
}

static void hands_out_every_page_once(void **state)
{
	struct epc *epc = *state;
	bool seen[PAGES] = { false };

	for (uint32_t i = 0; i < PAGES; i++) {
		uint32_t page = epc_alloc(epc, 0);

		assert_in_range(page, 0, PAGES - 1);
		assert_false(seen[page]);
		seen[page] = true;
		assert_int_equal(epc_entry(epc, page)->flags, 0);
		assert_counts(epc, PAGES - 1 - i, i + 1);
	}
	assert_int_equal(epc_alloc(epc, 0), EPC_NONE);
	epc_free(epc, 17);
	assert_counts(epc, 1, PAGES);
	assert_int_equal(epc_alloc(epc, 0), 17);
	assert_int_equal(epc_alloc(epc, 0), EPC_NONE);
	for (uint32_t i = 0; i < PAGES; i++)
		epc_free(epc, i);
	assert_counts(epc, PAGES, PAGES);
}

static void keeps_a_reserve(void **state)
{
	struct epc *epc = *state;
	uint32_t taken = 0;

	while (epc_alloc(epc, 10) != EPC_NONE)
		taken++;
	assert_int_equal(taken, PAGES - 10);
	assert_int_not_equal(epc_alloc(epc, 9), EPC_NONE);
	assert_int_equal(epc_alloc(epc, 9), EPC_NONE);
	assert_int_equal(epc_alloc(epc, UINT32_MAX), EPC_NONE);
	assert_counts(epc, 9, PAGES - 9);
}

/* A page of @type with something in its private bytes is freed; does any of it remain? */
static bool wiped_when_freed(struct epc *epc, enum sgx_page_type type)
{
	uint32_t page = epc_alloc(epc, 0);
	uint8_t *bytes = epc_private(epc, page), any = 0;

	epc_entry(epc, page)->type = (uint8_t)type;
	memset(bytes, 0xa5, SGX_PAGE_SIZE);
	epc_free(epc, page);
	for (size_t i = 0; i < SGX_PAGE_SIZE; i++)
		any |= bytes[i];
	return any == 0;
}

static void wipes_private_bytes_of_the_types_that_have_them(void **state)
{
	assert_true(wiped_when_freed(*state, SGX_PT_SECS));
	assert_true(wiped_when_freed(*state, SGX_PT_VA));
	assert_true(wiped_when_freed(*state, SGX_PT_TCS));
	/* The bytes of a REG page are elsewhere: its private ones must not be touched, they would occupy RAM. */
	assert_false(wiped_when_freed(*state, SGX_PT_REG));
}

static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long size = 0, resident = 0;

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &size, &resident), 2);
	fclose(f);
	return resident * 4;
}

static void an_untouched_epc_costs_no_memory(void **state)
{
	struct epc epc;
	long before = resident_kib();

	assert_int_equal(epc_init(&epc, 16 << 20), 0); /* 64 GiB of EPC, 512 MiB of entries */
	for (int i = 0; i < 100; i++)
		assert_int_not_equal(epc_alloc(&epc, 0), EPC_NONE);
	for (uint32_t page = 0; page < 100; page++)
		epc_free(&epc, page);
	assert_true(epc_is_valid(&epc));
	assert_in_range(resident_kib() - before + 1024, 0, 2048);
	epc_destroy(&epc);
}

static void notices_a_broken_list(void **state)
{
	struct epc *epc = *state;
	uint32_t a = epc_alloc(epc, 0), b = epc_alloc(epc, 0);

	epc_free(epc, a);
	epc_free(epc, b);
	epc_entry(epc, a)->next_free = b; /* a circle */
	assert_false(epc_is_valid(epc));
	epc_entry(epc, a)->next_free = EPC_NONE;
	assert_true(epc_is_valid(epc));
	epc->free--; /* a page that nobody has */
	assert_false(epc_is_valid(epc));
	epc->free++;
}

#if SOFTSGX_LAWS
static int status_of(void (*deed)(struct epc *), struct epc *epc)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		close(STDERR_FILENO);
		signal(SIGABRT, SIG_DFL);
		deed(epc);
		_exit(0);
	}
	assert_true(waitpid(pid, &status, 0) == pid);
	return status;
}

static void free_twice(struct epc *epc)
{
	uint32_t page = epc_alloc(epc, 0);

	epc_free(epc, page);
	epc_free(epc, page);
}

static void free_valid(struct epc *epc)
{
	uint32_t page = epc_alloc(epc, 0);

	epc_entry(epc, page)->flags = EPCM_VALID;
	epc_free(epc, page);
}

static void broken_laws_are_fatal(void **state)
{
	assert_int_equal(WTERMSIG(status_of(free_twice, *state)), SIGABRT);
	assert_int_equal(WTERMSIG(status_of(free_valid, *state)), SIGABRT);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_silly_sizes),
		cmocka_unit_test_setup_teardown(hands_out_every_page_once, make_epc, destroy_epc),
		cmocka_unit_test_setup_teardown(keeps_a_reserve, make_epc, destroy_epc),
		cmocka_unit_test_setup_teardown(wipes_private_bytes_of_the_types_that_have_them, make_epc, destroy_epc),
		cmocka_unit_test(an_untouched_epc_costs_no_memory),
		cmocka_unit_test_setup_teardown(notices_a_broken_list, make_epc, destroy_epc),
#if SOFTSGX_LAWS
		cmocka_unit_test_setup_teardown(broken_laws_are_fatal, make_epc, destroy_epc),
#endif
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
