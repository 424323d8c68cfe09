/* SPDX-License-Identifier: Apache-2.0 */
#include "encl/stats.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/sys.h"
#include "encl/paging.h"

/* Nothing is numbers of a process that has none to share them with. */
static struct stats_process private_stats;

/* Entries of processes that have ended stay: the reader wants them. */
struct stats_process *stats_claim(struct stats_page *page)
{
	int32_t pid = (int32_t)sys_call0(SYS_getpid);

	if (!page)
		return &private_stats;
	for (size_t i = 0; i < STATS_PROCESSES; i++) {
		struct stats_process *p = &page->process[i];
		int32_t nobody = 0;

		if (!atomic_compare_exchange_strong(&p->pid, &nobody, pid))
			continue;
		sys_call2(SYS_prctl, PR_GET_NAME, p->comm);
		return p;
	}
	return NULL;
}

static uint64_t get(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_counters(struct stats_process *out, struct encl_counters *c)
{
	out->faults += get(&c->faults);
	out->eldu += get(&c->eldu);
	out->ewb += get(&c->ewb);
	out->waits += get(&c->waits);
	out->wp_faults += get(&c->wp_faults);
	out->eenter += get(&c->eenter);
	out->eresume += get(&c->eresume);
	out->eexit += get(&c->eexit);
	out->aex += get(&c->aex);
}

static void take_group(struct stats_process *out, struct group *g)
{
	out->backing_used = get(&g->counter[RES_BACKING].current);
	out->backing_peak = get(&g->counter[RES_BACKING].peak);
	out->backing_limit = get(&g->counter[RES_BACKING].limit);
	out->contents = get(&g->use[USE_CONTENTS]);
	out->pcmd = get(&g->use[USE_PCMD]);
	out->pcmd_peak = get(&g->use_peak[USE_PCMD]);
	out->recycled = get(&g->use[USE_RECYCLED]);
	out->event_max = get(&g->event[EVENT_MAX]);
	out->event_fail = get(&g->event[EVENT_FAIL]);
	out->event_oom = get(&g->event[EVENT_OOM]);
	out->event_exchange = get(&g->event[EVENT_EXCHANGE]);
	out->event_poison = get(&g->event[EVENT_POISON]);
	out->overcommit_percent = atomic_load_explicit(&g->overcommit_percent, memory_order_relaxed);
}

static void take_epc(struct stats_process *out, struct machine *m)
{
	out->mechanism = m->mmu.mechanism;
	out->epc_total = m->epc.total;
	out->epc_used = m->epc.total - epc_free_count(&m->epc);
	out->epc_peak = atomic_load_explicit(&m->epc.used_peak, memory_order_relaxed);
}

/* What the limit stopped, in words, the most serious first. */
static const char *limit_words(const struct stats_process *s)
{
	if (s->event_oom)
		return "the system had no memory for a backing page";
	if (s->event_fail)
		return "growth was refused (ENOMEM)";
	if (s->event_exchange)
		return "loads paid for the evictions they forced (exchange)";
	return s->event_max ? "evictions waited for room" : "";
}

void stats_publish(struct machine *m, struct stats_process *out)
{
	struct stats_process now = { 0 };

	/* Held to the end: of two threads that publish, the one that looked first must not write last. */
	lock_acquire(&m->lock);
	take_epc(&now, m);
	take_group(&now, &m->root);
	now.enclaves_created = get(&m->enclaves_created);
	now.enclaves = m->table_len;
	add_counters(&now, &m->gone);
	for (uint32_t i = 0; i < m->table_len; i++)
		add_counters(&now, &m->table[i]->count);
	strncpy(now.limit_hit, limit_words(&now), sizeof(now.limit_hit) - 1);
	/* All but who the process is. */
	atomic_init(&now.pid, atomic_load(&out->pid));
	memcpy(now.comm, out->comm, sizeof(now.comm));
	memcpy(out, &now, sizeof(now));
	lock_release(&m->lock);
}
