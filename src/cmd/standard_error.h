#ifndef SOCKX_CMD_STANDARD_ERROR_H
#define SOCKX_CMD_STANDARD_ERROR_H

#include "base/buf.h"
#include "core/link.h"
#include "report/report.h"

/*
 * Where reports go. It never makes a run wait: what a pipe or a socket does not take at once is
 * dropped, but for the rest of a line that was begun. A terminal takes nothing for a moment
 * whenever another program writes to it (its write lock is held: EAGAIN), so its lines are kept, in
 * order, up to STANDARD_ERROR_KEPT_BYTES (more only to end a line), and tried again by os/late;
 * those past it are dropped. Most runs have nothing to say, so it is opened with the first line.
 */

enum {
	STANDARD_ERROR_KEPT_BYTES = 64 * 1024,
	STANDARD_ERROR_END_MS = 1000, /* how long the end of a run waits for a terminal */
};

struct standard_error {
	struct reporter silent; /* what writes the trace is not traced itself */
	struct link link;
	struct buf kept;
	struct report_late late;
};

/* Make to's sink of it. e stays where it is. */
void standard_error_begin(struct standard_error *e, struct reporter *to);

/* Descriptor 2 is about to lead elsewhere: what to has kept is written, or dropped, and the next
 * line opens it anew. standard_error_begin made to's sink. */
void standard_error_leave(struct reporter *to);

/* At the end of the run, where no loop turns: wait for the terminal to take what is kept, within
 * STANDARD_ERROR_END_MS; what is left then is dropped. */
void standard_error_end(struct standard_error *e);

#endif
