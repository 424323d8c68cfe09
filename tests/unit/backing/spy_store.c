/* SPDX-License-Identifier: Apache-2.0 */
#include "spy_store.h"

#include <errno.h>

struct store_spy *store_spy;

int __real_store_populate(struct store *s, enum store_region r, uint64_t first, uint64_t count);
int __wrap_store_populate(struct store *s, enum store_region r, uint64_t first, uint64_t count);
void __real_store_punch(struct store *s, enum store_region r, uint64_t first, uint64_t count);
void __wrap_store_punch(struct store *s, enum store_region r, uint64_t first, uint64_t count);

int __wrap_store_populate(struct store *s, enum store_region r, uint64_t first, uint64_t count)
{
	if (store_spy) {
		if (store_spy->refuse > 0 && --store_spy->refuse == 0)
			return -ENOMEM;
		store_spy->populates[r]++;
		store_spy->populated[r] += count;
	}
	return __real_store_populate(s, r, first, count);
}

void __wrap_store_punch(struct store *s, enum store_region r, uint64_t first, uint64_t count)
{
	if (store_spy) {
		store_spy->punches[r]++;
		store_spy->punched[r] += count;
	}
	__real_store_punch(s, r, first, count);
}
