#ifndef SOCKX_MODE_MODE_H
#define SOCKX_MODE_MODE_H

#include "cli/opt.h"
#include "core/conn.h"

/*
 * The mode seam: what a peer experiences. A mode is one file and one row of modes[] (mode.c): a
 * handler with a name. It is handed bytes and calls conn_ functions; it never meets a descriptor,
 * an errno or a poll flag.
 */

/* What one run of a mode has to work with. The server's clients reach state by conn_ctx. */
struct mode_env {
	struct loop *loop;
	struct reporter *to;
	uint8_t *room;    /* for a conn_owner of the mode's own */
	const void *conf; /* the mode's own options: conf_size bytes */
	void *state;      /* state_size bytes, zeroed */
	bool in_turn; /* clients come one after the other, for ever: nothing of ours ends with one
	               */
	/* Link to one of our inherited descriptors, 0 or 1. */
	void (*open_std)(struct reporter *to, int fd, struct link *link);
	/* The mode that has `begin` calls this once what it does beside its clients is over: what
	 * was received is written out. why: NULL, or why the whole run failed. */
	void (*done)(void *arg, const struct err *why);
	void *arg;
};

struct mode {
	const char *name;
	const char *summary; /* one phrase, for --help */
	struct handler on;
	const struct opt *options; /* rows whose fields are in conf_size bytes of the mode's own */
	size_t option_count, conf_size;
	size_t state_size;
	/* Its answer can be longer than what it answers. */
	bool amplifies;
	/* It has one client at a time, and ends with its first unless --keep-open. */
	bool one_at_a_time;
	/* Before the first client. NULL: nothing to prepare, and done is never called. */
	int (*begin)(struct mode_env *env, struct err *err);
	/* The last client is gone: write out what is left, then call done. Goes with begin. */
	void (*finish)(struct mode_env *env);
	/* Release what begin made. Goes with begin. */
	void (*end)(struct mode_env *env);
};

extern const struct mode mode_discard, mode_echo, mode_pipe, mode_source;

/* NULL-ended, in the order --help lists them; the first is the default. */
extern const struct mode *const modes[];

/* The mode of that name, or NULL. */
const struct mode *mode_find(const char *name);

/* For the option row of --mode: struct opt.choice over modes[]. */
bool mode_choice(size_t i, struct opt_choice *out);

#endif
