/* SPDX-License-Identifier: Apache-2.0 */
/* The sparse table of enclave pages, and the lifecycle of a page. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "encl/page.h"

#define TIB_PAGES (1ULL << 28)

static struct slab leaves, mids;
static struct pagetable pt;

static int setup(void **state)
{
	(void)state;
	slab_init(&leaves, sizeof(struct pagetable_leaf));
	slab_init(&mids, sizeof(struct pagetable_mid));
	return pagetable_init(&pt, TIB_PAGES, &leaves, &mids);
}

static int teardown(void **state)
{
	(void)state;
	pagetable_destroy(&pt);
	assert_int_equal(leaves.live, 0);
	assert_int_equal(mids.live, 0);
	slab_destroy(&leaves);
	slab_destroy(&mids);
	return 0;
}

static void test_lookup_never_allocates(void **state)
{
	(void)state;
	assert_null(pagetable_lookup(&pt, 0));
	assert_null(pagetable_lookup(&pt, TIB_PAGES - 1));
	assert_null(pagetable_lookup(&pt, TIB_PAGES));
	assert_int_equal(leaves.bytes + mids.bytes, 0);
}

static void test_next_finds_what_is_there_in_order(void **state)
{
	static const uint64_t at[] = { 0, 1, 511, 512, 513, 262143, 262144, 99999999, TIB_PAGES - 1 };
	uint64_t index = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(at); i++)
		page_move(pagetable_make(&pt, at[i]), PAGE_RESIDENT);
	/* An entry that exists but is absent is passed over. */
	assert_non_null(pagetable_make(&pt, 77777));
	for (size_t i = 0; i < ARRAY_SIZE(at); i++, index++) {
		assert_ptr_equal(pagetable_next(&pt, &index), pagetable_lookup(&pt, at[i]));
		assert_int_equal(index, at[i]);
	}
	assert_null(pagetable_next(&pt, &index));
}

static void test_make_is_idempotent_and_bounded(void **state)
{
	struct encl_page *p = pagetable_make(&pt, 12345);

	(void)state;
	assert_non_null(p);
	assert_int_equal(p->state, PAGE_ABSENT);
	assert_ptr_equal(pagetable_make(&pt, 12345), p);
	assert_null(pagetable_make(&pt, TIB_PAGES));
}

static void test_metadata_per_page(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 1 << 18; i++)
		assert_non_null(pagetable_make(&pt, i));
	/* The budget is 16 bytes a page, everything included. */
	assert_true(leaves.bytes + mids.bytes <= 16ULL << 18);
}

/* Return: whether the transition was refused, in a child, since a refusal ends the process. */
static bool dies(enum page_state from, enum page_state to)
{
	struct encl_page p = { .state = (uint8_t)from };
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit no_core = { 0, 0 };
		setrlimit(RLIMIT_CORE, &no_core);
		close(2);
		page_move(&p, to);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFSIGNALED(status) || WEXITSTATUS(status) != 0;
}

static void test_only_the_lifecycle_is_legal(void **state)
{
	static const uint8_t legal[][2] = {
		{ PAGE_ABSENT, PAGE_RESIDENT },   { PAGE_RESIDENT, PAGE_EVICTING }, { PAGE_EVICTING, PAGE_EVICTED },
		{ PAGE_EVICTED, PAGE_LOADING },   { PAGE_LOADING, PAGE_RESIDENT },  { PAGE_LOADING, PAGE_EVICTED },
		{ PAGE_EVICTING, PAGE_RESIDENT }, { PAGE_RESIDENT, PAGE_ABSENT },   { PAGE_EVICTED, PAGE_ABSENT },
	};

	(void)state;
	for (int from = 0; from < PAGE_STATES; from++) {
		for (int to = 0; to < PAGE_STATES; to++) {
			bool allowed = false;

			for (size_t i = 0; i < ARRAY_SIZE(legal); i++)
				allowed |= legal[i][0] == from && legal[i][1] == to;
			assert_int_equal(dies((enum page_state)from, (enum page_state)to), !allowed);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lookup_never_allocates, setup, teardown),
		cmocka_unit_test_setup_teardown(test_next_finds_what_is_there_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(test_make_is_idempotent_and_bounded, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metadata_per_page, setup, teardown),
		cmocka_unit_test(test_only_the_lifecycle_is_legal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
