/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the host asks of the wordindex enclave: ECALL numbers, their arguments in host memory, and the two definitions
 * that both sides follow.
 *
 * A word is a longest run of the bytes A-Z, a-z, 0-9 and _; a run of more than WORD_BYTES_MAX is cut into words of that
 * length and a rest. A posting is one occurrence of a word: file number in the upper half, the word's first byte's
 * offset in the file in the lower. A list's checksum is the sum of posting_mix() over its postings.
 */
#ifndef SOFTSGX_EXAMPLES_WORDINDEX_CALLS_H
#define SOFTSGX_EXAMPLES_WORDINDEX_CALLS_H

#include <stdint.h>

#define WORD_BYTES_MAX 255
#define QUERIES_MAX 512
#define TOP_MAX 100
#define THREADS_MAX 16
#define NOT_FULL UINT64_MAX

enum wordindex_call {
	CALL_FEED = 1, /* struct feed; one at a time, no other call meanwhile */
	CALL_TOTALS,   /* struct totals */
	CALL_COUNT,    /* struct batch of struct count_query */
	CALL_LOOKUP,   /* struct batch of struct lookup_query */
	CALL_TOP,      /* struct top_query */
};

/* What a call returns when it does not succeed. */
enum { BAD_CALL = -22 };

/* Index the next part of a file. Parts come in order, and a word may go over their border. */
struct feed {
	uint64_t data; /* address of the bytes */
	uint64_t bytes;
	uint32_t file;
	uint32_t last;    /* the file ends here */
	uint64_t full_at; /* out: NOT_FULL, or where in the file the first word begins that has no room any more */
};

struct totals {
	uint64_t words, postings;
	uint64_t heap_bytes, heap_left;
};

struct batch {
	uint64_t queries; /* address of an array */
	uint64_t count;   /* at most QUERIES_MAX */
};

struct count_query {
	uint64_t word; /* address of its bytes */
	uint64_t length;
	uint64_t count;    /* out: 0: there is no such word */
	uint64_t checksum; /* out */
};

struct lookup_query {
	uint64_t word;
	uint64_t length;
	uint64_t posting;
	uint64_t found; /* out */
};

struct top_entry {
	uint64_t count;
	uint64_t length;
	char word[WORD_BYTES_MAX + 1];
};

/* The most frequent words; of two as frequent, the one that memcmp() and then length put first. */
struct top_query {
	uint64_t entries; /* address of an array of struct top_entry */
	uint64_t wanted;  /* at most TOP_MAX */
	uint64_t found;   /* out */
};

static inline uint64_t posting_of(uint32_t file, uint32_t offset)
{
	return (uint64_t)file << 32 | offset;
}

/* SplitMix64's finaliser: a sum of these tells lists apart, whatever their order. */
static inline uint64_t posting_mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

#endif
