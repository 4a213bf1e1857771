#ifndef SOCKX_MODE_RELAY_H
#define SOCKX_MODE_RELAY_H

#include "core/join.h"
#include "mode/mode.h"

/*
 * relay: each client gets a connection of its own to the target, and the two are joined both ways.
 *
 *   client --> near.join --> target
 *   client <-- far.join  <-- target
 *
 * Nothing is read of a client before its target is there, so that what it sends waits with it. Each
 * direction's end is passed on by itself, once what came before it has gone. A side that is over
 * takes the other with it: one that was lost fails it (conn_fail).
 */

struct relay_run {
	struct mode_env *env;
	struct target *targets; /* in the order typed */
	size_t target_count;
	struct resolve_shared names; /* of the targets, being looked up */
	struct conn_owner far;       /* of the connections to them */
	struct list pairs;
	struct timer patience; /* told to stop: how long the targets may take what they are owed */
	struct err verdict;    /* why the first that was lost was, where the run vouches */
	uint64_t looped;       /* datagrams that were not passed on, having no hops left */
	bool stopping;         /* an end is then no failure ... */
	int64_t stop_at_ms;    /* ... and what is owed is dropped from then on */
	bool finishing;        /* done is called once no pair is left */
};

/* One of the two connections, and what comes from it. */
struct relay_side {
	struct relay_pair *pair;
	struct relay_side *other;
	struct conn *conn; /* NULL: it is not there yet, or over */
	struct join join;  /* to the other side */
	int hops;          /* what is passed on may travel so many; 0: as usual */
	bool flows;        /* FLOW_BYTES or more came at a time */
	bool hung_up;      /* while it is not read, it seems to be lost */
};

/* The way to the target, until it has been reached; over datagrams, as long as the connection. */
struct relay_call {
	struct list node; /* first: loop_bury frees it */
	struct relay_pair *pair;
	struct dial dial;
	size_t tried; /* targets */
};

/* A client and what it is joined to; it is freed once neither is left. */
struct relay_pair {
	struct list node; /* first: loop_bury frees it */
	struct relay_run *run;
	struct relay_side near, far;
	struct relay_call *call; /* NULL: it is over */
	bool moved;              /* a byte did, on a side that is over */
};

static inline struct relay_side *relay_side_of(struct conn *c)
{
	struct relay_side **side = conn_peer(c);

	return *side;
}

/* ---- relay_end.c ---- */

/* A side's connection is over, for why, or in order. */
void relay_side_gone(struct relay_side *side, const struct err *why);

/* What happens to a side: of struct handler. */
void relay_closed(struct conn *c, const struct err *why);
void relay_hung_up(struct conn *c);
void relay_later(struct conn *c);

/* A reason that is about the other side, for a report: whole, as it names that side. */
struct err relay_reason(const struct err *why);

/* The way to the target is over, or given up. */
void relay_drop_call(struct relay_pair *p);

/* Free it when the turn ends; its connections have gone. */
void relay_forget(struct relay_pair *p);

/* Of struct mode. */
void relay_stopping(struct mode_env *env);
void relay_finish(struct mode_env *env);

/* We stop, and it is time: what is owed to targets that do not take it is dropped. */
void relay_on_patience_over(struct timer *t);

#endif
