/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which parts of an enclave the application has mapped, and how: a sorted array of disjoint ranges, neighbours of
 * equal protection merged. What the kernel shows is always this AND the EPCM permissions.
 * Context: holds encl->lock. Lookups are async-signal-safe.
 */
#ifndef SOFTSGX_ENCL_VMAP_H
#define SOFTSGX_ENCL_VMAP_H

#include "base/compiler.h"

#define VMAP_UNMAPPED (-1)

struct vmap_range {
	uint64_t start, end;
	int prot;
};
struct vmap {
	struct vmap_range *range;
	uint32_t count, cap;
};

/** vmap_make_room() - the next vmap_set() will not fail. Return: 0 or -ENOMEM. */
int must_check vmap_make_room(struct vmap *v);
/** vmap_set() - the range is mapped with @prot, or VMAP_UNMAPPED. Return: 0 or -ENOMEM, then nothing changed. */
int must_check vmap_set(struct vmap *v, uint64_t start, uint64_t end, int prot);
/** vmap_prot() - protection at @addr or VMAP_UNMAPPED; *@end (may be NULL) is where that answer stops holding. */
int vmap_prot(const struct vmap *v, uint64_t addr, uint64_t *end);
/** vmap_covers() - every byte of the range is mapped. */
bool vmap_covers(const struct vmap *v, uint64_t start, uint64_t end);
static inline bool vmap_empty(const struct vmap *v)
{
	return v->count == 0;
}
void vmap_destroy(struct vmap *v);

#endif
