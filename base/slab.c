/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slab.h"

#include <string.h>
#include <sys/mman.h>

#include "base/sys.h"

#define CHUNK_BYTES (64UL * 1024)

struct slab_chunk {
	struct slab_chunk *next;
	size_t bytes;
};

void slab_init(struct slab *s, size_t object_size)
{
	*s = (struct slab){ .size = (max_of(object_size, sizeof(void *)) + 15) & ~15UL };
}

/* Context: holds s->lock. */
static void push(struct slab *s, void *object)
{
	*(void **)object = s->free;
	s->free = object;
}

/* Context: holds s->lock. */
static bool refill(struct slab *s)
{
	size_t bytes = max_of(CHUNK_BYTES, page_round_up(s->size + 64));
	long ret = sys_mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct slab_chunk *chunk = (struct slab_chunk *)ret;

	if (sys_is_err(ret))
		return false;
	*chunk = (struct slab_chunk){ .next = s->chunks, .bytes = bytes };
	s->chunks = chunk;
	s->bytes += bytes;
	/* Objects start 64 bytes in: past the chunk header, on a cache line. Pushed last first, used in order. */
	for (size_t n = (bytes - 64) / s->size; n-- > 0;)
		push(s, (char *)chunk + 64 + n * s->size);
	return s->free != NULL;
}

void *slab_alloc(struct slab *s)
{
	void *object = NULL;

	lock_acquire(&s->lock);
	if (s->free || refill(s)) {
		object = s->free;
		s->free = *(void **)object;
		s->live++;
	}
	lock_release(&s->lock);
	if (object)
		memset(object, 0, s->size);
	return object;
}

void slab_free(struct slab *s, void *object)
{
	lock_acquire(&s->lock);
	push(s, object);
	s->live--;
	lock_release(&s->lock);
}

void slab_destroy(struct slab *s)
{
	struct slab_chunk *chunk = s->chunks;

	while (chunk) {
		struct slab_chunk *next = chunk->next;
		sys_munmap((uint64_t)chunk, chunk->bytes);
		chunk = next;
	}
	slab_init(s, s->size);
}
