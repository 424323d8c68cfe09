/* SPDX-License-Identifier: Apache-2.0 */
/* softsgx doctor: what this machine offers, what is missing, and how to get it. */
#include "cli/doctor.h"

#include <stdio.h>

#include "cli/checks.h"
#include "cli/json.h"
#include "cli/text.h"

#define DETAIL_COLUMN 29

struct doctor {
	bool json;
};

static const struct option_spec options[] = {
	{ .name = "json",
	  .type = OPTION_FLAG,
	  .target = offsetof(struct doctor, json),
	  .help = "Print one JSON object instead of lines for people." },
	{ 0 },
};

static const char *status_name(enum check_status status)
{
	static const char *const names[] = { [CHECK_OK] = "ok", [CHECK_WARN] = "warn", [CHECK_MISSING] = "missing" };

	return names[status];
}

static void print_line(const struct check *check, const struct finding *finding)
{
	static const enum text_style colour[] = {
		[CHECK_OK] = TEXT_GREEN,
		[CHECK_WARN] = TEXT_YELLOW,
		[CHECK_MISSING] = TEXT_RED,
	};

	printf("%s%-7s%s  %-20s", text_style(stdout, colour[finding->status]), status_name(finding->status),
	       text_style(stdout, TEXT_PLAIN), check->name);
	text_wrap(stdout, finding->detail, DETAIL_COLUMN);
	if (finding->cure[0]) {
		printf("%*s", DETAIL_COLUMN, "-> ");
		text_wrap(stdout, finding->cure, DETAIL_COLUMN);
	}
}

static void json_line(struct json *json, const struct check *check, const struct finding *finding)
{
	json_open_object(json, NULL);
	json_string(json, "name", check->name);
	json_string(json, "status", status_name(finding->status));
	json_string(json, "detail", finding->detail);
	json_string(json, "cure", finding->cure[0] ? finding->cure : NULL);
	json_close(json);
}

/* Ask everything, show each answer as it comes (@json NULL: for people). Return: whether enclaves can run. */
static bool examine(struct json *json)
{
	bool able = true;

	for (const struct check *const *table = all_checks; *table; table++) {
		for (const struct check *check = *table; check->name; check++) {
			struct finding finding = check_run(check);

			able &= finding.status != CHECK_MISSING;
			if (json)
				json_line(json, check, &finding);
			else
				print_line(check, &finding);
		}
	}
	return able;
}

static bool examine_json(void)
{
	struct json json = { .out = stdout };
	bool able;

	json_open_object(&json, NULL);
	json_open_array(&json, "checks");
	able = examine(&json);
	json_close(&json);
	json_bool(&json, "enclaves_can_run", able);
	json_close(&json);
	return able;
}

static int doctor_main(int argc, char **argv)
{
	struct doctor doctor = { 0 };
	int status;
	bool able;

	if (!command_begin(&doctor_command, &argc, argv, &doctor, &status))
		return status;
	if (doctor.json)
		return examine_json() ? 0 : 1;
	able = examine(NULL);
	printf("\n%s\n", able ? "Enclaves can run here." : "Enclaves cannot run here; see what is missing above.");
	return able ? 0 : 1;
}

const struct command doctor_command = {
	.name = "doctor",
	.operands = "",
	.summary = "tell whether enclaves can run on this machine, and what is missing",
	.description =
		"Examine this machine as the current user sees it, in the current container: what the platform needs, what "
		"makes it faster, which mechanism will be used to catch accesses to evicted pages, and which limits "
		"may be too tight. Each line is ok, warn (enclaves run, but something could be better) or missing "
		"(they cannot run), with the cure below.\n\n"
		"The exit status is 0 if enclaves can run, 1 if not.",
	.options = options,
	.main = doctor_main,
};
