#ifndef SOCKX_BASE_ESCAPE_H
#define SOCKX_BASE_ESCAPE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/*
 * The one way from a peer's bytes to a terminal or a log line. Printable UTF-8, tab and newline
 * pass; everything that could steer a terminal or mislead a reader is made visible as \xHH (a
 * byte), \u{HHHH} (a code point), \n, \r or \t: C0 and DEL, C1, CR that is not before LF, the
 * bidirectional controls (Unicode TR36), line and paragraph separators, what else utf8_is_hidden
 * names, and each byte of invalid UTF-8. A backslash passes as itself: a peer that spells out \x1b
 * shows no more than those four letters. All zero is a fresh one.
 */
struct escaper {
	uint8_t held[4]; /* the start of a letter or a CR whose rest has not come yet */
	uint8_t held_len;
	bool one_line; /* for log lines: newline, CR LF and tab are made visible too */
};

/* Append the visible form of in to out; an unfinished letter or a CR at its end is held for the
 * next call. Returns 0, or -1 when memory is out. */
int escape_add(struct escaper *e, struct span in, struct buf *out);

/* Nothing more will come: append the visible form of what is held; e is fresh again. Returns as
 * escape_add. */
int escape_end(struct escaper *e, struct buf *out);

/* An argument or a peer's short text as it may stand in a message: between single quotes, on one
 * line, visible, at most some 100 bytes with "..." where it was cut. Use within one expression:
 * quoted(host).text. */
struct quoted_text {
	char text[128];
};
struct quoted_text quoted(const char *text);
struct quoted_text quoted_span(struct span in);

#endif
