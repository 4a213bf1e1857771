#ifndef SOCKX_MODE_MODE_H
#define SOCKX_MODE_MODE_H

#include "cli/opt.h"
#include "core/descriptor.h"
#include "core/dial.h"
#include "core/target.h"
#include "mode/shared.h"

/*
 * The mode seam: what a peer experiences. A mode is one file and one row of modes[] (mode.c): a
 * handler with a name. It is handed bytes and calls conn_ functions; it never meets a descriptor,
 * an errno or a poll flag.
 */

/* What one run of a mode has to work with. The server's clients reach state by conn_ctx. */
struct mode_env {
	struct loop *loop;
	struct reporter *to;
	struct scratch *scratch; /* for a conn_owner of the mode's own */
	const void *conf;        /* the mode's own options: conf_size bytes */
	const struct mode_shared *shared;
	void *state;  /* state_size bytes, zeroed */
	bool in_turn; /* clients come one after the other, for ever: nothing of ours ends with one
	               */
	int64_t answer_ms; /* how long an answer may take, where the mode waits for one; not above
	                    * 0: for ever */
	descriptor_link *open_fd;   /* for descriptor_open and join_open */
	descriptor_link *own_pipe;  /* ... and for one end of a pipe that the mode has made */
	const char *const *program; /* a program and its arguments, where the mode takes one */
	size_t program_count;
	const struct origin *origin; /* what programs are started with */
	bool vouches;   /* the run's status tells how its clients ended: there are only so many */
	bool untouched; /* set by begin: nothing is to be read of a client before it is open */
	/* Connect to an address as the run's options say: begins d, whose owner (not that of a
	 * server's clients) and done the mode has filled. `to` must live as long as d. Returns 0,
	 * or -1 with err. */
	int (*dial)(void *arg, struct dial *d, const struct target *to, struct err *err);
	struct budget *budget; /* of the server's clients; NULL: none */
	/* The mode that has `finish` calls this once what it does beside its clients is over: what
	 * was received is written out. why: NULL, or why the whole run failed. */
	void (*done)(void *arg, const struct err *why); /* by mode_end_run */
	bool over;                                      /* ... which has called it */
	/* A mode of several clients has had enough: no more of them are wanted, and the server ends
	 * when those who are there have gone. NULL: this is no server, but the client of one. */
	void (*enough)(void *arg);
	void *arg;
};

struct mode {
	const char *name;
	/* What it does for a server's clients, and what `connect` does with it, one phrase each for
	 * --help. No client_summary: it is none of connect's. */
	const char *summary, *client_summary;
	struct handler on;
	const struct opt *options; /* rows whose fields are in conf_size bytes of the mode's own */
	size_t option_count, conf_size;
	unsigned takes; /* of the options that several modes share: enum mode_takes, ored */
	size_t state_size;
	size_t descriptors; /* how many each client costs, beside its socket */
	/* Its answer can be longer than what it answers. */
	bool amplifies;
	/* It gives clients more than it does itself, as a program: where no address is named, it is
	 * there for this machine alone. */
	bool exposes;
	/* After "--" comes a program with its arguments. */
	bool takes_program;
	/* It has one client at a time, and ends with its first unless --keep-open. */
	bool one_at_a_time;
	/* ... or, if this is not NULL, what takes its place where it has all the peers of a socket
	 * without connections: with --keep-open. It has the same options. */
	const struct mode *of_peers;
	/* It reads standard input, or writes standard output. */
	bool uses_std;
	/* ... of which it only writes standard output. */
	bool only_writes;
	/* Why there is no --progress of it, as a phrase; NULL: there is. */
	const char *no_progress;
	/* Why it cannot do with datagrams, as a phrase; NULL: it can. */
	const char *no_datagrams;
	/* Whether its own options, conf, can do with what bytes travel by. Returns 0, or -1 with
	 * err. NULL: they can. */
	int (*fits)(const void *conf, const struct transport *via, struct err *err);
	/* Whether the options that were given agree with each other. Returns 0, or -1 with err.
	 * NULL: they do. */
	int (*check)(const struct opt_set *set, const struct opt_args *args, struct err *err);
	/* Whether a client of ours awaits no answer. NULL: it awaits one. */
	bool (*one_way)(const struct mode_env *env);
	/* Which option has it use the socket itself, so that nothing can be put over it; or NULL.
	 * NULL slot: none. */
	const char *(*bars_layers)(const void *conf);
	/* Before the first client. NULL: nothing to prepare. */
	int (*begin)(struct mode_env *env, struct err *err);
	/* The last client is gone: write out what is left, then call done. NULL: nothing is left,
	 * and done is never called. */
	void (*finish)(struct mode_env *env);
	/* It calls done soon, whatever happens: a server that was told to stop need not limit it.
	 */
	bool finishes_in_time;
	/* The server is stopping: let go of the terminal; a second signal ends us. NULL:
	 * nothing of it is held. */
	void (*stopping)(struct mode_env *env);
	/* Release what begin made, also if it failed half-way. */
	void (*end)(struct mode_env *env);
};

extern const struct mode mode_analyze, mode_broker, mode_chat, mode_collect, mode_discard,
	mode_echo, mode_exec, mode_greet, mode_pipe, mode_relay, mode_source;

/* NULL-ended, in the order --help lists them; the first is the default. */
extern const struct mode *const modes[];
#define MODE_DEFAULT "pipe"

/* Whether the mode of that name takes a program. */
bool mode_takes_program(const char *name);

/* Whether a command has the mode. */
bool mode_is_of(const struct mode *mode, enum mode_side side);

/* The mode of that name, or NULL. */
const struct mode *mode_find(const char *name);

/* What the mode does beside its clients is over: call done, unless that was done before. A verdict
 * of ERR_NONE is none. */
void mode_end_run(struct mode_env *env, const struct err *verdict);

/* Whether the mode, with its own options conf (mode_conf), can do with what its peers' bytes travel
 * by. Returns 0, or -1 with err. */
int mode_fits(
	const struct mode *mode, const void *conf, const struct transport *via, struct err *err);

/* For the option row of --mode: struct opt.choice over the modes of serve, and of connect. */
bool mode_choice(size_t i, struct opt_choice *out);
bool mode_client_choice(size_t i, struct opt_choice *out);

/* Add the options of all modes that a command has: those that several share, whose fields are in a
 * struct mode_shared at offset, and each mode's own. */
void mode_options(struct opt_set *set, enum mode_side side, size_t offset);

/* Check what was given against the chosen mode: options of others, and what contradicts itself.
 * Returns 0, or -1 with err. */
int mode_options_check(const struct mode *mode, enum mode_side side, const struct opt_set *set,
	const struct opt_args *args, const struct mode_shared *shared, struct err *err);

/* Where in a command's configuration the mode's own options were put; NULL if it has none. */
const void *mode_conf(const struct mode *mode, const struct opt_set *set, const void *conf);

#endif
