/* SPDX-License-Identifier: Apache-2.0 */
/* libc's functions on threads and the process. */
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "base/sys.h"
#include "shim/actions.h"
#include "shim/engine.h"
#include "shim/real.h"
#include "shim/state.h"
#include "shim/thread.h"

#define SIGCANCEL 32
#define SIGSETXID 33

extern unsigned long __getauxval(unsigned long type);

/* --- new threads get their context first of all --- */

/* libc installs its handler for set*id() with the first thread, past sigaction(). */
static void after_create(void)
{
	if (shim.handlers)
		actions_refresh(SIGSETXID);
}

public_api int pthread_create(pthread_t *restrict thread, const pthread_attr_t *restrict attr, void *(*start)(void *),
			      void *restrict arg)
{
	struct thread_start *wrapped;
	int ret;

	if (!shim.handlers || engine_running())
		return real(pthread_create)(thread, attr, start, arg);
	wrapped = thread_wrap_start(start, arg);
	if (!wrapped)
		return EAGAIN;
	ret = real(pthread_create)(thread, attr, thread_run, wrapped);
	if (ret)
		thread_wrap_cancel(wrapped);
	after_create();
	return ret;
}

/*
 * libc's handler for cancellation comes with the first pthread_cancel(), past sigaction(), and must not run on an
 * enclave's FS base. Cancelling a thread of no consequence brings it; then it is ours to redeliver.
 */
static void *wait_for_end(void *arg)
{
	for (;;)
		pause();
	return NULL;
}

static void install_cancel_handler(void)
{
	pthread_t victim;
	uint64_t mask = signals_block_all();

	if (real(pthread_create)(&victim, NULL, wait_for_end, NULL) == 0) {
		real(pthread_cancel)(victim);
		pthread_join(victim, NULL);
	}
	signals_restore(mask);
	actions_refresh(SIGCANCEL);
}

public_api int pthread_cancel(pthread_t thread)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	if (shim.handlers)
		pthread_once(&once, install_cancel_handler);
	return real(pthread_cancel)(thread);
}

/* --- the end --- */

public_api void _exit(int status)
{
	if (shim_active())
		shim_last_words();
	for (;;)
		sys_call1(SYS_exit_group, status);
}

public_api void _Exit(int status)
{
	_exit(status);
}

/* --- the vDSO --- */

public_api unsigned long getauxval(unsigned long type)
{
	if (type == AT_SYSINFO_EHDR && shim.vdso.base)
		return shim.vdso.base;
	return __getauxval(type);
}
