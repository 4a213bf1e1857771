#ifndef SOCKX_MODE_EXEC_H
#define SOCKX_MODE_EXEC_H

#include "core/join.h"
#include "mode/mode.h"
#include "os/child.h"
#include "os/signals.h"
#include "report/report.h"

/*
 * exec: a program for each client, or for the server that `connect` reached. Its standard input and
 * output are the connection: two pipes, each joined to it, so that the kernel moves the bytes; or
 * the socket itself (--pass-socket). Its standard error is a third pipe, of which each line is
 * reported.
 *
 * The callbacks note what has happened to the connection, the program and its pipes; exec_review
 * (exec_end.c) concludes from that how the connection ends.
 */

struct exec_conf {
	bool pass_socket;
};

/* What is left of our environment: every program gets it (exec_env.c). */
struct exec_env {
	char **kept;
	size_t count;
};

/* The environment of one program. */
enum { EXEC_VARS = 6, EXEC_VAR_BYTES = 512 };
struct exec_vars {
	size_t count, own_count;
	char own[EXEC_VARS][EXEC_VAR_BYTES]; /* what is said of its connection */
	char *all[];                         /* count of them, and a NULL */
};

struct exec_run {
	struct mode_env *env;
	struct program program;
	struct exec_env kept;
	struct list clients;
	struct list starting;  /* ... those that may hold what the start of their program needed */
	struct err verdict;    /* how the first program that failed did, where that counts */
	struct timer patience; /* finishing: until what cannot even be killed is left alone */
	bool finishing;        /* done is called once no hung-up program is left */
	/* A client's, which has no other use for them: the program is hung up, and then we end by
	 * the signal. A server stops by its own. */
	struct signals signals;
};

/* A connection and its program. Either may be over first. */
struct exec_client {
	struct list node;     /* first: loop_bury frees it */
	struct list starting; /* of exec_run */
	struct exec_run *run;
	uint64_t id;        /* of the connection */
	struct conn *net;   /* NULL: it is gone */
	struct child child; /* its pid is 0 once it has ended */
	struct exec_vars *vars;
	struct join in;   /* from the peer to its standard input */
	struct join out;  /* from its standard output to the peer */
	struct join said; /* its standard error, to our reports */
	struct buf line;  /* ... the part of a line that has come */
	/* When the program had ended: what was left in its pipes. What its background children
	 * write after that is not waited for. */
	size_t out_left, said_left;
	bool out_ended; /* its standard output has */
	bool over;      /* the program has ended, and all that it wrote was passed on */
	bool concluded; /* how the connection ends is decided */
};

/* ---- exec_env.c ---- */

/* Take what may be kept of our environment. Returns 0, or -1 when memory is out. */
int exec_env_begin(struct exec_env *e);

/* The environment of a program that serves net, for the caller to free. Returns NULL when memory is
 * out. */
struct exec_vars *exec_env_for(const struct exec_env *e, struct conn *net);

void exec_env_free(struct exec_env *e);

/* ---- exec_client.c: a program, its pipes, and what happens to them ---- */

/* Start the program for net. Returns NULL with err. */
struct exec_client *exec_client_start(struct exec_run *run, struct conn *net, struct err *err);

/* What happens to its connection: of struct handler. */
void exec_client_data(struct exec_client *c, struct span in);
bool exec_client_move(struct exec_client *c);
void exec_client_drained(struct exec_client *c);
void exec_client_eof(struct exec_client *c);
void exec_client_closed(struct exec_client *c);

/* Report what has come of a line that will not be ended. */
void exec_client_flush_said(struct exec_client *c);

/* Nothing of it is left: free it when the turn ends. */
void exec_client_forget(struct exec_client *c);

/* End it now: what was hung up is killed. */
void exec_client_free(struct exec_client *c);

/* ---- exec_end.c: what follows ---- */

/* A connection, by its number, fails for a reason of ours: a server reports it at once. */
void exec_tell_failure(const struct exec_run *run, uint64_t id, const struct err *why);

/* Something has happened to c, which may be gone after this. */
void exec_review(struct exec_client *c);

/* A pipe has failed, by no doing of the program: neither it nor its peer has all that was sent. */
void exec_fail(struct exec_client *c, const struct err *why);

/* Its output has ended, and the program runs on: the connection ends if it does so for long. */
void exec_await_end(struct exec_client *c);

/* That has been long enough: handler.later. */
void exec_end_without_program(struct exec_client *c);

/* The run ends once no program is left that was hung up. */
void exec_finish_if_done(struct exec_run *run);

/* End by the signal that came to a client of a server. */
void exec_die(struct exec_run *run);

#endif
