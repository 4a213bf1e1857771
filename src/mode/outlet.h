#ifndef SOCKX_MODE_OUTLET_H
#define SOCKX_MODE_OUTLET_H

#include "core/join.h"
#include "tty/screen.h"
#include "mode/mode.h"

/*
 * Standard output as many clients write to it: whole records, each of one client.
 *
 * While it takes no more, streams and packets are not read, and wait at their senders. Datagrams
 * have no sender that would wait: OUTLET_DATAGRAM_BYTES of them are kept, and what comes then is
 * dropped and counted.
 */

enum { OUTLET_DATAGRAM_BYTES = 1 << 20 }; /* less with --max-memory */

struct outlet {
	struct mode_env *env;
	struct join out;      /* its `to` is standard output; NULL: it is over */
	struct screen screen; /* as the clients' bytes reach it */
	struct list clients;  /* all that are here, by outlet_peer.node, but for */
	struct list waiting;  /* ... those that are to be read once there is room */
	struct timer again;   /* there is room, and more of them wait */
	uint64_t lost;        /* records that were not written */
	struct err verdict;   /* why the run failed, or none */
	bool finishing;       /* done is called once all has been written */
};

/* A client, in what conn_peer holds of it. */
struct outlet_peer {
	struct list node;
	struct conn *c;
};

/* Open standard output; raw: a terminal gets control characters as they are. Returns 0, or -1 with
 * err. */
int outlet_begin(struct outlet *o, struct mode_env *env, bool raw, struct err *err);

/* A client is there, and has gone. */
void outlet_join(struct outlet *o, struct outlet_peer *p, struct conn *c);
void outlet_leave(struct outlet_peer *p);

/* Whether there is room for a record of c; a datagram that gets none is lost, which is counted. */
bool outlet_has_room(struct outlet *o, struct conn *c);

/* While standard output takes no more: stop reading a client that can wait, until it does. Returns
 * whether that was done. */
bool outlet_holds_up(struct outlet *o, struct outlet_peer *p);

/* Write whole records. */
void outlet_write(struct outlet *o, struct span records);

/* A record of c is lost: count it and tell. */
void outlet_lose(struct outlet *o, const struct conn *c, const char *why);

/* The run has failed: so do its clients. */
void outlet_fail(struct outlet *o, const struct err *why);

/* There are no more clients: call env->done once all has been written. */
void outlet_finish(struct outlet *o);

void outlet_end(struct outlet *o);

#endif
