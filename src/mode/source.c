/* source: RFC 864. Over a stream, bytes for as long as the client takes them; to a datagram, one of
 * its own length, so that nobody gets more of it than was sent. */
#include "mode/mode.h"

enum {
	LINE_CHARS = 72,    /* RFC 864's popular pattern: 72 of the 95 printable characters, */
	PATTERN_LINES = 95, /* each line beginning one further */
	LINE_BYTES = LINE_CHARS + 2, /* and ended by CR LF */
	PATTERN_BYTES = LINE_BYTES * PATTERN_LINES,
};

static uint8_t pattern_at(size_t i)
{
	size_t line = i / LINE_BYTES % PATTERN_LINES, column = i % LINE_BYTES;

	if (column == LINE_CHARS)
		return '\r';
	return column > LINE_CHARS ? '\n' : (uint8_t)(' ' + (line + column) % PATTERN_LINES);
}

/* The pattern repeats every PATTERN_BYTES; a peer knows how far into it its last bytes were. */
static void source_more(struct conn *c)
{
	uint8_t pattern[PATTERN_BYTES];

	if (conn_connectionless(c))
		return; /* to answer is all there is to do */
	for (size_t i = 0; i < PATTERN_BYTES; i++)
		pattern[i] = pattern_at(i);
	conn_write(c, (struct span){pattern, sizeof(pattern)});
	conn_want_drained(c);
}

static void source_answer(struct conn *c, struct span in)
{
	struct buf answer = {0};

	if (!conn_connectionless(c))
		return;
	if (buf_reserve(&answer, in.len) == 0)
		for (size_t i = 0; i < in.len; i++)
			buf_add(&answer, (struct span){&(uint8_t){pattern_at(i)}, 1});
	conn_write(c, buf_span(&answer));
	buf_free(&answer);
}

/* That the client sends no more is no reason to stop: it may have had nothing to say. */
static void source_goes_on(struct conn *c)
{
	(void)c;
}

const struct mode mode_source = {
	.name = "source",
	.summary = "send printable characters without end",
	.on = {.open = source_more,
		.data = source_answer,
		.drained = source_more,
		.eof = source_goes_on},
	.amplifies = true,
};
