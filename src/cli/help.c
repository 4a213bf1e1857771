#include "cli/help.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "cli/opt_row.h"
#include "cli/page.h"

/* A screen, and the widest left column before the right one moves to the line below. */
enum { SCREEN_LINES = 24, LEFT_MAX = 30, EXAMPLE_MAX = 46 };

static const struct exit_status {
	enum err_kind status;
	const char *what;
} exit_statuses[] = {
	{ERR_NONE, "done: everything was sent and received"},
	{ERR_RUNTIME, "other failure at run time"},
	{ERR_USAGE, "wrong usage"},
	{ERR_LISTEN, "cannot listen"},
	{ERR_LOST, "connection or data lost"},
	{ERR_TIMEOUT, "a time limit passed"},
	{ERR_NAME, "name not resolved"},
	{ERR_REFUSED, "refused or unreachable"},
	{ERR_TLS, "TLS: the handshake or a certificate failed"},
	{ERR_WRONG, "the answer was wrong"},
};

static const struct help_form {
	const char *form, *what;
} address_forms[] = {
	{"HOST PORT", "a name or a numeric address, and a port: localhost 9000"},
	{"HOST:PORT", "the same in one word: localhost:9000"},
	{"[IPV6]:PORT", "an IPv6 address with a port: [::1]:9000"},
	{"HOST", "port 65432; two or more colons without brackets: IPv6"},
	{":PORT", "for 'serve' on every address, else on localhost"},
	{"PORT", "for 'serve' alone: digits are a port, not a host"},
	{"unix:PATH", "a Unix socket; unix:@NAME: an abstract one (also -U)"},
	{"tcp://HOST:PORT",
		"and how to travel: tls://, udp://, unix-datagram:PATH, unix-seqpacket:PATH"},
};

static const struct help_form value_forms[] = {
	{"PORT", "0 to 65535 or a service name: 80, http"},
	{"DUR", "a time: 500ms, 2s, 1.5m, 1h or bare seconds"},
	{"BYTES", "a size: 64, 16K or 4M (by 1024), 16kB or 4MB (by 1000)"},
	{"OCTAL", "permissions as chmod takes them: 600, 0660"},
};

static void add_forms(
	struct page *p, const char *title, const struct help_form *forms, size_t count)
{
	page_add(p, "\n%s:\n", title);
	for (size_t i = 0; i < count; i++)
		page_row(p, 2, forms[i].form, 16, forms[i].what);
}

static void add_exit_statuses(struct page *p)
{
	char number[16];

	page_add(p, "\nExit status:\n");
	for (size_t i = 0; i < sizeof(exit_statuses) / sizeof(*exit_statuses); i++) {
		snprintf(number, sizeof(number), "%d", (int)exit_statuses[i].status);
		page_row(p, 2, number, 5, exit_statuses[i].what);
	}
}

static void widen(size_t *width, const char *text, size_t at_most)
{
	size_t len = strlen(text);

	if (len > *width && len <= at_most)
		*width = len;
}

static void add_examples(struct page *p, const struct command_example *examples, size_t count)
{
	size_t width = 0;

	for (size_t i = 0; i < count && examples[i].line; i++)
		widen(&width, examples[i].line, EXAMPLE_MAX);
	for (size_t i = 0; i < count && examples[i].line; i++) {
		if (i == 0)
			page_add(p, "\nExamples:\n");
		page_row(p, 2, examples[i].line, width + 4, examples[i].what);
	}
}

/* What both pages of a command begin with. */
static void add_head(struct page *p, const struct command *command)
{
	page_wrap(p, 0, 0, command->purpose);
	for (size_t i = 0; i < COMMAND_USAGES && command->usage[i]; i++)
		page_add(p, "%s sockx %s%s%s\n", i ? "      " : "\nUsage:", command->name,
			*command->usage[i] ? " " : "", command->usage[i]);
	add_examples(p, command->examples, COMMAND_EXAMPLES);
}

/* "-p, --port PORT"; what has no letter is set in, so that the names stand in one column. */
static void option_left(const struct opt *opt, char *out, size_t size)
{
	char letter[8] = "    ";

	if (opt->letter)
		snprintf(letter, sizeof(letter), "-%c%s", opt->letter, opt->name ? ", " : "");
	snprintf(out, size, opt_value_is_optional(opt->kind) ? "%s%s%s%s[=%s]" : "%s%s%s%s%s",
		letter, opt->name ? "--" : "", opt->name ? opt->name : "",
		opt->arg && !opt_value_is_optional(opt->kind) ? " " : "", opt->arg ? opt->arg : "");
}

static void add_option(struct page *p, const struct opt *opt, size_t column)
{
	char left[64], right[400];

	option_left(opt, left, sizeof(left));
	snprintf(right, sizeof(right), opt->fallback ? "%s (default: %s)" : "%s", opt->help,
		opt->fallback);
	page_row(p, 2, left, column, right);
}

static void add_choices(struct page *p, const struct opt *opt, size_t indent)
{
	struct opt_choice choice;
	size_t width = 0;

	for (size_t i = 0; opt->choice(i, &choice); i++)
		widen(&width, choice.name, LEFT_MAX);
	for (size_t i = 0; opt->choice(i, &choice); i++)
		page_row(p, indent, choice.name, indent + width + 2, choice.summary);
}

/* The column in which the helps of all the rows of a set begin. */
static size_t help_column(const struct opt_set *set, bool common_only)
{
	char left[64];
	size_t width = 0;

	for (size_t g = 0; g < set->count; g++) {
		for (size_t i = 0; i < set->groups[g].count; i++) {
			const struct opt *opt = &set->groups[g].rows[i];

			if (common_only && !opt->common)
				continue;
			option_left(opt, left, sizeof(left));
			widen(&width, left, LEFT_MAX);
		}
	}
	return width + 4;
}

static size_t lines_of(const struct buf *text)
{
	struct span s = buf_span(text);
	size_t lines = 0;

	for (size_t i = 0; i < s.len; i++)
		lines += s.data[i] == '\n';
	return lines;
}

/* Take over the lines of item, unless the screen would have too few for them and the last two. */
static void add_if_room(struct page *p, struct buf *item)
{
	struct span text = buf_span(item);

	if (lines_of(p->out) + lines_of(item) + 2 <= SCREEN_LINES)
		p->failed = p->failed || buf_add(p->out, text) < 0;
	buf_free(item);
}

static void add_common(struct page *p, const struct opt_set *set)
{
	size_t column = help_column(set, true);

	page_add(p, "\nCommon options:\n");
	for (size_t g = 0; g < set->count; g++) {
		for (size_t i = 0; i < set->groups[g].count; i++) {
			struct buf item = {0};
			struct page one = {.out = &item};

			if (!set->groups[g].rows[i].common)
				continue;
			add_option(&one, &set->groups[g].rows[i], column);
			p->failed = p->failed || one.failed;
			add_if_room(p, &item);
		}
	}
}

int help_short(const struct command *command, struct buf *out)
{
	struct buf text = {0};
	struct page p = {.out = &text};
	struct opt_set set = {0};

	command->options(&set);
	add_head(&p, command);
	add_common(&p, &set);
	page_add(&p, "\n'sockx %s --help' shows everything.\n", command->name);
	if (!p.failed)
		p.failed = buf_add(out, buf_span(&text)) < 0;
	buf_free(&text);
	return page_end(&p);
}

static void add_group_title(struct page *p, const struct opt_group *group)
{
	if (group->modes.count)
		page_add(p, "\n%s (with --mode %s):\n", group->title,
			opt_modes_text(&group->modes).text);
	else
		page_add(p, "\n%s:\n", group->title);
}

static void add_groups(struct page *p, const struct opt_set *set)
{
	size_t column = help_column(set, false);

	for (size_t g = 0; g < set->count; g++) {
		const struct opt_group *group = &set->groups[g];

		if (!opt_group_continues(set, g))
			add_group_title(p, group);
		for (size_t i = 0; i < group->count; i++) {
			add_option(p, &group->rows[i], column);
			if (group->rows[i].choice)
				add_choices(p, &group->rows[i], column + 2);
		}
	}
}

int help_long(const struct command *command, struct buf *out)
{
	struct page p = {.out = out};
	struct opt_set set = {0};

	command->options(&set);
	add_head(&p, command);
	add_groups(&p, &set);
	add_exit_statuses(&p);
	return page_end(&p);
}

static void add_commands(struct page *p, const struct command *const *all)
{
	size_t width = 0;

	page_add(p, "sockx: sockets from the shell.\n\nUsage: sockx COMMAND [OPTION...] "
		    "[ARGUMENT...]\n\nCommands:\n");
	for (size_t i = 0; all[i]; i++)
		widen(&width, all[i]->name, LEFT_MAX);
	for (size_t i = 0; all[i]; i++)
		page_row(p, 2, all[i]->name, width + 4, all[i]->summary);
}

static void add_first_examples(struct page *p, const struct command *const *all)
{
	struct command_example first[COMMAND_EXAMPLES] = {0};
	size_t count = 0;

	for (size_t i = 0; all[i] && count < COMMAND_EXAMPLES; i++)
		if (all[i]->examples[0].line)
			first[count++] = all[i]->examples[0];
	add_examples(p, first, count);
}

int help_overview(const struct command *const *all, struct buf *out)
{
	struct page p = {.out = out};

	add_commands(&p, all);
	add_first_examples(&p, all);
	page_add(&p, "\n");
	page_wrap(&p, 0, 0,
		"'sockx COMMAND -h' is one screen about a command, 'sockx help COMMAND' its "
		"manual; 'sockx help' has addresses, exit statuses, what nc users type, and a lab "
		"on sockets.");
	return page_end(&p);
}

int help_everything(const struct command *const *all, struct buf *out)
{
	struct page p = {.out = out};

	add_commands(&p, all);
	add_first_examples(&p, all);
	add_forms(&p, "Addresses", address_forms, sizeof(address_forms) / sizeof(*address_forms));
	add_forms(&p, "Values", value_forms, sizeof(value_forms) / sizeof(*value_forms));
	add_exit_statuses(&p);
	return page_end(&p);
}
