#ifndef SOCKX_CMD_TRACING_H
#define SOCKX_CMD_TRACING_H

#include "cli/command.h"
#include "report/explain.h"
#include "report/trace_mermaid.h"

/* What a run shows of its calls, as --trace and --explain ask for it. */
struct tracing {
	struct trace trace; /* all zero: nothing is traced */
	struct explain explain;
	struct trace_mermaid mermaid;
};

/* Begin, if it was asked for, for the command of this name. t stays where it is. Returns 0, or -1
 * with err filled. */
int tracing_begin(struct tracing *t, struct reporter *to, const struct talk_conf *talk,
	const char *command, struct err *err);

/* Nothing more will be called; also where t is all zero. */
void tracing_end(struct tracing *t);

#endif
