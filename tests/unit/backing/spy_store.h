/* SPDX-License-Identifier: Apache-2.0 */
/* Calls into the store, counted on their way to the real one, and refused on demand. Not for several threads. */
#ifndef SOFTSGX_TESTS_SPY_STORE_H
#define SOFTSGX_TESTS_SPY_STORE_H

#include "backing/store.h"

struct store_spy {
	uint64_t populates[STORE_REGIONS], punches[STORE_REGIONS]; /* calls */
	uint64_t populated[STORE_REGIONS], punched[STORE_REGIONS]; /* pages */
	int refuse; /* refuse the n-th populate from now on, once; 0: none */
};

/* NULL: nobody looks. */
extern struct store_spy *store_spy;

#endif
