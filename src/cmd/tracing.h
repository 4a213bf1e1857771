#ifndef SOCKX_CMD_TRACING_H
#define SOCKX_CMD_TRACING_H

#include "cli/command.h"
#include "report/explain.h"
#include "report/trace.h"

/* What a run shows of its calls, as --trace and --explain ask for it. */
struct tracing {
	struct trace trace; /* all zero: nothing is traced */
	struct explain explain;
};

/* Begin, if it was asked for. t stays where it is. */
void tracing_begin(struct tracing *t, struct reporter *to, const struct talk_conf *talk);

/* Nothing more will be called; also where it has not begun. */
void tracing_end(struct tracing *t);

#endif
