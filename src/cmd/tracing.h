#ifndef SOCKX_CMD_TRACING_H
#define SOCKX_CMD_TRACING_H

#include "cli/command.h"
#include "os/capture_file.h"
#include "report/explain.h"
#include "report/trace_mermaid.h"
#include "report/trace_pcap.h"

/* What a run shows of its calls, as --trace, --explain and --pcap ask for it. */
struct tracing {
	struct trace trace; /* all zero: nothing is traced */
	struct explain explain;
	struct trace_mermaid mermaid;
	struct trace_pcap pcap;
	struct capture_file file;
};

/* Begin, if it was asked for, for the command of this name. t stays where it is. Returns 0, or -1
 * with err filled. */
int tracing_begin(struct tracing *t, struct reporter *to, const struct talk_conf *talk,
	const char *command, struct err *err);

/* Nothing more will be called; also where t is all zero. Returns rc, what the run returned; or,
 * where that is 0 and a file that was asked for is not whole, -1 with err filled. */
int tracing_end(struct tracing *t, int rc, struct err *err);

#endif
