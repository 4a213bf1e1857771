#ifndef SOCKX_CORE_SESSIONS_H
#define SOCKX_CORE_SESSIONS_H

#include "base/hash.h"
#include "core/conn.h"

/*
 * The peers of sockets without connections. Each peer that a datagram came from is a session: a
 * connection whose link has no descriptor of its own. What comes for it is delivered, what it
 * writes goes out by the socket its last datagram came to, from the address that was asked.
 *
 * Bounds: so many sessions as max says; 64 datagrams are taken a turn; what was answered in a turn
 * goes out together at its end.
 */

/* What befalls datagrams that should have gone on; each is counted. */
enum drop_kind {
	DROP_UNANSWERED,  /* the answer: the transport forbids it (a loop) */
	DROP_NO_ROOM,     /* the answer: the kernel or the peer has no room for it */
	DROP_TURNED_AWAY, /* a peer's: there is no place for it, or for more of what it sends */
	DROP_CUT,         /* a peer's: it was longer than we can take */
	DROP_KINDS
};

struct sessions_conf {
	const struct transport *via;
	struct conn_owner *owner; /* of the connections: welcome makes them */
	size_t max;               /* not 0 */
	/* At max, the peer not heard for longest makes place for a new one. Else it is turned away,
	 * and a session that wants no input makes its socket wait. */
	bool replaces;
	/* There is one session at a time: what it writes waits for room. Else it is dropped where
	 * there is none, for waiting would let one peer hold up the others. */
	bool waits;
	/* A peer's first datagram came: make its connection of link and announce it, or return
	 * NULL to turn it away. */
	struct conn *(*welcome)(void *arg, const struct link *link, const struct addr *peer);
	/* sessions_blocked has changed. */
	void (*changed)(void *arg);
	void *arg;
};

enum { SESSIONS_BATCH = 64 };

struct sessions {
	struct sessions_conf conf;
	struct hash_key key;
	struct list *chains; /* chain_count of them, a power of two */
	size_t chain_count, count;
	struct list heard; /* all sessions, the one not heard for longest first */
	size_t unwilling;  /* sessions that want no input */
	struct datagram in[SESSIONS_BATCH], out[SESSIONS_BATCH];
	size_t in_count;  /* how many fit in_room */
	size_t in_ask;    /* how many are asked for next */
	size_t out_count; /* waiting to be sent, all by out_fd */
	uint8_t *in_room, *out_room;
	size_t out_used; /* bytes of out_room */
	int out_fd;
	bool in_turn;            /* answers wait for the end of the turn */
	struct session *waiting; /* for room, where conf.waits */
	uint32_t wait_ms;        /* ... and how long the next time */
	struct timer retry;      /* ... and until when */
	uint64_t drops[DROP_KINDS];
};

/* Returns 0, or -1 when memory is out: then there is nothing to free. */
int sessions_init(struct sessions *ss, const struct sessions_conf *conf);

/* The loop tells events of a socket bound to own: take what has come, deliver it and send what was
 * answered. Returns 0, or the errno of a lack of ours (ENOMEM, ENOBUFS). */
int sessions_receive(struct sessions *ss, const struct listening *socket, const struct addr *own,
	uint32_t events);

/* The one peer there is takes no input now: do not wait for any. */
bool sessions_blocked(const struct sessions *ss);

/* The connections must have gone before. */
void sessions_free(struct sessions *ss);

#endif
