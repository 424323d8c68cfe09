/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench/fault: what a fault costs, and what it would cost if it were nothing but its primitives.
 *
 * Footprints of half, twice and four times the EPC are touched at random and in sequence, by one thread and by
 * several. Within a round, the primitives and every cell are measured one after the other, and a ratio is made within
 * the round: other work on the machine slows both sides of it alike. docs/bench.md tells how to read the figures.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "bench/results.h"

#define EPC_MIN_BYTES (1ULL << 20)

static const double footprints[FOOTPRINTS] = { 0.5, 2, 4 };

static const char usage_text[] = "usage: fault [OPTION]...\n"
				 "Measure enclave page faults against the sum of their primitives.\n"
				 "\n"
				 "  --epc SIZE         size of the EPC (64M; at least 1M)\n"
				 "  --mechanism NAME   guard, sigbus, or auto: the best there is (auto)\n"
				 "  --threads N        threads of the cells that measure scaling (2)\n"
				 "  --seconds S        measuring time of a cell, over all rounds (2)\n"
				 "  --rounds N         rounds; figures are medians over them (7)\n"
				 "  --no-background    evict only in the threads that need a page\n"
				 "  --quick            3 rounds of 0.1 seconds: a first idea\n"
				 "  --json FILE        also write the figures to FILE\n"
				 "  --help             this text\n";

enum option_id {
	OPT_EPC = 1,
	OPT_MECHANISM,
	OPT_THREADS,
	OPT_SECONDS,
	OPT_ROUNDS,
	OPT_NO_BACKGROUND,
	OPT_QUICK,
	OPT_JSON,
	OPT_HELP,
};

static bool parse_mechanism(const char *text, enum mmu_mechanism *mechanism)
{
	for (enum mmu_mechanism m = MMU_AUTO; m <= MMU_SIGBUS; m++) {
		if (strcmp(text, mmu_mechanism_name(m)) == 0) {
			*mechanism = m;
			return true;
		}
	}
	return false;
}

static bool parse_unsigned(const char *text, unsigned max, unsigned *value)
{
	int64_t n;

	if (int_parse(text, 1, max, &n) != 0)
		return false;
	*value = (unsigned)n;
	return true;
}

static bool parse_seconds(const char *text, double *seconds)
{
	char *end;

	*seconds = strtod(text, &end);
	return end != text && *end == '\0' && *seconds > 0 && *seconds <= 3600;
}

static bool set_option(struct options *o, int id, const char *arg)
{
	switch (id) {
	case OPT_EPC:
		return size_parse(arg, &o->epc_bytes) == 0 && is_page_aligned(o->epc_bytes) &&
		       o->epc_bytes >= EPC_MIN_BYTES;
	case OPT_MECHANISM:
		return parse_mechanism(arg, &o->mechanism);
	case OPT_THREADS:
		return parse_unsigned(arg, MAX_THREADS, &o->threads);
	case OPT_SECONDS:
		return parse_seconds(arg, &o->seconds);
	case OPT_ROUNDS:
		return parse_unsigned(arg, MAX_ROUNDS, &o->rounds);
	case OPT_NO_BACKGROUND:
		o->no_background = true;
		return true;
	case OPT_QUICK:
		o->rounds = 3;
		o->seconds = 0.3;
		return true;
	case OPT_JSON:
		o->json = arg;
		return true;
	}
	return false;
}

/* Return: -1 to go on, or the exit status. */
static int parse_options(int argc, char **argv, struct options *o)
{
	static const struct option table[] = {
		{ "epc", required_argument, NULL, OPT_EPC },
		{ "mechanism", required_argument, NULL, OPT_MECHANISM },
		{ "threads", required_argument, NULL, OPT_THREADS },
		{ "seconds", required_argument, NULL, OPT_SECONDS },
		{ "rounds", required_argument, NULL, OPT_ROUNDS },
		{ "no-background", no_argument, NULL, OPT_NO_BACKGROUND },
		{ "quick", no_argument, NULL, OPT_QUICK },
		{ "json", required_argument, NULL, OPT_JSON },
		{ "help", no_argument, NULL, OPT_HELP },
		{ 0 },
	};
	int id, which = 0;

	while ((id = getopt_long(argc, argv, "", table, &which)) != -1) {
		if (id == OPT_HELP) {
			fputs(usage_text, stdout);
			return EXIT_SUCCESS;
		}
		if (id == '?' || !set_option(o, id, optarg)) {
			if (id != '?')
				fprintf(stderr, "bench/fault: --%s: not a value it can have: %s\n", table[which].name,
					optarg);
			fputs(usage_text, stderr);
			return 2;
		}
	}
	if (optind == argc)
		return -1;
	fputs(usage_text, stderr);
	return 2;
}

static bool measure_primitives(struct primitives *p, enum pattern pattern, double seconds, struct costs *out)
{
	bool ok;

	if (!rig_thread_enter(p->rig))
		return false;
	ok = primitives_settle(p, pattern) && primitives_measure(p, seconds, out);
	rig_thread_leave();
	return ok;
}

/* @stage: of every pattern, over the footprint that @w's enclave is. @p: NULL if all of it fits in the EPC. */
static bool run_round(struct results *r, struct stage stage[PATTERNS], unsigned n, struct workload *w,
		      struct primitives *p)
{
	double seconds = r->options.seconds / r->options.rounds;
	bool ok = true;

	for (enum pattern pattern = 0; ok && pattern < PATTERNS; pattern++) {
		struct round *round = &stage[pattern].round[n];

		if (p)
			ok = measure_primitives(p, pattern, seconds, &round->costs);
		for (enum crew_size crew = 0; ok && crew < crews_run(r); crew++)
			ok = workload_run(w, pattern, crew_threads(r, crew), seconds, &round->run[crew]);
	}
	return ok;
}

static bool run_rounds(struct results *r, struct stage stage[PATTERNS], struct workload *w)
{
	struct primitives p, *used = NULL;
	bool ok = true;

	if (stage->pages_out) {
		if (!primitives_init(&p, w->rig, w->rig->pages, rig_pages_resident(w->rig)))
			return false;
		used = &p;
	}
	for (unsigned n = 0; ok && n < r->options.rounds; n++)
		ok = run_round(r, stage, n, w, used);
	if (used)
		primitives_destroy(used);
	return ok;
}

static bool run_footprint(struct results *r, struct rig *rig, double footprint, struct stage stage[PATTERNS])
{
	uint64_t pages = (uint64_t)(footprint * (double)r->options.epc_bytes / SGX_PAGE_SIZE);
	struct workload w;
	bool ok;

	for (enum pattern pattern = 0; pattern < PATTERNS; pattern++)
		stage[pattern] = (struct stage){
			.pattern = pattern,
			.footprint = footprint,
			.bytes = pages * SGX_PAGE_SIZE,
			.pages_out = footprint > 1,
		};
	if (!rig_create(rig, pages))
		return false;
	ok = workload_init(&w, rig, r->options.threads) && run_rounds(r, stage, &w) && workload_verify(&w);
	/* The footprints grow: what the last and largest needs stays. */
	r->metadata = metadata_of(&rig->machine, rig->encl);
	r->mismatches += w.mismatches;
	workload_destroy(&w);
	rig_remove(rig);
	return ok;
}

static bool run(struct results *r)
{
	struct rig rig;
	bool ok = true;

	facts_begin(&r->facts);
	if (!rig_init(&rig, &r->options))
		return false;
	r->mechanism = rig.machine.mmu.mechanism;
	for (unsigned i = 0; ok && i < FOOTPRINTS; i++)
		ok = run_footprint(r, &rig, footprints[i], &r->stage[i * PATTERNS]);
	if (ok)
		rig_destroy(&rig);
	else
		fprintf(stderr, "bench/fault: out of memory or threads, or a page could not be moved\n");
	facts_end(&r->facts);
	return ok;
}

int main(int argc, char **argv)
{
	static struct results results = {
		.options = {
			.epc_bytes = 64ULL << 20,
			.mechanism = MMU_AUTO,
			.threads = 2,
			.rounds = 7,
			.seconds = 2,
		},
	};
	int status = parse_options(argc, argv, &results.options);

	if (status >= 0)
		return status;
	if (!run(&results))
		return EXIT_FAILURE;
	print_table(&results, stdout);
	if (results.options.json && !write_json(&results, results.options.json))
		return EXIT_FAILURE;
	return results.mismatches == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
