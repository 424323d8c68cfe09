/* SPDX-License-Identifier: Apache-2.0 */
/* The two forms of a report: a table to read and JSON to compare. Both print the same figures. */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "bench/results.h"

static void print_facts(const struct results *r, FILE *out)
{
	const struct facts *f = &r->facts;
	char epc[24];

	fprintf(out, "bench/fault: %s, %ld CPUs, %s\n", f->cpu, f->cpus, f->kernel);
	fprintf(out, "EPC %s, mechanism %s, %s, %u rounds, %.3g s a cell\n", size_format(epc, r->options.epc_bytes),
		mmu_mechanism_name(r->mechanism),
		r->options.no_background ? "direct reclaim only" : "background reclaimer", r->options.rounds,
		r->options.seconds);
	fprintf(out, "load %.2f before, %.2f after; others used %.1f %% of the CPUs, the hypervisor took %.1f %%\n",
		f->load_before, f->load_after, f->others_percent, f->stolen_percent);
	if (!f->optimized || f->laws)
		fprintf(out, "THIS IS NOT A RELEASE BUILD: use bench/run for figures that mean something\n");
}

static void print_primitives(const struct results *r, FILE *out)
{
	fprintf(out, "\nprimitives, ns per page\n%-11s %9s %8s %8s %8s %8s %9s %8s\n", "pattern", "footprint", "trap",
		"decrypt", "map", "encrypt", "wp+unmap", "sum");
	for (unsigned i = 0; i < STAGES; i++) {
		const struct stage *s = &r->stage[i];

		if (!s->pages_out)
			continue;
		fprintf(out, "%-11s %8gx", pattern_name(s->pattern), s->footprint);
		for (enum figure f = FIGURE_TRAP; f <= FIGURE_SUM; f++)
			fprintf(out, " %*.0f", f == FIGURE_UNMAP ? 9 : 8, stage_figure(r, s, f, CREW_ONE));
		fputc('\n', out);
	}
}

static void print_cell(const struct results *r, const struct stage *s, enum crew_size crew, FILE *out)
{
	fprintf(out, "%-11s %8gx %7u %10.0f %9.1f", pattern_name(s->pattern), s->footprint, crew_threads(r, crew),
		stage_figure(r, s, FIGURE_FAULTS_PER_SECOND, crew), stage_figure(r, s, FIGURE_NS_PER_TOUCH, crew));
	if (s->pages_out)
		fprintf(out, " %9.0f %9.0f %6.2f", stage_figure(r, s, FIGURE_NS_PER_FAULT, crew),
			stage_figure(r, s, FIGURE_CPU_NS_PER_FAULT, crew), stage_figure(r, s, FIGURE_RATIO, crew));
	else
		fprintf(out, " %9s %9s %6s", "-", "-", "-");
	if (crew == CREW_ONE)
		fprintf(out, " %8s\n", "-");
	else
		fprintf(out, " %8.2f\n", stage_figure(r, s, FIGURE_SPEEDUP, crew));
}

static void print_workload(const struct results *r, FILE *out)
{
	fprintf(out, "\nworkload\n%-11s %9s %7s %10s %9s %9s %9s %6s %8s\n", "pattern", "footprint", "threads",
		"faults/s", "ns/touch", "ns/fault", "cpu ns/f", "ratio", "speedup");
	for (unsigned i = 0; i < STAGES; i++)
		for (enum crew_size crew = 0; crew < crews_run(r); crew++)
			print_cell(r, &r->stage[i], crew, out);
}

void print_table(const struct results *r, FILE *out)
{
	const struct metadata *m = &r->metadata;

	print_facts(r, out);
	print_primitives(r, out);
	print_workload(r, out);
	fprintf(out,
		"\nmetadata: %.1f bytes per EPC page, %.1f per enclave page (of %lu); SGX's own for a page that is "
		"out: %.0f in the EPC, %.0f in backing memory\n",
		m->per_epc_page, m->per_enclave_page, m->enclave_pages, m->version_bytes, m->pcmd_bytes);
	if (r->mismatches)
		fprintf(out, "WRONG CONTENTS: %lu words read were not what was written\n", r->mismatches);
	else
		fprintf(out, "every word read was what had been written\n");
}

static void json_string(FILE *out, const char *name, const char *value)
{
	fprintf(out, "\"%s\": \"", name);
	for (; *value; value++) {
		if (*value == '"' || *value == '\\')
			fprintf(out, "\\%c", *value);
		else if ((unsigned char)*value < 0x20)
			fprintf(out, "\\u%04x", (unsigned)*value);
		else
			fputc(*value, out);
	}
	fprintf(out, "\"");
}

static const char *json_bool(bool b)
{
	return b ? "true" : "false";
}

static void json_machine(const struct results *r, FILE *out)
{
	const struct facts *f = &r->facts;

	fprintf(out, "  \"machine\": {");
	json_string(out, "cpu", f->cpu);
	fprintf(out, ", ");
	json_string(out, "kernel", f->kernel);
	fprintf(out,
		", \"cpus\": %ld, \"l3_bytes\": %ld, \"load_before\": %.2f, \"load_after\": %.2f, "
		"\"others_percent\": %.1f, \"stolen_percent\": %.1f},\n",
		f->cpus, f->l3_bytes, f->load_before, f->load_after, f->others_percent, f->stolen_percent);
}

static void json_config(const struct results *r, FILE *out)
{
	const struct options *o = &r->options;

	fprintf(out,
		"  \"config\": {\"epc_bytes\": %lu, \"mechanism\": \"%s\", \"background_reclaimer\": %s, "
		"\"threads\": %u, \"rounds\": %u, \"seconds\": %g, \"optimized\": %s, \"laws\": %s},\n",
		o->epc_bytes, mmu_mechanism_name(r->mechanism), json_bool(!o->no_background), o->threads, o->rounds,
		o->seconds, json_bool(r->facts.optimized), json_bool(r->facts.laws));
}

static void json_metadata(const struct results *r, FILE *out)
{
	const struct metadata *m = &r->metadata;

	fprintf(out,
		"  \"metadata\": {\"bytes_per_epc_page\": %.2f, \"bytes_per_enclave_page\": %.2f, "
		"\"enclave_pages\": %lu, \"version_bytes\": %.0f, \"pcmd_bytes\": %.0f},\n",
		m->per_epc_page, m->per_enclave_page, m->enclave_pages, m->version_bytes, m->pcmd_bytes);
}

struct json_figure {
	enum figure figure;
	const char *name;
	bool of_faults; /* defined only where pages are out */
};

static void json_figures(const struct results *r, const struct stage *s, enum crew_size crew,
			 const struct json_figure *f, size_t count, FILE *out)
{
	for (size_t i = 0; i < count; i++) {
		fprintf(out, "%s\"%s\": ", i ? ", " : "", f[i].name);
		if (f[i].of_faults && !s->pages_out)
			fprintf(out, "null");
		else
			fprintf(out, "%.3f", stage_figure(r, s, f[i].figure, crew));
	}
}

static void json_cell(const struct results *r, const struct stage *s, enum crew_size crew, FILE *out)
{
	static const struct json_figure figures[] = {
		{ FIGURE_FAULTS_PER_SECOND, "faults_per_second", false },
		{ FIGURE_NS_PER_FAULT, "ns_per_fault", true },
		{ FIGURE_CPU_NS_PER_FAULT, "cpu_ns_per_fault", true },
		{ FIGURE_TOUCHES_PER_SECOND, "touches_per_second", false },
		{ FIGURE_NS_PER_TOUCH, "ns_per_touch", false },
		{ FIGURE_RATIO, "ratio", true },
		{ FIGURE_SPEEDUP, "speedup", false },
	};

	fprintf(out, "        {\"threads\": %u, ", crew_threads(r, crew));
	json_figures(r, s, crew, figures, ARRAY_SIZE(figures), out);
	fprintf(out, "}");
}

static void json_stage(const struct results *r, const struct stage *s, FILE *out)
{
	static const struct json_figure figures[] = {
		{ FIGURE_TRAP, "trap", true },       { FIGURE_DECRYPT, "decrypt", true }, { FIGURE_MAP, "map", true },
		{ FIGURE_ENCRYPT, "encrypt", true }, { FIGURE_UNMAP, "wp_unmap", true },  { FIGURE_SUM, "sum", true },
	};

	fprintf(out, "    {\"pattern\": \"%s\", \"footprint\": %g, \"bytes\": %lu,\n      \"primitives_ns\": {",
		pattern_name(s->pattern), s->footprint, s->bytes);
	json_figures(r, s, CREW_ONE, figures, ARRAY_SIZE(figures), out);
	fprintf(out, "},\n      \"cells\": [\n");
	for (enum crew_size crew = 0; crew < crews_run(r); crew++) {
		json_cell(r, s, crew, out);
		fprintf(out, "%s\n", crew + 1 < crews_run(r) ? "," : "");
	}
	fprintf(out, "      ]}");
}

static void json_report(const struct results *r, FILE *out)
{
	fprintf(out, "{\n  \"bench\": \"fault\",\n  \"version\": \"" SOFTSGX_VERSION "\",\n");
	json_machine(r, out);
	json_config(r, out);
	json_metadata(r, out);
	fprintf(out, "  \"stages\": [\n");
	for (unsigned i = 0; i < STAGES; i++) {
		json_stage(r, &r->stage[i], out);
		fprintf(out, "%s\n", i + 1 < STAGES ? "," : "");
	}
	fprintf(out, "  ],\n  \"verified\": %s,\n  \"mismatches\": %lu\n}\n", json_bool(r->mismatches == 0),
		r->mismatches);
}

bool write_json(const struct results *r, const char *path)
{
	FILE *out = fopen(path, "we");
	bool ok = out != NULL;

	if (out) {
		json_report(r, out);
		ok = !ferror(out);
		ok &= fclose(out) == 0;
	}
	if (!ok)
		fprintf(stderr, "bench/fault: cannot write %s: %m\n", path);
	return ok;
}
