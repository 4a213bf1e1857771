#ifndef SOCKX_CORE_CONNECTOR_H
#define SOCKX_CORE_CONNECTOR_H

#include "core/link.h"
#include "core/loop.h"
#include "core/resolve.h"

/*
 * A client's way to a connected link: look the name up, then race its addresses as RFC 8305
 * sections 4 and 5 say, all within one total time.
 */

struct connector_conf {
	const struct transport *via;
	struct resolve_query target;
	const char *typed;  /* the address as the user wrote it, for messages */
	struct addr source; /* len 0: any */
	int64_t timeout_ms; /* in all; 0: none */
};

struct connector;

/* Begin. done is called once, from the loop: with a connected link and its address, or with why
 * there is none (ERR_NAME, ERR_REFUSED, ERR_TIMEOUT, ERR_RUNTIME for the source, ERR_USAGE). The
 * connector is gone after it. conf is copied; its texts must live as long. Returns NULL with err
 * filled if it cannot begin. */
struct connector *connector_start(struct loop *loop, struct reporter *to,
	const struct connector_conf *conf,
	void (*done)(
		void *arg, const struct link *link, const struct addr *at, const struct err *why),
	void *arg, struct err *err);

/* Give up; done is not called. Not to be called from done. */
void connector_cancel(struct connector *c);

/* For tests: RFC 8305 section 4: alternate the families, beginning with that of the first address,
 * and keep the order within each. */
void connector_interleave(struct resolved *addresses);

#endif
