#include "cli/colour.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* ECMA-48 SGR. */
#define BOLD  "\033[1m"
#define CYAN  "\033[36m"
#define PLAIN "\033[0m"

bool colour_choice(size_t i, struct opt_choice *out)
{
	static const struct opt_choice choices[] = {
		{"auto", "on a terminal, unless NO_COLOR is set"}, {"always", "everywhere"},
		{"never", "nowhere"}};

	if (i >= sizeof(choices) / sizeof(*choices))
		return false;
	*out = choices[i];
	return true;
}

static const char *set_to(const char *variable)
{
	const char *value = getenv(variable);

	return value && *value ? value : NULL;
}

bool colour_wanted(const char *when, bool terminal)
{
	const char *force = set_to("CLICOLOR_FORCE"), *kind = set_to("TERM");

	if (when && strcmp(when, "auto") != 0)
		return strcmp(when, "always") == 0;
	if (set_to("NO_COLOR"))
		return false;
	if (force && strcmp(force, "0") != 0)
		return true;
	return terminal && kind && strcmp(kind, "dumb") != 0;
}

/* How many bytes of a line one colour takes from where the line begins to be more than blanks. */
struct stretch {
	const char *colour; /* NULL: none */
	size_t len;
};

/* "Usage:" and "EXIT STATUS", but not "Print what comes back." */
static struct stretch heading(const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len);
	size_t i = 0;

	if (colon && !memchr(line, ' ', (size_t)(colon - line)))
		return (struct stretch){BOLD, (size_t)(colon - line) + 1};
	if (colon == line + len - 1)
		return (struct stretch){BOLD, len};
	while (i < len && !islower((unsigned char)line[i]))
		i++;
	return (struct stretch){i == len ? BOLD : NULL, len};
}

/* "-p, --port PORT" of "-p, --port PORT  a number": up to the first two blanks. */
static size_t left_column(const char *line, size_t len)
{
	for (size_t i = 0; i + 1 < len; i++)
		if (line[i] == ' ' && line[i + 1] == ' ')
			return i;
	return len;
}

/* Help sets entries in by 2, or 6 for an option without a letter; a manual its options by 5, its
 * inner headings by 3. */
static struct stretch stretch_of(const char *line, size_t blanks, size_t len)
{
	bool option =
		len > 1 && line[0] == '-' && (isalnum((unsigned char)line[1]) || line[1] == '-');

	if (blanks == 0)
		return heading(line, len);
	if (blanks == 2 || option)
		return (struct stretch){CYAN, left_column(line, len)};
	return (struct stretch){blanks == 3 ? BOLD : NULL, len};
}

static int add(struct buf *out, const char *text, size_t len)
{
	return buf_add(out, (struct span){(const uint8_t *)text, len});
}

static int add_line(struct buf *out, const char *line, size_t len)
{
	size_t blanks = 0;
	struct stretch s;

	while (blanks < len && line[blanks] == ' ')
		blanks++;
	if (blanks == len)
		return add(out, line, len);
	s = stretch_of(line + blanks, blanks, len - blanks);
	if (!s.colour)
		return add(out, line, len);
	if (add(out, line, blanks) < 0 || buf_puts(out, s.colour) < 0 ||
		add(out, line + blanks, s.len) < 0 || buf_puts(out, PLAIN) < 0)
		return -1;
	return add(out, line + blanks + s.len, len - blanks - s.len);
}

int colour_page(struct span text, struct buf *out)
{
	const char *line = (const char *)text.data, *end = line + text.len;

	while (line < end) {
		const char *newline = memchr(line, '\n', (size_t)(end - line));
		size_t len = (size_t)((newline ? newline : end) - line);

		if (add_line(out, line, len) < 0 || (newline && buf_puts(out, "\n") < 0))
			return -1;
		line += len + (newline != NULL);
	}
	return 0;
}
