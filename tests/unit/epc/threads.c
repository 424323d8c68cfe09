/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads at once: no version twice, no page to both, no page lost. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "epc/epc.h"
#include "tests/testing.h"

#define THREADS 2

struct worker {
	pthread_t thread;
	struct epc *epc;
	uint64_t rounds;
	uint64_t *version; /* @rounds of them */
	uint64_t wrong;
};

static void run(struct worker w[THREADS], struct epc *epc, uint64_t rounds, void *(*body)(void *))
{
	for (int i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .epc = epc, .rounds = rounds };
		w[i].version = calloc(rounds, sizeof(uint64_t));
		assert_non_null(w[i].version);
	}
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&w[i].thread, NULL, body, &w[i]), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(w[i].thread, NULL);
}

static void *draw_versions(void *arg)
{
	struct worker *w = arg;

	for (uint64_t i = 0; i < w->rounds; i++)
		w->version[i] = epc_next_version(w->epc);
	return NULL;
}

static void a_version_is_never_repeated(void **state)
{
	uint64_t rounds = test_scaled(1000000, 1000), total = THREADS * rounds;
	uint8_t *drawn = calloc(total + 1, 1);
	struct worker w[THREADS];
	struct epc epc;

	assert_non_null(drawn);
	assert_int_equal(epc_init(&epc, EPC_MIN_PAGES), 0);
	run(w, &epc, rounds, draw_versions);
	for (int t = 0; t < THREADS; t++) {
		for (uint64_t i = 0; i < rounds; i++) {
			uint64_t version = w[t].version[i];

			assert_in_range(version, 1, total);
			assert_int_equal(drawn[version]++, 0);
		}
		free(w[t].version);
	}
	free(drawn);
	epc_destroy(&epc);
}

static void *take_and_give_back(void *arg)
{
	struct worker *w = arg;

	for (uint64_t i = 0; i < w->rounds; i++) {
		uint32_t page = epc_alloc(w->epc, 0);
		uint64_t *mine;

		if (page == EPC_NONE) {
			w->wrong++;
			continue;
		}
		mine = epc_private(w->epc, page);
		epc_entry(w->epc, page)->type = SGX_PT_VA;
		w->wrong += *mine != 0;
		*mine = (uint64_t)w;
		w->wrong += *mine != (uint64_t)w;
		epc_free(w->epc, page);
	}
	return NULL;
}

static void a_page_has_one_owner(void **state)
{
	struct worker w[THREADS];
	struct epc epc;

	assert_int_equal(epc_init(&epc, EPC_MIN_PAGES), 0);
	/* Two pages are left for two threads: they pass the same ones to each other all the time. */
	for (int i = 0; i < EPC_MIN_PAGES - THREADS; i++)
		assert_int_not_equal(epc_alloc(&epc, 0), EPC_NONE);
	run(w, &epc, test_scaled(200000, 1000), take_and_give_back);
	for (int t = 0; t < THREADS; t++) {
		assert_true(w[t].wrong == 0);
		free(w[t].version);
	}
	assert_int_equal(epc_free_count(&epc), THREADS);
	assert_true(epc_is_valid(&epc));
	epc_destroy(&epc);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_version_is_never_repeated),
		cmocka_unit_test(a_page_has_one_owner),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
