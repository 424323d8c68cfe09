/* SPDX-License-Identifier: Apache-2.0 */
#include "encl/paging.h"

/*
 * Passes over the EPC before an allocation gives up. One nearly always suffices; more are needed when other threads
 * take the frames that our passes free.
 */
#define PASSES_MAX 200
/* How long a pass that found nothing waits for pages in flight, which normally arrive within microseconds. */
#define FLIGHT_WAIT_MS 5

/* Charged while it is held, and never without: a charge before the frame could count more pages than the EPC has. */
uint32_t frame_try(struct encl *e, uint32_t keep)
{
	struct machine *m = e->machine;
	uint32_t page = epc_alloc(&m->epc, keep);

	if (page != EPC_NONE && group_charge(e->group, RES_EPC, 1, NULL)) {
		epc_free(&m->epc, page);
		waitq_wake(&m->frames);
		return EPC_NONE;
	}
	return page;
}

uint32_t frame_try_load(struct encl *e)
{
	struct machine *m = e->machine;
	uint32_t page;

	/* Counted before it is taken: whoever finds no frame must see that one is on its way to freeing a slot. */
	atomic_fetch_add(&m->in_flight, 1);
	page = frame_try(e, 0);
	if (page == EPC_NONE)
		atomic_fetch_sub(&m->in_flight, 1);
	return page;
}

void frame_return(struct encl *e, uint32_t page)
{
	frame_free(e, page);
	atomic_fetch_sub(&e->machine->in_flight, 1);
}

/*
 * After a fruitless pass: is there hope, and if so wait for it. What was in flight at any time since @ticket was read
 * has either landed, and moved the ticket before it left in_flight, or still counts there.
 */
static bool wait_for_flight(struct machine *m, uint32_t ticket)
{
	if (atomic_load(&m->in_flight) == 0 && waitq_ticket(&m->frames) == ticket)
		return false;
	waitq_wait(&m->frames, ticket, FLIGHT_WAIT_MS);
	return true;
}

uint32_t frame_for_load(struct encl *e, void *scratch)
{
	struct machine *m = e->machine;

	for (int pass = 0; pass < PASSES_MAX; pass++) {
		uint32_t ticket = waitq_ticket(&m->frames);
		uint32_t page = frame_try_load(e);

		if (page != EPC_NONE)
			return page;
		if (reclaim(m, WINDOW_PAGES, scratch) == 0 && !wait_for_flight(m, ticket))
			break;
	}
	return EPC_NONE;
}

uint32_t frame_for_growth(struct encl *e, void *scratch)
{
	struct machine *m = e->machine;

	for (int pass = 0; pass < PASSES_MAX; pass++) {
		uint32_t ticket = waitq_ticket(&m->frames);
		uint32_t page = frame_try(e, m->marks.reserve);

		if (page != EPC_NONE)
			return page;
		if (reclaim(m, WINDOW_PAGES, scratch) == 0 && !wait_for_flight(m, ticket))
			break;
	}
	group_count(e->group, EVENT_FAIL);
	return EPC_NONE;
}

bool fixtures_reserve(struct machine *m, uint32_t pages)
{
	uint32_t now = atomic_load(&m->unevictable);

	do {
		if (now + pages > m->marks.unevictable_max)
			return false;
	} while (!atomic_compare_exchange_weak(&m->unevictable, &now, now + pages));
	return true;
}

void fixtures_release(struct machine *m, uint32_t pages)
{
	atomic_fetch_sub(&m->unevictable, pages);
}

uint32_t frame_for_fixture(struct encl *e, void *scratch)
{
	uint32_t page;

	if (!fixtures_reserve(e->machine, 1)) {
		group_count(e->group, EVENT_FAIL);
		return EPC_NONE;
	}
	page = frame_for_growth(e, scratch);
	if (page == EPC_NONE)
		fixtures_release(e->machine, 1);
	return page;
}

void frames_free(struct encl *e, const uint32_t *pages, unsigned n)
{
	group_uncharge(e->group, RES_EPC, n);
	for (unsigned i = 0; i < n; i++)
		epc_free(&e->machine->epc, pages[i]);
	waitq_wake(&e->machine->frames);
}

void frame_free(struct encl *e, uint32_t page)
{
	frames_free(e, &page, 1);
}

void frame_free_fixture(struct encl *e, uint32_t page)
{
	frame_free(e, page);
	fixtures_release(e->machine, 1);
}
