#ifndef SOCKX_MODE_SOURCE_H
#define SOCKX_MODE_SOURCE_H

#include "mode/mode.h"

enum {
	SOURCE_LINE_CHARS = 72, /* RFC 864's popular pattern: 72 of the 95 printable characters, */
	SOURCE_LINES = 95,      /* each line beginning one further */
	SOURCE_LINE_BYTES = SOURCE_LINE_CHARS + 2, /* and ended by CR LF */
	SOURCE_PATTERN_BYTES = SOURCE_LINE_BYTES * SOURCE_LINES,
	/* Offered to the kernel at a time: it stays in a processor's cache, and twice as much takes
	 * a quarter more of its time. */
	SOURCE_PIECE_BYTES = SOURCE_PATTERN_BYTES * 18,
};

/* The pattern over and over: a piece can begin anywhere in it, and the answer to any datagram is
 * its beginning. */
struct source_run {
	uint8_t bytes[SOURCE_PATTERN_BYTES * 38];
};
_Static_assert(sizeof(struct source_run) >= SOURCE_PIECE_BYTES + SOURCE_PATTERN_BYTES &&
		       sizeof(struct source_run) >= CONN_READ_BYTES,
	"all of these have room");

struct source_peer {
	uint32_t at; /* how far into the pattern the bytes were that it has been sent */
};

#endif
