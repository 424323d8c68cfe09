/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "cli/suggest.h"

const struct option_spec common_options[] = {
	{ .name = "help", .letter = 'h', .type = OPTION_HELP, .help = "Show this help and exit." },
	{ .name = "version", .type = OPTION_VERSION, .help = "Show the version and exit." },
	{ 0 },
};

struct parse {
	const struct option_spec *options;
	char **argv;
	int argc, next; /* argv[next] has not been looked at */
	void *values;
	struct option_error *error;
};

static enum options_result __attribute__((format(printf, 2, 3))) bad(struct parse *p, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(p->error->text, sizeof(p->error->text), fmt, ap);
	va_end(ap);
	return OPTIONS_BAD;
}

static bool takes_value(const struct option_spec *option)
{
	return option->value != NULL;
}

static void accepted_choices(const struct choice *choices, char *buf, size_t size)
{
	size_t at = 0;

	for (const struct choice *c = choices; c->name && at < size; c++) {
		const char *glue = c == choices ? "" : c[1].name ? ", " : " or ";

		at += (size_t)snprintf(buf + at, size - at, "%s%s", glue, c->name);
	}
}

static void accepted_size(const struct option_spec *option, char *buf, size_t size)
{
	char text[24];
	int at = snprintf(buf, size, "a size such as 64M");

	if (option->min)
		at += snprintf(buf + at, size - (size_t)at, ", at least %s", size_format(text, (uint64_t)option->min));
	if (option->max)
		at += snprintf(buf + at, size - (size_t)at, ", at most %s", size_format(text, (uint64_t)option->max));
	if (option->step)
		snprintf(buf + at, size - (size_t)at, ", a multiple of %s", size_format(text, (uint64_t)option->step));
}

void options_accepted(const struct option_spec *option, char *buf, size_t size)
{
	switch (option->type) {
	case OPTION_SIZE:
		accepted_size(option, buf, size);
		break;
	case OPTION_INT:
		snprintf(buf, size, "a whole number from %" PRId64 " to %" PRId64, option->min, option->max);
		break;
	case OPTION_CHOICE:
		accepted_choices(option->choices, buf, size);
		break;
	default:
		snprintf(buf, size, takes_value(option) ? "a %s that is not empty" : "no value", option->value);
	}
}

static enum options_result bad_value(struct parse *p, const struct option_spec *option, const char *text)
{
	char accepted[160];

	options_accepted(option, accepted, sizeof(accepted));
	return bad(p, "--%s: '%s' is not accepted: give %s", option->name, text, accepted);
}

static int read_size(const struct option_spec *option, const char *text, uint64_t *target)
{
	uint64_t bytes;
	int ret = size_parse(text, &bytes);

	if (ret)
		return ret;
	if (bytes < (uint64_t)option->min || (option->max && bytes > (uint64_t)option->max))
		return -ERANGE;
	if (option->step && bytes % (uint64_t)option->step)
		return -EINVAL;
	*target = bytes;
	return 0;
}

static int read_choice(const struct option_spec *option, const char *text, int *target)
{
	for (const struct choice *c = option->choices; c->name; c++) {
		if (strcmp(c->name, text) == 0) {
			*target = c->value;
			return 0;
		}
	}
	return -EINVAL;
}

static int read_string(const char *text, const char **target)
{
	if (!*text)
		return -EINVAL;
	*target = text;
	return 0;
}

static enum options_result store(struct parse *p, const struct option_spec *option, const char *text)
{
	void *target = (char *)p->values + option->target;
	int ret;

	switch (option->type) {
	case OPTION_SIZE:
		ret = read_size(option, text, target);
		break;
	case OPTION_INT:
		ret = int_parse(text, option->min, option->max, target);
		break;
	case OPTION_CHOICE:
		ret = read_choice(option, text, target);
		break;
	default:
		ret = read_string(text, target);
	}
	return ret ? bad_value(p, option, text) : OPTIONS_OK;
}

/* The option stands alone: a flag, or one whose value may be left out. */
static enum options_result store_bare(struct parse *p, const struct option_spec *option)
{
	void *target = (char *)p->values + option->target;

	switch (option->type) {
	case OPTION_HELP:
		return OPTIONS_HELP;
	case OPTION_VERSION:
		return OPTIONS_VERSION;
	case OPTION_FLAG:
		*(bool *)target = true;
		return OPTIONS_OK;
	default:
		*(int *)target = option->choices[0].value;
		return OPTIONS_OK;
	}
}

/* @inline_value: what stood behind "=" or behind the letter, or NULL. */
static enum options_result apply(struct parse *p, const struct option_spec *option, const char *inline_value)
{
	char accepted[160];

	if (!takes_value(option)) {
		if (inline_value)
			return bad(p, "--%s: '%s' is not accepted: this option takes no value", option->name,
				   inline_value);
		return store_bare(p, option);
	}
	if (inline_value)
		return store(p, option, inline_value);
	if (option->value_optional)
		return store_bare(p, option);
	if (p->next < p->argc)
		return store(p, option, p->argv[p->next++]);
	options_accepted(option, accepted, sizeof(accepted));
	return bad(p, "--%s: %s is missing: give %s", option->name, option->value, accepted);
}

static const struct option_spec *find_long(const struct option_spec *table, const char *name, size_t len)
{
	for (; table->name; table++) {
		if (strlen(table->name) == len && memcmp(table->name, name, len) == 0)
			return table;
	}
	return NULL;
}

static const struct option_spec *find_letter(const struct option_spec *table, char letter)
{
	for (; table->name; table++) {
		if (table->letter == letter)
			return table;
	}
	return NULL;
}

static enum options_result unknown_long(struct parse *p, const char *name, size_t len)
{
	struct suggestion best = suggestion_begin(name, len);

	for (const struct option_spec *o = p->options; o->name; o++)
		suggestion_consider(&best, o->name);
	for (const struct option_spec *o = common_options; o->name; o++)
		suggestion_consider(&best, o->name);
	if (best.name)
		return bad(p, "--%.*s: there is no such option; did you mean --%s?", (int)len, name, best.name);
	return bad(p, "--%.*s: there is no such option; --help lists those there are", (int)len, name);
}

static enum options_result parse_long(struct parse *p, const char *arg)
{
	const char *equals = strchr(arg, '=');
	size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct option_spec *option = find_long(p->options, arg, len);

	if (!option)
		option = find_long(common_options, arg, len);
	if (!option)
		return unknown_long(p, arg, len);
	return apply(p, option, equals ? equals + 1 : NULL);
}

/* Letters may be joined ("-ab"); the rest of the argument behind a letter that takes a value is that value. */
static enum options_result parse_letters(struct parse *p, const char *arg)
{
	enum options_result result = OPTIONS_OK;

	while (*arg && result == OPTIONS_OK) {
		const struct option_spec *option = find_letter(p->options, *arg);

		if (!option)
			option = find_letter(common_options, *arg);
		if (!option)
			return bad(p, "-%c: there is no such option; --help lists those there are", *arg);
		arg++;
		if (takes_value(option))
			return apply(p, option, *arg ? arg : NULL);
		result = store_bare(p, option);
	}
	return result;
}

enum options_result options_parse(const struct option_spec *options, bool program_follows, int *argc, char **argv,
				  void *values, struct option_error *error)
{
	struct parse p = {
		.options = options, .argv = argv, .argc = *argc, .next = 1, .values = values, .error = error
	};
	enum options_result result = OPTIONS_OK;
	bool only_operands = false;
	int kept = 1;

	while (p.next < p.argc && result == OPTIONS_OK) {
		char *arg = argv[p.next++];

		if (only_operands || arg[0] != '-' || !arg[1]) {
			argv[kept++] = arg;
			only_operands |= program_follows;
		} else if (strcmp(arg, "--") == 0) {
			only_operands = true;
		} else {
			result = arg[1] == '-' ? parse_long(&p, arg + 2) : parse_letters(&p, arg + 1);
		}
	}
	if (result == OPTIONS_OK) {
		argv[kept] = NULL;
		*argc = kept;
	}
	return result;
}
