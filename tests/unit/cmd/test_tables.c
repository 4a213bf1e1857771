#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/help.h"
#include "cli/opt_row.h"
#include "cmd/commands.h"
#include "mode/mode.h"

TestSuite(tables, .timeout = 20);

/* The real tables, checked as a whole: what is in them is what users read. */

static struct opt_set options_of(const struct command *command)
{
	struct opt_set set = {0};

	command->options(&set);
	return set;
}

static char *page_of(
	int (*page)(const struct command *, struct buf *), const struct command *command)
{
	struct buf b = {0};
	char *text;

	cr_assert(eq(int, page(command, &b), 0));
	text = strndup((const char *)buf_span(&b).data, b.len);
	buf_free(&b);
	return text;
}

static void fits_80_columns(const char *name, const char *page)
{
	for (const char *end; (end = strchr(page, '\n')); page = end + 1)
		cr_expect(
			le(int, (int)(end - page), 80), "%s: %.*s", name, (int)(end - page), page);
	cr_expect(eq(str, (char *)page, ""), "%s: the last line ends", name);
}

static size_t lines_of(const char *page)
{
	size_t lines = 0;

	for (; *page; page++)
		lines += *page == '\n';
	return lines;
}

Test(tables, the_options_of_every_command_are_sound)
{
	for (size_t i = 0; commands[i]; i++) {
		struct opt_set set = options_of(commands[i]);
		struct err err = {0};

		cr_expect(
			eq(int, opts_check(&set, &err), 0), "%s: %s", commands[i]->name, err.what);
	}
}

static void shows(const struct command *command, const char *page, const struct opt *opt)
{
	char shown[64];

	if (opt->name)
		snprintf(shown, sizeof(shown), "--%s", opt->name);
	else
		snprintf(shown, sizeof(shown), "  -%c ", opt->letter);
	cr_expect(strstr(page, shown) != NULL, "%s -h does not show %s:\n%s", command->name, shown,
		page);
}

Test(tables, the_short_help_of_every_command_is_one_screen_with_all_that_is_common)
{
	for (size_t i = 0; commands[i]; i++) {
		struct opt_set set = options_of(commands[i]);
		char *page = page_of(help_short, commands[i]);

		cr_expect(le(sz, lines_of(page), 24), "%s:\n%s", commands[i]->name, page);
		fits_80_columns(commands[i]->name, page);
		for (size_t g = 0; g < set.count; g++)
			for (size_t k = 0; k < set.groups[g].count; k++)
				if (set.groups[g].rows[k].common)
					shows(commands[i], page, &set.groups[g].rows[k]);
		free(page);
	}
}

Test(tables, the_long_help_of_every_command_has_every_option)
{
	for (size_t i = 0; commands[i]; i++) {
		struct opt_set set = options_of(commands[i]);
		char *page = page_of(help_long, commands[i]);

		fits_80_columns(commands[i]->name, page);
		for (size_t g = 0; g < set.count; g++)
			for (size_t k = 0; k < set.groups[g].count; k++)
				shows(commands[i], page, &set.groups[g].rows[k]);
		free(page);
	}
}

Test(tables, the_pages_about_everything_fit)
{
	struct buf overview = {0}, everything = {0};

	cr_assert(eq(int, help_overview(commands, &overview), 0));
	cr_assert(eq(int, help_everything(commands, &everything), 0));
	buf_add(&overview, (struct span){(const uint8_t *)"", 1});
	buf_add(&everything, (struct span){(const uint8_t *)"", 1});
	fits_80_columns("sockx -h", (const char *)buf_span(&overview).data);
	fits_80_columns("sockx --help", (const char *)buf_span(&everything).data);
	cr_expect(le(sz, lines_of((const char *)buf_span(&overview).data), 24));
	buf_free(&overview);
	buf_free(&everything);
}

/* "printf 'x' | sockx connect ...": a word that a shell would look up. */
static bool begins_with_a_command(const char *line)
{
	size_t len = strcspn(line, " ");

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)line[i]) && !strchr("-_.", line[i]))
			return false;
	return len > 0 && islower((unsigned char)line[0]);
}

Test(tables, every_example_is_a_line_that_a_shell_can_run_and_runs_the_command)
{
	for (size_t i = 0; commands[i]; i++) {
		char runs[64];
		bool shown = false;

		snprintf(runs, sizeof(runs), "sockx %s", commands[i]->name);
		for (size_t k = 0; k < COMMAND_EXAMPLES && commands[i]->examples[k].line; k++) {
			const struct command_example *e = &commands[i]->examples[k];

			cr_expect(begins_with_a_command(e->line), "%s", e->line);
			cr_expect(strstr(e->line, "sockx ") != NULL, "%s", e->line);
			cr_expect(e->what && *e->what, "%s", e->line);
			shown = shown || strstr(e->line, runs);
		}
		cr_expect(shown, "no example of %s shows it", commands[i]->name);
	}
}

/* The words behind "sockx NAME" of an example, up to what is the shell's. */
static int split_example(char *line, char **argv)
{
	int argc = 0;

	for (char *word = strtok(line, " "); word && !strchr("<>|", *word);
		word = strtok(NULL, " "))
		argv[argc++] = word;
	return argc;
}

/* Quotes do not matter to the options. */
Test(tables, every_example_parses)
{
	for (size_t i = 0; commands[i]; i++) {
		for (size_t k = 0; k < COMMAND_EXAMPLES && commands[i]->examples[k].line; k++) {
			struct opt_set set = options_of(commands[i]);
			struct opt_args args = {0};
			struct err err = {0};
			char *line = strdup(commands[i]->examples[k].line), *argv[32];
			char *words = strstr(line, "sockx ");
			void *conf = calloc(1, set.conf_size);
			int argc = split_example(words, argv);

			if (strcmp(argv[1], commands[i]->name) == 0)
				cr_expect(ne(int,
						  opts_parse(&set, argv[1], conf, argc - 2,
							  argv + 2, &args, &err),
						  OPTS_ERROR),
					"%s: %s", commands[i]->examples[k].line, err.what);
			free(conf);
			free(line);
		}
	}
}

static bool is_phrase(const char *text)
{
	return text && text[0] && !isupper((unsigned char)text[0]) && !strchr(text, '\n') &&
	       text[strlen(text) - 1] != '.';
}

Test(tables, every_command_has_a_name_a_summary_a_purpose_and_a_usage)
{
	for (size_t i = 0; commands[i]; i++) {
		const struct command *c = commands[i];

		cr_expect(c->name && *c->name);
		cr_expect(is_phrase(c->summary), "%s: %s", c->name, c->summary);
		cr_expect(c->purpose && c->purpose[strlen(c->purpose) - 1] == '.', "%s", c->name);
		cr_expect(c->usage[0] != NULL);
		cr_expect(c->run != NULL);
		cr_expect(eq(ptr, (void *)command_find(c->name), (void *)c));
	}
	cr_expect(eq(ptr, (void *)command_find("no such"), NULL));
	cr_expect(eq(ptr, (void *)command_find(""), NULL));
}

Test(tables, every_mode_has_a_name_a_summary_and_can_be_found)
{
	struct opt_choice choice;
	size_t i = 0;

	for (; modes[i]; i++) {
		cr_expect(modes[i]->name && *modes[i]->name);
		cr_expect(
			is_phrase(modes[i]->summary), "%s: %s", modes[i]->name, modes[i]->summary);
		cr_expect(eq(ptr, (void *)mode_find(modes[i]->name), (void *)modes[i]));
		cr_assert(mode_choice(i, &choice));
		cr_expect(eq(str, (char *)choice.name, (char *)modes[i]->name));
		cr_expect(eq(str, (char *)choice.summary, (char *)modes[i]->summary));
	}
	cr_expect(not(mode_choice(i, &choice)));
	cr_expect(not(mode_choice(SIZE_MAX, &choice)));
	cr_expect(eq(ptr, (void *)mode_find("no such"), NULL));
	cr_expect(eq(str, (char *)modes[0]->name, MODE_DEFAULT), "the first is the default");
}

Test(tables, connect_has_the_modes_with_a_summary_of_their_own_for_it)
{
	struct opt_choice choice;
	size_t of_connect = 0;

	for (size_t i = 0; modes[i]; i++) {
		cr_expect(mode_is_of(modes[i], MODE_OF_SERVE));
		cr_expect(eq(int, mode_is_of(modes[i], MODE_OF_CONNECT),
			modes[i]->client_summary != NULL));
		if (!modes[i]->client_summary)
			continue;
		cr_expect(is_phrase(modes[i]->client_summary), "%s", modes[i]->name);
		cr_assert(mode_client_choice(of_connect++, &choice));
		cr_expect(eq(str, (char *)choice.name, (char *)modes[i]->name));
		cr_expect(eq(str, (char *)choice.summary, (char *)modes[i]->client_summary));
	}
	cr_expect(not(mode_client_choice(of_connect, &choice)));
	cr_assert(mode_client_choice(0, &choice));
	cr_expect(eq(str, (char *)choice.name, MODE_DEFAULT), "the first is the default");
}

/* The group of a command's options that has a row of that name. */
static const struct opt_group *group_with(const struct opt_set *set, const char *name)
{
	for (size_t g = 0; g < set->count; g++)
		for (size_t i = 0; i < set->groups[g].count; i++)
			if (set->groups[g].rows[i].name &&
				strcmp(set->groups[g].rows[i].name, name) == 0)
				return &set->groups[g];
	return NULL;
}

/* Whether the option belongs to the modes of a command whose rows say so, and to no others. */
static void expect_taken(const char *command, enum mode_side side, const char *name, unsigned takes)
{
	const struct opt_set set = options_of(command_find(command));
	const struct opt_group *group = group_with(&set, name);
	size_t count = 0;

	for (size_t i = 0; modes[i]; i++) {
		if (!mode_is_of(modes[i], side) || !(modes[i]->takes & takes))
			continue;
		cr_assert(group && count < group->modes.count, "%s of %s", name, modes[i]->name);
		cr_expect(eq(str, (char *)group->modes.names[count], (char *)modes[i]->name));
		count++;
	}
	cr_expect(eq(sz, count, group ? group->modes.count : 0));
}

Test(tables, a_shared_option_belongs_to_the_modes_that_take_it)
{
	static const struct {
		const char *name;
		unsigned takes;
	} shared[] = {{"eol", MODE_TAKES_LINES}, {"crlf", MODE_TAKES_LINES},
		{"raw", MODE_TAKES_LINES}, {"settle", MODE_TAKES_SETTLE},
		{"request-timeout", MODE_TAKES_REQUEST}};

	for (size_t i = 0; i < sizeof(shared) / sizeof(shared[0]); i++) {
		expect_taken("serve", MODE_OF_SERVE, shared[i].name, shared[i].takes);
		expect_taken("connect", MODE_OF_CONNECT, shared[i].name, shared[i].takes);
	}
}

Test(tables, what_belongs_together_in_a_mode_is_there_together)
{
	for (size_t i = 0; modes[i]; i++) {
		cr_expect(modes[i]->begin || !modes[i]->finish);
		cr_expect(modes[i]->begin || !modes[i]->end);
		cr_expect(eq(int, modes[i]->option_count > 0, modes[i]->conf_size > 0));
	}
}

/* What is printed for an option without its value; its hint's example is one that it takes. */
static void example_can_be_typed(const struct opt_set *set, const char *command, const char *name)
{
	static const char lead[] = "for example: ";
	char option[40], example[100] = "", *words[] = {option, example};
	struct opt_args args = {0};
	void *conf = calloc(1, set->conf_size);
	struct err err = {0};

	snprintf(option, sizeof(option), "--%s", name);
	cr_expect(eq(int, opts_parse(set, command, conf, 1, words, &args, &err), OPTS_ERROR));
	words[0] = option; /* the slots are reused */
	words[1] = example;
	if (strncmp(err.hint, lead, strlen(lead)) == 0) {
		snprintf(example, sizeof(example), "%s",
			err.hint + strlen(lead) + strlen(option) + 1);
		err = (struct err){0};
		cr_expect(eq(int, opts_parse(set, command, conf, 2, words, &args, &err), OPTS_RUN),
			"%s %s %s: %s", command, option, example, err.what);
	} else {
		cr_expect(strstr(err.hint, "shows the options") != NULL, "%s %s: %s", command,
			option, err.hint);
	}
	free(conf);
}

Test(tables, an_option_without_its_value_has_an_example_that_can_be_typed)
{
	for (size_t i = 0; commands[i]; i++) {
		struct opt_set set = options_of(commands[i]);

		for (struct opt_row row = {0}; opt_row_next(&set, &row);)
			if (row.opt->arg && !opt_value_is_optional(row.opt->kind))
				example_can_be_typed(&set, commands[i]->name, row.opt->name);
	}
}
