/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers at the end of a run: who is shown, what is summed, and that nothing is left out of either format. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/stats_view.h"

static struct stats_page page;
static struct stats_view view;

/* Every number different, so that a mix-up shows. */
static void fill(struct stats_process *p, int pid, uint64_t base)
{
	*p = (struct stats_process){
		.pid = pid,
		.mechanism = MMU_SIGBUS,
		.epc_total = base + 1,
		.epc_used = base + 2,
		.epc_peak = base + 3,
		.backing_used = base + 4,
		.backing_peak = base + 5,
		.backing_limit = base + 6,
		.contents = base + 7,
		.pcmd = base + 8,
		.recycled = base + 9,
		.pcmd_peak = base + 10,
		.enclaves = base + 11,
		.enclaves_created = base + 12,
		.faults = base + 13,
		.ewb = base + 14,
		.eldu = base + 15,
		.waits = base + 16,
		.wp_faults = base + 17,
		.eenter = base + 18,
		.eresume = base + 19,
		.eexit = base + 20,
		.aex = base + 21,
		.event_max = base + 22,
		.event_fail = base + 23,
		.event_oom = base + 24,
		.event_exchange = base + 25,
		.event_poison = base + 26,
		.overcommit_percent = (int64_t)base + 27,
		.limit_hit = "words",
		.comm = "wordindex",
	};
}

static char *printed(bool json, int wait_status)
{
	char *text;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	stats_view_read(&view, &page);
	if (json)
		stats_print_json(out, &view, wait_status);
	else
		stats_print_table(out, &view);
	fclose(out);
	return text;
}

static void assert_holds(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text ? text : "");
}

static void page_is_inherited_at_a_high_number(void **state)
{
	struct stats_page *created, *again;
	int fd;

	assert_int_equal(stats_page_create(&created, &fd), 0);
	assert_true(fd > 255);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	again = mmap(NULL, sizeof(*again), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_true(again != MAP_FAILED);
	assert_true(again->magic == STATS_MAGIC);
	again->process[STATS_PROCESSES - 1].pid = 77;
	assert_int_equal(created->process[STATS_PROCESSES - 1].pid, 77);
	munmap(again, sizeof(*again));
	munmap(created, sizeof(*created));
	close(fd);
}

static void only_processes_with_enclaves_are_shown(void **state)
{
	memset(&page, 0, sizeof(page));
	fill(&page.process[0], 10, 0);
	page.process[0].enclaves_created = 0;
	fill(&page.process[1], 11, 100);
	page.process[2].pid = 12;
	fill(&page.process[3], 13, 1000);
	stats_view_read(&view, &page);
	assert_int_equal(view.count, 2);
	assert_int_equal(view.others, 2);
	assert_int_equal(view.process[0].pid, 11);
	assert_int_equal(view.process[1].pid, 13);
}

static void totals_are_sums_of_those_shown(void **state)
{
	memset(&page, 0, sizeof(page));
	fill(&page.process[0], 10, 1000);
	fill(&page.process[1], 11, 5000);
	stats_view_read(&view, &page);
	assert_int_equal(view.total.faults, 6000 + 2 * 13);
	assert_int_equal(view.total.ewb, 6000 + 2 * 14);
	assert_int_equal(view.total.eldu, 6000 + 2 * 15);
	assert_int_equal(view.total.backing_used, 6000 + 2 * 4);
	assert_int_equal(view.total.enclaves_created, 6000 + 2 * 12);
	assert_int_equal(view.total.eenter, 6000 + 2 * 18);
	assert_int_equal(view.total.aex, 6000 + 2 * 21);
	assert_int_equal(view.total.event_poison, 6000 + 2 * 26);
}

static void table_tells_everything(void **state)
{
	static const char *const parts[] = {
		"wordindex (process 10)",
		"1001 pages (3.9 MiB), 1002 in use at the end, 1003 at peak",
		"1013 faults",
		"1014 pages evicted (EWB)",
		"1015 loaded (ELDU)",
		"1004 pages",
		"1005 pages",
		"1007 contents",
		"1008 PCMD (1010 at peak)",
		"1009 recycled",
		"1006 pages",
		"overcommit 1027 %",
		"a charge met the limit 1022 times",
		"growth was refused 1023 times",
		"system was out of memory 1024 times",
		"a load paid for the eviction it forced 1025 times",
		"poisoned its enclave 1026 times",
		"1012 created",
		"1011 left",
		"1018 EENTER, 1019 ERESUME, 1020 EEXIT, 1021 AEX",
		"sigbus",
	};
	char *text;

	memset(&page, 0, sizeof(page));
	fill(&page.process[0], 10, 1000);
	text = printed(false, 0);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_holds(text, parts[i]);
	assert_null(strstr(text, "all "));
	free(text);
}

static void table_of_several_ends_with_totals(void **state)
{
	char *text;

	memset(&page, 0, sizeof(page));
	fill(&page.process[0], 10, 1000);
	fill(&page.process[1], 11, 5000);
	text = printed(false, 0);
	assert_holds(text, "all 2 processes with enclaves");
	assert_holds(text, "6026 faults");
	free(text);
}

static void quiet_runs_say_so(void **state)
{
	char *text;

	memset(&page, 0, sizeof(page));
	page.process[0].pid = 5;
	text = printed(false, 0);
	assert_string_equal(text, "softsgx: no enclave was created\n");
	free(text);
	page.process[0].enclaves_created = 1;
	page.process[0].backing_limit = LEDGER_NO_LIMIT;
	page.process[0].overcommit_percent = -1;
	text = printed(false, 0);
	assert_holds(text, "what hit it     nothing\n");
	assert_holds(text, "limit           none\n");
	free(text);
}

static void a_full_page_is_admitted(void **state)
{
	char *text;

	memset(&page, 0, sizeof(page));
	for (int i = 0; i < STATS_PROCESSES; i++)
		page.process[i].pid = i + 1;
	text = printed(false, 0);
	assert_holds(text, "room for 256 processes");
	free(text);
}

static void json_tells_everything(void **state)
{
	static const char *const parts[] = {
		"\"exit_status\": 3",
		"\"pid\": 10",
		"\"program\": \"wordindex\"",
		"\"mechanism\": \"sigbus\"",
		"\"page_bytes\": 4096",
		"\"epc_size_pages\": 1001",
		"\"epc_used_pages\": 1002",
		"\"epc_peak_pages\": 1003",
		"\"backing_used_pages\": 1004",
		"\"backing_peak_pages\": 1005",
		"\"backing_limit_pages\": 1006",
		"\"backing_contents_pages\": 1007",
		"\"backing_pcmd_pages\": 1008",
		"\"backing_recycled_pages\": 1009",
		"\"backing_pcmd_peak_pages\": 1010",
		"\"enclaves_left\": 1011",
		"\"enclaves_created\": 1012",
		"\"faults\": 1013",
		"\"ewb_pages\": 1014",
		"\"eldu_pages\": 1015",
		"\"fault_waits\": 1016",
		"\"write_protect_faults\": 1017",
		"\"eenter\": 1018",
		"\"eresume\": 1019",
		"\"eexit\": 1020",
		"\"aex\": 1021",
		"\"max\": 1022",
		"\"fail\": 1023",
		"\"oom\": 1024",
		"\"exchange\": 1025",
		"\"poison\": 1026",
		"\"overcommit_percent\": 1027",
		"\"limit_hit\": \"words\"",
	};
	char *text;

	memset(&page, 0, sizeof(page));
	fill(&page.process[0], 10, 1000);
	text = printed(true, 3 << 8);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		assert_holds(text, parts[i]);
	free(text);
}

static void json_tells_signals_and_absent_limits(void **state)
{
	char *text;

	memset(&page, 0, sizeof(page));
	fill(&page.process[0], 10, 1000);
	page.process[0].backing_limit = LEDGER_NO_LIMIT;
	page.process[0].limit_hit[0] = '\0';
	text = printed(true, 9);
	assert_holds(text, "\"exit_signal\": 9");
	assert_holds(text, "\"backing_limit_pages\": null");
	assert_holds(text, "\"limit_hit\": null");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(page_is_inherited_at_a_high_number),
		cmocka_unit_test(only_processes_with_enclaves_are_shown),
		cmocka_unit_test(totals_are_sums_of_those_shown),
		cmocka_unit_test(table_tells_everything),
		cmocka_unit_test(table_of_several_ends_with_totals),
		cmocka_unit_test(quiet_runs_say_so),
		cmocka_unit_test(a_full_page_is_admitted),
		cmocka_unit_test(json_tells_everything),
		cmocka_unit_test(json_tells_signals_and_absent_limits),
	};

	return cmocka_run_group_tests_name("stats view", tests, NULL, NULL);
}
