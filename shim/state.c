/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/log.h"
#include "shim/actions.h"
#include "shim/engine.h"
#include "shim/fds.h"
#include "shim/thread.h"
#include "shim/unblock.h"
#include "shim/xstate.h"

#define HWCAP2_FSGSBASE (1UL << 1)

struct shim shim = { .config = { .stats_fd = -1 } };
static struct lock activation;
static __thread unsigned engine_depth;

uint64_t engine_enter(void)
{
	uint64_t mask = signals_block_all();

	engine_depth++;
	return mask;
}

void engine_leave(uint64_t mask)
{
	engine_depth--;
	signals_restore(mask);
}

bool engine_running(void)
{
	return engine_depth != 0;
}

/* --- the shared numbers --- */

static void publish(struct machine *m)
{
	if (shim.stats)
		stats_publish(m, shim.stats);
}

void shim_publish(void)
{
	if (shim_active())
		publish(&shim.machine);
}

void shim_last_words(void)
{
	uint64_t mask = engine_enter();

	shim_publish();
	engine_leave(mask);
}

/* Without the memory file, in a descendant that closed it, say, the numbers stay private. */
static struct stats_page *map_stats(int fd)
{
	struct stats_page *page;
	long at;

	if (fd < 0)
		return NULL;
	at = sys_mmap(0, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	page = (struct stats_page *)at;
	if (sys_is_err(at))
		return NULL;
	if (page->magic == STATS_MAGIC)
		return page;
	sys_munmap((uint64_t)at, sizeof(*page));
	return NULL;
}

static void open_stats(void)
{
	if (!shim.stats_page)
		shim.stats_page = map_stats(shim.config.stats_fd);
	shim.stats = stats_claim(shim.stats_page);
}

/* --- coming to life --- */

static int check_processor(void)
{
	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)) {
		log_line("cannot start: no FSGSBASE instructions. They need Linux 5.9 or newer without \"nofsgsbase\", "
			 "and a processor of 2013 (Intel) or 2015 (AMD) or newer");
		return -ENODEV;
	}
	xstate_init();
	if (xstate_max_bytes() > SLOT_GUARD - SLOT_XSAVE) {
		log_line("cannot start: the processor has %u bytes of extended state, room is made for %u",
			 xstate_max_bytes(), SLOT_GUARD - SLOT_XSAVE);
		return -ENODEV;
	}
	return 0;
}

static int start_machine(void)
{
	enum mmu_obstacle obstacle;
	int ret = machine_init(&shim.machine, &shim.config.machine, &obstacle);

	if (!ret) {
		shim.machine.mmu.uffd = fd_raise(shim.machine.mmu.uffd);
		shim.machine.mmu.mem_fd = fd_raise(shim.machine.mmu.mem_fd);
		return 0;
	}
	if (obstacle != MMU_OK)
		log_line("cannot start: %s. %s", mmu_obstacle_text(obstacle), mmu_cure(obstacle));
	else if (ret == -ENOMEM)
		log_line("cannot start: no memory for an EPC of %llu pages. Ask for a smaller one (SOFTSGX_EPC)",
			 (unsigned long long)(shim.config.machine.epc_bytes / PAGE_SIZE));
	else
		log_line("cannot start: %s", strerror(-ret));
	return -ENODEV;
}

static void take_signals(void)
{
	if (shim.handlers)
		return;
	actions_take_over();
	shim.pid = (int)sys_call0(SYS_getpid);
	shim.handlers = true;
	threads_unblock();
}

bool shim_on_loan(void)
{
	return shim.handlers && sys_call0(SYS_getpid) != shim.pid;
}

void shim_fork_prepare(void)
{
	lock_acquire(&activation);
}

void shim_fork_done(void)
{
	lock_release(&activation);
}

static int activate(uint64_t mask)
{
	if (shim_active())
		return 0;
	if (check_processor() || start_machine())
		return -ENODEV;
	if (!thread_attach_blocked(mask)) {
		log_line("cannot start: no memory for a thread's signal stack, or the device is opened in a handler on "
			 "an alternate stack. Open it elsewhere first");
		machine_destroy(&shim.machine);
		return -ENODEV;
	}
	open_stats();
	shim.machine.publish = publish;
	take_signals();
	/* Pairs with the acquire in shim_active(): who sees it sees the machine. */
	atomic_store_explicit(&shim.active, true, memory_order_release);
	return 0;
}

int shim_activate(void)
{
	uint64_t mask = engine_enter();
	int ret;

	lock_acquire(&activation);
	ret = activate(mask);
	lock_release(&activation);
	/* From now on those five are blocked only as far as the application can tell. */
	engine_leave(ret ? mask : mask & ~SYNCHRONOUS_SIGNALS);
	return ret;
}
