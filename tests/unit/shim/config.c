/* SPDX-License-Identifier: Apache-2.0 */
/* What the environment may ask of the shim, and what it says to anything else. */
#include "shim/config.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static char message[1024];

/* Read @env with standard error caught in `message`. */
static int read_env(struct shim_config *c, char *const *env)
{
	int pipe_fd[2], saved = dup(2), ret;
	ssize_t n;

	assert_int_equal(pipe(pipe_fd), 0);
	dup2(pipe_fd[1], 2);
	*c = config_defaults();
	ret = config_read(c, env);
	dup2(saved, 2);
	close(saved);
	close(pipe_fd[1]);
	n = read(pipe_fd[0], message, sizeof(message) - 1);
	close(pipe_fd[0]);
	message[n > 0 ? n : 0] = '\0';
	return ret;
}

static void defaults(void **state)
{
	struct shim_config c;

	assert_int_equal(read_env(&c, (char *[]){ "PATH=/bin", "SOFTSGX_EPCX=1", "XSOFTSGX_EPC=2", NULL }), 0);
	assert_int_equal(c.machine.epc_bytes, 128 << 20);
	assert_int_equal(c.machine.overcommit_percent, 150);
	assert_true(c.machine.backing_max_bytes == LEDGER_NO_LIMIT);
	assert_int_equal(c.machine.mechanism, MMU_AUTO);
	assert_false(c.strict);
	assert_int_equal(c.stats_fd, -1);
	assert_string_equal(message, "");
}

static void everything(void **state)
{
	struct shim_config c;
	char *env[] = { "SOFTSGX_EPC=16M",
			"SOFTSGX_OVERCOMMIT=-1",
			"SOFTSGX_BACKING_MAX=1G",
			"SOFTSGX_MECHANISM=sigbus",
			"SOFTSGX_STRICT=1",
			"SOFTSGX_STATS_FD=37",
			NULL };

	assert_int_equal(read_env(&c, env), 0);
	assert_int_equal(c.machine.epc_bytes, 16 << 20);
	assert_int_equal(c.machine.overcommit_percent, -1);
	assert_int_equal(c.machine.backing_max_bytes, 1 << 30);
	assert_int_equal(c.machine.mechanism, MMU_SIGBUS);
	assert_true(c.strict);
	assert_int_equal(c.stats_fd, 37);
}

static void malformed(void **state)
{
	static const char *const bad[] = {
		"SOFTSGX_EPC=",
		"SOFTSGX_EPC=lots",
		"SOFTSGX_EPC=12",
		"SOFTSGX_EPC=4097",
		"SOFTSGX_EPC=4K",
		"SOFTSGX_EPC=-1M",
		"SOFTSGX_EPC=99999999999999999999",
		"SOFTSGX_OVERCOMMIT=",
		"SOFTSGX_OVERCOMMIT=1.5",
		"SOFTSGX_OVERCOMMIT=150%",
		"SOFTSGX_OVERCOMMIT=99999999999",
		"SOFTSGX_BACKING_MAX=x",
		"SOFTSGX_MECHANISM=magic",
		"SOFTSGX_MECHANISM=",
		"SOFTSGX_STRICT=yes",
		"SOFTSGX_STRICT=2",
		"SOFTSGX_STATS_FD=-1",
		"SOFTSGX_STATS_FD=three",
	};
	struct shim_config c;

	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(read_env(&c, (char *[]){ (char *)bad[i], NULL }), -EINVAL);
		/* One line, which says which variable it is and what it was. */
		assert_memory_equal(message, "softsgx: ", 9);
		assert_memory_equal(message + 9, bad[i], strlen(bad[i]));
		assert_ptr_equal(strchr(message, '\n'), message + strlen(message) - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(everything),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
