/* SPDX-License-Identifier: Apache-2.0 */
/* The map of an application's mappings against a naive one that has an entry for every page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "encl/vmap.h"

#define PAGES 256

static void compare(const struct vmap *v, const int *model)
{
	for (uint64_t page = 0; page < PAGES; page++) {
		uint64_t end;

		assert_int_equal(vmap_prot(v, page * PAGE_SIZE, &end), model[page]);
		/* The answer holds up to `end`: the model agrees on every page before it. */
		for (uint64_t k = page; k < PAGES && k * PAGE_SIZE < end; k++)
			assert_int_equal(model[k], model[page]);
	}
	for (uint32_t i = 0; i < v->count; i++) {
		assert_true(v->range[i].start < v->range[i].end);
		if (i == 0)
			continue;
		assert_true(v->range[i - 1].end <= v->range[i].start);
		/* Neighbours that could be one are one. */
		assert_false(v->range[i - 1].end == v->range[i].start && v->range[i - 1].prot == v->range[i].prot);
	}
}

static void test_random_against_model(void **state)
{
	struct vmap v = { 0 };
	int model[PAGES];

	(void)state;
	srandom(1);
	for (int i = 0; i < PAGES; i++)
		model[i] = VMAP_UNMAPPED;
	for (int step = 0; step < 3000; step++) {
		uint64_t start = (uint64_t)random() % PAGES, len = 1 + (uint64_t)random() % 40;
		int prot = (int)(random() % 5) - 1;

		len = min_of(len, PAGES - start);
		assert_int_equal(vmap_set(&v, start * PAGE_SIZE, (start + len) * PAGE_SIZE, prot), 0);
		for (uint64_t k = start; k < start + len; k++)
			model[k] = prot;
		compare(&v, model);
	}
	assert_int_equal(vmap_set(&v, 0, PAGES * PAGE_SIZE, VMAP_UNMAPPED), 0);
	assert_true(vmap_empty(&v));
	vmap_destroy(&v);
}

static void test_covers_needs_every_page(void **state)
{
	struct vmap v = { 0 };

	(void)state;
	assert_int_equal(vmap_set(&v, 0x1000, 0x3000, 1), 0);
	assert_int_equal(vmap_set(&v, 0x3000, 0x5000, 3), 0);
	assert_true(vmap_covers(&v, 0x1000, 0x5000));
	assert_false(vmap_covers(&v, 0x0000, 0x5000));
	assert_false(vmap_covers(&v, 0x1000, 0x6000));
	assert_int_equal(vmap_set(&v, 0x2000, 0x3000, VMAP_UNMAPPED), 0);
	assert_false(vmap_covers(&v, 0x1000, 0x5000));
	vmap_destroy(&v);
}

/* Every second page differs: as many ranges as a program with scattered permissions can make. */
static void test_many_ranges(void **state)
{
	struct vmap v = { 0 };

	(void)state;
	for (uint64_t i = 0; i < 5000; i++)
		assert_int_equal(vmap_set(&v, 2 * i * PAGE_SIZE, (2 * i + 1) * PAGE_SIZE, (int)(i & 7)), 0);
	assert_int_equal(v.count, 5000);
	for (uint64_t i = 0; i < 5000; i++) {
		assert_int_equal(vmap_prot(&v, 2 * i * PAGE_SIZE + 5, NULL), (int)(i & 7));
		assert_int_equal(vmap_prot(&v, (2 * i + 1) * PAGE_SIZE, NULL), VMAP_UNMAPPED);
	}
	vmap_destroy(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_against_model),
		cmocka_unit_test(test_covers_needs_every_page),
		cmocka_unit_test(test_many_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
