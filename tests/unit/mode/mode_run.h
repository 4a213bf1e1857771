#ifndef UNIT_MODE_MODE_RUN_H
#define UNIT_MODE_MODE_RUN_H

#include "check.h"
#include "mode/mode.h"
#include "script.h"

/* A run of a mode, as its test sees it: how it ended. */
struct mode_run {
	unsigned done, enough; /* how often it said so */
	struct err why;
};

static inline void mode_run_on_done(void *arg, const struct err *why)
{
	struct mode_run *run = arg;

	run->done++;
	if (why)
		run->why = *why;
}

static inline void mode_run_on_enough(void *arg)
{
	struct mode_run *run = arg;

	run->enough++;
}

/* What the runs of all modes have: a server's, in the loop of a scene. The test adds the rest. */
static inline struct mode_env mode_run_env(
	struct mode_run *run, struct scene *sc, const void *conf, void *state)
{
	return (struct mode_env){.loop = &sc->loop,
		.to = &sc->to,
		.scratch = &sc->scratch,
		.conf = conf,
		.state = state,
		.done = mode_run_on_done,
		.enough = mode_run_on_enough,
		.arg = run};
}

/* Begin it; it must not fail. */
static inline void mode_run_begin(const struct mode *mode, struct mode_env *env)
{
	struct err err = {0};

	cr_assert(eq(int, mode->begin(env, &err), 0), "%s", err.what);
}

#endif
