/* SPDX-License-Identifier: Apache-2.0 */
/* Every key is its own, and stays in this process: not in a forked child, not in a core dump. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/pagecrypt.h"

static int two_objects(void **state)
{
	static struct pagecrypt *pc[2];

	*state = pc;
	return pagecrypt_new(&pc[0]) || pagecrypt_new(&pc[1]);
}

static int destroy_two(void **state)
{
	struct pagecrypt **pc = *state;

	pagecrypt_destroy(pc[0]);
	pagecrypt_destroy(pc[1]);
	return 0;
}

static void another_object_cannot_open(void **state)
{
	struct pagecrypt **pc = *state;
	static const uint8_t plain[PAGE_SIZE], aad[PAGECRYPT_AAD_BYTES];
	uint8_t a[PAGE_SIZE], b[PAGE_SIZE], scratch[PAGE_SIZE];
	uint8_t mac_a[PAGECRYPT_MAC_BYTES], mac_b[PAGECRYPT_MAC_BYTES];

	pagecrypt_seal(pc[0], 1, aad, plain, a, mac_a);
	pagecrypt_seal(pc[1], 1, aad, plain, b, mac_b);
	assert_memory_not_equal(a, b, PAGE_SIZE);
	assert_false(pagecrypt_open(pc[1], 1, aad, a, scratch, mac_a));
	assert_true(pagecrypt_open(pc[0], 1, aad, a, scratch, mac_a));
	assert_memory_equal(scratch, plain, PAGE_SIZE);
}

static void a_forked_child_has_no_key(void **state)
{
	struct pagecrypt **pc = *state;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		const uint8_t *bytes = (const uint8_t *)pc[0];
		uint8_t any = 0;

		for (size_t i = 0; i < 1024; i++) /* more than the round keys */
			any |= bytes[i];
		_exit(any ? 1 : 0);
	}
	assert_true(waitpid(pid, &status, 0) == pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* VmFlags of the mapping at @addr, from /proc/self/smaps. */
static void vm_flags(uint64_t addr, char flags[256])
{
	FILE *f = fopen("/proc/self/smaps", "re");
	char line[512];
	bool here = false;

	assert_non_null(f);
	flags[0] = '\0';
	while (fgets(line, sizeof(line), f)) {
		unsigned long start, end;

		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= addr && addr < end;
		else if (here && sscanf(line, "VmFlags: %255[^\n]", flags) == 1)
			break;
	}
	fclose(f);
}

static void a_core_dump_has_no_key(void **state)
{
	struct pagecrypt **pc = *state;
	char flags[256];

	vm_flags((uint64_t)pc[0], flags);
	assert_non_null(strstr(flags, "dd"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(another_object_cannot_open, two_objects, destroy_two),
		cmocka_unit_test_setup_teardown(a_forked_child_has_no_key, two_objects, destroy_two),
		cmocka_unit_test_setup_teardown(a_core_dump_has_no_key, two_objects, destroy_two),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
