/* source: RFC 864. Over a stream, bytes for as long as the client takes them; to a datagram, one of
 * its own length, so that nobody gets more of it than was sent. */
#include <stdlib.h>

#include "mode/mode.h"

enum {
	LINE_CHARS = 72,    /* RFC 864's popular pattern: 72 of the 95 printable characters, */
	PATTERN_LINES = 95, /* each line beginning one further */
	LINE_BYTES = LINE_CHARS + 2, /* and ended by CR LF */
	PATTERN_BYTES = LINE_BYTES * PATTERN_LINES,
};

/* The pattern repeats every PATTERN_BYTES. */
static void source_fill(uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		size_t line = i / LINE_BYTES % PATTERN_LINES, column = i % LINE_BYTES;

		out[i] = column == LINE_CHARS  ? '\r'
		         : column > LINE_CHARS ? '\n'
		                               : (uint8_t)(' ' + (line + column) % PATTERN_LINES);
	}
}

/* A peer knows how far into the pattern its last bytes were. */
static void source_more(struct conn *c)
{
	uint8_t pattern[PATTERN_BYTES];

	if (conn_connectionless(c))
		return; /* to answer is all there is to do */
	source_fill(pattern, sizeof(pattern));
	conn_write(c, (struct span){pattern, sizeof(pattern)});
	conn_want_drained(c);
}

static void source_answer(struct conn *c, struct span in)
{
	uint8_t *answer;

	if (!conn_connectionless(c))
		return;
	answer = malloc(in.len);
	if (answer)
		source_fill(answer, in.len);
	conn_write(c, (struct span){answer, answer ? in.len : 0});
	free(answer);
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
