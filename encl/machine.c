/* SPDX-License-Identifier: Apache-2.0 */
#include "encl/machine.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/sys.h"
#include "encl/paging.h"

/* --- the processor that enclaves see --- */

static uint64_t xcr0(void)
{
	uint32_t eax, edx;

	__asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
	return (uint64_t)edx << 32 | eax;
}

/* x87, SSE, AVX, AVX-512: what is saved and restored on exits; of these, what the host has. */
#define XFRM_SUPPORTED 0xe7ULL
/* 8 TiB: every page of it, and the SECS, can have a backing slot, which are numbered by 32 bits. */
#define MAX_ELRANGE_LOG2 43

static struct sgx_caps processor_caps(void)
{
	uint64_t xfrm = xcr0() & XFRM_SUPPORTED;
	uint64_t frame = page_round_up(sgx_ssa_frame_bytes(xfrm, SGX_MISC_EXINFO));

	return (struct sgx_caps){
		.attributes = SGX_ATTR_DEBUG | SGX_ATTR_MODE64BIT | SGX_ATTR_PROVISIONKEY | SGX_ATTR_EINITTOKENKEY |
			      SGX_ATTR_KSS,
		.xfrm = xfrm,
		.miscselect = SGX_MISC_EXINFO,
		.max_size_log2 = MAX_ELRANGE_LOG2,
		.ssa_min_pages = (uint8_t)(frame >> PAGE_SHIFT),
	};
}

/* --- limits --- */

#define RESERVE_MIN 16 /* more than the pages one instruction can touch, with a TCS and SSA */
#define RESERVE_MAX 64 /* a window: more is not evicted at a time */

static struct watermarks watermarks_for(uint32_t total)
{
	uint32_t reserve = min_of(max_of(total / 64, RESERVE_MIN), RESERVE_MAX);

	return (struct watermarks){
		.reserve = reserve,
		.low = reserve,
		.high = reserve + min_of(max_of(total / 16, RESERVE_MIN), WINDOW_PAGES),
		.unevictable_max = total - max_of(total / 4, 2 * reserve),
	};
}

static void set_limits(struct machine *m)
{
	uint64_t max = m->config.backing_max_bytes;

	group_init(&m->root, "root", NULL);
	group_set_overcommit(&m->root, m->epc.total, m->config.overcommit_percent);
	if (max != LEDGER_NO_LIMIT && max / PAGE_SIZE < atomic_load(&m->root.counter[RES_BACKING].limit))
		group_set_limit(&m->root, RES_BACKING, max / PAGE_SIZE);
}

/* --- life --- */

static int table_init(struct machine *m)
{
	/* Room for as many enclaves as the EPC can hold SECS pages: address space only. */
	long table = sys_mmap(0, page_round_up((uint64_t)m->epc.total * sizeof(struct encl *)), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (sys_is_err(table))
		return -ENOMEM;
	m->table = (struct encl **)table;
	m->table_cap = m->epc.total;
	return 0;
}

static void table_destroy(struct machine *m)
{
	if (m->table)
		sys_munmap((uint64_t)m->table, page_round_up((uint64_t)m->table_cap * sizeof(struct encl *)));
}

static bool size_ok(uint64_t bytes)
{
	return is_page_aligned(bytes) && bytes >= EPC_MIN_PAGES * PAGE_SIZE && bytes / PAGE_SIZE < EPC_NONE;
}

int machine_init(struct machine *m, const struct machine_config *config, enum mmu_obstacle *obstacle)
{
	int ret;

	*obstacle = MMU_OK;
	if (!size_ok(config->epc_bytes))
		return -EINVAL;
	*m = (struct machine){ .config = *config };
	slab_init(&m->encl_slab, sizeof(struct encl));
	slab_init(&m->leaf_slab, sizeof(struct pagetable_leaf));
	slab_init(&m->mid_slab, sizeof(struct pagetable_mid));
	*obstacle = mmu_init(&m->mmu, config->mechanism);
	if (*obstacle != MMU_OK)
		return -ENOSYS;
	ret = epc_init(&m->epc, (uint32_t)(config->epc_bytes / PAGE_SIZE));
	if (ret)
		goto no_epc;
	ret = pagecrypt_new(&m->pagecrypt);
	if (ret)
		goto no_key;
	ret = table_init(m);
	if (ret)
		goto no_table;
	m->caps = processor_caps();
	m->marks = watermarks_for(m->epc.total);
	set_limits(m);
	return 0;

no_table:
	pagecrypt_destroy(m->pagecrypt);
no_key:
	epc_destroy(&m->epc);
no_epc:
	mmu_destroy(&m->mmu);
	return ret;
}

static void free_parts(struct machine *m)
{
	table_destroy(m);
	pagecrypt_destroy(m->pagecrypt);
	epc_destroy(&m->epc);
	mmu_destroy(&m->mmu);
	slab_destroy(&m->encl_slab);
	slab_destroy(&m->leaf_slab);
	slab_destroy(&m->mid_slab);
}

void machine_destroy(struct machine *m)
{
	reclaimer_stop(m);
	law(m->table_len == 0 && machine_is_valid(m));
	law(atomic_load(&m->root.counter[RES_EPC].current) == 0);
	law(atomic_load(&m->root.counter[RES_BACKING].current) == 0);
	law(atomic_load(&m->unevictable) == 0);
	free_parts(m);
}

void machine_forget(struct machine *m)
{
	/*
	 * The child has its own copies of the engine's private memory, but neither the enclaves' ranges (MADV_DONTFORK)
	 * nor a reclaimer. The userfaultfd watches the parent's address space, and the backing is the parent's: only
	 * the descriptors are the child's to close.
	 */
	for (uint32_t i = 0; i < m->table_len; i++)
		sys_close(m->table[i]->backing.store.fd);
	free_parts(m);
	*m = (struct machine){ 0 };
}

/* --- the table of enclaves --- */

/* Index of the first enclave with base > @addr. Context: holds m->lock. */
static uint32_t first_above(const struct machine *m, uint64_t addr)
{
	uint32_t lo = 0, hi = m->table_len;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (m->table[mid]->base > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

struct encl *machine_find(struct machine *m, uint64_t addr)
{
	struct encl *e = NULL;
	uint32_t at;

	lock_acquire(&m->lock);
	at = first_above(m, addr);
	/* Whoever is in the table has the reference of its file or mappings: it is taken out before that is dropped. */
	if (at > 0 && addr - m->table[at - 1]->base < m->table[at - 1]->size) {
		e = m->table[at - 1];
		encl_get(e);
	}
	lock_release(&m->lock);
	return e;
}

int machine_insert(struct machine *m, struct encl *e)
{
	uint32_t at;
	int ret = 0;

	lock_acquire(&m->lock);
	at = first_above(m, e->base);
	if (m->table_len == m->table_cap)
		ret = -ENOMEM;
	else if ((at > 0 && e->base - m->table[at - 1]->base < m->table[at - 1]->size) ||
		 (at < m->table_len && m->table[at]->base - e->base < e->size))
		ret = -EBUSY;
	if (!ret) {
		memmove(m->table + at + 1, m->table + at, (m->table_len - at) * sizeof(*m->table));
		m->table[at] = e;
		m->table_len++;
	}
	lock_release(&m->lock);
	return ret;
}

void machine_remove(struct machine *m, struct encl *e)
{
	uint32_t at;

	lock_acquire(&m->lock);
	at = first_above(m, e->base);
	if (at > 0 && m->table[at - 1] == e) {
		memmove(m->table + at - 1, m->table + at, (m->table_len - at) * sizeof(*m->table));
		m->table_len--;
	}
	lock_release(&m->lock);
}

uint32_t machine_enclaves(struct machine *m)
{
	uint32_t n;

	lock_acquire(&m->lock);
	n = m->table_len;
	lock_release(&m->lock);
	return n;
}

struct encl *machine_sweep(struct machine *m, uint32_t *at)
{
	struct encl *e = NULL;

	lock_acquire(&m->lock);
	if (m->table_len) {
		*at = *at < m->table_len ? *at : 0;
		e = m->table[*at];
		encl_get(e);
	}
	lock_release(&m->lock);
	return e;
}

/* --- laws --- */

bool machine_is_valid(struct machine *m)
{
	uint64_t epc = 0, backing = 0, held = 0;

	for (uint32_t i = 0; i < m->table_len; i++) {
		struct encl *e = m->table[i];

		if (!encl_is_valid(e))
			return false;
		epc += e->resident + e->va.count;
		backing += backing_charged(&e->backing);
		held += (uint64_t)store_held(&e->backing.store);
	}
	return epc_is_valid(&m->epc) && group_is_valid(&m->root) && m->epc.total - epc_free_count(&m->epc) == epc &&
	       atomic_load(&m->root.counter[RES_EPC].current) == epc &&
	       atomic_load(&m->root.counter[RES_BACKING].current) == backing && backing == held;
}
