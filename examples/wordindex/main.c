/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wordindex: an enclave indexes every word of many files and answers questions about them; the host checks each answer
 * against its own count.
 */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "examples/wordindex/calls.h"
#include "examples/wordindex/counter.h"
#include "examples/wordindex/files.h"
#include "examples/wordindex/progress.h"
#include "examples/wordindex/verify.h"
#include "kit/host/host.h"

#define DEFAULT_INPUT "/usr/include"
#define FEED_BYTES (1UL << 20)

struct options {
	char elf[PATH_MAX], sig[PATH_MAX];
	int64_t threads, top;
	bool json;
};

struct run {
	struct options options;
	struct file_list list;
	struct counter counter;
	struct kit_enclave *enclave;
	struct totals totals;
	struct verdict verdict;
	size_t files; /* indexed, the last one perhaps in part */
	size_t unreadable;
	bool full;
	double load_seconds, index_seconds, verify_seconds;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* --- building the index --- */

/* Return: false if the enclave failed. *done: how much of the file is in the index. */
static bool feed_file(struct run *run, uint32_t number, const char *data, size_t bytes, size_t *done)
{
	size_t at = 0;

	*done = bytes;
	do {
		size_t n = min_of(FEED_BYTES, bytes - at);
		struct feed f = { .data = (uint64_t)(data + at), .bytes = n, .file = number, .last = at + n == bytes };

		if (!ask(run->enclave, CALL_FEED, &f))
			return false;
		if (f.full_at != NOT_FULL) {
			run->full = true;
			*done = min_of(f.full_at, (uint64_t)bytes);
			return true;
		}
		at += n;
	} while (at < bytes);
	return true;
}

static bool index_file(struct run *run, uint32_t number)
{
	size_t bytes, done;
	char *data = file_read(&run->list.file[number], &bytes);
	bool ok;

	if (!data) {
		run->unreadable++;
		return true;
	}
	ok = feed_file(run, number, data, bytes, &done);
	if (ok && !counter_file(&run->counter, number, data, done)) {
		fprintf(stderr, "wordindex: out of memory\n");
		ok = false;
	}
	free(data);
	run->files++;
	return ok;
}

static bool build_index(struct run *run)
{
	double start = now();

	for (size_t i = 0; i < run->list.count && !run->full; i++) {
		if (!index_file(run, (uint32_t)i))
			return false;
		progress_show("indexing: %zu of %zu files, %.1f of %.1f MB", i + 1, run->list.count,
			      (double)run->counter.bytes / 1e6, (double)run->list.bytes / 1e6);
	}
	progress_clear();
	counter_finish(&run->counter);
	run->index_seconds = now() - start;
	return ask(run->enclave, CALL_TOTALS, &run->totals);
}

/* --- saying what happened --- */

static double used_mib(const struct run *run)
{
	return (double)(run->totals.heap_bytes - run->totals.heap_left) / (1 << 20);
}

static void report_text(const struct run *run)
{
	const struct verdict *v = &run->verdict;

	printf("indexed   %zu of %zu files, %.1f MB, in %.1f s (enclave started in %.1f s)\n", run->files,
	       run->list.count, (double)run->counter.bytes / 1e6, run->index_seconds, run->load_seconds);
	if (run->full)
		printf("          index full after %zu files: the enclave's heap of %lu MiB has no room for more\n",
		       run->files, run->totals.heap_bytes >> 20);
	printf("index     %lu different words, %lu in all, %.1f MiB in the enclave\n", run->totals.words,
	       run->totals.postings, used_mib(run));
	printf("verified  every word's count and postings, %lu lookups, the %ld most frequent, in %.1f s: %s\n",
	       v->lookups, run->options.top, run->verify_seconds,
	       v->failed       ? "the enclave failed"
	       : v->mismatches ? "MISMATCHES"
			       : "all right");
	for (size_t i = 0; i < min_of((uint64_t)run->options.top, run->counter.words); i++)
		printf("%9lu  %.*s\n", run->counter.word[i].count, (int)run->counter.word[i].length,
		       run->counter.word[i].text);
}

/* Words are letters, digits and _: nothing in them needs escaping. */
static void report_json(const struct run *run)
{
	const struct verdict *v = &run->verdict;
	const char *comma = "";

	printf("{\"files\": %zu, \"files_listed\": %zu, \"files_unreadable\": %zu, \"bytes\": %lu, \"full\": %s,\n",
	       run->files, run->list.count, run->unreadable, run->counter.bytes, run->full ? "true" : "false");
	printf(" \"words\": %lu, \"postings\": %lu, \"heap_bytes\": %lu, \"heap_used_bytes\": %lu,\n",
	       run->totals.words, run->totals.postings, run->totals.heap_bytes,
	       run->totals.heap_bytes - run->totals.heap_left);
	printf(" \"verified_words\": %lu, \"verified_postings\": %lu, \"lookups\": %lu,\n", v->words, v->postings,
	       v->lookups);
	printf(" \"mismatches\": %lu, \"failed\": %s,\n", v->mismatches, v->failed ? "true" : "false");
	printf(" \"load_seconds\": %.3f, \"index_seconds\": %.3f, \"verify_seconds\": %.3f,\n \"top\": [",
	       run->load_seconds, run->index_seconds, run->verify_seconds);
	for (size_t i = 0; i < min_of((uint64_t)run->options.top, run->counter.words); i++) {
		printf("%s{\"word\": \"%.*s\", \"count\": %lu}", comma, (int)run->counter.word[i].length,
		       run->counter.word[i].text, run->counter.word[i].count);
		comma = ", ";
	}
	printf("]}\n");
}

/* --- command line --- */

static const char usage_text[] =
	"Usage: wordindex [OPTION...] [FILE|DIRECTORY...]\n"
	"\n"
	"Index every word of the files given, in an SGX enclave, and check its answers against a count made outside.\n"
	"Without arguments: " DEFAULT_INPUT
	". What cannot be read is passed over with a warning. When the enclave's heap\n"
	"is full, what has been indexed until then is checked.\n"
	"\n"
	"Where there is no SGX, and to see an enclave larger than the EPC:\n"
	"  softsgx run --epc 16M --overcommit 1000 --stats -- wordindex " DEFAULT_INPUT "\n"
	"\n"
	"Options:\n"
	"  --threads N     threads that ask the enclave at once, 1 to 16; default: 2\n"
	"  --top N         show the N most frequent words, 0 to 100; default: 10\n"
	"  --json          print one JSON object instead of lines for people\n"
	"  --enclave FILE  the enclave (its signature is beside it, with .sig for .elf); default: wordindex.elf beside\n"
	"                  this program\n"
	"  --help          show this help and exit\n"
	"  --version       show the version and exit\n"
	"\n"
	"Exit status: 0 all answers right; 1 not, or the enclave could not run; 2 wrong command line.\n";

/* wordindex.elf beside this program. */
static bool default_enclave(char *path, size_t size)
{
	ssize_t n = readlink("/proc/self/exe", path, size - 1);
	char *slash;

	if (n < 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash + 1 - path) + sizeof("wordindex.elf") > size)
		return false;
	memcpy(slash + 1, "wordindex.elf", sizeof("wordindex.elf"));
	return true;
}

/* X.elf is signed by X.sig. */
static bool place_enclave(struct options *o, const char *elf)
{
	size_t length;

	if (elf && (size_t)snprintf(o->elf, sizeof(o->elf), "%s", elf) >= sizeof(o->elf))
		return false;
	if (!elf && !default_enclave(o->elf, sizeof(o->elf)))
		return false;
	length = strlen(o->elf);
	if (length > 4 && strcmp(o->elf + length - 4, ".elf") == 0)
		length -= 4;
	return (size_t)snprintf(o->sig, sizeof(o->sig), "%.*s.sig", (int)length, o->elf) < sizeof(o->sig);
}

static bool parse_number(const char *name, const char *text, int64_t min, int64_t max, int64_t *value)
{
	char *end;

	errno = 0;
	*value = strtol(text, &end, 10);
	if (errno == 0 && end != text && *end == '\0' && *value >= min && *value <= max)
		return true;
	fprintf(stderr, "wordindex: --%s: '%s' is not a number from %ld to %ld\n", name, text, min, max);
	return false;
}

enum { PARSED = -1 };

/* Return: PARSED, or the status to exit with. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "threads", required_argument, NULL, 't' },
		{ "top", required_argument, NULL, 'n' },
		{ "json", no_argument, NULL, 'j' },
		{ "enclave", required_argument, NULL, 'e' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	const char *elf = NULL;
	int c;

	argv[0] = (char *)"wordindex"; /* getopt_long() begins its messages with it */
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (c == 'h')
			return fputs(usage_text, stdout) < 0;
		if (c == 'v')
			return puts("wordindex (softsgx " SOFTSGX_VERSION ")") < 0;
		if (c == '?' || (c == 't' && !parse_number("threads", optarg, 1, THREADS_MAX, &o->threads)) ||
		    (c == 'n' && !parse_number("top", optarg, 0, TOP_MAX, &o->top)))
			return 2;
		if (c == 'j')
			o->json = true;
		if (c == 'e')
			elf = optarg;
	}
	if (place_enclave(o, elf))
		return PARSED;
	fprintf(stderr, "wordindex: cannot tell where the enclave is: say --enclave FILE\n");
	return 2;
}

static bool find_input(struct run *run, int argc, char **argv)
{
	static char *defaults[] = { DEFAULT_INPUT, NULL };
	char **path = argc > 0 ? argv : defaults;
	int ret = 0;

	for (; *path && ret == 0; path++)
		ret = files_find(&run->list, *path);
	if (ret == -ENOMEM)
		fprintf(stderr, "wordindex: out of memory\n");
	else if (ret == 0 && run->list.count == 0)
		fprintf(stderr, "wordindex: there are no files to index\n");
	return ret == 0 && run->list.count != 0;
}

static bool load_enclave(struct run *run)
{
	struct kit_error err;
	double start = now();

	if (kit_load(run->options.elf, run->options.sig, &run->enclave, &err) != 0) {
		fprintf(stderr, "wordindex: %s\n", err.text);
		return false;
	}
	run->load_seconds = now() - start;
	return true;
}

static bool do_run(struct run *run, int argc, char **argv)
{
	double start;

	if (!find_input(run, argc, argv) || !load_enclave(run) || !build_index(run))
		return false;
	if (run->files == 0) {
		fprintf(stderr, "wordindex: none of the files could be read\n");
		return false;
	}
	start = now();
	run->verdict = verify_index(run->enclave, &run->counter, (unsigned)run->options.threads,
				    (unsigned)run->options.top);
	run->verify_seconds = now() - start;
	run->unreadable += run->list.unreadable;
	if (run->options.json)
		report_json(run);
	else
		report_text(run);
	return !run->verdict.failed && run->verdict.mismatches == 0;
}

int main(int argc, char **argv)
{
	static struct run run = { .options = { .threads = 2, .top = 10 } };
	int status = parse_options(argc, argv, &run.options);

	if (status != PARSED)
		return status;
	status = do_run(&run, argc - optind, argv + optind) ? 0 : 1;
	kit_unload(run.enclave);
	counter_free(&run.counter);
	files_free(&run.list);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "wordindex: standard output could not be written: %s\n", strerror(errno));
		status = 1;
	}
	return status;
}
