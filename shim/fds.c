/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/fds.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/resource.h>

#include "base/sys.h"
#include "encl/encl.h"
#include "shim/device.h"
#include "shim/state.h"

/* From the top of what RLIMIT_NOFILE allows, where programs that do not close everything never look. */
#define RESERVED_NUMBERS 256
#define HIGHEST_FLOOR 60000

static int raised_floor(void)
{
	struct rlimit limit;

	if (sys_call2(SYS_getrlimit, RLIMIT_NOFILE, &limit) || limit.rlim_cur < 2 * RESERVED_NUMBERS)
		return 0;
	return (int)min_of(limit.rlim_cur - RESERVED_NUMBERS, (rlim_t)HIGHEST_FLOOR);
}

int fd_raise(int fd)
{
	long raised = sys_call3(SYS_fcntl, fd, F_DUPFD_CLOEXEC, raised_floor());

	if (raised < 0)
		return fd;
	sys_close(fd);
	return (int)raised;
}

struct search {
	unsigned from, to;
	int found;
};

static void consider(struct search *s, int fd)
{
	if (fd >= 0 && (unsigned)fd >= s->from && (unsigned)fd <= s->to && (s->found < 0 || fd < s->found))
		s->found = fd;
}

int fd_next_engine(unsigned from, unsigned to)
{
	struct search s = { from, to, -1 };
	struct machine *m = &shim.machine;

	consider(&s, shim.config.stats_fd);
	if (shim_active()) {
		consider(&s, m->mmu.uffd);
		consider(&s, m->mmu.mem_fd);
		lock_acquire(&m->lock);
		for (uint32_t i = 0; i < m->table_len; i++)
			consider(&s, m->table[i]->backing.store.fd);
		lock_release(&m->lock);
		consider(&s, device_next_fd(from, to));
	}
	return s.found;
}

bool fd_is_engine(int fd)
{
	return fd >= 0 && fd_next_engine((unsigned)fd, (unsigned)fd) == fd;
}
