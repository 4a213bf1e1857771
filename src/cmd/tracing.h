#ifndef SOCKX_CMD_TRACING_H
#define SOCKX_CMD_TRACING_H

#include "cli/command.h"

/* What a run shows of its calls, as --trace, --explain and --pcap ask for it. */
struct tracing;

/* Begin, for the command of this name. *begun is what there is then, and NULL where none of it was
 * asked for. Returns 0, or -1 with err filled; tracing_end is to be called in any case. */
int tracing_begin(struct tracing **begun, struct reporter *to, const struct talk_conf *talk,
	const char *command, struct err *err);

/* Nothing more will be called, and t is gone; it may be NULL. Returns rc, what the run returned;
 * or, where that is 0 and a file that was asked for is not whole, -1 with err filled. */
int tracing_end(struct tracing *t, int rc, struct err *err);

#endif
