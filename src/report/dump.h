#ifndef SOCKX_REPORT_DUMP_H
#define SOCKX_REPORT_DUMP_H

#include "report/report.h"

/* Where a run shows the bytes that its connections send and receive, if it does. */

/* Bytes that were received from a peer, or that the transport took to be sent to it. */
struct dump_piece {
	uint64_t conn; /* its connection's number in reports */
	bool onward;   /* ... among those that a server itself has made, for its clients */
	bool sent;     /* else received */
	bool whole;    /* it is one message, be it empty */
	uint64_t at;   /* which place its first byte has in all that went this way; of a message, 0
	                */
	struct span bytes;
};

struct dump {
	void (*show)(struct dump *d, const struct dump_piece *piece);
	/* What it keeps and writes when the loop's turn ends; again NULL: it keeps nothing. */
	struct report_late late;
};

#endif
