/* source: RFC 864 over any stream: bytes for as long as the client takes them. */
#include "mode/mode.h"

enum {
	LINE_CHARS = 72,    /* RFC 864's popular pattern: 72 of the 95 printable characters, */
	PATTERN_LINES = 95, /* each line beginning one further */
	LINE_BYTES = LINE_CHARS + 2, /* and ended by CR LF */
	PATTERN_BYTES = LINE_BYTES * PATTERN_LINES,
};

/* The pattern repeats every PATTERN_BYTES; a peer knows how far into it its last bytes were. */
static void source_more(struct conn *c)
{
	uint8_t pattern[PATTERN_BYTES];

	for (size_t i = 0; i < PATTERN_BYTES; i++) {
		size_t line = i / LINE_BYTES, column = i % LINE_BYTES;

		pattern[i] = column == LINE_CHARS ? '\r'
		             : column > LINE_CHARS
		                     ? '\n'
		                     : (uint8_t)(' ' + (line + column) % PATTERN_LINES);
	}
	conn_write(c, (struct span){pattern, sizeof(pattern)});
	conn_want_drained(c);
}

/* That the client sends no more is no reason to stop: it may have had nothing to say. */
static void source_goes_on(struct conn *c)
{
	(void)c;
}

const struct mode mode_source = {
	.name = "source",
	.summary = "send printable characters without end",
	.on = {.open = source_more, .drained = source_more, .eof = source_goes_on},
};
