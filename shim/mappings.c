/* SPDX-License-Identifier: Apache-2.0 */
#include "shim/mappings.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/sys.h"
#include "shim/device.h"
#include "shim/state.h"

#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

#define PROT_RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

/* --- pieces: a range cut where ELRANGEs begin and end --- */

struct piece {
	uint64_t start, end;
	struct encl *encl; /* with a reference; NULL: no enclave's address range */
};

/* Where the next ELRANGE above @addr begins. */
static uint64_t next_base(uint64_t addr)
{
	struct machine *m = &shim.machine;
	uint64_t base = UINT64_MAX;

	lock_acquire(&m->lock);
	for (uint32_t i = m->table_len; i-- > 0 && m->table[i]->base > addr;)
		base = m->table[i]->base;
	lock_release(&m->lock);
	return base;
}

static struct piece piece_at(uint64_t at, uint64_t end)
{
	struct encl *e = machine_find(&shim.machine, at);

	if (e)
		return (struct piece){ at, min_of(end, e->base + e->size), e };
	return (struct piece){ at, min_of(end, next_base(at)), NULL };
}

static uint64_t piece_len(const struct piece *p)
{
	return p->end - p->start;
}

static void piece_done(struct piece *p)
{
	if (p->encl)
		encl_put(p->encl);
}

typedef long piece_fn(const struct piece *p, void *arg);

/* Lowest first, up to the first error, as the kernel walks its mappings. */
static long each_piece(uint64_t start, uint64_t len, piece_fn *fn, void *arg)
{
	uint64_t end = start + len;
	long ret = 0;

	while (!ret && start < end) {
		struct piece p = piece_at(start, end);

		start = p.end;
		ret = fn(&p, arg);
		piece_done(&p);
	}
	return ret;
}

static bool range_ok(uint64_t addr, uint64_t len)
{
	return is_page_aligned(addr) && len && addr + len > addr;
}

static long is_encl(const struct piece *p, void *arg)
{
	return p->encl != NULL;
}

bool mappings_overlap(uint64_t addr, uint64_t len)
{
	return range_ok(addr, page_round_up(len)) && each_piece(addr, page_round_up(len), is_encl, NULL) != 0;
}

/* --- reservations: device mappings outside every ELRANGE --- */

struct reservation {
	uint64_t start, end;
	int prot;
	bool found;
	int ret;
};

/* Context: under the device's lock, which keeps the enclave. */
static bool has_mapping(struct encl *e, uint64_t start, uint64_t end)
{
	uint64_t stop;
	bool mapped;

	lock_acquire(&e->lock);
	mapped = vmap_prot(&e->vmap, start, &stop) != VMAP_UNMAPPED || stop < end;
	lock_release(&e->lock);
	return mapped;
}

static void unmap_reservation(struct encl *e, void *arg)
{
	struct reservation *r = arg;

	if (!r->ret && has_mapping(e, r->start, r->end))
		r->ret = encl_munmap(e, r->start, r->end - r->start);
}

static void protect_reservation(struct encl *e, void *arg)
{
	struct reservation *r = arg;

	if (r->found || !has_mapping(e, r->start, r->end))
		return;
	r->found = true;
	r->ret = encl_mprotect(e, r->start, r->end - r->start, r->prot);
}

static long forget_reservations(const struct piece *p)
{
	struct reservation r = { .start = p->start, .end = p->end };

	device_for_each(unmap_reservation, &r);
	return r.ret;
}

/* --- munmap, mprotect --- */

static long unmap_piece(const struct piece *p, void *arg)
{
	long ret;

	if (p->encl)
		return encl_munmap(p->encl, p->start, piece_len(p));
	ret = forget_reservations(p);
	return ret ? ret : sys_munmap(p->start, piece_len(p));
}

long mappings_unmap(uint64_t addr, uint64_t len)
{
	len = page_round_up(len);
	if (!range_ok(addr, len))
		return sys_munmap(addr, len);
	return each_piece(addr, len, unmap_piece, NULL);
}

static long protect_piece(const struct piece *p, void *arg)
{
	int prot = *(int *)arg;
	struct reservation r = { .start = p->start, .end = p->end, .prot = prot & PROT_RWX };

	if (p->encl)
		return encl_mprotect(p->encl, p->start, piece_len(p), prot & PROT_RWX);
	device_for_each(protect_reservation, &r);
	return r.found ? r.ret : sys_mprotect(p->start, piece_len(p), prot);
}

long mappings_protect(uint64_t addr, uint64_t len, int prot)
{
	len = page_round_up(len);
	if (!range_ok(addr, len) || !mappings_overlap(addr, len)) {
		struct piece p = { addr, addr + len, NULL };

		return range_ok(addr, len) ? protect_piece(&p, &prot) : sys_mprotect(addr, len, prot);
	}
	return each_piece(addr, len, protect_piece, &prot);
}

/* --- mmap --- */

static long clear_piece(const struct piece *p, void *arg)
{
	return p->encl ? encl_munmap(p->encl, p->start, piece_len(p)) : forget_reservations(p);
}

struct other {
	int prot, flags, fd;
	uint64_t start, offset;
};

/* Outside ELRANGE the new mapping is made; inside it is only the old one that goes. */
static long place_piece(const struct piece *p, void *arg)
{
	const struct other *o = arg;
	long ret = clear_piece(p, NULL);

	if (!ret && !p->encl)
		ret = sys_mmap(p->start, piece_len(p), o->prot, o->flags, o->fd, o->offset + (p->start - o->start));
	return sys_is_err(ret) ? ret : 0;
}

long mappings_other(uint64_t addr, uint64_t len, int prot, int flags, int fd, uint64_t offset)
{
	struct other o = { prot, flags, fd, addr, offset };
	uint64_t rounded = page_round_up(len);
	long ret;

	if (!(flags & MAP_FIXED) || flags & MAP_FIXED_NOREPLACE || !range_ok(addr, rounded))
		return sys_mmap(addr, len, prot, flags, fd, offset);
	if (!mappings_overlap(addr, rounded)) {
		struct piece p = { addr, addr + rounded, NULL };

		ret = forget_reservations(&p);
		return ret ? ret : sys_mmap(addr, len, prot, flags, fd, offset);
	}
	if (prot != PROT_NONE || !(flags & MAP_ANONYMOUS))
		return -ENOMEM;
	ret = each_piece(addr, rounded, place_piece, &o);
	return ret ? ret : (long)addr;
}

static long reserve(uint64_t addr, uint64_t len, int flags)
{
	return sys_mmap(addr, len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
}

struct target {
	struct encl *encl;
};

/* Make room for a fixed mapping: its own ELRANGE is there, another enclave's is not to be had. */
static long make_room(const struct piece *p, void *arg)
{
	const struct target *t = arg;
	long ret;

	if (p->encl)
		return p->encl == t->encl ? 0 : -ENOMEM;
	ret = forget_reservations(p);
	if (!ret)
		ret = reserve(p->start, piece_len(p), MAP_FIXED);
	return sys_is_err(ret) ? ret : 0;
}

static long map_fixed(struct encl *e, uint64_t addr, uint64_t len, int prot, bool replace)
{
	struct target t = { e };
	bool within = e->created && addr >= e->base && len <= e->size && addr - e->base <= e->size - len;
	long ret;

	if (!replace && (within ? has_mapping(e, addr, addr + len) : mappings_overlap(addr, len)))
		return -EEXIST;
	if (!within && e->initialized)
		return -EACCES;
	if (!replace && !within)
		ret = reserve(addr, len, MAP_FIXED_NOREPLACE);
	else
		ret = each_piece(addr, len, make_room, &t);
	if (sys_is_err(ret))
		return ret;
	ret = encl_mmap(e, addr, len, prot);
	return ret ? ret : (long)addr;
}

static long map_anywhere(struct encl *e, uint64_t hint, uint64_t len, int prot)
{
	long at = reserve(hint, len, 0), ret;

	if (sys_is_err(at))
		return at;
	ret = encl_mmap(e, (uint64_t)at, len, prot);
	if (!ret)
		return at;
	sys_munmap((uint64_t)at, len);
	return ret;
}

/* Linux: sgx_get_unmapped_area() and sgx_mmap(); do_mmap() for what a shared writable mapping asks of the file. */
long mappings_device(struct encl *e, bool writable, uint64_t addr, uint64_t len, int prot, int flags)
{
	len = page_round_up(len);
	if (len == 0 || (flags & MAP_TYPE) == MAP_PRIVATE || (flags & MAP_TYPE) == 0)
		return -EINVAL;
	if (prot & PROT_WRITE && !writable)
		return -EACCES;
	prot &= PROT_RWX;
	if (!(flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)))
		return map_anywhere(e, addr & PAGE_MASK, len, prot);
	if (!range_ok(addr, len))
		return is_page_aligned(addr) ? -ENOMEM : -EINVAL;
	return map_fixed(e, addr, len, prot, !(flags & MAP_FIXED_NOREPLACE));
}
