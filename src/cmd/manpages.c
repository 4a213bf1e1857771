#include "cmd/manpages.h"

#include <string.h>

/* C17 has no #embed; the assembler's .incbin has the bytes in the program's read-only data, where
 * a run that shows no page does not pay for them. */
#define EMBED(symbol, file)                                                                  \
	__asm__(".pushsection .rodata\n" #symbol ": .incbin \"man/text/" file "\"\n" #symbol \
		"_end:\n.popsection\n");                                                     \
	extern const uint8_t symbol[], symbol##_end[]

EMBED(page_sockx, "sockx.1.txt");
EMBED(page_serve, "sockx-serve.1.txt");
EMBED(page_connect, "sockx-connect.1.txt");
EMBED(page_echo, "sockx-echo.1.txt");
EMBED(page_greet, "sockx-greet.1.txt");
EMBED(page_analyze, "sockx-analyze.1.txt");
EMBED(page_lab, "sockx-lab.7.txt");
EMBED(page_json, "sockx-json.5.txt");

static const struct manpage {
	const char *name;
	const uint8_t *begin, *end;
} manpages[] = {
	{"sockx", page_sockx, page_sockx_end},
	{"serve", page_serve, page_serve_end},
	{"connect", page_connect, page_connect_end},
	{"echo", page_echo, page_echo_end},
	{"greet", page_greet, page_greet_end},
	{"analyze", page_analyze, page_analyze_end},
	{"lab", page_lab, page_lab_end},
	{"json", page_json, page_json_end},
};

bool manpage_find(const char *name, struct span *text)
{
	for (size_t i = 0; i < sizeof(manpages) / sizeof(*manpages); i++) {
		const struct manpage *page = &manpages[i];

		if (strcmp(page->name, name) != 0)
			continue;
		*text = (struct span){page->begin, (size_t)(page->end - page->begin)};
		return true;
	}
	return false;
}

/* The line that text begins with, and its newline. */
static struct span manpages_first_line(struct span text)
{
	const uint8_t *newline = memchr(text.data, '\n', text.len);

	return (struct span){text.data, newline ? (size_t)(newline - text.data) + 1 : text.len};
}

/* Whether a line is this heading, or begins with it, where it ends in a colon. */
static bool manpages_is_heading(struct span line, const char *text)
{
	size_t len = strlen(text);
	bool whole = len == 0 || text[len - 1] != ':';

	return (whole ? line.len == len + 1 : line.len > len) && memcmp(line.data, text, len) == 0;
}

bool manpage_section(struct span page, const char *heading, struct span *text)
{
	struct span line;
	size_t blank_lines = 0;

	for (line = manpages_first_line(page); page.len && !manpages_is_heading(line, heading);
		line = manpages_first_line(page))
		page = span_from(page, line.len);
	if (!page.len)
		return false;
	*text = line;
	/* All that is indented belongs to it; blank lines do where more of it follows. */
	for (page = span_from(page, line.len); page.len; page = span_from(page, line.len)) {
		line = manpages_first_line(page);
		if (*line.data != ' ' && *line.data != '\n')
			break;
		blank_lines = *line.data == '\n' ? blank_lines + 1 : 0;
		text->len += line.len;
	}
	text->len -= blank_lines;
	return true;
}
