#ifndef SOCKX_CORE_SESSION_H
#define SOCKX_CORE_SESSION_H

#include "core/sessions.h"

/* What sessions.c (what comes), session_table.c (who there is) and session_answer.c (what goes out)
 * share. Everybody else: core/sessions.h. */

enum {
	SESSION_OUT_BYTES = 512 << 10, /* answers collected before they are sent */
	/* A socket without a connection is always writable, even if a peer's queue is full: when to
	 * try again, twice as late each time. */
	SESSION_WAIT_FIRST_MS = 1,
	SESSION_WAIT_LAST_MS = 64,
};

/* What stands for a peer. It is its link's, by link.held. There may be many: its addresses are kept
 * as short as they are. */
struct session {
	struct list chain; /* first: freeing is by it */
	struct list heard;
	struct sessions *of;
	struct conn *conn;     /* NULL while it is being made */
	const char *forbidden; /* why its last datagram must not be answered, or NULL */
	int fd;                /* the socket its last datagram came to */
	int hops, onward_hops; /* as struct datagram has them */
	bool unwilling;        /* its connection wants no input */
	uint8_t local_len, peer_len;
	uint8_t local[sizeof(struct sockaddr_in6)]; /* the address it asked last */
	uint8_t peer[];
};

static inline struct span session_peer(const struct session *s)
{
	return (struct span){s->peer, s->peer_len};
}

/* Count what is dropped, and tell of it. */
void session_drop(
	struct sessions *ss, enum drop_kind kind, const struct addr *peer, const char *why);

/* Returns 0, or -1 when memory is out. */
int session_table_init(struct sessions *ss);

/* The session of a peer, or NULL. */
struct session *session_find(const struct sessions *ss, const struct addr *peer);

/* Into the table, by its address; and out of it: the next datagram of its peer begins anew. */
void session_insert(struct sessions *ss, struct session *s);
void session_remove(struct session *s);

/* Its connection wants input, or none. */
void session_set_unwilling(struct session *s, bool unwilling);

/* What sessions' links are moved by; their longest message is the transport's. */
extern const struct transport session_row;

/* Send all answers that have been collected. */
void session_flush(struct sessions *ss);

/* Errors that befell what was sent before. Each concerns one peer. */
void session_take_failures(struct sessions *ss, int fd);

/* The timer of sessions.retry: there may be room again. */
void session_on_retry(struct timer *t);

#endif
