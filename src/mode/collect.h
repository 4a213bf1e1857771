#ifndef SOCKX_MODE_COLLECT_H
#define SOCKX_MODE_COLLECT_H

#include "mode/outlet.h"

/*
 * collect: what all clients send goes to standard output, lines of streams whole, each datagram or
 * packet a record.
 */

enum {
	COLLECT_LINE_MAX_BYTES = 64 * 1024,    /* a longer line is refused */
	COLLECT_PREFIX_READ_BYTES = 16 * 1024, /* a line of one byte grows by its prefix */
};

struct collect_conf {
	bool prefix; /* --prefix */
};

/* What is held of a client; zeroed when it comes. */
struct collect_peer {
	struct outlet_peer at;
	struct buf line; /* of a line that has not ended */
};

#endif
