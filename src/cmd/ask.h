#ifndef SOCKX_CMD_ASK_H
#define SOCKX_CMD_ASK_H

#include "cmd/client.h"
#include "core/join.h"
#include "tty/screen.h"

/*
 * One question, one answer: what `greet`, `analyze` and `echo` share. The question is sent, and our
 * side ended unless the command does that itself; the answer is read to its end, of which a
 * datagram is one. The command gets each part of it, and judges it at the end.
 */

struct ask {
	struct client client;
	const struct opt_args *words; /* the command's, if they are the question */
	const char *what;             /* the answer, for messages: "greeting" */
	enum fact unanswered; /* what may help if none comes; 0: the server may not be there */
	struct buf question;  /* filled by the command, or from standard input */
	size_t asked;         /* ... how much of it has been passed on */
	bool streams;         /* standard input is passed on as it comes, and not kept */
	bool complete;        /* the question has come to its end */
	bool passed_on;       /* ... and all of it is on its way */
	bool held;            /* asking wants no more of it for now */
	bool answered;        /* a byte of the answer has come, or an empty datagram */
	bool finishing;       /* the answer is over: what is left is to write it out */
	struct buf head;      /* how the answer begins */
	struct join asks;     /* standard input to the server; without ends where it is not read */
	struct join answers;  /* the server to standard output */
	struct screen screen; /* standard output, as the peer's bytes reach it */
	struct timer first;   /* --connect-timeout, for the first byte of the answer */
	/* The slots that are NULL are not called. */
	/* A part of the question is about to be sent. -1: no more, until ask_go_on. */
	int (*asking)(struct ask *a, struct span part);
	/* All of it is on its way, or has been and something moved since. NULL: our side ends. */
	void (*asked_all)(struct ask *a);
	/* A part of the answer came. Returns as conn_write. */
	int (*said)(struct ask *a, struct span in);
	/* The server has ended; so do we. */
	void (*ended)(struct ask *a);
	/* The time that said asked for by conn_after has come. Returns as conn_write. */
	int (*quiet)(struct ask *a);
	/* The answer is over: put out the rest. why: how the connection ended, or NULL; the command
	 * blames the client for it if it matters. */
	void (*over)(struct ask *a, const struct err *why);
	/* Put out the next part of the rest, after over: false when there is no more. */
	bool (*more)(struct ask *a);
};

/* Zeroes a, whose conf begins with a struct client_conf, and fills what does not depend on the
 * command. Returns 0, or -1 with err: then nothing is to be freed. */
int ask_init(struct ask *a, struct reporter *to, const struct client_conf *conf, struct err *err);

/* Put words into the question, joined by one space; they are kept until ask_free. Returns 0, or -1
 * with err. */
int ask_words(struct ask *a, const struct opt_args *args, struct err *err);

/* A run has failed for want of a server. If the first words look as if they had been meant to say
 * where one is, say so. */
void ask_hint_words(const struct ask *a, struct err *err);

/* Read where the options of a command say to ask. Returns 0, or -1 with err. */
int ask_aim(struct ask *a, const char *command, struct err *err);

/* Ask there, with all of standard input if from_input. Returns 0, or -1 with err. */
int ask_run(struct ask *a, bool from_input, struct err *err);

/* Judge an answer that has ended: blame the client if it is empty, or if it is no answer but a
 * refusal, "error: ..." on one line. */
void ask_judge(struct ask *a, const struct err *why);

/* More of the question may be sent. */
void ask_go_on(struct ask *a);

/* Memory ran out in the command of that name: as ask_fail. */
void ask_out_of_memory(struct ask *a, const char *command);

/* It is no answer, whatever may still come: blame the client, and read no further. */
void ask_fail(struct ask *a, const struct err *why);

void ask_free(struct ask *a);

#endif
