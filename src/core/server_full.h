#ifndef SOCKX_CORE_SERVER_FULL_H
#define SOCKX_CORE_SERVER_FULL_H

#include "core/server.h"

/* What a server reports when it can take no more clients: once, and that it can again. A limit at
 * which one client leaves and the next takes its place is one such period. Where clients are served
 * one at a time, it is not reported: that is what was asked for.
 *
 * In such a period, as long as a client waits to be accepted, the one that owes a message and has
 * been silent for longest gives its place, if it was silent for 10 seconds. */

/* Returns 0, or -1 when memory is out. */
int server_full_init(struct server *s);
void server_full_free(struct server *s);

/* Accepting failed for a lack of ours: tell, unless it is known. */
void server_full_lack(struct server *s, const struct addr *at, int error);

/* The number of clients, or s->starved, has changed. */
void server_full_review(struct server *s);

#endif
