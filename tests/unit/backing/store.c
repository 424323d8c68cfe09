/* SPDX-License-Identifier: Apache-2.0 */
/* The memory file: it occupies exactly what was populated and not punched, by the operating system's own count. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "backing/store.h"
#include "tests/testing.h"

static void assert_zero(const void *page)
{
	static const uint8_t zeros[PAGE_SIZE];
	assert_memory_equal(page, zeros, PAGE_SIZE);
}

static void occupies_nothing_at_first(void **state)
{
	struct store s;
	assert_int_equal(store_init(&s, 100), 0);
	assert_int_equal(s.cells[STORE_CONTENTS], 100);
	assert_int_equal(s.cells[STORE_PCMD], 4);
	assert_int_equal(store_held(&s), 0);
	store_destroy(&s);
	assert_int_equal(store_init(&s, 0), -EINVAL);
	assert_int_equal(store_init(&s, UINT64_MAX / PAGE_SIZE), -EINVAL);
}

static void populates_and_punches_by_the_page(void **state)
{
	struct store s;
	assert_int_equal(store_init(&s, 96), 0);
	assert_int_equal(store_populate(&s, STORE_CONTENTS, 95, 1), 0);
	assert_int_equal(store_populate(&s, STORE_PCMD, 2, 1), 0);
	assert_int_equal(store_populate(&s, STORE_CONTENTS, 10, 20), 0);
	assert_int_equal(store_held(&s), 22);
	for (uint64_t i = 10; i < 30; i++) {
		assert_zero(store_page(&s, STORE_CONTENTS, i));
		memset(store_page(&s, STORE_CONTENTS, i), (int)i, PAGE_SIZE);
	}
	memset(store_page(&s, STORE_CONTENTS, 95), 95, PAGE_SIZE);
	memset(store_page(&s, STORE_PCMD, 2), 2, PAGE_SIZE);
	assert_int_equal(store_held(&s), 22);

	store_punch(&s, STORE_CONTENTS, 12, 10);
	assert_int_equal(store_held(&s), 12);
	const uint8_t *left = store_page(&s, STORE_CONTENTS, 11), *right = store_page(&s, STORE_CONTENTS, 22);
	assert_true(left[PAGE_SIZE - 1] == 11 && right[0] == 22);
	assert_int_equal(*(uint8_t *)store_page(&s, STORE_CONTENTS, 95), 95);
	assert_int_equal(*(uint8_t *)store_page(&s, STORE_PCMD, 2), 2);

	assert_int_equal(store_populate(&s, STORE_CONTENTS, 12, 1), 0);
	assert_zero(store_page(&s, STORE_CONTENTS, 12));
	store_punch(&s, STORE_CONTENTS, 0, 96);
	assert_int_equal(store_held(&s), 1);
	store_punch(&s, STORE_PCMD, 2, 1);
	assert_int_equal(store_held(&s), 0);
	store_destroy(&s);
}

/* The end of the file, moved into the range, is where the kernel really stops populating half way. */
static void partial_population_is_undone(void **state)
{
	struct store s;
	assert_int_equal(store_init(&s, 64), 0);
	assert_int_equal(store_populate(&s, STORE_CONTENTS, 1, 1), 0);
	assert_int_equal(ftruncate(s.fd, 10 * (off_t)PAGE_SIZE), 0);
	assert_int_equal(store_populate(&s, STORE_CONTENTS, 4, 20), -ENOMEM);
	assert_int_equal(store_held(&s), 1);
	assert_int_equal(store_populate(&s, STORE_PCMD, 0, 1), -ENOMEM);
	assert_int_equal(store_held(&s), 1);
	store_destroy(&s);
}

static void keeps_low_descriptors_free(void **state)
{
	struct store s;
	int lowest = dup(STDOUT_FILENO);
	assert_true(lowest >= 0);
	close(lowest);
	assert_int_equal(store_init(&s, 1), 0);
	assert_true(s.fd >= 500);
	assert_int_equal(fcntl(s.fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(dup(STDOUT_FILENO), lowest);
	close(lowest);
	store_destroy(&s);
	assert_int_equal(s.fd, -1);

	struct rlimit before, low = { .rlim_cur = 400 };
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(store_init(&s, 1), 0);
	assert_true(s.fd >= 0 && s.fd < 400);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	store_destroy(&s);
}

/* Were it tried, the kernel would send SIGXFSZ, whose default is death. */
static void too_small_file_limit_is_refused_quietly(void **state)
{
	struct rlimit before, low = { .rlim_cur = 1 << 20 };
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	low.rlim_max = before.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
	struct store s;
	assert_int_equal(store_init(&s, 1000), -EFBIG);
	assert_int_equal(store_init(&s, 100), 0);
	assert_int_equal(store_populate(&s, STORE_PCMD, 3, 1), 0);
	store_destroy(&s);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

static void stays_empty_when_all_memory_is_locked(void **state)
{
	struct store s;
	if (mlockall(MCL_FUTURE)) {
		print_message("not allowed to lock memory\n");
		skip();
	}
	int ret = store_init(&s, 1000);
	assert_int_equal(munlockall(), 0);
	assert_int_equal(ret, 0);
	assert_int_equal(store_held(&s), 0);
	store_destroy(&s);
}

static void is_not_mapped_in_a_child(void **state)
{
	struct store s;
	assert_int_equal(store_init(&s, 8), 0);
	assert_int_equal(store_populate(&s, STORE_CONTENTS, 0, 1), 0);
	pid_t child = fork();
	if (child == 0) {
		unsigned char resident;
		_exit(mincore(store_page(&s, STORE_CONTENTS, 0), PAGE_SIZE, &resident) == -1 && errno == ENOMEM ? 0
														: 1);
	}
	int status;
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	store_destroy(&s);
}

static uint64_t resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * PAGE_SIZE;
}

static void a_terabyte_costs_nothing(void **state)
{
	/* Where a sanitizer has taken the address space, less must do. */
	uint64_t cells = TEST_UNDER_TSAN ? 1ULL << 20 : 1ULL << 28;
	struct store s;
	resident_bytes();
	uint64_t before = resident_bytes();
	assert_int_equal(store_init(&s, cells), 0);
	assert_int_equal(store_populate(&s, STORE_CONTENTS, cells - 1, 1), 0);
	assert_int_equal(store_populate(&s, STORE_PCMD, s.cells[STORE_PCMD] - 1, 1), 0);
	assert_int_equal(store_held(&s), 2);
	assert_true(resident_bytes() - before < 1 << 20);
	store_destroy(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(occupies_nothing_at_first),
		cmocka_unit_test(populates_and_punches_by_the_page),
		cmocka_unit_test(partial_population_is_undone),
		cmocka_unit_test(keeps_low_descriptors_free),
		cmocka_unit_test(too_small_file_limit_is_refused_quietly),
		cmocka_unit_test(stays_empty_when_all_memory_is_locked),
		cmocka_unit_test(is_not_mapped_in_a_child),
		cmocka_unit_test(a_terabyte_costs_nothing),
	};
	return cmocka_run_group_tests_name("backing: store", tests, NULL, NULL);
}
