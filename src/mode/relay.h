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
	struct conn_owner far; /* of the connections to them */
	struct list pairs;
	struct timer patience; /* told to stop: how long the targets may take what they are owed */
	struct err verdict;    /* why the first that was lost was, where the run vouches */
	bool stopping;         /* an end is then no failure ... */
	int64_t stop_at_ms;    /* ... and what is owed is dropped from then on */
	bool finishing;        /* done is called once no pair is left */
	bool told;             /* ... and has been */
};

#endif
