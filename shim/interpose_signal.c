/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libc's signal functions. Before the machine is active they do what libc does; afterwards they work on the
 * application's view of things. The sigwait family, sigsuspend() and the like go to the kernel in any case: while a
 * thread waits in them it raises no exception.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/sys.h"
#include "shim/actions.h"
#include "shim/real.h"
#include "shim/signals.h"
#include "shim/state.h"
#include "shim/thread.h"

/* libc's own, for cancellation and for set*id() in all threads. */
#define SIGCANCEL 32
#define SIGSETXID 33
#define LIBC_SIGNALS ((1ULL << (SIGCANCEL - 1)) | (1ULL << (SIGSETXID - 1)))

extern int __sigaction(int sig, const struct sigaction *act, struct sigaction *old);

public_api sighandler_t bsd_signal(int sig, sighandler_t handler);

static int set_errno(long ret)
{
	if (ret >= 0)
		return (int)ret;
	errno = (int)-ret;
	return -1;
}

static uint64_t word_of(const sigset_t *set)
{
	uint64_t word;

	memcpy(&word, set, sizeof(word));
	return word;
}

static void set_word(sigset_t *set, uint64_t word)
{
	memcpy(set, &word, sizeof(word));
}

/* --- dispositions --- */

static bool is_handled(int sig)
{
	return shim.handlers && sig >= 1 && sig <= SIGNALS && sig != SIGCANCEL && sig != SIGSETXID;
}

static struct action to_action(const struct sigaction *act)
{
	return (struct action){
		.handler = (uint64_t)act->sa_handler,
		.flags = (unsigned)act->sa_flags,
		.mask = word_of(&act->sa_mask) & ~LIBC_SIGNALS,
	};
}

static void from_action(const struct action *a, struct sigaction *act)
{
	memset(act, 0, sizeof(*act));
	act->sa_handler = (sighandler_t)a->handler;
	act->sa_flags = (int)a->flags;
	set_word(&act->sa_mask, a->mask);
}

public_api int sigaction(int sig, const struct sigaction *restrict act, struct sigaction *restrict old)
{
	struct action new, before;
	int ret;

	if (!is_handled(sig))
		return __sigaction(sig, act, old);
	if (act)
		new = to_action(act);
	ret = actions_change(sig, act ? &new : NULL, &before);
	if (!ret && old)
		from_action(&before, old);
	return set_errno(ret);
}

static sighandler_t set_handler(int sig, sighandler_t handler, int flags)
{
	struct sigaction act = { .sa_handler = handler, .sa_flags = flags }, old;

	if (handler == SIG_ERR) {
		errno = EINVAL;
		return SIG_ERR;
	}
	sigemptyset(&act.sa_mask);
	if (!(flags & (int)SA_RESETHAND))
		sigaddset(&act.sa_mask, sig);
	return sigaction(sig, &act, &old) < 0 ? SIG_ERR : old.sa_handler;
}

/* Of signal(): the signals for which siginterrupt() has asked that system calls fail. */
static _Atomic uint64_t interrupting;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
public_api int siginterrupt(int sig, int interrupt)
{
	struct sigaction act;
	int ret = real(siginterrupt)(sig, interrupt);

	if (ret < 0)
		return ret;
	if (interrupt)
		interrupting |= SIGBIT(sig);
	else
		interrupting &= ~SIGBIT(sig);
	if (!is_handled(sig))
		return 0;
	sigaction(sig, NULL, &act);
	act.sa_flags = interrupt ? act.sa_flags & ~SA_RESTART : act.sa_flags | SA_RESTART;
	return sigaction(sig, &act, NULL);
}
#pragma GCC diagnostic pop

public_api sighandler_t signal(int sig, sighandler_t handler)
{
	if (!is_handled(sig))
		return real(signal)(sig, handler);
	return set_handler(sig, handler, interrupting & SIGBIT(sig) ? 0 : SA_RESTART);
}

public_api sighandler_t bsd_signal(int sig, sighandler_t handler)
{
	return signal(sig, handler);
}

public_api sighandler_t ssignal(int sig, sighandler_t handler)
{
	return signal(sig, handler);
}

public_api sighandler_t __sysv_signal(int sig, sighandler_t handler)
{
	if (!is_handled(sig))
		return real(__sysv_signal)(sig, handler);
	return set_handler(sig, handler, (int)(SA_RESETHAND | SA_NODEFER));
}

public_api sighandler_t sysv_signal(int sig, sighandler_t handler)
{
	return __sysv_signal(sig, handler);
}

/* --- masks --- */

static int change_mask(int how, const sigset_t *set, sigset_t *old)
{
	uint64_t word = set ? word_of(set) & ~LIBC_SIGNALS : 0, before = 0;
	long ret;

	if (set && how != SIG_BLOCK && how != SIG_UNBLOCK && how != SIG_SETMASK)
		return -EINVAL;
	if (shim.handlers)
		ret = signals_mask(how, set ? &word : NULL, &before);
	else
		ret = sys_call4(SYS_rt_sigprocmask, how, set ? &word : NULL, &before, sizeof(word));
	if (!ret && old)
		set_word(old, before);
	return (int)ret;
}

public_api int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return -change_mask(how, set, old);
}

public_api int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
	return set_errno(change_mask(how, set, old));
}

public_api int sigpending(sigset_t *set)
{
	uint64_t word = 0;
	long ret = sys_call2(SYS_rt_sigpending, &word, sizeof(word));
	struct thread *t = thread_self();

	if (!ret)
		set_word(set, word | (t ? t->virtual_pending : 0));
	return set_errno(ret);
}

static int change_one(int how, int sig)
{
	sigset_t set;

	sigemptyset(&set);
	return sigaddset(&set, sig) < 0 ? -1 : sigprocmask(how, &set, NULL);
}

public_api int sighold(int sig)
{
	return change_one(SIG_BLOCK, sig);
}

public_api int sigrelse(int sig)
{
	return change_one(SIG_UNBLOCK, sig);
}

public_api int sigignore(int sig)
{
	struct sigaction act = { .sa_handler = SIG_IGN };

	return sigaction(sig, &act, NULL);
}

/* POSIX: SIG_HOLD blocks and leaves the disposition; everything else sets it and unblocks. */
public_api sighandler_t sigset(int sig, sighandler_t disposition)
{
	struct sigaction act = { .sa_handler = disposition }, old;
	sigset_t before;
	bool hold = disposition == SIG_HOLD;

	if (sigaction(sig, hold ? NULL : &act, &old) < 0 || sigprocmask(SIG_BLOCK, NULL, &before) < 0 ||
	    change_one(hold ? SIG_BLOCK : SIG_UNBLOCK, sig) < 0)
		return SIG_ERR;
	return sigismember(&before, sig) ? SIG_HOLD : old.sa_handler;
}

/* --- alternate stacks --- */

public_api int sigaltstack(const stack_t *restrict new, stack_t *restrict old)
{
	if (!shim.handlers)
		return set_errno(sys_call2(SYS_sigaltstack, new, old));
	return set_errno(signals_altstack(new, old, (uint64_t)__builtin_frame_address(0)));
}
