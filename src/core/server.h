#ifndef SOCKX_CORE_SERVER_H
#define SOCKX_CORE_SERVER_H

#include "core/peers.h"
#include "core/sessions.h"
#include "core/step.h"

/*
 * A server: sockets that listen, the clients they bring, and when it ends. Accepting never spins
 * and never ends for one client's sake: when the limit is reached, or descriptors or memory are
 * out, new clients wait in the kernel's backlog. Over a transport without connections the clients
 * are sessions, and a limit is kept by forgetting the one not heard for longest.
 */

enum {
	SERVER_LISTENERS_MAX = 64,
	SERVER_SESSIONS_MAX = 65536, /* at once, unless max_conns says otherwise */
	SERVER_STEPS_MAX = 4,
	SERVER_OPENING_MS = 10000, /* how long a client may take for its steps */
	SERVER_STOP_MS = 2000,     /* what stopping gives to bytes still queued */
};

struct server_conf {
	const struct transport *via;
	const char *mode;      /* its name, for the "listening" line */
	const struct addr *at; /* where to listen: all on one port number */
	size_t at_count;
	/* Descriptors of sockets that listen at these addresses already: of the first, and so on.
	 * They are the server's to close. 0: it makes its own. */
	int adopts;
	bool any; /* at is every address: a machine without IPv6 is served without */
	struct listen_conf listen;
	size_t max_conns;          /* at once; 0: what the descriptor limit allows */
	size_t client_descriptors; /* ... where a client costs so many, beside its socket */
	size_t max_per_peer; /* ... of one host; 0: any number. Not for transports with sessions */
	bool untouched;      /* nothing is read of a client before it is open */
	bool keeps_all;      /* what comes goes to standard output: a loss is reported always */
	bool exclusive;      /* a client keeps its place: no session is forgotten for another */
	uint64_t exit_after; /* end after so many clients, and listen until they count; 0: never */
	const char *layer;   /* what the steps put over each connection ("tls"); NULL: nothing */
	const char *pin;     /* ... and how clients know its key; NULL: they do not */
	struct step_entry steps[SERVER_STEPS_MAX]; /* what a client does before it is served, up
	                                            * to one without a step */
};

struct listener {
	struct watch watch;
	struct server *of;
	struct listening socket;
	struct addr at; /* as bound: with the real port */
};

struct server {
	struct server_conf conf;
	struct step_entry steps[SERVER_STEPS_MAX + 3]; /* all that a client takes */
	struct conn_owner
		clients; /* loop, to, room, on, ctx, idle_ms: the caller fills them first */
	struct listener listeners[SERVER_LISTENERS_MAX];
	size_t listening;
	size_t tried;              /* of conf.at: those that listen, or are not missed */
	struct timer listen_again; /* while a place cannot be had yet */
	int64_t listen_until_ms;   /* ... and when it is given up */
	struct peers peers;
	struct sessions sessions; /* in use where conf.via has receive */
	struct timer retry;       /* while accepting is paused */
	struct timer stop_limit;  /* while stopping */
	bool starved;             /* accepting is paused until a descriptor or memory is free */
	bool paused_told;         /* that, or that all places are taken, has been reported */
	bool most_by_descriptors; /* conf.max_conns is what the descriptor limit allows */
	struct timer silent;  /* while it is full: the next look for one that may give its place */
	struct timer resumed; /* until it is reported that there are places again */
	bool stopping;
	enum err_kind stop_kind; /* ... and what it is called where stopping loses something */
	bool enough;             /* server_enough was called */
	uint64_t served;         /* clients that came and went and count for exit_after */
	uint64_t counting;       /* ... those that are here and will */
	uint64_t received, sent; /* bytes, of the clients that are gone */
	uint64_t missed;         /* datagrams that the kernel had no room for */
	struct link_path path;   /* of the client that ended last, where reports want it */
	uint64_t dropped;        /* bytes, queued here or in the kernel, that stopping gave up */
	uint64_t cut_short; /* answers of which there was more to come than stopping waited for */
	struct err verdict; /* the first client's that did not end in order, or none */
	/* Every address listens and has been announced; no client has been accepted. Returns 0, or
	 * -1 with err: then the server ends with it. NULL: nothing is to be done. */
	int (*ready)(void *arg, struct err *err);
	/* Called once, when the server is over: no listener, no client. why: NULL; or how the first
	 * client that did not end in order did, for a server with exit_after; or that bytes were
	 * dropped; or why it could not listen. The server may be freed in it. */
	void (*ended)(void *arg, const struct err *why);
	void *arg;
};

/* Listen, announce each address, call ready, and serve. The caller owns s and fills s->conf,
 * s->clients, s->ready, s->ended and s->arg, the rest zero. Returns 0, or -1 with err (ERR_LISTEN,
 * or that of ready): then nothing is left open, and ended is not called. Where a place cannot be
 * had yet, listening goes on in the loop, and if that fails, ended is called with such an error. */
int server_start(struct server *s, struct err *err);

/* All bytes of its clients so far. */
void server_count(const struct server *s, uint64_t *received, uint64_t *sent);

/* Accept no more, and end when those who are here have gone. */
void server_enough(struct server *s);

/* Stop: accept no more, end what has nothing queued and is not in the middle of an answer, give the
 * rest SERVER_STOP_MS. kind (ERR_LOST or ERR_TIMEOUT) is what ended gets if bytes are dropped,
 * or if a client had not ended where the server vouches for each: one at a time, or with
 * exit_after. */
void server_stop(struct server *s, const char *reason, enum err_kind kind);

/* The clients that take a place: those that are open. */
static inline size_t server_open(const struct server *s)
{
	return s->clients.open_now - s->clients.opening_now;
}

/* End everything now, without a word to anybody. */
void server_free(struct server *s);

#endif
