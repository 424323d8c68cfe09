/* SPDX-License-Identifier: Apache-2.0 */
/* Two threads evict and load pages of one enclave: no version is used twice, no page is lost, none is mixed up. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdlib.h>

#include "tests/testing.h"
#include "tests/unit/leaf/fixture.h"

#define THREADS 2

struct pager {
	pthread_t thread;
	struct fixture *f;
	pthread_mutex_t *lock; /* the driver's: leaves that change the enclave's tracking exclude each other */
	size_t page;
	uint64_t rounds, wrong;
	uint64_t *version;
};

static bool block(struct pager *p)
{
	bool ok;

	pthread_mutex_lock(p->lock);
	ok = encls_eblock(fixture_entry(p->f, p->page)) == SGX_SUCCESS && encls_etrack(&p->f->secs) == SGX_SUCCESS;
	secs_translations_flushed(&p->f->secs);
	pthread_mutex_unlock(p->lock);
	return ok;
}

static void *page_out_and_in(void *arg)
{
	struct pager *p = arg;
	struct fixture *f = p->f;
	uint64_t slot = 0;
	struct sgx_pcmd pcmd;
	uint8_t copy[SGX_PAGE_SIZE];

	for (uint64_t i = 0; i < p->rounds; i++) {
		memcpy(f->reg[p->page], &i, sizeof(i));
		p->wrong += !block(p);
		p->wrong += encls_ewb(&f->epc, f->pc, f->page[p->page], f->reg[p->page], copy, &pcmd, &slot) !=
			    SGX_SUCCESS;
		p->version[i] = slot;
		memset(f->reg[p->page], 0xdd, SGX_PAGE_SIZE);
		p->wrong += encls_eldu(&f->epc, f->pc, f->page[p->page], &f->secs, BASE + test_pages[p->page].offset,
				       copy, &pcmd, &slot, f->reg[p->page]) != SGX_SUCCESS;
		p->wrong += memcmp(f->reg[p->page], &i, sizeof(i)) != 0;
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void paging_in_two_threads(void **state)
{
	struct fixture *f = *state;
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	uint64_t rounds = test_scaled(50000, 500), *versions = calloc(THREADS * rounds, sizeof(uint64_t));
	struct pager p[THREADS];

	assert_non_null(versions);
	fixture_build(f, 0);
	for (size_t i = 0; i < THREADS; i++) {
		p[i] = (struct pager){
			.f = f, .lock = &lock, .page = DATA_PAGE + i, .rounds = rounds, .version = versions + i * rounds
		};
		assert_int_equal(pthread_create(&p[i].thread, NULL, page_out_and_in, &p[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		pthread_join(p[i].thread, NULL);
		assert_true(p[i].wrong == 0);
	}
	assert_int_equal(f->secs.children, PAGES);
	qsort(versions, THREADS * rounds, sizeof(uint64_t), compare);
	assert_true(versions[0] != 0);
	for (size_t i = 1; i < THREADS * rounds; i++)
		assert_true(versions[i] != versions[i - 1]);
	free(versions);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(paging_in_two_threads, fixture_setup, fixture_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
