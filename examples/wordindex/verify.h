/* SPDX-License-Identifier: Apache-2.0 */
/* Comparing the enclave's index with the host's own count. */
#ifndef SOFTSGX_EXAMPLES_WORDINDEX_VERIFY_H
#define SOFTSGX_EXAMPLES_WORDINDEX_VERIFY_H

#include "examples/wordindex/calls.h"
#include "examples/wordindex/counter.h"
#include "kit/host/host.h"

struct verdict {
	uint64_t words, postings; /* compared */
	uint64_t lookups;         /* occurrences asked for, and places asked for where there is none */
	uint64_t mismatches;
	bool failed; /* the enclave could not answer */
};

/** ask() - one ECALL. Return: whether it succeeded; otherwise standard error says why. */
bool ask(struct kit_enclave *enclave, enum wordindex_call call, void *arg);

/**
 * verify_index() - totals; each word's count and the checksum of its postings; a sample of single occurrences, and of
 * places next to them; the @top_count most frequent words. Mismatches go to standard error, the first few of them.
 * @counter: finished. @threads: how many ask at once.
 */
struct verdict verify_index(struct kit_enclave *enclave, const struct counter *counter, unsigned threads,
			    unsigned top_count);

#endif
