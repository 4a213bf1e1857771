#ifndef SOCKX_CORE_DIAL_H
#define SOCKX_CORE_DIAL_H

#include "base/text.h"
#include "core/conn.h"
#include "core/connector.h"

/*
 * A connection to an address: the connector's race, then a connection of the caller's owner, with
 * its steps, all within one total time. Over datagrams, an address that refuses before any answer
 * has come gives way to the next one of the name (core/elsewhere.h).
 */

enum { DIAL_TYPED_MAX = ENDPOINT_HOST_MAX + ENDPOINT_PORT_MAX + 8 };

struct dial {
	/* The caller fills these. A dial has the owner's opening_ms to itself, and lives as long as
	 * its connection. */
	struct conn_owner *owner;
	struct connector_conf where;
	const struct step_entry *steps; /* in place of the owner's, or NULL */
	/* Called once, from the loop: with the connection, whose steps begin after this, or with
	 * NULL and why there is none. */
	void (*done)(struct dial *d, struct conn *made, const struct err *why);
	void *arg;
	uint64_t conn;                /* for which connection it is made, in reports; 0: for none */
	struct resolve_shared *names; /* with which it shares look-ups, or NULL */
	char typed[DIAL_TYPED_MAX];   /* room for where.typed */

	struct connector *connector; /* NULL once it has answered */
	struct resolved others;      /* where else to go, if we are refused */
	struct addr at;              /* where the connection leads; len 0: nowhere yet */
	int64_t began_ms;            /* by the loop's clock */
};

/* Begin. Returns 0, or -1 with err: then done is not called. */
int dial_start(struct dial *d, struct err *err);

/* Give up, if it is still under way: done is not called. A connection that it made is the owner's.
 */
void dial_stop(struct dial *d);

/* What is left of where.timeout_ms, which is for looking up, connecting and opening: 1 at least; 0:
 * there is no limit. */
int64_t dial_time_left_ms(const struct dial *d);

/* Make a connection of what a connector found; conn_begin is the caller's. typed: the address, for
 * messages. Returns NULL, with there's link closed and err filled, if memory is out. */
struct conn *dial_adopt(struct conn_owner *owner, const char *typed, const struct connected *there,
	struct err *err);

#endif
