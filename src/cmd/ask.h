#ifndef SOCKX_CMD_ASK_H
#define SOCKX_CMD_ASK_H

#include "cmd/client.h"
#include "tty/screen.h"

/*
 * One question, one answer: what `greet` and `analyze` share. The question is sent and our side
 * ended; the answer is read to its end, of which a datagram is one. The command is told of each
 * part of it, and says at the end what it was worth.
 */

struct ask {
	struct client client;
	const char *what;    /* the answer, for messages: "greeting" */
	struct buf question; /* filled by the command, or from standard input */
	size_t asked;        /* ... how much of it has been passed on */
	bool complete;       /* ... all of it is there */
	bool passed_on;      /* ... and on its way */
	bool answered;       /* a byte of the answer has come, or an empty datagram */
	bool finishing;      /* the answer is over: what is left is to write it out */
	struct buf head;     /* how the answer begins */
	struct conn_owner in_owner, out_owner;
	struct conn *in, *out; /* NULL: none (any more) */
	struct screen screen;  /* out, as the peer's bytes reach it */
	struct timer first;    /* --connect-timeout, for the first byte of the answer */
	/* A part of the answer came. Returns as conn_write. */
	int (*said)(struct ask *a, struct span in);
	/* The time that said asked for by conn_after has come. Returns as conn_write. NULL: it asks
	 * for none. */
	int (*quiet)(struct ask *a);
	/* The answer is over: put out the rest. why: how the connection ended, or NULL; the command
	 * blames the client for it if it matters. */
	void (*over)(struct ask *a, const struct err *why);
	/* Put out the next part of the rest, after over: false when there is no more. NULL: over
	 * has put out all. */
	bool (*more)(struct ask *a);
};

/* Zeroes a, whose conf begins with a struct client_conf, and fills what does not depend on the
 * command. Returns 0, or -1 with err: then nothing is to be freed. */
int ask_init(struct ask *a, struct reporter *to, const struct client_conf *conf, struct err *err);

/* Put words into the question, joined by one space. Returns 0, or -1 with err. */
int ask_words(struct ask *a, const struct opt_args *args, struct err *err);

/* Ask, with all of standard input if from_input. Returns 0, or -1 with err. */
int ask_run(struct ask *a, const char *command, bool from_input, struct err *err);

/* Judge an answer that has ended: blame the client if it is empty, or if it is no answer but a
 * refusal, "error: ..." on one line. */
void ask_judge(struct ask *a, const struct err *why);

/* It is no answer, whatever may still come: blame the client, and read no further. */
void ask_fail(struct ask *a, const struct err *why);

void ask_free(struct ask *a);

#endif
