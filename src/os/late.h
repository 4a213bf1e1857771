#ifndef SOCKX_OS_LATE_H
#define SOCKX_OS_LATE_H

#include "os/loop.h"
#include "report/report.h"

/* What a reporter keeps is tried again while a loop turns, for as long as some is left: its lines
 * and its capture every LATE_RETRY_MS; its dump at the end of each turn in which there was
 * something. */

enum { LATE_RETRY_MS = 5 };

struct late_kept {
	struct loop *loop; /* NULL: not begun */
	struct report_late *of;
	struct timer again;
	int64_t wait_ms;
};

struct late {
	struct late_kept lines, capture, dump;
};

/* Zeroes l. Returns 0, or -1 when memory is out. */
int late_begin(struct late *l, struct loop *loop, struct reporter *to);

/* No loop turns any more. It may be called for one that was not begun. */
void late_end(struct late *l);

#endif
