/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/supervise.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/command.h"

/* What was in force before, and the program gets back. */
struct inherited {
	sigset_t mask;
	struct sigaction sigchld;
	pid_t parent;
};

static sigset_t watched_signals(void)
{
	static const int passed_on[] = {
		SIGHUP,  SIGINT,  SIGQUIT, SIGUSR1,   SIGUSR2, SIGALRM,  SIGTERM, SIGCONT, SIGTSTP,
		SIGTTIN, SIGTTOU, SIGURG,  SIGVTALRM, SIGPROF, SIGWINCH, SIGIO,   SIGPWR,
	};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	for (size_t i = 0; i < ARRAY_SIZE(passed_on); i++)
		sigaddset(&set, passed_on[i]);
	for (int sig = SIGRTMIN; sig <= SIGRTMAX; sig++)
		sigaddset(&set, sig);
	return set;
}

static void __attribute__((noreturn)) become(const char *path, char **argv, const struct inherited *before)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != before->parent) /* it died before the line above: no signal will come */
		_exit(EXIT_REFUSED);
	sigaction(SIGCHLD, &before->sigchld, NULL);
	sigprocmask(SIG_SETMASK, &before->mask, NULL);
	execvp(path, argv);
	log_line("%s: %s", path, strerror(errno));
	_exit(errno == ENOENT ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE);
}

/* As the program stopped, so do we, for the shell looks at us; returns when somebody continues us. */
static void stop_like(int sig)
{
	sigset_t only;

	sigemptyset(&only);
	sigaddset(&only, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &only, NULL); /* here */
	sigprocmask(SIG_BLOCK, &only, NULL);
}

/* Collect what happened to the child. Return: whether it has ended, with *status; *stopped follows its state. */
static bool reap(pid_t child, int *status, bool *stopped)
{
	int now;

	while (waitpid(child, &now, WNOHANG | WUNTRACED | WCONTINUED) == child) {
		if (WIFSTOPPED(now)) {
			*stopped = true;
			stop_like(WSTOPSIG(now));
		} else if (WIFCONTINUED(now)) {
			*stopped = false;
		} else {
			*status = now;
			return true;
		}
	}
	return false;
}

/*
 * A terminal signals the whole process group, the child included (si_code > 0: from the kernel); and what the child
 * itself sends to its group, it has already seen.
 */
static void pass_on(pid_t child, const siginfo_t *info)
{
	if (info->si_code > 0 || info->si_pid == child)
		return;
	if (info->si_code == SI_QUEUE)
		sigqueue(child, info->si_signo, info->si_value);
	else
		kill(child, info->si_signo);
}

static int watch(pid_t child, const sigset_t *watched)
{
	bool stopped = false;
	int status;

	while (!reap(child, &status, &stopped)) {
		siginfo_t info;
		int sig = sigwaitinfo(watched, &info);

		if (sig < 0 || sig == SIGCHLD)
			continue;
		if (sig != SIGCONT) {
			pass_on(child, &info);
			continue;
		}
		/* Sent to the group, it has continued the child as well; sent to us alone, the child still waits. */
		if (reap(child, &status, &stopped))
			break;
		if (stopped)
			kill(child, SIGCONT);
	}
	return status;
}

int supervise(const char *path, char **argv, int *status)
{
	struct sigaction wait_for_children = { .sa_handler = SIG_DFL };
	struct inherited before = { .parent = getpid() };
	sigset_t watched = watched_signals();
	pid_t child;

	/* An inherited SIG_IGN would have the kernel reap the child and lose its status. */
	sigaction(SIGCHLD, &wait_for_children, &before.sigchld);
	sigprocmask(SIG_BLOCK, &watched, &before.mask);
	fflush(NULL);
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0)
		become(path, argv, &before);
	*status = watch(child, &watched);
	return 0;
}

void end_like(int status)
{
	static const struct rlimit none = { 0, 0 };
	int sig = WTERMSIG(status);
	sigset_t only;

	if (WIFEXITED(status))
		exit(WEXITSTATUS(status));
	fflush(NULL);
	/* The program's core is the one that counts; a pipe in core_pattern ignores the limit, not the flag. */
	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	signal(sig, SIG_DFL);
	sigemptyset(&only);
	sigaddset(&only, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &only, NULL);
	exit(128 + sig); /* only the init of a container survives that */
}
