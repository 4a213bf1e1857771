#ifndef SOCKX_OS_LATE_H
#define SOCKX_OS_LATE_H

#include "os/loop.h"
#include "report/report.h"

/* Has a reporter's late lines tried again while a loop turns: every LATE_RETRY_MS, for as long as
 * some are left. */

enum { LATE_RETRY_MS = 5 };

struct late {
	struct loop *loop; /* NULL: not begun */
	struct report_late *lines;
	struct timer again;
};

/* Zeroes l. Returns 0, or -1 when memory is out. */
int late_begin(struct late *l, struct loop *loop, struct reporter *to);

/* No loop turns any more. It may be called for one that was not begun. */
void late_end(struct late *l);

#endif
