#ifndef UNIT_MODE_PIPE_STAGE_H
#define UNIT_MODE_PIPE_STAGE_H

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "mode/pipe.h"
#include "peer.h"
#include "script.h"
#include "std_pipes.h"
#include "transport/fd.h"

/* A run of pipe: descriptors 0 and 1 are real pipes of which the test holds the other ends; the
 * peer is a script. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct pipe_conf conf;
	struct mode_shared shared;
	struct pipe_run run;
	struct script *peer;
	int in, out; /* we write standard input, and read standard output */
	char heard[1 << 16];
	size_t heard_len;
	bool heard_end;
	unsigned done;
	bool failed;
	struct err why;
};

static inline void on_done(void *arg, const struct err *why)
{
	struct stage *st = arg;

	st->done++;
	st->failed = why != NULL;
	if (why)
		st->why = *why;
}

static const struct pipe_conf plain = {.quit_after_ms = -1, .delay_ms = -1};

/* A server's run, not a client's. */
static inline void on_enough(void *arg)
{
	(void)arg;
}

static inline int set_up(struct stage *st, struct pipe_conf conf, struct err *err)
{
	signal(SIGPIPE, SIG_IGN);
	st->conf = conf;
	scene_begin_for(&st->sc, &mode_pipe.on, &st->run);
	st->env.loop = &st->sc.loop;
	st->env.to = &st->sc.to;
	st->env.scratch = &st->sc.scratch;
	st->env.conf = &st->conf;
	st->env.shared = &st->shared;
	st->env.state = &st->run;
	st->env.open_fd = fd_open;
	st->env.done = on_done;
	st->env.arg = st;
	return mode_pipe.begin(&st->env, err);
}

/* Descriptors 0 and 1 are what the test has made them. */
static inline void begin_as_is(struct stage *st, struct script *peer, struct pipe_conf conf)
{
	struct err err;

	cr_assert(eq(int, set_up(st, conf, &err), 0), "%s", err.what);
	st->peer = peer;
	if (peer)
		scene_join(&st->sc, peer);
}

static inline struct stage *begin(struct script *peer, struct pipe_conf conf)
{
	struct stage *st = calloc(1, sizeof(*st));

	lay_pipes(&st->in, &st->out);
	begin_as_is(st, peer, conf);
	return st;
}

static inline struct stage *begin_crlf(struct script *peer)
{
	struct stage *st = calloc(1, sizeof(*st));

	st->shared.crlf = true;
	lay_pipes(&st->in, &st->out);
	begin_as_is(st, peer, plain);
	return st;
}

static inline void end(struct stage *st)
{
	mode_pipe.end(&st->env);
	scene_end(&st->sc);
	let_go(&st->in);
	let_go(&st->out);
	free(st);
}

static inline void turn(struct stage *st, unsigned turns)
{
	scene_turn(&st->sc, turns);
}

static inline void type(struct stage *st, const char *text)
{
	cr_assert(eq(sz, (size_t)write(st->in, text, strlen(text)), strlen(text)));
}

static inline void end_input(struct stage *st)
{
	let_go(&st->in);
	st->sc.descriptors--;
}

static inline void hear(struct stage *st)
{
	ssize_t n;

	while ((n = read(st->out, st->heard + st->heard_len,
			sizeof(st->heard) - 1 - st->heard_len)) > 0)
		st->heard_len += (size_t)n;
	st->heard_end = n == 0 && st->heard_len < sizeof(st->heard) - 1;
	st->heard[st->heard_len] = '\0';
}

static inline bool heard(struct stage *st, const char *text)
{
	hear(st);
	return strcmp(st->heard, text) == 0;
}

/* The peer is gone; as the commands do, have what is left written out. */
static inline void play_to_the_end(struct stage *st)
{
	TURN_UNTIL(&st->sc.loop, (hear(st), st->peer->ended));
	mode_pipe.finish(&st->env);
	TURN_UNTIL(&st->sc.loop, (hear(st), st->done));
	hear(st);
	turn(st, 2);
	cr_assert(eq(uint, st->done, 1), "told once");
}

#endif
