/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/log.h"
#include "base/sys.h"
#include "encl/paging.h"

bool va_room(const struct va_array *va, uint64_t pages)
{
	return (uint64_t)va->count * SGX_VA_SLOTS >= pages;
}

static int grow(struct va_array *va)
{
	uint32_t cap = va->cap ? va->cap * 2 : PAGE_SIZE / sizeof(struct va_page);
	long ret = sys_mmap(0, page_round_up(cap * sizeof(struct va_page)), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (sys_is_err(ret))
		return -ENOMEM;
	if (va->page) {
		memcpy((void *)ret, va->page, va->count * sizeof(struct va_page));
		sys_munmap((uint64_t)va->page, page_round_up(va->cap * sizeof(struct va_page)));
	}
	va->page = (struct va_page *)ret;
	va->cap = cap;
	return 0;
}

int va_add(struct va_array *va, uint32_t epc)
{
	if (va->count == va->cap && grow(va))
		return -ENOMEM;
	va->page[va->count++] = (struct va_page){ .epc = epc };
	return 0;
}

uint32_t va_drop(struct va_array *va)
{
	law(va->count > 0 && va->page[va->count - 1].used == 0);
	return va->page[--va->count].epc;
}

/* The lowest clear bit of a version array that has one. */
static uint32_t clear_bit(const struct va_page *page)
{
	for (uint32_t word = 0; word < ARRAY_SIZE(page->bitmap); word++) {
		if (~page->bitmap[word])
			return word * 64 + (uint32_t)__builtin_ctzll(~page->bitmap[word]);
	}
	log_fatal("a version array counts %u slots used but has none free", page->used);
}

uint32_t va_alloc(struct va_array *va)
{
	uint32_t i = va->hint, bit;

	while (i < va->count && va->page[i].used == SGX_VA_SLOTS)
		i++;
	if (unlikely(i == va->count))
		log_fatal("no version slot left: the enclave grew without one");
	va->hint = i;
	bit = clear_bit(&va->page[i]);
	va->page[i].bitmap[bit / 64] |= 1ULL << (bit % 64);
	va->page[i].used++;
	return i * SGX_VA_SLOTS + bit;
}

void va_free(struct va_array *va, uint32_t slot)
{
	struct va_page *page = &va->page[slot / SGX_VA_SLOTS];
	uint64_t mask = 1ULL << (slot % 64);

	law(page->bitmap[slot % SGX_VA_SLOTS / 64] & mask);
	page->bitmap[slot % SGX_VA_SLOTS / 64] &= ~mask;
	page->used--;
	va->hint = min_of(va->hint, slot / SGX_VA_SLOTS);
}

uint64_t *va_slot(struct encl *e, uint32_t slot)
{
	struct sgx_va *va = epc_private(&e->machine->epc, e->va.page[slot / SGX_VA_SLOTS].epc);

	return &va->slot[slot % SGX_VA_SLOTS];
}

void va_destroy(struct va_array *va)
{
	if (va->page)
		sys_munmap((uint64_t)va->page, page_round_up(va->cap * sizeof(struct va_page)));
	*va = (struct va_array){ 0 };
}
