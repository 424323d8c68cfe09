/* SPDX-License-Identifier: Apache-2.0 */
/*
 * malloc() on the enclave's heap. Two tiers: runs of pages, first fit with both neighbours merged on free; and slabs,
 * runs that are cut into objects of one size class. What is known of a page is in a map at the heap's start, never
 * beside the objects, so that a search touches no page of theirs: with an EPC smaller than the heap each would cost a
 * fault. Nothing relies on the heap being zero: its contents at start are the host's choice.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "kit/enclave/runtime.h"

#define PAGE_BYTES 4096
#define NONE UINT32_MAX
#define OBJECT_NONE UINT16_MAX
#define LARGEST_SMALL 2048

enum page_kind {
	PAGE_FREE = 1,  /* first page of a free run */
	PAGE_FREE_LAST, /* its last page, unless that is the first */
	PAGE_RUN,       /* first page of an allocated run */
	PAGE_SLAB,      /* first page of a slab */
	PAGE_SLAB_REST, /* its other pages */
	PAGE_BODY,      /* last page of an allocated run; any page that starts nothing */
};

/* The first and the last page of a run are kept up to date, those between only in a slab. */
struct page {
	union {
		uint32_t next;  /* PAGE_FREE, PAGE_SLAB: in the list of free runs, or of slabs with a free object */
		uint32_t start; /* PAGE_FREE_LAST, PAGE_SLAB_REST: the first page */
	};
	uint32_t prev;
	union {
		uint32_t pages; /* PAGE_FREE, PAGE_RUN: length */
		struct {
			uint16_t free; /* PAGE_SLAB: number of the first free object */
			uint16_t used; /* objects handed out */
		};
	};
	uint16_t fresh; /* PAGE_SLAB: objects from this number on were never handed out */
	uint8_t class;
	uint8_t kind;
};
_Static_assert(sizeof(struct page) == 16, "page map entry");

#define CLASSES 24
static const uint16_t class_bytes[CLASSES] = {
	16,  32,  48,  64,  80,  96,  112, 128,  160,  192,  224,  256,
	320, 384, 448, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048,
};

/* Laws: every page below top belongs to exactly one run; no two free runs touch; no free run ends at top. */
static struct {
	struct kit_lock lock;
	struct page *map;
	uint8_t *base;
	uint32_t pages; /* in all */
	uint32_t top;   /* pages from here on were never used or have been given back */
	uint32_t free;  /* pages in free runs */
	uint32_t runs;  /* list of free runs */
	uint32_t slabs[CLASSES];
} heap;

void kit_heap_init(void *start, size_t bytes)
{
	size_t pages = bytes / PAGE_BYTES;
	size_t map = (pages * sizeof(struct page) + PAGE_BYTES - 1) / PAGE_BYTES;

	memset(&heap, 0, sizeof(heap));
	heap.map = start;
	heap.base = (uint8_t *)start + map * PAGE_BYTES;
	heap.pages = pages > map ? (uint32_t)(pages - map) : 0;
	heap.runs = NONE;
	for (unsigned class = 0; class < CLASSES; class ++)
		heap.slabs[class] = NONE;
}

static void list_push(uint32_t *list, uint32_t at)
{
	heap.map[at].next = *list;
	heap.map[at].prev = NONE;
	if (*list != NONE)
		heap.map[*list].prev = at;
	*list = at;
}

static void list_remove(uint32_t *list, uint32_t at)
{
	struct page *p = &heap.map[at];

	if (p->prev == NONE)
		*list = p->next;
	else
		heap.map[p->prev].next = p->next;
	if (p->next != NONE)
		heap.map[p->next].prev = p->prev;
}

/* --- runs of pages --- */

static void mark_run(uint32_t at, uint32_t pages)
{
	heap.map[at + pages - 1].kind = PAGE_BODY;
	heap.map[at].kind = PAGE_RUN;
	heap.map[at].pages = pages;
}

static void add_free_run(uint32_t at, uint32_t pages)
{
	heap.map[at + pages - 1].kind = PAGE_FREE_LAST;
	heap.map[at + pages - 1].start = at;
	heap.map[at].kind = PAGE_FREE;
	heap.map[at].pages = pages;
	list_push(&heap.runs, at);
	heap.free += pages;
}

/* Its ends must not look like a run's any more: that is how a second free() of the same pointer is found out. */
static void remove_free_run(uint32_t at)
{
	uint32_t pages = heap.map[at].pages;

	list_remove(&heap.runs, at);
	heap.free -= pages;
	heap.map[at + pages - 1].kind = PAGE_BODY;
	heap.map[at].kind = PAGE_BODY;
}

/* Return: the first page of the free run that ends just below @at, or NONE. */
static uint32_t free_run_below(uint32_t at)
{
	if (at == 0)
		return NONE;
	if (heap.map[at - 1].kind == PAGE_FREE_LAST)
		return heap.map[at - 1].start;
	return heap.map[at - 1].kind == PAGE_FREE ? at - 1 : NONE;
}

static bool free_run_at(uint32_t at)
{
	return at < heap.top && heap.map[at].kind == PAGE_FREE;
}

static void free_pages(uint32_t at, uint32_t pages)
{
	uint32_t below = free_run_below(at);

	heap.map[at].kind = PAGE_BODY;
	if (free_run_at(at + pages)) {
		uint32_t more = heap.map[at + pages].pages;

		remove_free_run(at + pages);
		pages += more;
	}
	if (below != NONE) {
		remove_free_run(below);
		pages += at - below;
		at = below;
	}
	if (at + pages == heap.top)
		heap.top = at;
	else
		add_free_run(at, pages);
}

/* Return: the first page of a run of @pages, or NONE. */
static uint32_t alloc_pages(uint32_t pages)
{
	uint32_t at = heap.runs;

	while (at != NONE && heap.map[at].pages < pages)
		at = heap.map[at].next;
	if (at != NONE) {
		uint32_t rest = heap.map[at].pages - pages;

		remove_free_run(at);
		if (rest != 0)
			add_free_run(at + pages, rest);
	} else {
		if (pages > heap.pages - heap.top)
			return NONE;
		at = heap.top;
		heap.top += pages;
	}
	mark_run(at, pages);
	return at;
}

/* Make the run at @at @pages long without moving it. Return: false if what follows is in use. */
static bool resize_run(uint32_t at, uint32_t pages)
{
	uint32_t old = heap.map[at].pages, end = at + old, more = pages - old, have;

	if (pages <= old) {
		mark_run(at, pages);
		if (pages < old)
			free_pages(at + pages, old - pages);
		return true;
	}
	if (end == heap.top) {
		if (more > heap.pages - heap.top)
			return false;
		heap.top += more;
	} else {
		if (!free_run_at(end) || heap.map[end].pages < more)
			return false;
		have = heap.map[end].pages;
		remove_free_run(end);
		if (have > more)
			add_free_run(end + more, have - more);
	}
	mark_run(at, pages);
	return true;
}

/* --- slabs --- */

static unsigned class_of(size_t n)
{
	unsigned class = 0;

	if (n <= 128)
		return n == 0 ? 0 : (unsigned)(n - 1) / 16;
	for (class = 8; class_bytes[class] < n; class ++)
		;
	return class;
}

static uint32_t slab_pages(unsigned class)
{
	return class_bytes[class] <= 512 ? 1 : class_bytes[class] <= 1024 ? 2 : 4;
}

static unsigned slab_objects(unsigned class)
{
	return slab_pages(class) * PAGE_BYTES / class_bytes[class];
}

static uint8_t *object(uint32_t slab, unsigned number)
{
	return heap.base + (size_t)slab * PAGE_BYTES + (size_t)number * class_bytes[heap.map[slab].class];
}

static uint32_t new_slab(unsigned class)
{
	uint32_t pages = slab_pages(class), at = alloc_pages(pages);

	if (at == NONE)
		return NONE;
	for (uint32_t i = 1; i < pages; i++) {
		heap.map[at + i].kind = PAGE_SLAB_REST;
		heap.map[at + i].start = at;
	}
	heap.map[at] = (struct page){ .free = OBJECT_NONE, .class = (uint8_t) class, .kind = PAGE_SLAB };
	list_push(&heap.slabs[class], at);
	return at;
}

static void *alloc_object(unsigned class)
{
	uint32_t slab = heap.slabs[class];
	struct page *p;
	void *found;

	if (slab == NONE)
		slab = new_slab(class);
	if (slab == NONE)
		return NULL;
	p = &heap.map[slab];
	if (p->free != OBJECT_NONE) {
		found = object(slab, p->free);
		memcpy(&p->free, found, sizeof(p->free));
	} else {
		found = object(slab, p->fresh++);
	}
	if (++p->used == slab_objects(class))
		list_remove(&heap.slabs[class], slab);
	return found;
}

static void free_object(uint32_t slab, void *ptr)
{
	struct page *p = &heap.map[slab];
	size_t offset = (size_t)((uint8_t *)ptr - object(slab, 0)), bytes = class_bytes[p->class];

	if (offset % bytes != 0 || offset / bytes >= p->fresh || p->used == 0)
		kit_abort();
	if (p->used-- == slab_objects(p->class))
		list_push(&heap.slabs[p->class], slab);
	if (p->used == 0) {
		list_remove(&heap.slabs[p->class], slab);
		free_pages(slab, slab_pages(p->class));
		return;
	}
	memcpy(ptr, &p->free, sizeof(p->free));
	p->free = (uint16_t)(offset / bytes);
}

/* --- the C library's interface --- */

struct place {
	uint32_t at; /* first page of its run or slab */
	bool small;
	size_t bytes; /* that the caller may use */
};

/* Where @ptr was allocated; aborts if it was not. */
static struct place find(const void *ptr)
{
	size_t offset = (size_t)((const uint8_t *)ptr - heap.base);
	uint32_t at = (uint32_t)(offset / PAGE_BYTES);
	struct place place = { .at = at };

	if (offset / PAGE_BYTES >= heap.top)
		kit_abort();
	if (heap.map[at].kind == PAGE_SLAB_REST)
		place.at = heap.map[at].start;
	if (heap.map[place.at].kind == PAGE_SLAB) {
		place.small = true;
		place.bytes = class_bytes[heap.map[place.at].class];
	} else if (heap.map[at].kind == PAGE_RUN && offset % PAGE_BYTES == 0) {
		place.bytes = (size_t)heap.map[at].pages * PAGE_BYTES;
	} else {
		kit_abort();
	}
	return place;
}

static uint32_t pages_for(size_t n)
{
	size_t pages = n / PAGE_BYTES + (n % PAGE_BYTES != 0);

	return pages < NONE ? (uint32_t)pages : NONE - 1;
}

void *malloc(size_t n)
{
	void *found = NULL;
	uint32_t at;

	kit_lock(&heap.lock);
	if (n <= LARGEST_SMALL) {
		found = alloc_object(class_of(n));
	} else {
		at = alloc_pages(pages_for(n));
		if (at != NONE)
			found = heap.base + (size_t)at * PAGE_BYTES;
	}
	kit_unlock(&heap.lock);
	return found;
}

void free(void *ptr)
{
	struct place place;

	if (!ptr)
		return;
	kit_lock(&heap.lock);
	place = find(ptr);
	if (place.small)
		free_object(place.at, ptr);
	else
		free_pages(place.at, heap.map[place.at].pages);
	kit_unlock(&heap.lock);
}

void *calloc(size_t n, size_t size)
{
	size_t bytes;
	void *ptr;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	ptr = malloc(bytes);
	if (ptr)
		memset(ptr, 0, bytes);
	return ptr;
}

/* Return: true if @ptr can hold @n bytes where it is, and no more than it needs. */
static bool resize_in_place(void *ptr, size_t n, size_t *old)
{
	struct place place;
	bool done;

	kit_lock(&heap.lock);
	place = find(ptr);
	*old = place.bytes;
	if (place.small)
		done = n <= LARGEST_SMALL && class_of(n) == heap.map[place.at].class;
	else
		done = n > LARGEST_SMALL && resize_run(place.at, pages_for(n));
	kit_unlock(&heap.lock);
	return done;
}

void *realloc(void *ptr, size_t n)
{
	size_t old;
	void *moved;

	if (!ptr)
		return malloc(n);
	if (resize_in_place(ptr, n, &old))
		return ptr;
	moved = malloc(n);
	if (!moved)
		return n <= old ? ptr : NULL;
	memcpy(moved, ptr, old < n ? old : n);
	free(ptr);
	return moved;
}

size_t kit_heap_left(void)
{
	size_t pages;

	kit_lock(&heap.lock);
	pages = (size_t)(heap.pages - heap.top) + heap.free;
	kit_unlock(&heap.lock);
	return pages * PAGE_BYTES;
}

void abort(void)
{
	kit_abort();
}
