/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives the probe enclave: loads it, does one thing, checks the outcome.
 *	kit-run [--elf PROBE.elf] [--sig PROBE.sig] COMMAND [NUMBER...]
 * Exit status: 0 as expected; 1 not; 2 wrong use; 77 there is no SGX device.
 */
#include <errno.h>
#include <getopt.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "arch/errors.h"
#include "kit/host/host.h"
#include "tests/enclave/kit/probe.h"
#include "tests/testing.h"

#define EXIT_SKIP 77
#define ARGS_MAX 4

struct session {
	struct kit_enclave *enclave;
	uint64_t arg[ARGS_MAX];
};

/* --- calling --- */

static void complain(const struct session *s, uint64_t function, int ret, const struct kit_result *r)
{
	char text[160];

	if (ret == -EFAULT)
		fprintf(stderr, "kit-run: function %lu: %s\n", function,
			kit_describe_exception(s->enclave, &r->exception, text, sizeof(text)));
	else
		fprintf(stderr, "kit-run: function %lu: %s\n", function, strerror(-ret));
}

/* Return: whether the call succeeded with @expected. */
static bool call_gives(const struct session *s, uint64_t function, uint64_t arg, int64_t expected)
{
	struct kit_result r;
	int ret = kit_ecall(s->enclave, function, arg, &r);

	if (ret != 0)
		complain(s, function, ret, &r);
	else if (r.value != expected)
		fprintf(stderr, "kit-run: function %lu gave %ld, not %ld\n", function, r.value, expected);
	return ret == 0 && r.value == expected;
}

static int64_t serve(void *data, uint64_t function, uint64_t arg)
{
	const struct session *s = data;
	struct kit_result r;

	if (function == PROBE_PING)
		return (int64_t)(2 * arg + 1);
	if (function == PROBE_CALL_BACK) /* into the enclave again, on another of its threads */
		return kit_ecall(s->enclave, PROBE_ECHO, arg + 1, &r) == 0 ? r.value : -1;
	return -ENOSYS;
}

/* --- commands --- */

static bool do_echo(struct session *s)
{
	return call_gives(s, PROBE_ECHO, s->arg[0], (int64_t)s->arg[0]);
}

static bool do_add(struct session *s)
{
	struct probe_add a = { s->arg[0], s->arg[1] };

	return call_gives(s, PROBE_ADD, (uint64_t)&a, (int64_t)(s->arg[0] + s->arg[1]));
}

static bool do_calls(struct session *s)
{
	bool ok = true;

	for (uint64_t i = 0; i < s->arg[0] && ok; i++)
		ok = call_gives(s, PROBE_ECHO, i, (int64_t)i);
	return ok;
}

struct toucher {
	pthread_t thread;
	const struct session *session;
	struct probe_touch t;
	bool ok;
};

static void *touch_thread(void *arg)
{
	static const enum probe_touch_mode order[] = { TOUCH_FILL, TOUCH_RANDOM, TOUCH_WRITE, TOUCH_READ, TOUCH_CHECK };
	struct toucher *me = arg;

	me->ok = true;
	for (unsigned i = 0; i < ARRAY_SIZE(order) && me->ok; i++) {
		me->t.mode = order[i];
		me->ok = call_gives(me->session, PROBE_TOUCH, (uint64_t)&me->t, 0);
	}
	if (!me->ok)
		fprintf(stderr, "kit-run: mode %lu, first wrong page %lu\n", me->t.mode, me->t.bad_page);
	return NULL;
}

/* touch THREADS PAGES ROUNDS: each thread on pages of its own */
static bool do_touch(struct session *s)
{
	uint64_t threads = s->arg[0];
	struct toucher *t = calloc(threads, sizeof(*t));
	bool ok = true;

	for (uint64_t i = 0; i < threads; i++) {
		t[i].session = s;
		t[i].t = (struct probe_touch){
			.first = i * s->arg[1],
			.pages = s->arg[1],
			.rounds = test_scaled(s->arg[2], 100),
			.seed = i << 32,
		};
		if (pthread_create(&t[i].thread, NULL, touch_thread, &t[i]) != 0)
			abort();
	}
	for (uint64_t i = 0; i < threads; i++) {
		pthread_join(t[i].thread, NULL);
		ok = ok && t[i].ok;
	}
	free(t);
	return ok;
}

static bool do_spin(struct session *s)
{
	return call_gives(s, PROBE_SPIN, test_scaled(s->arg[0], 1000000), 0);
}

static bool do_ocalls(struct session *s)
{
	return call_gives(s, PROBE_OCALLS, s->arg[0], 0);
}

static bool do_nested(struct session *s)
{
	return call_gives(s, 1000, s->arg[0], (int64_t)s->arg[0] + 1);
}

static bool do_malloc(struct session *s)
{
	return call_gives(s, PROBE_MALLOC, s->arg[0], 0);
}

static bool do_pointers(struct session *s)
{
	return call_gives(s, PROBE_POINTERS, 0, 0);
}

static bool do_entry(struct session *s)
{
	struct probe_entry e;
	const uint64_t suspect = 1U << 10 | 1U << 18; /* DF, AC */

	if (!call_gives(s, PROBE_ENTRY, (uint64_t)&e, 0))
		return false;
	return (e.rflags & suspect) == 0 && e.mxcsr == 0x1f80 && e.fcw == 0x37f && e.xmm_or == 0 &&
	       e.rsp_offset < kit_enclave_image(s->enclave)->size;
}

/* The enclave must not take its own memory, or a range that reaches into it, for the host's. */
static bool do_copy(struct session *s)
{
	uint8_t buf[64] = { 0 };
	uint64_t base = kit_enclave_base(s->enclave), end = base + kit_enclave_image(s->enclave)->size;
	struct probe_copy good = { (uint64_t)buf, sizeof(buf) }, inside = { base, 16 }, into = { base - 8, 16 };
	struct probe_copy tail = { end - 8, 16 }, wraps = { UINT64_MAX - 7, 16 };

	return call_gives(s, PROBE_COPY, (uint64_t)&good, 0) && call_gives(s, PROBE_COPY, (uint64_t)&inside, -14) &&
	       call_gives(s, PROBE_COPY, (uint64_t)&into, -14) && call_gives(s, PROBE_COPY, (uint64_t)&tail, -14) &&
	       call_gives(s, PROBE_COPY, (uint64_t)&wraps, -14);
}

static bool do_stack(struct session *s)
{
	struct kit_result r;

	return kit_ecall(s->enclave, PROBE_STACK, s->arg[0], &r) == 0;
}

/* --- exceptions --- */

static const struct {
	const char *name;
	uint16_t vector;
	bool by_signal; /* the kernel's vDSO leaves #BP to a signal */
} raised[RAISE_COUNT] = {
	[RAISE_UD] = { "ud", VECTOR_UD, false },
	[RAISE_DE] = { "de", VECTOR_DE, false },
	[RAISE_GP] = { "gp", VECTOR_GP, false },
	[RAISE_BP] = { "bp", VECTOR_BP, true },
	[RAISE_PF_GAP] = { "pf-gap", VECTOR_PF, false },
	[RAISE_PF_CODE] = { "pf-code", VECTOR_PF, false },
	[RAISE_PF_EXECUTE] = { "pf-execute", VECTOR_PF, false },
	[RAISE_PF_HOST] = { "pf-host", VECTOR_PF, false },
	[RAISE_CPUID] = { "cpuid", VECTOR_UD, false },
	[RAISE_SYSCALL] = { "syscall", VECTOR_UD, false },
	[RAISE_STACK] = { "stack", VECTOR_PF, false },
};

static volatile sig_atomic_t traps;

static void on_trap(int signo)
{
	(void)signo;
	traps++;
}

/* Unhandled inside: the host learns vector, error code and address, and the other threads go on. */
static bool raise_unhandled(struct session *s, enum probe_raise how)
{
	struct kit_result r;
	int ret = kit_ecall(s->enclave, PROBE_RAISE, how, &r);
	char text[160];

	if (raised[how].by_signal)
		return ret == 0 && r.value == 1 && traps == 1;
	if (ret != -EFAULT) {
		fprintf(stderr, "kit-run: %s gave %d, not an exception\n", raised[how].name, ret);
		return false;
	}
	fprintf(stderr, "kit-run: %s: %s\n", raised[how].name,
		kit_describe_exception(s->enclave, &r.exception, text, sizeof(text)));
	return r.exception.vector == raised[how].vector && r.exception.function == ENCLU_ERESUME &&
	       call_gives(s, PROBE_ECHO, 5, 5);
}

/* Handled inside: the handler sees where and what, skips the instruction, and the call goes on. */
static bool raise_handled(struct session *s, enum probe_raise how)
{
	struct probe_caught c;

	if (how == RAISE_STACK || raised[how].by_signal)
		return true;
	if (!call_gives(s, PROBE_HANDLER, HANDLER_SKIP, HANDLER_DECLINE) || !call_gives(s, PROBE_RAISE, how, 1) ||
	    !call_gives(s, PROBE_CAUGHT, (uint64_t)&c, 1) ||
	    !call_gives(s, PROBE_HANDLER, HANDLER_DECLINE, HANDLER_SKIP))
		return false;
	if (how != RAISE_PF_EXECUTE && c.rip_offset != c.expected_rip_offset) {
		fprintf(stderr, "kit-run: %s at 0x%lx, not at 0x%lx\n", raised[how].name, c.rip_offset,
			c.expected_rip_offset);
		return false;
	}
	if (c.exitinfo == 0) /* #PF and #GP are not reported inside without EXINFO, SDM 3D 35.9.1 */
		return raised[how].vector == VECTOR_PF || raised[how].vector == VECTOR_GP;
	return c.exitinfo == (SGX_EXITINFO_VALID | SGX_EXITINFO_TYPE_HW | raised[how].vector);
}

static bool do_raise(struct session *s)
{
	struct sigaction sa = { .sa_handler = on_trap };

	if (s->arg[0] >= RAISE_COUNT)
		return false;
	sigaction(SIGTRAP, &sa, NULL);
	return raise_handled(s, (enum probe_raise)s->arg[0]) && raise_unhandled(s, (enum probe_raise)s->arg[0]);
}

/* A handler that faults itself ends the call with the first exception. */
static bool do_double_fault(struct session *s)
{
	struct kit_result r;

	return call_gives(s, PROBE_HANDLER, HANDLER_FAULT, HANDLER_DECLINE) &&
	       kit_ecall(s->enclave, PROBE_RAISE, RAISE_DE, &r) == -EFAULT && r.exception.vector == VECTOR_DE &&
	       call_gives(s, PROBE_ECHO, 5, 5);
}

/* Every thread can be lost, and then the answer says so. */
static bool do_lose_threads(struct session *s)
{
	struct kit_result r;

	for (uint32_t i = 0; i < kit_enclave_image(s->enclave)->config.tcs; i++) {
		if (kit_ecall(s->enclave, PROBE_RAISE, RAISE_UD, &r) != -EFAULT)
			return false;
	}
	return kit_ecall(s->enclave, PROBE_ECHO, 1, &r) == -ENXIO;
}

static bool do_abort(struct session *s)
{
	struct kit_result r;

	return kit_ecall(s->enclave, PROBE_ABORT, 0, &r) == -ECANCELED &&
	       kit_ecall(s->enclave, PROBE_ECHO, 0, &r) == -ECANCELED;
}

/* --- without the vDSO --- */

static void on_raw_exception(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	(void)info;
	if ((uint64_t)uc->uc_mcontext.gregs[REG_RIP] != (uint64_t)kit_raw_aep ||
	    uc->uc_mcontext.gregs[REG_RAX] != ENCLU_ERESUME)
		_exit(128 + signo);
	uc->uc_mcontext.gregs[REG_RIP] = (greg_t)kit_raw_fixup;
}

static bool do_raw(struct session *s)
{
	const struct kit_image *image = kit_enclave_image(s->enclave);
	uint64_t first = kit_enclave_base(s->enclave) + kit_image_tcs(image, 0);
	struct sigaction sa = { .sa_sigaction = on_raw_exception, .sa_flags = SA_SIGINFO };
	struct kit_call echo = { .function = PROBE_ECHO, .arg = 0x1234567890abcdef };
	struct kit_call raise = { .function = PROBE_RAISE, .arg = RAISE_UD };
	struct kit_raw_exit exit = { 0 };

	if (kit_enter_raw(first, (uint64_t)&echo, &exit) != 0 || exit.rdi != KIT_EXIT_RETURN || exit.rsi != 0 ||
	    echo.result != 0x1234567890abcdef)
		return false;
	sigaction(SIGILL, &sa, NULL);
	if (kit_enter_raw(first, (uint64_t)&raise, &exit) != -EFAULT)
		return false;
	/* CSSA is 1 now: the next entry reaches the exception handler, which declines. */
	return kit_enter_raw(first, (uint64_t)&raise, &exit) == 0 && exit.rdi == KIT_EXIT_UNHANDLED;
}

static const struct command {
	const char *name;
	unsigned args;
	bool (*run)(struct session *s);
	const char *what;
} commands[] = {
	{ "echo", 1, do_echo, "N" },
	{ "add", 2, do_add, "A B" },
	{ "calls", 1, do_calls, "COUNT" },
	{ "touch", 3, do_touch, "THREADS PAGES ROUNDS" },
	{ "spin", 1, do_spin, "ROUNDS" },
	{ "ocalls", 1, do_ocalls, "COUNT" },
	{ "nested", 1, do_nested, "N" },
	{ "malloc", 1, do_malloc, "ROUNDS" },
	{ "pointers", 0, do_pointers, "" },
	{ "entry", 0, do_entry, "" },
	{ "copy", 0, do_copy, "" },
	{ "stack", 1, do_stack, "BYTES" },
	{ "raise", 1, do_raise, "KIND (0 to 10, see enum probe_raise)" },
	{ "double-fault", 0, do_double_fault, "" },
	{ "lose-threads", 0, do_lose_threads, "" },
	{ "abort", 0, do_abort, "" },
	{ "raw", 0, do_raw, "" },
};

/* --- main --- */

static int usage(void)
{
	fprintf(stderr, "usage: kit-run [--elf PROBE.elf] [--sig PROBE.sig] COMMAND [NUMBER...]\n");
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(stderr, "  %s %s\n", commands[i].name, commands[i].what);
	return 2;
}

static const struct command *find_command(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	}
	return NULL;
}

static char *beside_us(const char *name)
{
	static char path[2][4096];
	static unsigned turn;
	char *at = path[turn++ % 2];
	ssize_t n = readlink("/proc/self/exe", at, sizeof(path[0]) - 64);

	if (n < 0)
		n = 0;
	at[n] = '\0';
	strcpy(strrchr(at, '/') ? strrchr(at, '/') + 1 : at, name);
	return at;
}

static int run(const struct command *command, struct session *s, const char *elf, const char *sig)
{
	struct kit_error err;
	int ret = kit_load(elf, sig, &s->enclave, &err);
	bool ok;

	if (ret != 0) {
		fprintf(stderr, "kit-run: %s\n", err.text);
		return ret == -ENOENT && access(elf, R_OK) == 0 && access(sig, R_OK) == 0 ? EXIT_SKIP : 1;
	}
	kit_on_ocall(s->enclave, serve, s);
	ok = command->run(s);
	kit_unload(s->enclave);
	if (!ok)
		fprintf(stderr, "kit-run: %s failed\n", command->name);
	return ok ? 0 : 1;
}

int main(int argc, char **argv)
{
	static const struct option options[] = { { "elf", required_argument, NULL, 'e' },
						 { "sig", required_argument, NULL, 's' },
						 { NULL, 0, NULL, 0 } };
	const char *elf = beside_us("probe.elf"), *sig = beside_us("probe.sig");
	const struct command *command;
	struct session s = { 0 };
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'e')
			elf = optarg;
		else if (c == 's')
			sig = optarg;
		else
			return usage();
	}
	command = optind < argc ? find_command(argv[optind]) : NULL;
	if (!command || (unsigned)(argc - optind - 1) != command->args)
		return usage();
	for (unsigned i = 0; i < command->args; i++)
		s.arg[i] = strtoull(argv[optind + 1 + (int)i], NULL, 0);
	return run(command, &s, elf, sig);
}
