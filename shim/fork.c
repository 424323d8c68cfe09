/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A forked child has none of its parent's enclaves: their memory is not copied (MADV_DONTFORK), and an EPC cannot be
 * in two places. Its descriptors of the device are open but lead nowhere. Signals stay ours, for the handlers that the
 * kernel has are ours; opening the device again makes a new machine.
 */
#include "shim/fork.h"

#include <pthread.h>

#include "shim/actions.h"
#include "shim/device.h"
#include "shim/state.h"
#include "shim/thread.h"

/* The thread that forks keeps all signals blocked until the fork is over. */
static __thread uint64_t mask;

static void prepare(void)
{
	mask = signals_block_all();
	shim_fork_prepare();
	device_fork_prepare();
	actions_fork_prepare();
	thread_fork_prepare();
}

static void release(void)
{
	thread_fork_done();
	actions_fork_done();
	device_fork_done();
	shim_fork_done();
}

static void in_parent(void)
{
	release();
	signals_restore(mask);
}

static void in_child(void)
{
	release();
	thread_forget_others();
	shim.pid = (int)sys_call0(SYS_getpid);
	if (shim_active()) {
		device_forget();
		machine_forget(&shim.machine);
		shim.stats = NULL;
		atomic_store(&shim.active, false);
	}
	signals_restore(mask);
}

void fork_watch(void)
{
	pthread_atfork(prepare, in_parent, in_child);
}
