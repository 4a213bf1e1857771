#ifndef SOCKX_CMD_CLIENT_H
#define SOCKX_CMD_CLIENT_H

#include "cli/command.h"
#include "cmd/progress.h"
#include "cmd/secure.h"
#include "cmd/where.h"
#include "core/conn.h"
#include "core/dial.h"
#include "core/descriptor.h"
#include "core/retry.h"
#include "os/inquiry.h"
#include "os/late.h"

/*
 * What every client command is made of: one loop, one connection (client_pool.h: or more), its time
 * limits, and the error that ends it. The command fills a handler and says when it is done.
 */

struct client_conf {
	struct talk_conf talk; /* first: see struct talk_conf */
	const char *host, *source;
	struct where_conf where;
	struct tls_conf tls;
	int64_t connect_timeout_ms, idle_ms, max_time_ms; /* not above 0: never */
	uint64_t retries;                                 /* attempts after the first */
	int64_t retry_ms;    /* repeat them for so long; 0: any time; below 0: do not */
	uint64_t max_answer; /* bytes; 0: any. Its row is the command's: the default differs */
};

/* Add the options of every client to those of a command whose configuration begins with a struct
 * client_conf. */
void client_options(struct opt_set *set);

struct client {
	struct reporter *to;
	const struct client_conf *conf;
	struct loop loop;
	struct scratch scratch;
	struct conn_owner owner;
	struct where where;
	struct secure secure;    /* in use where it is asked for */
	struct dial dial;        /* of the first connection */
	struct retry retry;      /* ... until there is one */
	struct conn *net;        /* which this is; NULL while there is none */
	uint64_t received, sent; /* bytes, of the connections that are over */
	int64_t since_ms;        /* when the first connection was there; 0: none was yet */
	int64_t began_ms;
	struct link_path path; /* of the one that ended last, where reports want it */
	bool many; /* there are several connections: the closing report has the end of none */
	struct timer max_time;
	struct inquiry inquiry;    /* SIGUSR1 */
	struct progress *progress; /* NULL: none */
	bool yields;         /* it takes the row of --progress off for what it puts on a terminal */
	bool has_row;        /* it has a row of its own, and none of --progress */
	uint64_t input_size; /* of standard input, where it is sent and --progress is given */
	struct late late_lines; /* the reporter's lines */
	bool unproven;    /* a connection is none until the command says so: retry_succeeded */
	const char *mode; /* what a server must be started with to answer, for hints; NULL: any */
	/* A connection is over, why as handler.closed has it. The command stops the loop when it is
	 * done with the rest. */
	void (*over)(struct client *c, const struct err *why);
	/* SIGUSR1 asks how far it is: report it, in place of bytes. Returns false where there is
	 * nothing yet but a connection to wait for. NULL: bytes are all there is. */
	bool (*asked)(struct client *c);
	/* --max-time is over: called in place of client_fail, if not NULL. */
	void (*late)(struct client *c, const struct err *why);
	struct err verdict; /* why the run failed, or none. Last: client_init does not clear it */
};

/* Make the loop; zeroes c, or as good as that. on's callbacks find ctx by conn_ctx. Returns 0, or
 * -1 with err. */
int client_init(struct client *c, struct reporter *to, const struct client_conf *conf,
	const struct handler *on, void *ctx, struct err *err);

/* Read where words and options say to connect to; args may be NULL. Returns 0, or -1 with err. */
int client_aim(struct client *c, const char *command, const struct opt_args *args, struct err *err);

/* The same without a client, to see whether it can be done: struct command.check. */
int client_check(const struct client_conf *conf, const char *command, const struct opt_args *args,
	struct err *err);

/* Connect, and turn the loop until client_stop or client_fail. Returns 0, or -1 with err. */
int client_run(struct client *c, struct err *err);

/* A descriptor as a connection of its own owner, which is filled in; see descriptor_open. */
struct conn *client_open_fd(struct client *c, const struct descriptor *what,
	struct conn_owner *owner, const struct handler *on, void *ctx);

/* Turn the loop alone, for what the command does without that connection. Returns as client_run. */
int client_turn(struct client *c, struct err *err);

void client_stop(struct client *c);

/* Remember why the run fails; the first reason counts. why may be NULL: nothing failed. */
void client_blame(struct client *c, const struct err *why);

/* What seemed to be connected was not, as why says: another attempt, or client_fail. No connection
 * is left. */
void client_try_again(struct client *c, const struct err *why);

/* The run has failed: client_blame and client_stop. */
void client_fail(struct client *c, const struct err *why);

void client_free(struct client *c);

#endif
