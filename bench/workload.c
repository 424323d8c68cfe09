/* SPDX-License-Identifier: Apache-2.0 */
#include "bench/workload.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>

#define WORDS (SGX_PAGE_SIZE / sizeof(uint64_t))
/* A thread's word of a page stands in a cache line of its own. */
#define WORD_OF(thread) (8 * (thread))
/* Touches between two looks at whether to stop. */
#define CHUNK 64

_Static_assert(WORD_OF(MAX_THREADS) <= WORDS, "a cache line for each thread");

struct crew {
	struct workload *workload;
	enum pattern pattern;
	unsigned threads;
	_Atomic bool stop;
	_Atomic bool failed;
	struct worker {
		struct crew *crew;
		pthread_t thread;
		unsigned id;
		uint64_t mismatches;
		_Atomic uint64_t touches;
	} __attribute__((aligned(64))) worker[MAX_THREADS];
};

bool workload_init(struct workload *w, struct rig *rig, unsigned threads)
{
	*w = (struct workload){ .rig = rig, .threads = threads };
	for (unsigned t = 0; t < threads; t++) {
		w->random[t].state = t;
		w->writes[t] = calloc(rig->pages, sizeof(**w->writes));
		if (!w->writes[t])
			return false;
	}
	return true;
}

void workload_destroy(struct workload *w)
{
	for (unsigned t = 0; t < w->threads; t++)
		free(w->writes[t]);
}

/* What thread @id's word of @page holds after its @writes-th write. */
static uint64_t word_value(uint64_t page, unsigned id, uint32_t writes)
{
	if (writes == 0)
		return rig_word(page, WORD_OF(id));
	return (page * MAX_THREADS + id) << 32 | writes;
}

static void touch(struct worker *worker, uint64_t page)
{
	struct workload *w = worker->crew->workload;
	uint32_t *writes = &w->writes[worker->id][page];
	volatile uint64_t *word = rig_page(w->rig, page) + WORD_OF(worker->id);

	if (*word != word_value(page, worker->id, *writes))
		worker->mismatches++;
	*word = word_value(page, worker->id, ++*writes);
}

static void touch_until_stopped(struct worker *worker)
{
	struct crew *crew = worker->crew;
	uint64_t pages = crew->workload->rig->pages;
	uint64_t *random = &crew->workload->random[worker->id].state;
	/* Sequential threads follow each other round the enclave at equal distances. */
	uint64_t next = worker->id * (pages / crew->threads);
	uint64_t touches = 0;

	while (!atomic_load_explicit(&crew->stop, memory_order_relaxed)) {
		for (unsigned i = 0; i < CHUNK; i++) {
			if (crew->pattern == PATTERN_RANDOM)
				next = random_below(random, pages);
			else
				next = next + 1 < pages ? next + 1 : 0;
			touch(worker, next);
		}
		touches += CHUNK;
		atomic_store_explicit(&worker->touches, touches, memory_order_relaxed);
	}
}

static void *worker_main(void *arg)
{
	struct worker *worker = arg;

	if (rig_thread_enter(worker->crew->workload->rig)) {
		touch_until_stopped(worker);
		rig_thread_leave();
	} else {
		atomic_store(&worker->crew->failed, true);
	}
	return NULL;
}

static void sleep_seconds(double seconds)
{
	struct timespec t = { .tv_sec = (time_t)seconds };

	t.tv_nsec = (long)((seconds - (double)t.tv_sec) * 1e9);
	nanosleep(&t, NULL);
}

static struct sample snapshot(struct crew *crew)
{
	struct sample s = {
		.seconds = (double)now_ns() / 1e9,
		.cpu_seconds = (double)clock_ns(CLOCK_PROCESS_CPUTIME_ID) / 1e9,
		.faults = rig_pages_loaded(crew->workload->rig),
	};

	for (unsigned t = 0; t < crew->threads; t++)
		s.touches += atomic_load_explicit(&crew->worker[t].touches, memory_order_relaxed);
	return s;
}

static struct sample since(struct sample before, struct sample now)
{
	return (struct sample){
		.seconds = now.seconds - before.seconds,
		.cpu_seconds = now.cpu_seconds - before.cpu_seconds,
		.touches = now.touches - before.touches,
		.faults = now.faults - before.faults,
	};
}

/*
 * The EPC has been filled anew by this pattern, or every page of an enclave that fits has been touched: at random
 * that takes ln(pages) visits to each, and some.
 */
static bool is_warm(struct crew *crew, struct sample done)
{
	struct rig *rig = crew->workload->rig;

	return done.faults >= rig->machine.epc.total || done.touches >= 16 * rig->pages;
}

static void measure(struct crew *crew, double seconds, struct sample *out)
{
	struct sample start = snapshot(crew);

	while (!is_warm(crew, since(start, snapshot(crew))) && !atomic_load(&crew->failed))
		sleep_seconds(0.001);
	start = snapshot(crew);
	sleep_seconds(seconds);
	*out = since(start, snapshot(crew));
}

static unsigned start_workers(struct crew *crew)
{
	unsigned started = 0;

	for (; started < crew->threads; started++) {
		struct worker *worker = &crew->worker[started];

		worker->crew = crew;
		worker->id = started;
		if (pthread_create(&worker->thread, NULL, worker_main, worker) != 0)
			break;
	}
	return started;
}

bool workload_run(struct workload *w, enum pattern pattern, unsigned threads, double seconds, struct sample *out)
{
	struct crew crew = { .workload = w, .pattern = pattern, .threads = threads };

	unsigned started = start_workers(&crew);

	if (started == threads)
		measure(&crew, seconds, out);
	atomic_store(&crew.stop, true);
	for (unsigned t = 0; t < started; t++) {
		pthread_join(crew.worker[t].thread, NULL);
		w->mismatches += crew.worker[t].mismatches;
	}
	return started == threads && !crew.failed;
}

static uint64_t word_expected(const struct workload *w, uint64_t page, unsigned i)
{
	unsigned id = i / WORD_OF(1);

	if (i % WORD_OF(1) == 0 && id < w->threads)
		return word_value(page, id, w->writes[id][page]);
	return rig_word(page, i);
}

bool workload_verify(struct workload *w)
{
	if (!rig_thread_enter(w->rig))
		return false;
	for (uint64_t page = 0; page < w->rig->pages; page++) {
		const volatile uint64_t *word = rig_page(w->rig, page);

		for (unsigned i = 0; i < WORDS; i++)
			w->mismatches += word[i] != word_expected(w, page, i);
	}
	rig_thread_leave();
	return true;
}
