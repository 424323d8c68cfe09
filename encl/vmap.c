/* SPDX-License-Identifier: Apache-2.0 */
#include "encl/vmap.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/sys.h"

/* The first range that ends after @addr, or count. */
static uint32_t first_ending_after(const struct vmap *v, uint64_t addr)
{
	uint32_t lo = 0, hi = v->count;

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if (v->range[mid].end > addr)
			hi = mid;
		else
			lo = mid + 1;
	}
	return lo;
}

static void unmap_ranges(struct vmap *v)
{
	if (v->range)
		sys_munmap((uint64_t)v->range, page_round_up(v->cap * sizeof(struct vmap_range)));
}

static int grow(struct vmap *v)
{
	uint32_t cap = v->cap ? v->cap * 2 : PAGE_SIZE / sizeof(struct vmap_range);
	long ret = sys_mmap(0, page_round_up(cap * sizeof(struct vmap_range)), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct vmap_range *bigger = (struct vmap_range *)ret;

	if (sys_is_err(ret))
		return -ENOMEM;
	if (v->count)
		memcpy(bigger, v->range, v->count * sizeof(*bigger));
	unmap_ranges(v);
	v->range = bigger;
	v->cap = cap;
	return 0;
}

/* Replace @drop ranges at @at by @n ranges of @with. Context: capacity is there. */
static void splice(struct vmap *v, uint32_t at, uint32_t drop, const struct vmap_range *with, uint32_t n)
{
	memmove(v->range + at + n, v->range + at + drop, (v->count - at - drop) * sizeof(*with));
	if (n)
		memcpy(v->range + at, with, n * sizeof(*with));
	v->count = v->count - drop + n;
}

/* Join range @at with its successor if they touch and agree. Return: whether they did. */
static bool merge_next(struct vmap *v, uint32_t at)
{
	struct vmap_range *r = v->range + at;

	if (at + 1 >= v->count || r[0].end != r[1].start || r[0].prot != r[1].prot)
		return false;
	r[0].end = r[1].end;
	splice(v, at + 1, 1, NULL, 0);
	return true;
}

static void merge_around(struct vmap *v, uint32_t at, uint32_t n)
{
	uint32_t i = at ? at - 1 : 0, left = n + 1;

	while (left--) {
		if (!merge_next(v, i))
			i++;
	}
}

int vmap_make_room(struct vmap *v)
{
	/* At worst a range is split in two around a new one. */
	return v->count + 2 > v->cap ? grow(v) : 0;
}

int vmap_set(struct vmap *v, uint64_t start, uint64_t end, int prot)
{
	struct vmap_range with[3];
	uint32_t at, last, n = 0;

	if (vmap_make_room(v))
		return -ENOMEM;
	at = first_ending_after(v, start);
	for (last = at; last < v->count && v->range[last].start < end; last++)
		;
	if (last > at && v->range[at].start < start)
		with[n++] = (struct vmap_range){ v->range[at].start, start, v->range[at].prot };
	if (prot != VMAP_UNMAPPED)
		with[n++] = (struct vmap_range){ start, end, prot };
	if (last > at && v->range[last - 1].end > end)
		with[n++] = (struct vmap_range){ end, v->range[last - 1].end, v->range[last - 1].prot };
	splice(v, at, last - at, with, n);
	merge_around(v, at, n);
	return 0;
}

int vmap_prot(const struct vmap *v, uint64_t addr, uint64_t *end)
{
	uint32_t at = first_ending_after(v, addr);
	bool inside = at < v->count && v->range[at].start <= addr;

	if (end)
		*end = at == v->count ? UINT64_MAX : inside ? v->range[at].end : v->range[at].start;
	return inside ? v->range[at].prot : VMAP_UNMAPPED;
}

bool vmap_covers(const struct vmap *v, uint64_t start, uint64_t end)
{
	while (start < end) {
		if (vmap_prot(v, start, &start) == VMAP_UNMAPPED)
			return false;
	}
	return true;
}

void vmap_destroy(struct vmap *v)
{
	unmap_ranges(v);
	*v = (struct vmap){ 0 };
}
