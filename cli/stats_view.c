/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/stats_view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/json.h"
#include "cli/text.h"

#ifndef MFD_NOEXEC_SEAL /* Linux 6.3 */
#define MFD_NOEXEC_SEAL 0x0008U
#endif

/* Programs expect low numbers for their own files, and shells use 10 to 255 for theirs. */
#define HIGH_FD 600

static int create_file(void)
{
	int fd = memfd_create("softsgx-stats", MFD_NOEXEC_SEAL), high;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create("softsgx-stats", 0);
	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD, HIGH_FD);
	if (high < 0) /* beyond RLIMIT_NOFILE */
		return fd;
	close(fd);
	return high;
}

int stats_page_create(struct stats_page **page, int *fd)
{
	void *map = MAP_FAILED;
	int ret;

	*fd = create_file();
	if (*fd < 0)
		return *fd;
	if (ftruncate(*fd, sizeof(struct stats_page)) == 0)
		map = mmap(NULL, sizeof(struct stats_page), PROT_READ | PROT_WRITE, MAP_SHARED, *fd, 0);
	if (map == MAP_FAILED) {
		ret = -errno;
		close(*fd);
		return ret;
	}
	*page = map;
	(*page)->magic = STATS_MAGIC;
	return 0;
}

static void add_to_total(struct stats_process *total, const struct stats_process *p)
{
	total->epc_used += p->epc_used;
	total->backing_used += p->backing_used;
	total->contents += p->contents;
	total->pcmd += p->pcmd;
	total->recycled += p->recycled;
	total->enclaves += p->enclaves;
	total->enclaves_created += p->enclaves_created;
	total->faults += p->faults;
	total->ewb += p->ewb;
	total->eldu += p->eldu;
	total->waits += p->waits;
	total->wp_faults += p->wp_faults;
	total->eenter += p->eenter;
	total->eresume += p->eresume;
	total->eexit += p->eexit;
	total->aex += p->aex;
	total->event_max += p->event_max;
	total->event_fail += p->event_fail;
	total->event_oom += p->event_oom;
	total->event_exchange += p->event_exchange;
	total->event_poison += p->event_poison;
}

void stats_view_read(struct stats_view *view, const struct stats_page *page)
{
	memset(view, 0, sizeof(*view));
	for (size_t i = 0; i < STATS_PROCESSES; i++) {
		struct stats_process *p = &view->process[view->count];

		memcpy(p, &page->process[i], sizeof(*p));
		if (!p->pid)
			continue;
		if (!p->enclaves_created) {
			view->others++;
			continue;
		}
		/* Whoever wrote them may have been stopped half-way. */
		p->comm[sizeof(p->comm) - 1] = '\0';
		p->limit_hit[sizeof(p->limit_hit) - 1] = '\0';
		add_to_total(&view->total, p);
		view->count++;
	}
}

/* "8192 pages (32.0 MiB)". */
static const char *pages_text(char buf[64], uint64_t pages)
{
	snprintf(buf, 64, "%" PRIu64 " pages (%.1f MiB)", pages, (double)pages * (double)PAGE_SIZE / (1 << 20));
	return buf;
}

static void label(FILE *out, const char *name)
{
	fprintf(out, "  %-16s", name);
}

static void print_epc(FILE *out, const struct stats_process *p)
{
	char size[64];

	label(out, "EPC");
	fprintf(out, "%s, %" PRIu64 " in use at the end, %" PRIu64 " at peak\n", pages_text(size, p->epc_total),
		p->epc_used, p->epc_peak);
}

static void print_traffic(FILE *out, const struct stats_process *p)
{
	label(out, "paging");
	fprintf(out, "%" PRIu64 " faults, %" PRIu64 " pages evicted (EWB), %" PRIu64 " loaded (ELDU)\n", p->faults,
		p->ewb, p->eldu);
}

static void print_backing(FILE *out, const struct stats_process *p)
{
	char used[64], peak[64];

	label(out, "backing memory");
	fprintf(out, "%s at the end, %s at peak\n", pages_text(used, p->backing_used),
		pages_text(peak, p->backing_peak));
	label(out, "");
	fprintf(out, "of which %" PRIu64 " contents, %" PRIu64 " PCMD (%" PRIu64 " at peak), %" PRIu64 " recycled\n",
		p->contents, p->pcmd, p->pcmd_peak, p->recycled);
}

static void print_limit(FILE *out, const struct stats_process *p)
{
	char limit[64];

	label(out, "limit");
	if (p->backing_limit == LEDGER_NO_LIMIT)
		fputs("none", out);
	else
		fputs(pages_text(limit, p->backing_limit), out);
	if (p->overcommit_percent >= 0)
		fprintf(out, ", overcommit %" PRId64 " %%", p->overcommit_percent);
	fputc('\n', out);
}

/* One clause of the line about limits, if it ever happened. */
static int clause(FILE *out, int before, uint64_t count, const char *what)
{
	if (!count)
		return before;
	fprintf(out, "%s%s %" PRIu64 " %s", before ? ", " : "", what, count, count == 1 ? "time" : "times");
	return before + 1;
}

static void print_events(FILE *out, const struct stats_process *p)
{
	int clauses = 0;

	label(out, "what hit it");
	clauses = clause(out, clauses, p->event_max, "a charge met the limit");
	clauses = clause(out, clauses, p->event_fail, "growth was refused");
	clauses = clause(out, clauses, p->event_exchange, "a load paid for the eviction it forced");
	clauses = clause(out, clauses, p->event_oom, "the system was out of memory");
	clauses = clause(out, clauses, p->event_poison, "a page failed its check and poisoned its enclave");
	fputs(clauses ? "\n" : "nothing\n", out);
}

static void print_transitions(FILE *out, const struct stats_process *p)
{
	label(out, "enclaves");
	fprintf(out, "%" PRIu64 " created, %" PRIu64 " left at the end\n", p->enclaves_created, p->enclaves);
	label(out, "transitions");
	fprintf(out, "%" PRIu64 " EENTER, %" PRIu64 " ERESUME, %" PRIu64 " EEXIT, %" PRIu64 " AEX\n", p->eenter,
		p->eresume, p->eexit, p->aex);
}

static void print_process(FILE *out, const struct stats_process *p)
{
	fprintf(out, "%s%s (process %d)%s\n", text_style(out, TEXT_BOLD), p->comm, p->pid, text_style(out, TEXT_PLAIN));
	print_epc(out, p);
	print_traffic(out, p);
	print_backing(out, p);
	print_limit(out, p);
	print_events(out, p);
	print_transitions(out, p);
	label(out, "mechanism");
	fprintf(out, "%s\n", mmu_mechanism_name((enum mmu_mechanism)p->mechanism));
}

static void print_total(FILE *out, const struct stats_view *view)
{
	fprintf(out, "%sall %zu processes with enclaves%s\n", text_style(out, TEXT_BOLD), view->count,
		text_style(out, TEXT_PLAIN));
	print_traffic(out, &view->total);
	print_events(out, &view->total);
	print_transitions(out, &view->total);
}

void stats_print_table(FILE *out, const struct stats_view *view)
{
	for (size_t i = 0; i < view->count; i++)
		print_process(out, &view->process[i]);
	if (view->count > 1)
		print_total(out, view);
	if (view->count == 0)
		fprintf(out, "softsgx: no enclave was created\n");
	if (view->count + view->others == STATS_PROCESSES)
		fprintf(out, "softsgx: there is room for %d processes; later ones are not in these numbers\n",
			STATS_PROCESSES);
}

static void json_counters(struct json *json, const struct stats_process *p)
{
	json_unsigned(json, "enclaves_created", p->enclaves_created);
	json_unsigned(json, "enclaves_left", p->enclaves);
	json_unsigned(json, "epc_used_pages", p->epc_used);
	json_unsigned(json, "backing_used_pages", p->backing_used);
	json_unsigned(json, "backing_contents_pages", p->contents);
	json_unsigned(json, "backing_pcmd_pages", p->pcmd);
	json_unsigned(json, "backing_recycled_pages", p->recycled);
	json_unsigned(json, "faults", p->faults);
	json_unsigned(json, "ewb_pages", p->ewb);
	json_unsigned(json, "eldu_pages", p->eldu);
	json_unsigned(json, "fault_waits", p->waits);
	json_unsigned(json, "write_protect_faults", p->wp_faults);
	json_unsigned(json, "eenter", p->eenter);
	json_unsigned(json, "eresume", p->eresume);
	json_unsigned(json, "eexit", p->eexit);
	json_unsigned(json, "aex", p->aex);
	json_open_object(json, "events");
	json_unsigned(json, "max", p->event_max);
	json_unsigned(json, "fail", p->event_fail);
	json_unsigned(json, "exchange", p->event_exchange);
	json_unsigned(json, "oom", p->event_oom);
	json_unsigned(json, "poison", p->event_poison);
	json_close(json);
}

static void json_process(struct json *json, const struct stats_process *p)
{
	json_open_object(json, NULL);
	json_signed(json, "pid", p->pid);
	json_string(json, "program", p->comm);
	json_string(json, "mechanism", mmu_mechanism_name((enum mmu_mechanism)p->mechanism));
	json_unsigned(json, "page_bytes", PAGE_SIZE);
	json_unsigned(json, "epc_size_pages", p->epc_total);
	json_unsigned(json, "epc_peak_pages", p->epc_peak);
	if (p->backing_limit == LEDGER_NO_LIMIT)
		json_string(json, "backing_limit_pages", NULL);
	else
		json_unsigned(json, "backing_limit_pages", p->backing_limit);
	json_signed(json, "overcommit_percent", p->overcommit_percent);
	json_unsigned(json, "backing_peak_pages", p->backing_peak);
	json_unsigned(json, "backing_pcmd_peak_pages", p->pcmd_peak);
	json_counters(json, p);
	json_string(json, "limit_hit", p->limit_hit[0] ? p->limit_hit : NULL);
	json_close(json);
}

void stats_print_json(FILE *out, const struct stats_view *view, int wait_status)
{
	struct json json = { .out = out };

	json_open_object(&json, NULL);
	json_string(&json, "softsgx", SOFTSGX_VERSION);
	if (WIFSIGNALED(wait_status))
		json_signed(&json, "exit_signal", WTERMSIG(wait_status));
	else
		json_signed(&json, "exit_status", WEXITSTATUS(wait_status));
	json_open_array(&json, "processes");
	for (size_t i = 0; i < view->count; i++)
		json_process(&json, &view->process[i]);
	json_close(&json);
	json_unsigned(&json, "processes_without_enclaves", view->others);
	json_open_object(&json, "total");
	json_counters(&json, &view->total);
	json_close(&json);
	json_close(&json);
}
