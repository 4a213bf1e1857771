#ifndef SOCKX_CORE_CONNECTOR_H
#define SOCKX_CORE_CONNECTOR_H

#include "core/link.h"
#include "os/loop.h"
#include "core/resolve.h"

/*
 * A client's way to a connected link: look the name up, then race its addresses as RFC 8305
 * sections 4 and 5 say, all within one total time.
 */

struct connector_conf {
	const struct transport *via;
	struct resolve_query target;
	struct addr at;    /* where to, with nothing to look up; len 0: to target */
	const char *typed; /* the address as the user wrote it, for messages */
	struct dial_conf from;
	bool one_way;       /* no answer is awaited: a group or broadcast address will do */
	int64_t timeout_ms; /* in all; 0: none */
	/* Once one address has refused and all have been tried, how long the silent ones are waited
	 * for: a caller that tries again is to ask the others again soon. 0: as long as it takes.
	 */
	int64_t patience_ms;
};

struct connector;

/* What done gets: a connected link and its address, with those that were not tried (no more are
 * needed but where nothing tells a connection from none); or why there is none. */
struct connected {
	struct link link;
	struct addr at;
	struct resolved others;
};

/* Begin. done is called once, from the loop: with what there is, or with why there is none
 * (ERR_NAME, ERR_REFUSED, ERR_TIMEOUT, ERR_RUNTIME for the source, ERR_USAGE). The connector is
 * gone after it. conf is copied; its texts must live as long. Returns NULL with err
 * filled if it cannot begin. */
struct connector *connector_start(struct loop *loop, struct reporter *to,
	const struct connector_conf *conf,
	void (*done)(void *arg, const struct connected *there, const struct err *why), void *arg,
	struct err *err);

/* What it is at, as a phrase: "looking up its name", "connecting". */
const char *connector_stage(const struct connector *c);

/* Give up; done is not called. Not to be called from done. */
void connector_cancel(struct connector *c);

/* Connect link to the first of the addresses to which that can begin at once, and take it and those
 * before it out. Returns false, with err, if there is none. */
bool connector_next(struct reporter *to, const struct connector_conf *conf,
	struct resolved *addresses, struct link *link, struct addr *at, struct err *err);

/* For tests: RFC 8305 section 4: alternate the families, beginning with that of the first address,
 * and keep the order within each. */
void connector_interleave(struct resolved *addresses);

#endif
