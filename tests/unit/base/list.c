/* SPDX-License-Identifier: Apache-2.0 */
/* Lists keep insertion order, and a node taken out is a list of itself again. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/list.h"

struct item {
	int value;
	struct list node;
};

static int digits(struct list *head)
{
	int seen = 0;

	list_for_each (pos, head) {
		seen = seen * 10 + list_entry(pos, struct item, node)->value;
	}
	return seen;
}

static void starts_empty(void **state)
{
	struct list head;

	list_init(&head);
	assert_true(list_empty(&head));
	assert_int_equal(digits(&head), 0);
}

static void keeps_insertion_order(void **state)
{
	struct item items[] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct list head;

	list_init(&head);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		list_add_tail(&head, &items[i].node);
	assert_false(list_empty(&head));
	assert_int_equal(digits(&head), 123);
}

static void removes_from_any_place(void **state)
{
	struct item items[] = { { .value = 1 }, { .value = 2 }, { .value = 3 } };
	struct list head;

	list_init(&head);
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		list_add_tail(&head, &items[i].node);
	list_del(&items[1].node);
	assert_int_equal(digits(&head), 13);
	assert_true(list_empty(&items[1].node));
	list_del(&items[1].node); /* already out: changes nothing */
	assert_int_equal(digits(&head), 13);
	list_del(&items[0].node);
	list_add_tail(&head, &items[1].node);
	assert_int_equal(digits(&head), 32);
	list_del(&items[2].node);
	list_del(&items[1].node);
	assert_true(list_empty(&head));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_empty),
		cmocka_unit_test(keeps_insertion_order),
		cmocka_unit_test(removes_from_any_place),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
