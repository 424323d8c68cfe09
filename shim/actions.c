/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/actions.h"

#include "shim/entry.h"
#include "shim/state.h"

#define SA_RESTORER 0x04000000
/* Flags that work only where the kernel knows them. */
#define KERNEL_FLAGS (SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT)

static struct lock lock; /* held with all signals blocked */
static struct action table[SIGNALS + 1];

static int kernel_action(int sig, const struct action *new, struct action *old)
{
	return (int)sys_call4(SYS_rt_sigaction, sig, new, old, sizeof(uint64_t));
}

static bool is_synchronous(int sig)
{
	return (SIGBIT(sig) & SYNCHRONOUS_SIGNALS) != 0;
}

/* What the kernel is told when the application wants @app. */
static struct action installed(int sig, const struct action *app)
{
	if (!is_synchronous(sig) && (action_is_default(app) || action_is_ignore(app)))
		return *app;
	return (struct action){
		.handler = (uint64_t)shim_handler,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER | (app->flags & KERNEL_FLAGS),
		.restorer = (uint64_t)shim_restorer,
		.mask = ~0ULL,
	};
}

static int install(int sig)
{
	struct action k = installed(sig, &table[sig]);

	return kernel_action(sig, &k, NULL);
}

/* Context: holds lock. */
static void adopt(int sig)
{
	struct action found;

	if (sig == SIGKILL || sig == SIGSTOP || kernel_action(sig, NULL, &found) ||
	    found.handler == (uint64_t)shim_handler)
		return;
	table[sig] = found;
	if (is_synchronous(sig) || !(action_is_default(&found) || action_is_ignore(&found)))
		(void)install(sig);
}

void actions_take_over(void)
{
	lock_acquire(&lock);
	for (int sig = 1; sig <= SIGNALS; sig++)
		adopt(sig);
	lock_release(&lock);
}

void actions_refresh(int sig)
{
	uint64_t mask = signals_block_all();

	lock_acquire(&lock);
	adopt(sig);
	lock_release(&lock);
	signals_restore(mask);
}

static int change(int sig, const struct action *new, struct action *old)
{
	struct action before = table[sig];
	int ret = 0;

	if (new) {
		table[sig] = *new;
		/* The kernel drops these two itself. */
		table[sig].mask &= ~(SIGBIT(SIGKILL) | SIGBIT(SIGSTOP));
		ret = install(sig);
		if (ret)
			table[sig] = before;
	}
	if (!ret && old)
		*old = before;
	return ret;
}

/* The child of a vfork() has dispositions of its own in the kernel, but the table is the parent's. */
static int change_on_loan(int sig, const struct action *new, struct action *old)
{
	struct action raw = new ? *new : (struct action){ 0 };
	int ret;

	raw.flags |= SA_RESTORER;
	raw.restorer = (uint64_t)shim_restorer;
	ret = kernel_action(sig, new ? &raw : NULL, old);
	if (!ret && old && old->handler == (uint64_t)shim_handler)
		*old = actions_look(sig);
	return ret;
}

int actions_change(int sig, const struct action *new, struct action *old)
{
	uint64_t mask = signals_block_all();
	int ret;

	if (shim_on_loan()) {
		ret = change_on_loan(sig, new, old);
		signals_restore(mask);
		return ret;
	}
	lock_acquire(&lock);
	ret = change(sig, new, old);
	lock_release(&lock);
	signals_restore(mask);
	return ret;
}

struct action actions_look(int sig)
{
	struct action a;

	lock_acquire(&lock);
	a = table[sig];
	lock_release(&lock);
	return a;
}

struct action actions_deliver(int sig)
{
	struct action a;

	lock_acquire(&lock);
	a = table[sig];
	if (a.flags & SA_RESETHAND && !action_is_default(&a) && !action_is_ignore(&a)) {
		table[sig].handler = (uint64_t)SIG_DFL;
		(void)install(sig);
	}
	lock_release(&lock);
	return a;
}

void actions_kernel_default(int sig)
{
	struct action dfl = { .handler = (uint64_t)SIG_DFL };

	kernel_action(sig, &dfl, NULL);
}

void actions_fork_prepare(void)
{
	lock_acquire(&lock);
}

void actions_fork_done(void)
{
	lock_release(&lock);
}
