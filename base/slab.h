/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fixed-size zeroed objects from anonymous mappings: usable in signal handlers and independent of the application's
 * malloc, which it may have replaced. Freed objects are kept for reuse; the mappings live as long as the slab.
 */
#ifndef SOFTSGX_BASE_SLAB_H
#define SOFTSGX_BASE_SLAB_H

#include "base/lock.h"

struct slab_chunk;

struct slab {
	size_t size;      /* of an object, at least a pointer; rounded up to 16 */
	struct lock lock; /* innermost: nothing is called while it is held */
	void *free;
	struct slab_chunk *chunks;
	size_t live;  /* objects handed out */
	size_t bytes; /* mapped in all */
};

void slab_init(struct slab *s, size_t object_size);
/** slab_alloc() - Return: a zeroed object, or NULL when the kernel gives no memory. */
void *must_check slab_alloc(struct slab *s);
void slab_free(struct slab *s, void *object);
void slab_destroy(struct slab *s);

#endif
