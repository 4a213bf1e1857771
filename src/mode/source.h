#ifndef SOCKX_MODE_SOURCE_H
#define SOCKX_MODE_SOURCE_H

#include "mode/mode.h"

enum {
	SOURCE_LINE_CHARS = 72, /* RFC 864's popular pattern: 72 of the 95 printable characters, */
	SOURCE_LINES = 95,      /* each line beginning one further */
	SOURCE_LINE_BYTES = SOURCE_LINE_CHARS + 2, /* and ended by CR LF */
	SOURCE_PATTERN_BYTES = SOURCE_LINE_BYTES * SOURCE_LINES,
	SOURCE_PIECE_BYTES = SOURCE_PATTERN_BYTES * 37, /* offered to the kernel at a time */
};

/* The pattern over and over, so that a piece can begin anywhere in it. */
struct source_run {
	uint8_t bytes[SOURCE_PIECE_BYTES + SOURCE_PATTERN_BYTES];
};
_Static_assert(sizeof(struct source_run) >= CONN_READ_BYTES, "there is an answer to any datagram");

struct source_peer {
	uint32_t at; /* how far into the pattern the bytes were that it has been sent */
};

#endif
