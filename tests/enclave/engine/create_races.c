/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CREATE while another thread maps the same device: whichever comes first, the mapping is there in the end, and a touch
 * gets through. CREATE of the first two enclaves at once: still only one reclaimer, whose end machine_destroy() awaits.
 * CREATEs that fail leave nothing behind.
 */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#define EPC_PAGES 256
#define PAGES 16
#define STUCK_SECONDS 20

static unsigned count_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *entry;
	unsigned n = 0;

	check(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

/* A joined thread may still be on its way out of the kernel's list. */
static bool as_many_threads(void *arg)
{
	return count_threads() == *(unsigned *)arg;
}

struct racer {
	struct enclave *enclave;
	pthread_barrier_t *start;
	unsigned delay;
	int (*act)(struct enclave *e);
};

static int do_map(struct enclave *e)
{
	return enclave_map(e, 0, PAGES, PROT_READ | PROT_WRITE);
}

static int do_create(struct enclave *e)
{
	return (int)enclave_create(e);
}

static void *race(void *arg)
{
	struct racer *r = arg;

	pthread_barrier_wait(r->start);
	for (unsigned i = 0; i < r->delay; i++)
		__builtin_ia32_pause();
	check(r->act(r->enclave) == 0);
	return NULL;
}

/* @act on @other in a thread of its own, @delay turns after CREATE of @e began in this one. */
static void create_beside(struct enclave *e, struct enclave *other, int (*act)(struct enclave *e), unsigned delay)
{
	pthread_barrier_t start;
	struct racer r = { other, &start, delay, act };
	pthread_t thread;

	pthread_barrier_init(&start, NULL, 2);
	check(pthread_create(&thread, NULL, race, &r) == 0);
	pthread_barrier_wait(&start);
	check(enclave_create(e) == 0);
	pthread_join(thread, NULL);
	pthread_barrier_destroy(&start);
}

static void map_while_creating(enum mmu_mechanism mechanism, uint64_t rounds)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 200);
	static struct rig rig;

	rig_open(&rig, &config);
	for (uint64_t i = 0; i < rounds; i++) {
		struct enclave e;

		enclave_open(&e, &rig, PAGES, i);
		create_beside(&e, &e, do_map, (unsigned)(i * 7 % 4000));
		check(enclave_add(&e, 1, SGX_SECINFO_R | SGX_SECINFO_W) == 0);
		alarm(STUCK_SECONDS); /* a fault that is never fixed would come again for ever */
		check(enclave_load(&e, 0, 0) == word_value(&e, 0, 0, 0));
		alarm(0);
		enclave_destroy(&e);
	}
	rig_close(&rig);
}

static void first_two(enum mmu_mechanism mechanism, uint64_t rounds)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 200);
	unsigned threads = count_threads();

	for (uint64_t i = 0; i < rounds; i++) {
		static struct rig rig;
		struct enclave a, b;

		rig_open(&rig, &config);
		enclave_open(&a, &rig, PAGES, 1);
		enclave_open(&b, &rig, PAGES, 2);
		create_beside(&a, &b, do_create, 0);
		enclave_destroy(&a);
		enclave_destroy(&b);
		rig_close(&rig);
		rig_poll(as_many_threads, &threads);
	}
}

/* Of the address space, which the engine gets its memory from. */
static uint64_t pages_mapped(void)
{
	unsigned long pages;
	FILE *f = fopen("/proc/self/statm", "r");

	check(f && fscanf(f, "%lu", &pages) == 1);
	fclose(f);
	return pages;
}

static void failed_creates(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 200);
	static struct rig rig;
	uint64_t mapped = 0;

	rig_open(&rig, &config);
	for (int i = 0; i < 64; i++) {
		struct enclave e;

		enclave_open(&e, &rig, PAGES, 1);
		e.base++;
		check(enclave_create(&e) == -EIO);
		check(munmap((void *)(e.base - 1), e.size) == 0); /* still the test's own */
		encl_file_closed(e.encl);
		enclave_wait_gone(&e);
		if (i == 8)
			mapped = pages_mapped();
		check(i < 8 || pages_mapped() <= mapped);
	}
	rig_close(&rig);
}

void engine_test(enum mmu_mechanism mechanism)
{
	map_while_creating(mechanism, test_scaled(3000, 10));
	first_two(mechanism, test_scaled(500, 5));
	failed_creates(mechanism);
}
