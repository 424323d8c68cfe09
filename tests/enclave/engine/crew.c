/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <sched.h>
#include <unistd.h>

/* Words of a page that one thread writes: enough for reads and writes of different threads to meet in a page. */
#define OWN_WORDS 4

struct crew_thread {
	struct crew *crew;
	unsigned id;
	pthread_t thread;
	uint32_t *version[CREW_ENCLAVES]; /* of word k of page p: [p * OWN_WORDS + k] */
};

/* Spread over the page; different for every (thread, k). The last is never written: it stays in version 0. */
static unsigned own_word(const struct crew_thread *t, unsigned k)
{
	return (k * CREW_THREADS + t->id) * (PAGE_WORDS / (OWN_WORDS * CREW_THREADS));
}
#define UNWRITTEN_WORD (PAGE_WORDS - 1)

static void touch(struct crew_thread *t, unsigned which, struct rng *r)
{
	struct enclave *e = t->crew->enclave[which];
	uint64_t page = rng_below(r, e->pages);
	unsigned k = (unsigned)rng_below(r, OWN_WORDS), word = own_word(t, k);
	uint32_t *version = &t->version[which][page * OWN_WORDS + k];

	if (rng_below(r, 8) == 0)
		check(enclave_load(e, page, UNWRITTEN_WORD) == word_value(e, page, UNWRITTEN_WORD, 0));
	else if (rng_below(r, 2))
		check(enclave_load(e, page, word) == word_value(e, page, word, *version));
	else
		enclave_store(e, page, word, word_value(e, page, word, ++*version));
}

static void park(struct crew *c)
{
	atomic_fetch_add(&c->paused, 1);
	while (atomic_load(&c->pause))
		usleep(100);
	atomic_fetch_sub(&c->paused, 1);
}

static void *work(void *arg)
{
	struct crew_thread *t = arg;
	struct crew *c = t->crew;
	struct rng r = { .state = t->id };

	thread_enter();
	while (!atomic_load_explicit(&c->stop, memory_order_relaxed)) {
		unsigned only = atomic_load_explicit(&c->only, memory_order_relaxed);

		if (atomic_load_explicit(&c->pause, memory_order_relaxed))
			park(c);
		else
			touch(t, only == CREW_ALL ? (unsigned)rng_below(&r, c->enclaves) : only, &r);
	}
	thread_leave();
	return NULL;
}

void crew_start(struct crew *c, unsigned threads, struct enclave **enclaves, unsigned count)
{
	check(threads <= CREW_THREADS && count <= CREW_ENCLAVES);
	*c = (struct crew){ .enclaves = count, .threads = threads, .only = CREW_ALL };
	memcpy(c->enclave, enclaves, count * sizeof(*enclaves));
	c->thread = calloc(threads, sizeof(*c->thread));
	check(c->thread);
	for (unsigned i = 0; i < threads; i++) {
		struct crew_thread *t = &c->thread[i];

		t->crew = c;
		t->id = i;
		for (unsigned e = 0; e < count; e++) {
			t->version[e] = calloc(enclaves[e]->pages * OWN_WORDS, sizeof(*t->version[e]));
			check(t->version[e]);
		}
		check(pthread_create(&t->thread, NULL, work, t) == 0);
	}
}

static bool all_paused(void *arg)
{
	struct crew *c = arg;

	return atomic_load(&c->paused) == c->threads;
}

static bool none_paused(void *arg)
{
	struct crew *c = arg;

	return atomic_load(&c->paused) == 0;
}

void crew_pause(struct crew *c)
{
	atomic_store(&c->pause, true);
	rig_poll(all_paused, c);
}

void crew_resume(struct crew *c)
{
	atomic_store(&c->pause, false);
	rig_poll(none_paused, c);
}

static uint64_t faults_so_far(const struct crew *c)
{
	uint64_t faults = 0;

	for (unsigned i = 0; i < c->enclaves; i++)
		faults += atomic_load(&c->enclave[i]->encl->count.faults);
	return faults;
}

struct goal {
	const struct crew *crew;
	uint64_t faults;
};

static bool reached(void *arg)
{
	const struct goal *goal = arg;

	return faults_so_far(goal->crew) >= goal->faults;
}

void crew_run(struct crew *c, uint64_t faults)
{
	struct goal goal = { .crew = c, .faults = faults_so_far(c) + faults };

	rig_poll(reached, &goal);
}

/* Every word holds what was last written to it; then what the enclave was built with. */
static void read_back(const struct crew_thread *t, unsigned which)
{
	struct enclave *e = t->crew->enclave[which];

	for (uint64_t page = 0; page < e->pages; page++) {
		for (unsigned k = 0; k < OWN_WORDS; k++) {
			unsigned word = own_word(t, k);
			uint32_t version = t->version[which][page * OWN_WORDS + k];

			check(enclave_load(e, page, word) == word_value(e, page, word, version));
			if (version)
				enclave_store(e, page, word, word_value(e, page, word, 0));
		}
	}
}

void crew_stop(struct crew *c)
{
	atomic_store(&c->stop, true);
	atomic_store(&c->pause, false);
	for (unsigned i = 0; i < c->threads; i++) {
		pthread_join(c->thread[i].thread, NULL);
		for (unsigned e = 0; e < c->enclaves; e++) {
			read_back(&c->thread[i], e);
			free(c->thread[i].version[e]);
		}
	}
	free(c->thread);
	c->thread = NULL;
}

/* --- the observer --- */

static void *observe(void *arg)
{
	struct observer *o = arg;
	struct machine *m = &o->rig->machine;

	while (!atomic_load_explicit(&o->stop, memory_order_relaxed)) {
		uint64_t backing = rig_backing(o->rig);

		check(backing <= rig_backing_limit(o->rig));
		check(atomic_load(&m->root.counter[RES_EPC].current) <= m->epc.total);
		check(epc_free_count(&m->epc) <= m->epc.total);
		o->backing_max = max_of(o->backing_max, backing);
		o->backing_min = min_of(o->backing_min, backing);
		o->looks++;
		if (o->looks % 256 == 0)
			sched_yield();
	}
	return NULL;
}

void observer_start(struct observer *o, struct rig *r)
{
	*o = (struct observer){ .rig = r, .backing_min = UINT64_MAX };
	check(pthread_create(&o->thread, NULL, observe, o) == 0);
}

void observer_stop(struct observer *o)
{
	atomic_store(&o->stop, true);
	pthread_join(o->thread, NULL);
}
