/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of encl/: frames, version slots, backing, load and reclaim. Not for other layers.
 * Everything here is async-signal-safe.
 */
#ifndef SOFTSGX_ENCL_PAGING_H
#define SOFTSGX_ENCL_PAGING_H

#include "encl/encl.h"

#define WINDOW_PAGES 64 /* pages evicted together at most: two system calls and two shootdowns a window */

/* --- frames.c: pages of the EPC, charged to the enclave's group while held --- */

/** frame_try() - a free frame while @keep others stay free, without reclaim. Return: EPC page, or EPC_NONE. */
uint32_t must_check frame_try(struct encl *e, uint32_t keep);
/**
 * frame_try_load(), frame_for_load() - for a page to be loaded: may use the reserve; counted in machine->in_flight from
 * here until the load ends or frame_return(). The second reclaims if it must. Context: no lock held for the second;
 * @scratch: a page. Return: EPC page; EPC_NONE when nothing can be evicted and nothing in flight will free anything.
 */
uint32_t must_check frame_try_load(struct encl *e);
uint32_t must_check frame_for_load(struct encl *e, void *scratch);
/** frame_return() - the frame is not needed after all. */
void frame_return(struct encl *e, uint32_t page);
/** frame_for_growth() - leaves the reserve alone; EPC_NONE means -ENOMEM, counted as EVENT_FAIL. Context: no lock. */
uint32_t must_check frame_for_growth(struct encl *e, void *scratch);
/** frame_for_fixture() - as growth, for a page that stays (SECS, VA): bounded by unevictable_max. */
uint32_t must_check frame_for_fixture(struct encl *e, void *scratch);
/** frame_free(), frame_free_fixture() - give it back and wake who waits for frames. */
void frame_free(struct encl *e, uint32_t page);
void frame_free_fixture(struct encl *e, uint32_t page);
/** frames_free() - the same for @n pages of one window, with one wake-up. */
void frames_free(struct encl *e, const uint32_t *pages, unsigned n);
/** fixtures_reserve() - count @pages more as unevictable. Return: false, and nothing done, beyond unevictable_max. */
bool must_check fixtures_reserve(struct machine *m, uint32_t pages);
void fixtures_release(struct machine *m, uint32_t pages);

/* --- va.c: version slots. Context: holds encl->lock --- */

/** va_room() - a slot for every page and the SECS exists after @pages more. */
bool va_room(const struct va_array *va, uint64_t pages);
/** va_add() - @epc is a fresh VA page. Return: 0 or -ENOMEM. */
int must_check va_add(struct va_array *va, uint32_t epc);
/** va_drop() - take back the VA page added last, which must be empty. Return: its EPC page. */
uint32_t va_drop(struct va_array *va);
/** va_alloc() - an empty slot; there always is one (law). */
uint32_t va_alloc(struct va_array *va);
void va_free(struct va_array *va, uint32_t slot);
/** va_destroy() - the array itself; its VA pages are dropped. */
void va_destroy(struct va_array *va);
/** va_slot() - where the version of @slot is kept. */
uint64_t *va_slot(struct encl *e, uint32_t slot);

/* --- backing.c: accounting.md's calls, by page index. Context: holds encl->lock --- */

/** encl_alloc_backing() - before EWB: the page has none. The only call that charges. Return: 0 or -ENOMEM. */
int must_check encl_alloc_backing(struct encl *e, uint64_t page_index, struct backing_page *b);
/** encl_lookup_backing() - for ELDU: never charges, never allocates. Return: 0, or -ENOENT. */
int must_check encl_lookup_backing(struct encl *e, uint64_t page_index, struct backing_page *b);
/** encl_put_backing() - unpin; never changes a charge. */
void encl_put_backing(struct backing_page *b);
/** encl_free_backing() - the copy in @slot is gone; the only call that uncharges. */
void encl_free_backing(struct encl *e, uint32_t slot);
/** encl_page_at() - the page at @page_index; ELRANGE's page count means the SECS. NULL: never added. */
struct encl_page *encl_page_at(struct encl *e, uint64_t page_index);
static inline uint64_t encl_secs_index(const struct encl *e)
{
	return e->size >> PAGE_SHIFT;
}

/* --- load.c --- */

/**
 * encl_load() - bring an evicted page in. Context: holds encl->lock, which is dropped and taken again meanwhile.
 * Return: 0: something changed, look at the page again; -EIO: the copy is not authentic; -ENOMEM: no frame.
 */
int must_check encl_load(struct encl *e, uint64_t page_index, struct encl_page *p, void *scratch);
/** encl_wait() - until a page in flight has arrived or a window has ended. Context: holds encl->lock, dropped meanwhile. */
void encl_wait(struct encl *e);
/** page_bytes() - where the engine can read and write a resident page: private memory, or its own address. */
void *page_bytes(struct encl *e, uint64_t page_index, const struct encl_page *p);

/* --- compact.c --- */

/**
 * slack_is_short() - free frames, recycled slots and room under the backing limit together: what exchange lives on. PCMD
 * pages that few copies share eat into it.
 */
bool slack_is_short(struct machine *m);
/** encl_compact() - pack @e's copies into as few PCMD pages as it can. Context: holds encl->lock. */
void encl_compact(struct encl *e);

/* --- reclaim.c --- */

/**
 * reclaim() - evict one window of at most @want pages somewhere. Context: no lock held. @scratch: a page.
 * Return: frames freed; 0: nothing is evictable, or no backing is to be had for it.
 */
unsigned reclaim(struct machine *m, unsigned want, void *scratch);
/** reclaimer_start() - the background thread, once. reclaimer_stop() waits for its end. */
void reclaimer_start(struct machine *m);
void reclaimer_stop(struct machine *m);
/** reclaimer_poke() - wake it if frames are short and it can do something about it. */
void reclaimer_poke(struct machine *m);

/* --- protect.c --- */

/**
 * encl_wait_for_windows() - until no window is being written: it is read at the pages' own addresses, with the protection
 * that the mapping had when it was chosen. Before a mapping changes. Context: holds encl->lock, dropped meanwhile.
 */
void encl_wait_for_windows(struct encl *e);
/**
 * encl_show() - make the kernel's protection of the range @prot (or VMAP_UNMAPPED) AND EPCM; parts of the range outside
 * ELRANGE are left out. Context: holds encl->lock, no window is being written. Return: 0 or -ENOMEM, then half done.
 */
int must_check encl_show(struct encl *e, uint64_t start, uint64_t end, int prot);
/** encl_apply_protection() - the same by the mapping as it is. */
int must_check encl_apply_protection(struct encl *e, uint64_t start, uint64_t end);
/** encl_prot_at() - the protection with which a touch of the page is allowed now; VMAP_UNMAPPED if not mapped. */
int encl_prot_at(struct encl *e, uint64_t page_index, const struct encl_page *p);

/* --- machine.c, release.c --- */

/** machine_enclaves() - how many there are now. */
uint32_t machine_enclaves(struct machine *m);
/**
 * machine_sweep() - the enclave at place *@at of the table, or the next live one, with a reference; *@at becomes its
 * place. Past the last place comes the first. Return: NULL: there is none.
 */
struct encl *machine_sweep(struct machine *m, uint32_t *at);
/** machine_insert() - Return: 0; -ENOMEM; -EBUSY when the ELRANGE overlaps another enclave's. */
int must_check machine_insert(struct machine *m, struct encl *e);
void machine_remove(struct machine *m, struct encl *e);
/** encl_die_if_unreachable() - drop the reference of file and mappings once both are gone. Context: no lock held. */
void encl_die_if_unreachable(struct encl *e);
/**
 * encl_bury() - give everything back, once: the enclave is dying and no thread is inside; else nothing happens.
 * Waits for what is in flight. Context: no lock held, async-signal-safe.
 */
void encl_bury(struct encl *e);
/** encl_free() - the object itself. Context: the last reference is gone. */
void encl_free(struct encl *e);

#endif
