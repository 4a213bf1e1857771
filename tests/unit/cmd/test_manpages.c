#include <string.h>

#include "check.h"
#include "cmd/commands.h"
#include "cmd/manpages.h"

static bool begins(struct span text, const char *start)
{
	return span_starts_with(text, span_of(start));
}

Test(manpages, every_command_but_help_has_a_page)
{
	struct span text;

	for (size_t i = 0; commands[i]; i++) {
		bool is_help = strcmp(commands[i]->name, "help") == 0;

		cr_expect(eq(int, manpage_find(commands[i]->name, &text), !is_help), "%s",
			commands[i]->name);
		cr_expect(is_help || text.data[text.len - 1] == '\n');
	}
	cr_assert(manpage_find("sockx", &text));
	cr_expect(begins(text, "SOCKX(1) "));
	cr_assert(manpage_find("lab", &text));
	cr_expect(begins(text, "SOCKX-LAB(7) "));
	cr_expect(not(manpage_find("", &text)));
}

static const char page[] = "HEAD(1)\n"
			   "\n"
			   "ONE\n"
			   "     first\n"
			   "\n"
			   "     second\n"
			   "\n"
			   "TWO\n"
			   "     TWO\n"
			   "\n"
			   "FOOT\n";

static void section_is(const char *heading, const char *expected)
{
	struct span text;

	cr_assert(manpage_section(span_of(page), heading, &text), "%s", heading);
	cr_expect(eq(sz, text.len, strlen(expected)), "%.*s", (int)text.len, text.data);
	cr_expect(begins(text, expected));
}

Test(manpages, a_section_goes_from_its_heading_to_the_next)
{
	section_is("ONE", "ONE\n     first\n\n     second\n");
	section_is("TWO", "TWO\n     TWO\n");
	section_is("FOOT", "FOOT\n");
}

Test(manpages, what_is_no_heading_begins_no_section)
{
	struct span text;

	cr_expect(not(manpage_section(span_of(page), "TW", &text)));
	cr_expect(not(manpage_section(span_of(page), "THREE", &text)));
	cr_expect(not(manpage_section(span_of(""), "ONE", &text)));
}
