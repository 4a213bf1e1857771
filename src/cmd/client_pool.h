#ifndef SOCKX_CMD_CLIENT_POOL_H
#define SOCKX_CMD_CLIENT_POOL_H

#include "cmd/client.h"
#include "report/report.h"

/*
 * More connections to the address that answered a client's first one, under the same owner and with
 * the same handler. They are opened gently, a few at a time: an accept queue may hold but ten, and
 * what it drops costs the one who waits a second.
 */

/* As many as may be on their way at once; one where nothing tells a server that they come. */
enum { CLIENT_POOL_AT_ONCE = 8 };

struct client_pool;

struct client_pool_place {
	struct client_pool *of;
	struct connector *connector; /* NULL: the place is free */
};

struct client_pool {
	struct client *client;
	uint64_t wanted; /* connections in all, the client's first included */
	/* One more cannot be opened: called once. */
	void (*failed)(struct client_pool *p, const struct err *why);
	uint64_t begun, up;
	bool over;               /* no more are begun */
	struct reporter quieter; /* tells no more of each than it was asked to */
	struct connector_conf where;
	struct client_pool_place places[CLIENT_POOL_AT_ONCE];
};

/* Whether so many connections can be open at once; else err is filled, before anything is opened.
 * Returns 0, or -1. */
int client_pool_check(const struct client *c, uint64_t wanted, struct err *err);

/* The caller has filled client, wanted and failed, the rest zero, and the client's first connection
 * is begun. Tell of each connection that is up, and more are begun. */
void client_pool_up(struct client_pool *p);

/* Begin no more, and give up those on their way. */
void client_pool_end(struct client_pool *p);

#endif
