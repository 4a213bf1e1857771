#include <string.h>

#include "check.h"
#include "cli/help.h"
#include "toy.h"

/* What was written, in one piece that need not be freed. */
struct page {
	char all[8192];
};

static struct page page_of(struct buf *b)
{
	struct page page = {0};

	cr_assert(lt(sz, b->len, sizeof(page.all)));
	memcpy(page.all, buf_span(b).data, b->len);
	buf_free(b);
	return page;
}

static struct page short_help(const struct command *command)
{
	struct buf b = {0};

	cr_assert(eq(int, help_short(command, &b), 0));
	return page_of(&b);
}

static struct page long_help(const struct command *command)
{
	struct buf b = {0};

	cr_assert(eq(int, help_long(command, &b), 0));
	return page_of(&b);
}

static struct page overview(int (*page)(const struct command *const *, struct buf *))
{
	struct buf b = {0};

	cr_assert(eq(int, page(toys, &b), 0));
	return page_of(&b);
}

static size_t lines_of(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static void has(const char *text, const char *part)
{
	cr_expect(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

static void has_not(const char *text, const char *part)
{
	cr_expect(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

static void fits_80_columns(const char *text)
{
	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		cr_expect(le(int, (int)(end - text), 80), "%.*s", (int)(end - text), text);
		cr_expect(end == text || end[-1] != ' ', "blank at the end: %.*s",
			(int)(end - text), text);
	}
	cr_expect(eq(str, (char *)text, ""), "the last line ends");
}

Test(help, every_page_fits_80_columns)
{
	for (size_t i = 0; toys[i]; i++) {
		fits_80_columns(short_help(toys[i]).all);
		fits_80_columns(long_help(toys[i]).all);
	}
	fits_80_columns(overview(help_overview).all);
	fits_80_columns(overview(help_everything).all);
}

Test(help, the_short_page_is_one_screen_that_points_to_the_rest)
{
	struct page page = short_help(toys[TOY_SERVE]);

	cr_expect(le(sz, lines_of(page.all), 24));
	has(page.all, "Usage: sockx serve [OPTION...] [ADDRESS]\n"
		      "       sockx serve [OPTION...] HOST PORT\n");
	has(page.all, "  sockx serve -p 9000");
	has(page.all, "print what one client sends\n");
	has(page.all, "  -p, --port PORT  listen on PORT [0: the system's choice]\n");
	has_not(page.all, "--once   ");
	cr_expect(
		strstr(page.all, "\n'sockx serve --help' shows everything.\n") ==
		page.all + strlen(page.all) - strlen("\n'sockx serve --help' shows everything.\n"));
}

static bool ten(size_t i, struct opt_choice *out)
{
	(void)out;
	return i > 9;
}

static void many_options(struct opt_set *set)
{
	static const struct opt row = {.name = "row",
		.kind = OPT_HELP_LONG,
		.help = "a row",
		.common = true,
		.choice = ten};
	static struct opt rows[40];

	for (size_t i = 0; i < 40; i++)
		rows[i] = row;
	opt_set_add(set, "Many", rows, 40, 0);
}

Test(help, the_short_page_is_one_screen_however_many_options_are_common)
{
	const struct command many = {
		.name = "many", .purpose = "Too much.", .usage = {""}, .options = many_options};
	struct page page = short_help(&many);

	cr_expect(eq(sz, lines_of(page.all), 24));
	has(page.all, "Usage: sockx many\n");
	has(page.all, "'sockx many --help' shows everything.\n");
	has_not(page.all, "Examples");
}

Test(help, the_long_page_has_every_option_in_its_group)
{
	struct page page = long_help(toys[TOY_SERVE]);

	has(page.all, "\nMain:\n  -m, --mode MODE");
	has(page.all, "what a client meets (default: pipe)\n");
	has(page.all, "  -4 ");
	has(page.all, "IPv4 only\n");
	has(page.all, "      --log FILE ");
	has(page.all, "\nTalk (with --mode talk):\n      --bye WORD");
	has(page.all, "the word that ends it (default: bye)\n");
}

Test(help, a_choice_lists_its_values)
{
	struct page page = long_help(toys[TOY_SERVE]);

	has(page.all, "pipe  a peer's bytes, one \"client\" for $0 [or: two]\n");
	has(page.all, "echo  send it all back\n");
}

Test(help, groups_of_one_title_stand_under_it_once)
{
	struct page page = long_help(toys[TOY_SERVE]);
	char *limits = strstr(page.all, "\nLimits:\n");

	cr_assert(limits != NULL);
	cr_expect(strstr(limits + 1, "\nLimits:\n") == NULL);
	cr_expect(strstr(limits, "--size BYTES") < strstr(limits, "\nGeneral:\n"));
	cr_expect(strstr(limits, " --watch[=BYTES] ") < strstr(limits, "\nGeneral:\n"));
	has(page.all, "\n  -d, --dump[=FILE] ");
}

Test(help, long_texts_go_on_in_their_column)
{
	has(long_help(toys[TOY_SERVE]).all,
		"  -i, --idle-timeout DUR  close a connection that has been silent for DUR, which\n"
		"                          is a text so long that it must be wrapped in any page\n"
		"                          (0: never) (default: 0)\n");
}

Test(help, a_line_may_have_80_columns_and_no_more)
{
	struct command wide = {.name = "wide", .options = many_options};
	char purpose[] = "0123456789012345678901234567890123456789 "
			 "012345678901234567890123456789012345678 x 9012345678";

	wide.purpose = purpose;
	has(short_help(&wide).all, "012345678901234567890123456789012345678\nx 9012345678\n");
	memcpy(strchr(purpose, 'x') - 1, "9 ", 2);
	has(short_help(&wide).all, "0123456789\n0123456789");
}

Test(help, all_exit_statuses_are_listed)
{
	struct page pages[] = {long_help(toys[TOY_SERVE]), overview(help_everything)};

	for (size_t i = 0; i < 2; i++) {
		has(pages[i].all, "\nExit status:\n  0  done");
		has(pages[i].all, "\n  2  wrong usage\n");
		has(pages[i].all, "\n  7  refused or unreachable\n");
		has(pages[i].all, "\n  9  the answer was wrong\n");
	}
}

Test(help, the_overview_has_each_command_and_its_first_example)
{
	struct page page = overview(help_overview);

	cr_expect(le(sz, lines_of(page.all), 24));
	has(page.all, "  serve  listen, and run a mode for every client's call\n");
	has(page.all, "  help   show what a command can do\n");
	has(page.all, "  sockx serve -p 9000  print what one client sends\n");
	has(page.all, "  sockx help serve     about the server\n");
	has(page.all, "'sockx COMMAND -h'");
	has_not(page.all, "the default port\n");
}

Test(help, everything_tells_the_forms_of_addresses)
{
	struct page page = overview(help_everything);

	has(page.all, "\nAddresses:\n  HOST PORT ");
	has(page.all, "65432");
	has(page.all, "500ms");
}
