#ifndef UNIT_SCRIPT_H
#define UNIT_SCRIPT_H

#include <sys/resource.h>

#include "core/conn.h"
#include "memory.h"
#include "mode/mode.h"
#include "report/report.h"

/*
 * A peer that follows a script: a transport with no kernel behind it. What it sends, how little it
 * moves at a time, when it fails and when it ends are fields; what the program did to it is
 * recorded. All zero is a peer that sends nothing, takes everything and ends in order.
 *
 * The loop is a real one: each link has an eventfd(2) that is always ready.
 */

enum { SCRIPT_OUT_MAX = 256 * 1024 };

struct script {
	uint32_t message_max; /* not 0: what is moved are messages, and this is the longest */
	bool connectionless;  /* ... without a connection below */
	bool unread;          /* unsent is what it has not read */
	bool drops;           /* its bytes can be dropped without being read */

	/* What the peer does. */
	const char *incoming;        /* what it sends */
	const char *const *messages; /* where it sends messages: these, up to a NULL */
	size_t incoming_len;         /* 0: up to its NUL */
	size_t per_read;             /* bytes a read gives at most; 0: all there is */
	size_t per_write;            /* bytes a write takes at most; 0: all there is */
	bool ragged;          /* reads and writes move 1 to 13 bytes, differently each time */
	unsigned again_every; /* every so manyth call has to wait; 0: none */
	unsigned fail_read_at, fail_write_at; /* which call fails, counted from 1; 0: none */
	int error;                            /* the errno of these failures */
	int finish_error, close_error;
	bool finish_waits;       /* its end cannot be passed on yet */
	uint32_t wants;          /* what it has waited for, whatever is asked; 0: what is asked */
	bool is_file;            /* epoll refuses its descriptor, as a regular file's */
	bool stays;              /* it does not end behind its incoming */
	bool endless;            /* its incoming never ends: it begins again */
	bool deaf;               /* it takes nothing for now */
	int unsent;              /* bytes not yet acknowledged; -1: unknown */
	int acknowledges;        /* of them at each look */
	int pending_error;       /* what a look at the link finds */
	int gone_error;          /* ... once a look has found nothing unsent */
	bool quiet;              /* epoll does not tell that it can be read */
	bool cannot_drop;        /* ... but this one says that it cannot (EFAULT) */
	const struct err *story; /* why it fails, in place of error; or NULL */
	bool reads_nothing;      /* for now it sends nothing, and does not end either */

	/* What became of it. */
	char outgoing[SCRIPT_OUT_MAX + 1]; /* the first bytes it was sent (messages in brackets:
	                                    * "[one][][three]"), and a NUL */
	size_t outgoing_len;               /* all it was sent */
	size_t sent;                       /* how much of its incoming has been read */
	size_t messages_read;              /* ... of its messages */
	unsigned reads, writes;            /* calls that were not told to wait */
	unsigned drops_tried;              /* how often it was asked to drop what it sends */
	unsigned calls, looks;
	int hops; /* what it is sent may travel so many */
	unsigned finished, closed;
	unsigned finish_tries; /* while finish_waits */
	char told[200];        /* the handler's callbacks, a word each, repeated ones once */
	unsigned ended;        /* how often the owner was told */
	bool failed;           /* ... with a reason */
	struct err why;        /* which was this */
	int fd;
};

enum { SCENE_SCRIPTS_MAX = 8 };

/* A loop, an owner of connections, and the peers they lead to. */
struct scene {
	struct loop loop;
	struct reporter to;
	struct scratch scratch;
	struct conn_owner owner;
	const struct handler *inner; /* the handler under test */
	struct handler outer;        /* calls it, and writes down what it was told */
	void *ctx;                   /* the test's own, for scene_of */
	struct script *scripts[SCENE_SCRIPTS_MAX];
	struct timer tick;
	uint64_t turns;
	unsigned descriptors; /* open before it began */
};

/* Set up. on is called as it would be by itself; its callbacks find the scene by
 * scene_of and the peer by script_of. */
void scene_begin(struct scene *sc, const struct handler *on);

/* The same for a handler that needs conn_ctx for itself: told stays empty. */
void scene_begin_for(struct scene *sc, const struct handler *on, void *ctx);

/* A link to a peer, for the next connection that the owner makes. */
struct link scene_link(struct scene *sc, struct script *s);

/* A connection to a peer, not yet opened; and one that is. */
struct conn *scene_make(struct scene *sc, struct script *s, enum conn_sides sides);
struct conn *scene_join(struct scene *sc, struct script *s);

/* Turn the loop, without waiting; no time passes. */
void scene_turn(struct scene *sc, unsigned turns);

/* Turn it until no connection is left. */
void scene_play(struct scene *sc);

/* Let time pass, as the timers see it: a pretended clock, and nothing but timers. */
void scene_pass_ms(struct scene *sc, int64_t ms);

/* End everything; each link must have been closed once, and no descriptor may be left open. */
void scene_end(struct scene *sc);

struct scene *scene_of(struct conn *c);
struct script *script_of(struct conn *c);

/* All of it at once: one peer, served by a mode until it is over. */
void script_serve(struct script *s, const struct mode *mode);

/* So many bytes that a misplaced one shows; the caller frees them. */
char *script_bytes(size_t len);

/* How many descriptors this process has open. */
unsigned open_descriptors(void);

/* Let no new descriptor be made. Returns the limit as it was, for setrlimit. */
struct rlimit allow_no_more_descriptors(void);

/* A reporter whose lines are kept, as one text. */
struct lines {
	char text[16384];
	size_t len;
};
struct reporter lines_reporter(struct lines *kept);

/* One that shows nothing. */
struct reporter silent_reporter(void);

#endif
