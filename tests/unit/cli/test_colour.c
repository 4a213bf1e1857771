#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "cli/colour.h"

static void environment(const char *no_color, const char *force, const char *term)
{
	setenv("NO_COLOR", no_color, 1);
	setenv("CLICOLOR_FORCE", force, 1);
	setenv("TERM", term, 1);
}

Test(colour, a_terminal_with_colours_has_them)
{
	environment("", "", "xterm");
	cr_expect(colour_wanted(NULL, true));
	cr_expect(colour_wanted("auto", true));
	cr_expect(not(colour_wanted("auto", false)));
	environment("", "", "dumb");
	cr_expect(not(colour_wanted(NULL, true)));
	environment("", "", "");
	cr_expect(not(colour_wanted(NULL, true)));
}

Test(colour, the_environment_forbids_before_it_forces)
{
	environment("1", "", "xterm");
	cr_expect(not(colour_wanted(NULL, true)));
	environment("", "1", "dumb");
	cr_expect(colour_wanted(NULL, false));
	environment("", "0", "xterm");
	cr_expect(not(colour_wanted(NULL, false)));
	environment("1", "1", "xterm");
	cr_expect(not(colour_wanted(NULL, true)));
}

Test(colour, what_was_typed_counts_before_the_environment)
{
	environment("1", "", "dumb");
	cr_expect(colour_wanted("always", false));
	environment("", "1", "xterm");
	cr_expect(not(colour_wanted("never", true)));
}

Test(colour, the_choices_are_what_it_understands)
{
	struct opt_choice choice;

	for (size_t i = 0; i < 3; i++)
		cr_assert(colour_choice(i, &choice));
	cr_expect(not(colour_choice(3, &choice)));
}

static void becomes(const char *page, const char *expected)
{
	struct buf b = {0};

	cr_assert(eq(int, colour_page(span_of(page), &b), 0));
	cr_assert(eq(int, buf_add(&b, (struct span){(const uint8_t *)"", 1}), 0));
	cr_expect(eq(str, (char *)buf_span(&b).data, (char *)expected));
	buf_free(&b);
}

Test(colour, headings_are_bold)
{
	becomes("Examples:\n", "\033[1mExamples:\033[0m\n");
	becomes("Data (with --mode pipe):\n", "\033[1mData (with --mode pipe):\033[0m\n");
	becomes("Usage: sockx serve\n", "\033[1mUsage:\033[0m sockx serve\n");
	becomes("EXIT STATUS\n", "\033[1mEXIT STATUS\033[0m\n");
	becomes("   Address\n", "   \033[1mAddress\033[0m\n");
}

Test(colour, what_stands_in_a_left_column_is_coloured)
{
	becomes("  -p, --port PORT  a number\n", "  \033[36m-p, --port PORT\033[0m  a number\n");
	becomes("      --top N  a few\n", "      \033[36m--top N\033[0m  a few\n");
	becomes("     -H, --host HOST\n", "     \033[36m-H, --host HOST\033[0m\n");
	becomes("  serve    listen\n", "  \033[36mserve\033[0m    listen\n");
}

Test(colour, prose_stays_as_it_is)
{
	static const char *const lines[] = {"Print what comes back.\n", "",
		"     - a point of a list\n", "\n", "                   its port\n",
		"     A server is ready: nothing is refused.\n", "no end of line"};

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		becomes(lines[i], lines[i]);
}
