#include "tty/cluster.h"

#include <unigbrk.h>
#include <uniwidth.h>

#include "base/utf8.h"

enum { ZERO_WIDTH_JOINER = 0x200d, FIRST_REGIONAL = 0x1f1e6, LAST_REGIONAL = 0x1f1ff };

static size_t cluster_code_start(struct span text, size_t before)
{
	do {
		before--;
	} while (before && (text.data[before] & 0xc0) == 0x80);
	return before;
}

static uint32_t cluster_code_at(struct span text, size_t at)
{
	uint32_t code = 0;

	utf8_decode(span_from(text, at), &code);
	return code;
}

static bool cluster_is_regional(uint32_t code)
{
	return code >= FIRST_REGIONAL && code <= LAST_REGIONAL;
}

/* Whether a cluster ends between two code points, whatever stands before them. Flags and joined
 * emoji depend on more: GB11 to GB13. */
static bool cluster_surely_ends(uint32_t a, uint32_t b)
{
	if (a < 0x80 && b < 0x80)
		return true; /* there is no CR LF here */
	if (a == ZERO_WIDTH_JOINER || (cluster_is_regional(a) && cluster_is_regional(b)))
		return false;
	return uc_is_grapheme_break(a, b);
}

/* u8_grapheme_next and _prev look at two code points at a time, which splits flags and joined
 * emoji; u8_grapheme_breaks sees all that it is given. */
static void cluster_find_breaks(struct span run, char breaks[CLUSTER_MAX_BYTES])
{
	u8_grapheme_breaks(run.data, run.len, breaks);
}

size_t cluster_next(struct span text, size_t at)
{
	char breaks[CLUSTER_MAX_BYTES];
	struct span run = span_from(text, at);

	if (run.len > 1 && run.data[0] < 0x80 && run.data[1] < 0x80)
		return at + 1;
	if (run.len > CLUSTER_MAX_BYTES) {
		run.len = CLUSTER_MAX_BYTES;
		while ((run.data[run.len] & 0xc0) == 0x80)
			run.len--;
	}
	cluster_find_breaks(run, breaks);
	for (size_t i = 1; i < run.len; i++)
		if (breaks[i])
			return at + i;
	return at + run.len;
}

size_t cluster_prev(struct span text, size_t at)
{
	char breaks[CLUSTER_MAX_BYTES];
	size_t start, last, i;

	if (at == 0)
		return 0;
	start = last = cluster_code_start(text, at);
	while (start) {
		size_t before = cluster_code_start(text, start);

		if (at - before > CLUSTER_MAX_BYTES ||
			cluster_surely_ends(
				cluster_code_at(text, before), cluster_code_at(text, start)))
			break;
		start = before;
	}
	if (start == last)
		return start;
	cluster_find_breaks((struct span){text.data + start, at - start}, breaks);
	for (i = last - start; i > 0 && !breaks[i]; i--)
		;
	return start + i;
}

size_t code_width(uint32_t code)
{
	int width = code < 0x7f ? 1 : uc_width(code, "UTF-8");

	return width > 0 ? (size_t)width : 0;
}
