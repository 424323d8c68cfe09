/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Eviction, a window at a time. A window is a run of an enclave's pages in address order, as CLOCK's hand finds them:
 *
 *   lock    choose pages; give each a version slot and backing (the charge); EBLOCK them; write-protect the window
 *           (one system call, one shootdown: the hardware's ETRACK and IPIs)
 *   unlock  EWB each, in address order, while readers still read
 *   lock    unmap the window (one call a run, one shootdown); the frames are free
 *
 * The window's range is write-protected and unmapped as a whole, holes included, so it must not span a page that is
 * resident but not chosen, or that another thread is bringing in: such a page ends the window.
 */
#include <sys/mman.h>

#include "base/log.h"
#include "encl/paging.h"

/* A sparse window still ends: the kernel walks every page-table entry of its range. */
#define SPAN_ENOUGH 1024 /* pages, once it holds SPAN_ENOUGH_PAGES */
#define SPAN_ENOUGH_PAGES 8
#define SPAN_MAX 8192

struct victim {
	uint64_t index;
	struct encl_page *page;
	struct backing_page copy;
	uint64_t *slot;
	bool readable; /* at its own address; else through mmu_read() */
};

struct window {
	struct encl *e;
	unsigned n;
	bool swept;   /* the hand has reached the end of the enclave */
	bool refused; /* there was a page to evict, but no backing for it */
	struct victim v[WINDOW_PAGES];
};

/* Context: holds encl->lock. Return: false if no backing is to be had. */
static bool choose(struct window *w, uint64_t index, struct encl_page *p)
{
	struct encl *e = w->e;
	struct victim *v = &w->v[w->n];

	w->refused = encl_alloc_backing(e, index, &v->copy) != 0;
	if (w->refused)
		return false;
	v->index = index;
	v->page = p;
	v->readable = p->type == SGX_PT_REG && encl_prot_at(e, index, p) & (PROT_READ | PROT_WRITE);
	p->va = va_alloc(&e->va);
	v->slot = va_slot(e, p->va);
	if (encls_eblock(epc_entry(&e->machine->epc, p->where)) != SGX_SUCCESS)
		log_fatal("EBLOCK refused resident page %#llx", (unsigned long long)index);
	page_move(p, PAGE_EVICTING);
	e->resident--;
	e->in_flight++;
	w->n++;
	return true;
}

static bool wide_enough(const struct window *w, uint64_t index)
{
	uint64_t span = w->n ? index - w->v[0].index : 0;

	return span >= SPAN_MAX || (span >= SPAN_ENOUGH && w->n >= SPAN_ENOUGH_PAGES);
}

/* Fill the window from the hand on. The hand stands at @end when there is nothing more before it. */
static void gather(struct window *w, uint64_t end, unsigned want)
{
	struct encl *e = w->e;
	struct encl_page *p;

	while (w->n < want && !wide_enough(w, e->hand)) {
		p = pagetable_next(&e->pages, &e->hand);
		if (!p || e->hand >= end) {
			e->hand = end;
			w->swept = true;
			return;
		}
		if (p->state == PAGE_RESIDENT && p->pins == 0) {
			if (!choose(w, e->hand, p))
				return;
		} else if (p->state != PAGE_EVICTED && w->n) {
			return; /* in the way: ends the window */
		}
		e->hand++;
	}
}

/* One turn of the hand at most. Context: holds encl->lock. */
static void collect(struct window *w, unsigned want)
{
	struct encl *e = w->e;
	uint64_t from = e->hand;

	if (atomic_load(&e->secs.children) == 0)
		return;
	gather(w, e->pages.pages, want);
	if (w->n == 0 && w->swept) {
		e->hand = 0;
		gather(w, from, want);
	}
}

static uint64_t window_start(const struct window *w)
{
	return w->e->base + (w->v[0].index << PAGE_SHIFT);
}

static uint64_t window_len(const struct window *w)
{
	return (w->v[w->n - 1].index - w->v[0].index + 1) << PAGE_SHIFT;
}

/* The kernel would not block the window: every page is as it was. Context: holds encl->lock. */
static void let_go(struct window *w)
{
	struct encl *e = w->e;

	if (mmu_unblock(&e->machine->mmu, window_start(w), window_len(w)) != 0)
		log_fatal("the kernel refused to unblock a window that it had not blocked");
	for (unsigned i = 0; i < w->n; i++) {
		struct victim *v = &w->v[i];

		epc_entry(&e->machine->epc, v->page->where)->flags &= (uint8_t)~EPCM_BLOCKED;
		va_free(&e->va, v->page->va);
		v->page->va = VA_NONE;
		uint32_t slot = v->copy.slot;

		encl_put_backing(&v->copy);
		encl_free_backing(e, slot);
		page_move(v->page, PAGE_RESIDENT);
		e->resident++;
		e->in_flight--;
	}
	w->n = 0;
}

/* From here no thread can write to a page of the window. Context: holds encl->lock. */
static bool block(struct window *w)
{
	struct encl *e = w->e;

	if (mmu_block(&e->machine->mmu, window_start(w), window_len(w)) != 0) {
		let_go(w);
		return false;
	}
	if (encls_etrack(&e->secs) != SGX_SUCCESS)
		log_fatal("ETRACK refused: an earlier window did not say that its translations are flushed");
	secs_translations_flushed(&e->secs);
	return true;
}

/* EWB. Context: the page is ours (evicting); no lock needed: nobody else touches page, copy or slot. */
static void write_out(struct encl *e, struct victim *v, void *scratch)
{
	struct machine *m = e->machine;
	const void *data = page_bytes(e, v->index, v->page);
	enum sgx_status status;

	if (v->page->type == SGX_PT_REG && !v->readable) {
		if (mmu_read(&m->mmu, (uint64_t)data, scratch, PAGE_SIZE) != 0)
			log_fatal("a resident page at %p cannot be read", data);
		data = scratch;
	}
	status = encls_ewb(&m->epc, m->pagecrypt, v->page->where, data, v->copy.contents, v->copy.pcmd, v->slot);
	if (status != SGX_SUCCESS)
		log_fatal("EWB refused page %#llx: %u", (unsigned long long)v->index, status);
}

/* May the unmapping run on from one victim to the next? Not over a page that came in meanwhile. */
static bool gap_is_empty(const struct encl *e, uint64_t from, uint64_t to)
{
	while (from < to) {
		struct encl_page *p = pagetable_next(&e->pages, &from);

		if (!p || from >= to)
			return true;
		if (p->state != PAGE_EVICTED)
			return false;
		from++;
	}
	return true;
}

/* Context: holds encl->lock. */
static void unmap(struct window *w)
{
	struct encl *e = w->e;

	for (unsigned i = 0, first = 0; i < w->n; i++) {
		bool last = i + 1 == w->n || !gap_is_empty(e, w->v[i].index + 1, w->v[i + 1].index);
		uint64_t pages = w->v[i].index - w->v[first].index + 1;

		if (!last)
			continue;
		if (mmu_unmap(&e->machine->mmu, e->base + (w->v[first].index << PAGE_SHIFT), pages << PAGE_SHIFT))
			log_fatal("the kernel refused to unmap %llu evicted pages", (unsigned long long)pages);
		first = i + 1;
	}
}

/* Context: holds encl->lock; the pages are written and unmapped. */
static void land(struct window *w)
{
	struct encl *e = w->e;
	uint32_t frames[WINDOW_PAGES];

	for (unsigned i = 0; i < w->n; i++) {
		struct victim *v = &w->v[i];

		frames[i] = v->page->where;
		v->page->where = v->copy.slot;
		encl_put_backing(&v->copy);
		page_move(v->page, PAGE_EVICTED);
	}
	e->in_flight -= w->n;
	e->evicted += w->n;
	atomic_fetch_add_explicit(&e->count.ewb, w->n, memory_order_relaxed);
	frames_free(e, frames, w->n);
}

/*
 * An initialised enclave with no page in the EPC needs no SECS there either. A window of one page without a mapping:
 * EWB of a SECS needs no EBLOCK, only that it has no children (SDM 3D, EWB). Context: holds encl->lock.
 */
static unsigned evict_secs(struct encl *e)
{
	struct victim v = { .index = encl_secs_index(e), .page = &e->secs_page };
	uint32_t frame = e->secs_page.where;

	if (!e->initialized || e->dying || e->secs_page.state != PAGE_RESIDENT || e->secs_page.pins ||
	    atomic_load(&e->secs.children) || e->in_flight || e->awaiting ||
	    encl_alloc_backing(e, v.index, &v.copy) != 0)
		return 0;
	v.page->va = va_alloc(&e->va);
	v.slot = va_slot(e, v.page->va);
	page_move(v.page, PAGE_EVICTING);
	write_out(e, &v, NULL);
	e->secs.page = NULL;
	v.page->where = v.copy.slot;
	encl_put_backing(&v.copy);
	page_move(v.page, PAGE_EVICTED);
	e->resident--;
	e->evicted++;
	atomic_fetch_add_explicit(&e->count.ewb, 1, memory_order_relaxed);
	frame_free(e, frame);
	return 1;
}

/* At the limit every eviction is paid for by a load. */
static void count_exchange(const struct window *w, uint64_t headroom)
{
	for (unsigned i = 0; headroom == 0 && i < w->n; i++)
		group_count(w->e->group, EVENT_EXCHANGE);
}

/* What an enclave's turn came to, when it gave nothing, or all it had. */
struct turn {
	bool over;    /* it is another enclave's */
	bool refused; /* nothing but backing was missing */
};

/* Context: no lock held. Return: frames freed. */
static unsigned evict_window(struct encl *e, unsigned want, void *scratch, struct turn *turn)
{
	struct window w = { .e = e };
	uint64_t headroom = group_headroom(e->group, RES_BACKING);
	unsigned freed;

	lock_acquire(&e->lock);
	if (!e->dying && !e->remappers)
		collect(&w, min_of(want, WINDOW_PAGES));
	*turn = (struct turn){ .over = w.swept || w.n == 0, .refused = w.refused && w.n == 0 };
	if (w.n == 0 || !block(&w)) {
		turn->over = true;
		freed = evict_secs(e);
		lock_release(&e->lock);
		return freed;
	}
	e->windows++;
	atomic_fetch_add(&e->machine->in_flight, 1);
	lock_release(&e->lock);

	for (unsigned i = 0; i < w.n; i++)
		write_out(e, &w.v[i], scratch);

	lock_acquire(&e->lock);
	unmap(&w);
	land(&w);
	e->windows--;
	atomic_fetch_sub(&e->machine->in_flight, 1);
	count_exchange(&w, headroom);
	freed = w.n + evict_secs(e);
	waitq_wake(&e->changed);
	lock_release(&e->lock);
	return freed;
}

/* The limit was lowered. What is given back now cannot be charged again, and loads would have nothing to exchange with. */
static bool over_limit(const struct machine *m)
{
	const struct counter *c = &m->root.counter[RES_BACKING];

	return atomic_load(&c->current) > atomic_load(&c->limit);
}

static void pack_if_short(struct machine *m, struct encl *e)
{
	if (slack_is_short(m))
		encl_compact(e);
}

/*
 * Give back what recycled slots hold, so that another enclave's eviction can be charged. It is charge that moves between
 * enclaves that leaves PCMD pages with few copies behind: here is where to look after them.
 */
static uint64_t trim_all(struct machine *m)
{
	uint64_t trimmed = 0;
	uint32_t at = 0;

	for (uint32_t turns = over_limit(m) ? 0 : machine_enclaves(m); turns; turns--, at++) {
		struct encl *e = machine_sweep(m, &at);

		if (!e)
			break;
		lock_acquire(&e->lock);
		if (!e->dying) {
			trimmed += backing_trim(&e->backing, 0);
			pack_if_short(m, e);
		}
		lock_release(&e->lock);
		encl_put(e);
	}
	return trimmed;
}

/*
 * Once around all enclaves until one gives something; each pass by its own count, whoever else sweeps.
 *
 * At the limit, an enclave whose turn it is may have pages but no backing for them, while what others have loaded is
 * held in their pools: those are given up. Otherwise an idle enclave would keep its frames for good, and the running
 * ones would share what is left.
 */
unsigned reclaim(struct machine *m, unsigned want, void *scratch)
{
	uint32_t at = atomic_load_explicit(&m->hand, memory_order_relaxed);
	unsigned freed = 0;

	for (uint32_t turns = machine_enclaves(m) + 1; turns && !freed; turns--) {
		struct encl *e = machine_sweep(m, &at);
		struct turn turn;

		if (!e)
			break;
		freed = evict_window(e, want, scratch, &turn);
		if (turn.refused && trim_all(m))
			freed = evict_window(e, want, scratch, &turn);
		at += turn.over;
		encl_put(e);
	}
	atomic_store_explicit(&m->hand, at, memory_order_relaxed);
	return freed;
}

void reclaimer_poke(struct machine *m)
{
	if (epc_free_count(&m->epc) >= m->marks.low ||
	    !atomic_load_explicit(&m->reclaimer_asleep, memory_order_relaxed))
		return;
	/* At the backing limit the fault path exchanges by itself; a background pass would find nothing. */
	if (atomic_load_explicit(&m->reclaimer_stalled, memory_order_relaxed) &&
	    !atomic_load_explicit(&m->reclaimer_idle, memory_order_relaxed) &&
	    group_headroom(&m->root, RES_BACKING) < WINDOW_PAGES)
		return;
	if (atomic_exchange(&m->reclaimer_asleep, false))
		waitq_wake(&m->reclaimer_wake);
}

/* With no eviction for this long the machine is idle: pools of recycled slots are given back, and nothing wakes. */
#define IDLE_MS 1000

static void fill_reserve(struct machine *m, void *scratch)
{
	bool stalled = false;

	while (!stalled && epc_free_count(&m->epc) < m->marks.high && !atomic_load(&m->stopping))
		stalled = reclaim(m, WINDOW_PAGES, scratch) == 0;
	atomic_store(&m->reclaimer_stalled, stalled);
}

/* Return: false when the sleep ended by time. */
static bool sleep_until_poked(struct machine *m, unsigned timeout_ms)
{
	uint32_t ticket = waitq_ticket(&m->reclaimer_wake);

	atomic_store(&m->reclaimer_asleep, true);
	/* Pairs with the exchange in reclaimer_poke(): a poke before the store is seen here, one after moves the ticket. */
	if (!atomic_load(&m->stopping))
		waitq_wait(&m->reclaimer_wake, ticket, timeout_ms);
	return !atomic_exchange(&m->reclaimer_asleep, false);
}

/* Nothing was evicted since the last look. @seen: the version that the next eviction will have. */
static bool is_idle(struct machine *m, uint64_t *seen)
{
	uint64_t now = atomic_load(&m->epc.next_version);
	bool idle = now == *seen;

	*seen = now;
	return idle;
}

static void *reclaimer_main(void *arg)
{
	struct machine *m = arg;
	_Alignas(PAGE_SIZE) uint8_t scratch[PAGE_SIZE];
	uint64_t seen = 0;

	while (!atomic_load(&m->stopping)) {
		bool idle = atomic_load(&m->reclaimer_idle);

		if (sleep_until_poked(m, idle ? 0 : IDLE_MS)) {
			atomic_store(&m->reclaimer_idle, false);
			fill_reserve(m, scratch);
		} else if (is_idle(m, &seen)) {
			trim_all(m);
			atomic_store(&m->reclaimer_idle, true);
		}
		if (m->publish)
			m->publish(m);
	}
	return NULL;
}

void reclaimer_start(struct machine *m)
{
	pthread_attr_t attr;

	if (m->config.no_background || atomic_exchange(&m->reclaimer_runs, true))
		return;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	/* Without the thread everything works by direct reclaim. */
	if (pthread_create(&m->reclaimer, &attr, reclaimer_main, m) != 0)
		atomic_store(&m->reclaimer_runs, false);
	pthread_attr_destroy(&attr);
}

void reclaimer_stop(struct machine *m)
{
	if (!atomic_load(&m->reclaimer_runs))
		return;
	atomic_store(&m->stopping, true);
	waitq_wake(&m->reclaimer_wake);
	pthread_join(m->reclaimer, NULL);
	atomic_store(&m->reclaimer_runs, false);
}
