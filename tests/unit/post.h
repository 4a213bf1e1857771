#ifndef UNIT_POST_H
#define UNIT_POST_H

#include "core/sessions.h"
#include "script.h"

/*
 * A socket without connections and with no kernel behind it, and the sessions of its peers. The
 * peers are ports of the loopback address. What the kernel does is posted by the test; what became
 * of it is recorded. All zero is a kernel that takes everything.
 */

enum {
	POST_FD = 1000, /* the socket's number; nothing is open there */
	POST_DATAGRAM_MAX = 65536,
	POST_SENT_MAX = 256,
	POST_FAILURES_MAX = 100,
};

struct letter {
	uint16_t from;
	const char *text;
	size_t len; /* 0: up to its NUL, if it has a text */
	bool cut;
	const char *forbidden;
	int hops;
	struct addr local;
};

struct sent_letter {
	uint16_t to;
	int fd, hops;
	unsigned call; /* which call of send took it, counted from 1 */
	struct addr local;
	size_t len;
	char text[24]; /* its first bytes, and a NUL */
};

struct post {
	struct loop loop;
	struct reporter to;
	struct lines lines;
	struct transport row;
	struct handler on;
	struct conn_owner owner;
	struct sessions sessions;

	/* What the kernel does. */
	struct letter waiting[SESSIONS_BATCH]; /* what the next receive gives */
	size_t waiting_count;
	int receive_error;
	unsigned receive_errors; /* so many receives fail with it first */
	size_t takes;            /* how many datagrams a send takes at most; 0: all */
	struct {
		uint16_t to;
		int error;
		unsigned times;
	} refusal; /* a send to this peer is refused, so many times */
	struct {
		uint16_t peer;
		int error;
	} failures[POST_FAILURES_MAX]; /* which are reported one after the other */
	size_t failure_count, failures_told;

	/* What the server does. */
	bool welcomes_nobody;
	void (*opened)(struct conn *c); /* what a handler does beside writing it down, or NULL */
	void (*came)(struct conn *c, struct span in);

	/* What became of it. */
	char told[2048]; /* "+1 1:text -1": peer 1 came, said text, and is gone */
	struct sent_letter sent[POST_SENT_MAX];
	size_t sent_count; /* all there were */
	unsigned receives, sends, changes;
	size_t asked_for; /* how many datagrams the last receive had room for */
	unsigned lost;    /* sessions that did not end in order */
	struct err why;   /* ... and why the last of them did not */
};

void post_begin(struct post *p, size_t max, bool replaces);
void post_end(struct post *p);

/* The address of a peer. */
struct addr post_addr(uint16_t port);
struct post *post_of(struct conn *c);
uint16_t port_of(struct conn *c);

/* Something arrives: only a text; or more than that. */
void post_text(struct post *p, uint16_t from, const char *text);
void post_letter(struct post *p, const struct letter *letter);

/* The kernel has an error to tell. */
void post_failure(struct post *p, uint16_t peer, int error);

/* Have what arrived received by a socket, and no turn of the loop. Returns as sessions_receive. */
int post_receive(struct post *p, int fd, uint32_t events);

/* The usual: it is received, and the loop turns, so that what ended is gone; no time passes. */
void post_deliver(struct post *p);
void post_turn(struct post *p);

/* A text arrives and is delivered. */
void post_say(struct post *p, uint16_t from, const char *text);

/* Let time pass, as the timers see it. */
void post_pass_ms(struct post *p, int64_t ms);

/* The connection of a peer, or NULL. */
struct conn *post_conn(struct post *p, uint16_t port);

/* For post.came: back it goes. */
void post_echo(struct conn *c, struct span in);

/* What was sent, as "port:text" one after the other. */
struct post_text {
	char text[2048];
};
struct post_text post_sent(const struct post *p);

#endif
