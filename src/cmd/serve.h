#ifndef SOCKX_CMD_SERVE_H
#define SOCKX_CMD_SERVE_H

#include "cli/command.h"
#include "cmd/progress.h"
#include "cmd/far.h"
#include "cmd/ready.h"
#include "cmd/secure.h"
#include "cmd/where.h"
#include "core/resolve.h"
#include "core/server.h"
#include "os/background.h"
#include "os/late.h"
#include "os/notify.h"
#include "os/signals.h"
#include "mode/mode.h"

/* What serve.c (the command), serve_address.c and serve_inherited.c (where it listens) and
 * serve_ready.c (telling that it does) share. */

struct serve_ready_conf {
	const char *to; /* --ready */
	bool background;
	const char *log;
};

extern const struct opt serve_ready_options[];
extern const size_t serve_ready_option_count;

struct serve_conf {
	struct talk_conf talk; /* first: see struct talk_conf */
	struct opt_list hosts;
	const char *mode;
	struct where_conf where;
	struct tls_conf tls;
	bool keep_open, once;
	struct listen_conf listen;
	uint64_t max_conns, max_per_peer, exit_after, max_memory; /* 0: as if not given */
	int64_t idle_ms, max_time_ms;                             /* 0: never; -1: not given */
	struct mode_shared shared;
	struct serve_ready_conf ready;
};

/* One host to listen on, and its addresses. */
struct serve_host {
	struct serve_run *run;
	struct resolve *resolve; /* while it is looked up */
	struct resolved addresses;
};

struct serve_run {
	struct reporter *to;
	const struct serve_conf *conf;
	const struct mode *mode;
	struct loop loop;
	int64_t began_ms;
	struct scratch scratch;
	struct signals signals;
	struct progress progress;
	int64_t since_ms; /* when the first client came, for --progress; 0: none has */
	struct timer max_time, look_up_limit, mode_limit;
	struct late late_lines; /* the reporter's lines */
	struct server server;
	struct far far;
	struct secure secure; /* in use where it is asked for */
	struct ready ready;
	struct notify notify;
	char notified[40];            /* what it says of a server in the background */
	struct background background; /* in use with --background */
	struct budget budget;         /* of its clients */
	struct mode_env env;
	struct where where;
	struct addr at[SERVER_LISTENERS_MAX];
	size_t at_count;
	struct serve_host hosts[OPT_LIST_MAX + 1]; /* in the order typed: the word's, then -H's */
	size_t host_count, unanswered;
	enum err_kind stop_kind; /* what it is called if being told to stop loses something */
	bool server_over, interrupted, mode_begun;
	struct err verdict; /* why the run failed, or none */
};

/* Take the sockets that the program which started us has opened, if it has: run->at and run->where.
 * Returns 0, or -1 with err. */
int serve_inherited_take(struct serve_run *run, const struct opt_set *set,
	const struct opt_args *args, struct err *err);

/* Find all addresses to listen on: run->at. Names are looked up by the loop, all at once. Returns 1
 * if none needs it; 0 if serve_begin is called later, or serve_end with why not; or -1 with err. */
int serve_find_addresses(struct serve_run *run, struct err *err);

/* Give up the look-ups that have not answered. */
void serve_forget_hosts(struct serve_run *run);

/* The addresses are known: begin to serve. Returns 0, or -1 with err. */
int serve_begin(struct serve_run *run, struct err *err);

/* What was asked to hear that the server is ready can be told, later; an old file is removed.
 * Returns 0, or -1 with err. */
int serve_ready_prepare(struct serve_run *run, struct err *err);

/* That what was asked of readiness can be meant. Returns 0, or -1 with err. */
int serve_ready_check(const struct serve_run *run, struct err *err);

/* Go to the background, if that was asked. Returns 0 in the process that is to serve; 1 in its
 * parent, once the server is ready and that was printed; or -1 with err. */
int serve_ready_detach(struct serve_run *run, struct err *err);

/* The loop has been made. Returns 0, or -1 when memory is out. */
int serve_ready_begin(struct serve_run *run);

/* The server begins to stop. */
void serve_ready_stopping(struct serve_run *run);

/* Take back what was told, and free what is held for it. */
void serve_ready_end(struct serve_run *run);

/* struct server.ready, of a run. */
int serve_ready_tell(void *arg, struct err *err);

/* Stop the run, which then fails with why. */
void serve_fail(struct serve_run *run, const char *reason, const struct err *why);

/* The run is over, if it has begun, and failed, if why is not NULL; the first reason counts. */
void serve_end(struct serve_run *run, const struct err *why);

#endif
