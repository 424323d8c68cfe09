/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `softsgx run` between a shell and a program: signals arrive once, stops and continues show, deaths are the same
 * deaths, and nothing is left when it is killed.
 *
 * The program is this file again, with a word that says what it does: report the signals it gets, end in some way, or
 * tell what it has inherited.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PATIENCE_MS 20000 /* on a busy machine; a test that passes never waits that long */

static const char *softsgx, *self;

/* ---- the program ---- */

static void report_signal(int sig, siginfo_t *info, void *context)
{
	char line[32];
	int n = snprintf(line, sizeof(line), "%d %d\n", sig, info->si_code == SI_QUEUE ? info->si_value.sival_int : -1);

	if (write(1, line, (size_t)n) != n)
		_exit(3);
}

static void __attribute__((noreturn)) report(void)
{
	struct sigaction action = { .sa_sigaction = report_signal, .sa_flags = SA_SIGINFO | SA_RESTART };

	sigfillset(&action.sa_mask);
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (sig != SIGTSTP && sig != SIGCHLD && sig != SIGSEGV)
			sigaction(sig, &action, NULL); /* refused for KILL and STOP */
	}
	printf("ready %d\n", getpid());
	fflush(stdout);
	for (;;)
		pause();
}

static int die(int sig)
{
	static const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_CORE, &none);
	signal(sig, SIG_DFL);
	raise(sig);
	return 1;
}

/* As in /proc/self/status, bit n - 1 for signal n. */
static int tell_inherited(void)
{
	unsigned long long blocked = 0, ignored = 0;
	struct sigaction action;
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	for (int sig = 1; sig <= SIGRTMAX; sig++) {
		if (sigismember(&mask, sig) == 1)
			blocked |= 1ull << (sig - 1);
		if (sigaction(sig, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			ignored |= 1ull << (sig - 1);
	}
	printf("blocked %016llx ignored %016llx\n", blocked, ignored);
	return 0;
}

static int be_program(char **argv)
{
	if (strcmp(argv[1], "report") == 0)
		report();
	if (strcmp(argv[1], "inherited") == 0)
		return tell_inherited();
	if (strcmp(argv[1], "die") == 0)
		return die(atoi(argv[2]));
	if (strcmp(argv[1], "exit") == 0)
		return atoi(argv[2]);
	if (strcmp(argv[1], "ignoring-children") == 0) {
		signal(SIGCHLD, SIG_IGN);
		execv(argv[2], argv + 2);
	}
	return -1;
}

/* ---- the tests ---- */

struct session {
	pid_t run;     /* softsgx run */
	pid_t program; /* what it runs */
	int out;       /* the program's standard output */
};

static void read_line(struct session *s, char *line, size_t size)
{
	size_t n = 0;

	while (n < size - 1) {
		struct pollfd p = { .fd = s->out, .events = POLLIN };

		if (poll(&p, 1, PATIENCE_MS) != 1 || read(s->out, line + n, 1) != 1)
			break;
		if (line[n++] == '\n')
			break;
	}
	line[n] = '\0';
}

static void assert_line(struct session *s, const char *format, ...)
{
	char line[64], expected[64];
	va_list ap;

	va_start(ap, format);
	vsnprintf(expected, sizeof(expected), format, ap);
	va_end(ap);
	read_line(s, line, sizeof(line));
	assert_string_equal(line, expected);
}

static void become(int out, int terminal, const char *const *command)
{
	if (terminal >= 0) {
		setsid();
		ioctl(terminal, TIOCSCTTY, 0);
	} else {
		setpgid(0, 0); /* a job of its own: an orphaned group cannot be stopped */
	}
	dup2(out, 1);
	execv(command[0], (char *const *)command);
	_exit(99);
}

static struct session start(int terminal, const char *const *command)
{
	struct session s = { 0 };
	int pipes[2];

	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	s.run = fork();
	assert_true(s.run >= 0);
	if (s.run == 0)
		become(pipes[1], terminal, command);
	close(pipes[1]);
	s.out = pipes[0];
	return s;
}

static struct session start_report(int terminal)
{
	struct session s = start(terminal, (const char *[]){ softsgx, "run", self, "report", NULL });
	char line[64];

	read_line(&s, line, sizeof(line));
	assert_int_equal(sscanf(line, "ready %d", &s.program), 1);
	return s;
}

/* The next change of state of `run`. */
static int next_state(struct session *s)
{
	int status;

	alarm(PATIENCE_MS / 1000);
	assert_int_equal(waitpid(s->run, &status, WUNTRACED | WCONTINUED), s->run);
	alarm(0);
	return status;
}

static void finish(struct session *s)
{
	int status;

	assert_int_equal(kill(s->program, SIGKILL), 0);
	do
		status = next_state(s);
	while (!WIFSIGNALED(status) && !WIFEXITED(status));
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(s->out);
}

static void sent_signals_arrive_once(void **state)
{
	static const int sent[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGWINCH, SIGURG, SIGIO
	};
	struct session s = start_report(-1);

	for (size_t i = 0; i < sizeof(sent) / sizeof(*sent); i++) {
		kill(s.run, sent[i]);
		assert_line(&s, "%d -1\n", sent[i]);
	}
	finish(&s);
}

static void queued_signals_keep_order_and_value(void **state)
{
	struct session s = start_report(-1);

	for (int i = 0; i < 5; i++)
		assert_int_equal(sigqueue(s.run, SIGRTMIN + 3, (union sigval){ .sival_int = 1000 + i }), 0);
	for (int i = 0; i < 5; i++)
		assert_line(&s, "%d %d\n", SIGRTMIN + 3, 1000 + i);
	finish(&s);
}

static void terminal_signals_arrive_once(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC), terminal;
	struct session s;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	terminal = open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(terminal >= 0);
	s = start_report(terminal);
	assert_int_equal(write(master, "\003", 1), 1); /* ^C */
	assert_line(&s, "%d -1\n", SIGINT);
	assert_int_equal(write(master, "\034", 1), 1); /* ^\ */
	assert_line(&s, "%d -1\n", SIGQUIT);           /* and no second SIGINT before it */
	kill(s.run, SIGUSR1);
	assert_line(&s, "%d -1\n", SIGUSR1);
	finish(&s);
	close(terminal);
	close(master);
}

static void stop_of_the_program_is_ours(void **state)
{
	struct session s = start_report(-1);
	int status;

	kill(s.program, SIGSTOP);
	status = next_state(&s);
	assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	kill(s.run, SIGCONT); /* to us alone */
	assert_true(WIFCONTINUED(next_state(&s)));
	assert_line(&s, "%d -1\n", SIGCONT); /* the program runs again, and caught it */
	kill(s.run, SIGUSR1);
	assert_line(&s, "%d -1\n", SIGUSR1);
	finish(&s);
}

static void sent_stop_stops_both(void **state)
{
	struct session s = start_report(-1);
	int status;

	for (int round = 0; round < 3; round++) {
		kill(s.run, SIGTSTP);
		status = next_state(&s);
		assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGTSTP);
		kill(s.run, SIGCONT);
		assert_true(WIFCONTINUED(next_state(&s)));
		assert_line(&s, "%d -1\n", SIGCONT);
	}
	finish(&s);
}

static void deadly_signals_kill_us_too(void **state)
{
	static const int deadly[] = { SIGHUP, SIGINT,  SIGQUIT, SIGILL,  SIGABRT,
				      SIGFPE, SIGKILL, SIGSEGV, SIGPIPE, SIGTERM };
	struct rlimit core = { RLIM_INFINITY, RLIM_INFINITY }, before;
	char number[8];

	getrlimit(RLIMIT_CORE, &before);
	core.rlim_cur = core.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_CORE, &core);
	for (size_t i = 0; i < sizeof(deadly) / sizeof(*deadly); i++) {
		struct session s;
		int status;

		snprintf(number, sizeof(number), "%d", deadly[i]);
		s = start(-1, (const char *[]){ softsgx, "run", self, "die", number, NULL });
		status = next_state(&s);
		assert_true(WIFSIGNALED(status));
		assert_int_equal(WTERMSIG(status), deadly[i]);
		assert_false(WCOREDUMP(status)); /* the program's core is enough */
		close(s.out);
	}
	setrlimit(RLIMIT_CORE, &before);
}

static void killed_run_leaves_no_program(void **state)
{
	struct session s = start_report(-1);
	int status;

	/* The orphan becomes ours, so that we can see how it ends. */
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	kill(s.run, SIGKILL);
	assert_int_equal(waitpid(s.run, &status, 0), s.run);
	alarm(PATIENCE_MS / 1000);
	assert_int_equal(waitpid(s.program, &status, 0), s.program);
	alarm(0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	close(s.out);
}

/* What `signals inherited` says, under run or not. */
static void inherited_signals(bool under_run, char *text, size_t size)
{
	const char *const command[] = { softsgx, "run", self, "inherited", NULL };
	struct session s = start(-1, under_run ? command : command + 2);
	size_t n = 0;
	ssize_t got;

	while ((got = read(s.out, text + n, size - 1 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	assert_true(WIFEXITED(next_state(&s)));
	close(s.out);
}

static void masks_and_ignored_signals_are_handed_down(void **state)
{
	char expected[256], found[256];
	sigset_t blocked, before;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGUSR2);
	sigaddset(&blocked, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &blocked, &before);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	inherited_signals(false, expected, sizeof(expected));
	inherited_signals(true, found, sizeof(found));
	signal(SIGHUP, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	sigprocmask(SIG_SETMASK, &before, NULL);
	assert_non_null(strstr(expected, "blocked 0000000400000800 ignored "));
	assert_string_equal(found, expected);
}

static void ignored_sigchld_loses_no_status(void **state)
{
	struct session s = start(-1, (const char *[]){ self, "ignoring-children", softsgx, "run", self, "exit", "42",
						       NULL });
	int status = next_state(&s);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 42);
	close(s.out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sent_signals_arrive_once),
		cmocka_unit_test(queued_signals_keep_order_and_value),
		cmocka_unit_test(terminal_signals_arrive_once),
		cmocka_unit_test(stop_of_the_program_is_ours),
		cmocka_unit_test(sent_stop_stops_both),
		cmocka_unit_test(deadly_signals_kill_us_too),
		cmocka_unit_test(killed_run_leaves_no_program),
		cmocka_unit_test(masks_and_ignored_signals_are_handed_down),
		cmocka_unit_test(ignored_sigchld_loses_no_status),
	};

	if (argc < 2) {
		fprintf(stderr, "usage: signals SOFTSGX\n");
		return 2;
	}
	if (!strchr(argv[1], '/'))
		return be_program(argv);
	softsgx = realpath(argv[1], NULL);
	self = realpath("/proc/self/exe", NULL);
	return cmocka_run_group_tests_name("signals", tests, NULL, NULL);
}
