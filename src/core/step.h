#ifndef SOCKX_CORE_STEP_H
#define SOCKX_CORE_STEP_H

#include "core/conn.h"

/*
 * A step is what has to happen between "the socket is connected" and "the connection is open": a
 * look at an access list, a PROXY header, a TLS handshake. A connection takes the steps of its
 * owner (conn_owner.steps) in their order, clients and servers alike, and handler.open is called
 * after the last. None of them waits: one that cannot go on says what for.
 */

/* A connection that is opening, as its step sees it. */
struct opening {
	struct conn *conn; /* to be asked about itself: conn_address */
	struct link *link;
	void *conf;     /* the step's, from its entry in the list */
	uint8_t *room;  /* CONN_READ_BYTES for reads, not held over a turn */
	void *state;    /* the step's own: NULL when it begins, freed by its release */
	uint32_t waits; /* with IO_AGAIN: for EPOLLIN (as unless set), EPOLLOUT, or both */
	enum io ahead;  /* what was read and not for a step: IO_DONE and so many bytes of room, ...
	                 */
	size_t ahead_len; /* ... IO_EOF, IO_FAIL, or IO_AGAIN for nothing. It is the handler's */
};

struct step {
	const char *name; /* "tls": as messages call it */
	/* Go on, as far as it can. IO_DONE: the next step. IO_AGAIN: call again once what it waits
	 * for is there; the link must have said so first, for epoll may tell of it only once.
	 * IO_FAIL: the connection is given up; link->error or link_fail_with says why. */
	enum io (*go)(struct opening *o);
	enum fact late; /* what it may be that it was not over in time; 0: no more is known */
	/* The step is over, or its connection: free state. NULL: there is none. */
	void (*release)(void *state);
};

/* Read once into o->room: what a step before it read too much comes first. Bytes that are not for
 * the step either go back by link_unread. */
enum io opening_read(struct opening *o, size_t size, size_t *got);

/* What was read ahead goes back to the link, for a step that puts a layer over it. Returns 0, or an
 * errno. */
int opening_give_back(struct opening *o);

/* An entry in a list of steps. */
struct step_entry {
	const struct step *step; /* NULL: the list ends */
	void *conf;              /* what it goes by: an access list, a name to check */
};

/* The first of a server's steps: it fails if the client was reset before it was accepted. */
extern const struct step step_not_reset;

#endif
