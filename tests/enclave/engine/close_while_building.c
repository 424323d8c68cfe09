/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file is closed while another thread is inside an ioctl on it: the ioctl ends first, in an enclave that is whole,
 * and then everything goes. What comes later is refused.
 */
#include "harness.h"

#include <errno.h>
#include <sys/mman.h>

#define EPC_PAGES 512
#define PAGES 256

struct builder {
	struct enclave e;
	_Atomic bool started;
	pthread_t thread;
};

/* With a reference of its own, as whoever looked the enclave up by its descriptor. */
static void *build(void *arg)
{
	struct builder *a = arg;
	long ret;

	atomic_store(&a->started, true);
	ret = enclave_create(&a->e);
	if (!ret)
		ret = enclave_add(&a->e, PAGES, SGX_SECINFO_R | SGX_SECINFO_W);
	check(ret == -EBADF || (ret == 0 && a->e.pages == PAGES));
	encl_put(a->e.encl);
	return NULL;
}

static void close_after(struct rig *rig, unsigned spins)
{
	struct builder a = { .started = false };

	enclave_open(&a.e, rig, PAGES, 1);
	encl_get(a.e.encl);
	check(pthread_create(&a.thread, NULL, build, &a) == 0);
	while (!atomic_load(&a.started))
		;
	for (volatile unsigned i = 0; i < spins; i++)
		;
	encl_file_closed(a.e.encl);
	pthread_join(a.thread, NULL);
	enclave_wait_gone(&a.e);
}

void engine_test(enum mmu_mechanism mechanism)
{
	struct machine_config config = rig_config(mechanism, EPC_PAGES, 100);
	struct rng r = rng_seeded(3);
	struct rig rig;

	rig_open(&rig, &config);
	for (uint64_t i = 0; i < test_scaled(300, 20); i++)
		close_after(&rig, (unsigned)rng_below(&r, 300000));
	check(rig.machine.table_len == 0);
	rig_close(&rig);
}
