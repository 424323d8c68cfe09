/* SPDX-License-Identifier: Apache-2.0 */
#include "encl/encl.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/personality.h>

#include "base/log.h"
#include "base/sys.h"
#include "encl/paging.h"

struct encl *encl_open(struct machine *m)
{
	struct encl *e = slab_alloc(&m->encl_slab);

	if (!e)
		return NULL;
	e->machine = m;
	e->group = &m->root;
	e->refs = 1; /* the file's and the mappings' together: while either is there */
	e->file_open = true;
	e->secs_page.va = VA_NONE;
	return e;
}

void encl_get(struct encl *e)
{
	atomic_fetch_add(&e->refs, 1);
}

void encl_put(struct encl *e)
{
	if (atomic_fetch_sub(&e->refs, 1) == 1)
		encl_free(e);
}

/* With file and mappings gone nobody can name the enclave any more; an ioctl under way has the file, as in Linux. */
void encl_die_if_unreachable(struct encl *e)
{
	bool dies;

	lock_acquire(&e->lock);
	dies = !e->file_open && vmap_empty(&e->vmap) && !atomic_load(&e->ioctl_busy) && !e->dying;
	if (dies) {
		e->dying = true;
		/* The burial may be in a signal handler, where this memory cannot be freed. */
		measure_free(e->secs.measure);
		e->secs.measure = NULL;
	}
	lock_release(&e->lock);
	if (!dies)
		return;
	machine_remove(e->machine, e);
	encl_bury(e);
	encl_put(e);
}

void encl_file_closed(struct encl *e)
{
	lock_acquire(&e->lock);
	e->file_open = false;
	lock_release(&e->lock);
	encl_die_if_unreachable(e);
}

/* Linux: sgx_encl_may_map(). Context: holds encl->lock. */
static int may_map(struct encl *e, uint64_t start, uint64_t end, int prot)
{
	uint64_t index = start > e->base ? (start - e->base) >> PAGE_SHIFT : 0;
	struct encl_page *p;

	if (e->initialized && (start < e->base || end > e->base + e->size))
		return -EACCES;
	if (sys_call1(SYS_personality, 0xffffffff) & READ_IMPLIES_EXEC)
		return -EACCES;
	while (e->created && (p = pagetable_next(&e->pages, &index)) && e->base + (index << PAGE_SHIFT) < end) {
		if (prot & ~PAGE_MAX_PROT(p))
			return -EACCES;
		index++;
	}
	return 0;
}

/*
 * Context: holds encl->lock, no window is being written. The old mapping stays if the kernel, whose mappings are
 * limited in number, will not show the new one.
 */
static int set_mapping(struct encl *e, uint64_t start, uint64_t end, int prot)
{
	int ret = vmap_make_room(&e->vmap);

	if (ret)
		return ret;
	ret = e->created ? encl_show(e, start, end, prot) : 0;
	if (!ret)
		return vmap_set(&e->vmap, start, end, prot);
	if (encl_apply_protection(e, start, end))
		log_fatal("the kernel refused to show a mapping as it was before");
	return ret;
}

int encl_mmap(struct encl *e, uint64_t start, uint64_t len, int prot)
{
	int ret;

	lock_acquire(&e->lock);
	encl_wait_for_windows(e);
	/* Its addresses may be the application's again. */
	ret = e->dying ? -EBADF : may_map(e, start, start + len, prot);
	if (!ret)
		ret = set_mapping(e, start, start + len, prot);
	lock_release(&e->lock);
	return ret;
}

int encl_mprotect(struct encl *e, uint64_t start, uint64_t len, int prot)
{
	int ret;

	lock_acquire(&e->lock);
	encl_wait_for_windows(e);
	ret = vmap_covers(&e->vmap, start, start + len) ? may_map(e, start, start + len, prot) : -ENOMEM;
	if (!ret)
		ret = set_mapping(e, start, start + len, prot);
	lock_release(&e->lock);
	return ret;
}

int encl_munmap(struct encl *e, uint64_t start, uint64_t len)
{
	int ret;

	lock_acquire(&e->lock);
	encl_wait_for_windows(e);
	ret = e->dying ? 0 : set_mapping(e, start, start + len, VMAP_UNMAPPED);
	lock_release(&e->lock);
	if (!ret)
		encl_die_if_unreachable(e);
	return ret;
}

/* EPC pages that the enclave's own books say it holds. */
static uint64_t epc_pages_of(const struct encl *e)
{
	return e->resident + e->va.count;
}

bool encl_is_valid(struct encl *e)
{
	uint64_t held = 0;

	if (!e->created)
		return true;
	if (e->in_flight || e->windows || e->resident + e->evicted != e->page_count)
		return false;
	for (uint32_t i = 0; i < e->machine->epc.total; i++) {
		const struct epc_page *page = epc_entry(&e->machine->epc, i);

		held += page->flags & EPCM_VALID && page->secs == &e->secs;
	}
	/* Version arrays belong to no enclave in the EPCM. */
	return held + e->va.count == epc_pages_of(e) && backing_is_valid(&e->backing) &&
	       e->backing.used_count == e->evicted;
}
