#ifndef SOCKX_REPORT_TRACE_MERMAID_H
#define SOCKX_REPORT_TRACE_MERMAID_H

#include "report/trace.h"

/*
 * The calls as a sequence diagram (https://mermaid.js.org), for a text that shows such diagrams: an
 * arrow for what went to a peer or came from it, a note for what we did alone. Each line is written
 * when its call was made. Lines for a person are comments.
 */

/* A lifeline per peer, up to so many; the rest share one. */
enum { TRACE_MERMAID_PEERS = 50 };

struct trace_mermaid_peer {
	struct addr at;                    /* not named (addr_is_named): the socket tells it */
	const struct trace_socket *socket; /* the last one that led to it; it may be gone */
};

struct trace_mermaid {
	struct trace_mermaid_peer peers[TRACE_MERMAID_PEERS];
	unsigned count;
	bool others;      /* the shared lifeline is declared */
	int port_unknown; /* a descriptor bound to any port, or -1 */
};

/* Begin the diagram. we: the name of our own lifeline. m stays where it is until trace_end. */
void trace_mermaid_begin(struct trace_mermaid *m, struct trace *t, const char *we);

/* Lines as comments: struct reporter.comment. */
int trace_mermaid_comment(struct span lines, struct buf *out);

#endif
