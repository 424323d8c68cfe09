/* SPDX-License-Identifier: Apache-2.0 */
/* An enclave four times the EPC, written and read by two threads inside while signals come, and by the host. */
#include <pthread.h>
#include <string.h>
#include <sys/time.h>

#include "bare.h"
#include "tests/testing.h"

#define EPC_PAGES 1024UL
#define THREADS 2

static struct bare b;
static volatile sig_atomic_t alarms;

void bare_prepare(void)
{
	setenv("SOFTSGX_EPC", "4M", 1);
	setenv("SOFTSGX_OVERCOMMIT", "-1", 1);
}

static void on_alarm(int sig)
{
	alarms++;
}

static uint64_t part(void)
{
	return b.data_pages / THREADS;
}

/* Each thread has its half; inside first writes all of it, then compares, the values changing each round. */
static void *walker(void *arg)
{
	unsigned i = (unsigned)(uintptr_t)arg;
	uint64_t from = b.base + BARE_DATA + i * part() * PAGE_SIZE;

	for (uint64_t round = 0; round < test_scaled(8, 1); round++) {
		struct bare_request set = { .op = OP_WALK, .address = from, .count = part(), .value = 2 * round };
		struct bare_request compare = set;

		compare.value = 2 * round + 1;
		bare_do(&b, i, &set);
		bare_do(&b, i, &compare);
		check(compare.value == 0);
	}
	return NULL;
}

static void walk(void)
{
	const struct itimerval it = { { 0, 1000 }, { 0, 1000 } }, stop = { { 0, 0 }, { 0, 0 } };
	pthread_t t[THREADS];

	check(signal(SIGALRM, on_alarm) != SIG_ERR && setitimer(ITIMER_REAL, &it, NULL) == 0);
	for (uintptr_t i = 0; i < THREADS; i++)
		check(pthread_create(&t[i], NULL, walker, (void *)i) == 0);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
	check(setitimer(ITIMER_REAL, &stop, NULL) == 0);
}

/* The host's own accesses page too: it sees what the enclave wrote, and the enclave what the host wrote. */
static void host_access(void)
{
	uint64_t last = 2 * (test_scaled(8, 1) - 1) + 1;

	for (uint64_t page = 0; page < THREADS * part(); page++) {
		volatile uint64_t *word = (uint64_t *)(b.base + BARE_DATA + page * PAGE_SIZE) + page % 512;

		check(*word == last + (uint64_t)word);
		*word = ~page;
	}
	for (uint64_t page = 0; page < THREADS * part(); page += 97) {
		struct bare_request r = { .op = OP_READ };

		r.address = b.base + BARE_DATA + page * PAGE_SIZE + page % 512 * 8;
		bare_do(&b, 0, &r);
		check(r.value == ~page);
	}
}

void bare_test(void)
{
	struct bare_options options = { .tcs = THREADS, .data_pages = 4 * EPC_PAGES };
	struct stats_process s;

	bare_open(&b, &options);
	walk();
	host_access();
	bare_close(&b);
	s = *bare_stats();
	check(s.epc_total == EPC_PAGES && s.epc_peak <= EPC_PAGES && s.ewb >= 3 * EPC_PAGES && s.eldu >= 3 * EPC_PAGES);
	check(s.enclaves == 0 && s.epc_used == 0 && s.backing_used == 0);
	check(alarms > 0 && s.eenter > 0 && s.eexit > 0);
}
