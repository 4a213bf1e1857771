#ifndef UNIT_TLS_PAIR_H
#define UNIT_TLS_PAIR_H

#include "check.h"
#include "script.h"
#include "transport/tls_state.h"

#ifdef TLS_IS_BUILT_IN

/*
 * Both ends of TLS in one process, by the real library: each has the layer over a link to memory,
 * whose moves are as short as a test wants them.
 */

enum { PAIR_HEARD_MAX = 2 * 1024 * 1024 };

/* How one end's link below moves bytes. All zero: all there is, at once. */
struct moves {
	size_t per_read, per_write;  /* at most; 0: all */
	bool ragged;                 /* 1 to 1500 bytes, differently each time */
	unsigned again_every;        /* every so manyth call has to wait; 0: none */
	size_t room;                 /* bytes that may be under way; 0: any */
	bool deaf;                   /* it takes nothing for now */
	bool ends;                   /* what it reads ends after what is under way */
	int read_error, write_error; /* not 0: it fails so, a read after what is under way */
};

struct tls_side {
	struct tls_conf conf;
	struct tls *tls;
	struct tls_end end;
	struct link link;     /* the layer */
	struct moves moves;   /* ... and its link below */
	struct buf *in, *out; /* what is under way to it, and from it */
	struct lines lines;   /* what it reports */
	struct reporter to;
	struct buf heard; /* what pair_read got */
	enum io over;     /* IO_AGAIN; IO_EOF or IO_FAIL once it read that */
	size_t read_max;  /* bytes at a time; 0: as a connection */
	unsigned calls, finished, closed, was_reset;
	unsigned refused; /* writes that failed */
};

struct tls_pair {
	struct tls_side client, server;
	struct buf to_client, to_server;
	char pin[TLS_PIN_TEXT]; /* the server's */
	const char *name;       /* what the client expects */
};

/* Both ends, not yet with a layer: a server with a certificate of its own, and a client that knows
 * its pin. What conf says before it counts; a test may say more. */
void pair_begin(struct tls_pair *p);

/* Put the layers over the links. */
void pair_join(struct tls_pair *p);

/* One step of a handshake. Some of the time an end that waits for room alone is to be called again.
 */
enum io side_shake(struct tls_side *side);

/* Shake hands. Returns whether both are done; else one of them has failed, or none goes on. */
bool pair_shake(struct tls_pair *p);

/* All three. */
void pair_open(struct tls_pair *p);

/* Write all of it, while the other end reads. */
void pair_send(struct tls_side *from, struct tls_side *to, struct span bytes);

/* Read all there is, as a connection does: what was read, and how it ended, are in side. */
void pair_read(struct tls_side *side);

/* One write, of what is taken of bytes. */
enum io pair_write(struct tls_side *side, struct span bytes, size_t *taken);

/* The end of one is passed on, as far as that can be. */
enum io pair_finish(struct tls_side *side);

/* Close both, and free everything. */
void pair_close(struct tls_pair *p);

/* The layer of one end. */
struct tls_link *pair_layer(struct tls_side *side);

#endif
#endif
