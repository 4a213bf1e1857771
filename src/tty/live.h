#ifndef SOCKX_TTY_LIVE_H
#define SOCKX_TTY_LIVE_H

#include "os/loop.h"
#include "report/report.h"

/*
 * A row of figures at the bottom of the terminal that standard error is, drawn over as they change
 * (struct report_live has how it and other lines keep out of each other's way). It is drawn while
 * we are in the foreground, and nowhere but on a terminal that can do that: TERM=dumb cannot.
 */

/* Text that is cut to the row, a part at a time. */
struct live_row {
	char text[REPORT_LIVE_BYTES];
	size_t len, room;
};

/* Add a part, if the row has room for all of it. Returns whether it has. */
bool live_add(struct live_row *row, const char *format, ...) __attribute__((format(printf, 2, 3)));

struct live {
	/* Filled by the caller: the row as it is to be now; one without text is not drawn. */
	void (*fill)(void *arg, struct live_row *row);
	void *arg;
	int64_t every_ms;

	struct loop *loop; /* NULL: there is no row */
	struct reporter *to;
	struct reporter silent; /* gets our own calls */
	struct timer tick;
	struct report_live row;
};

/* Draw it every every_ms, if there is where to. Returns 0, or -1 when memory is out. */
int live_begin(struct live *l, struct loop *loop, struct reporter *to);

/* Draw it no more: what fill has now stays on the terminal, or nothing does. Also for one that has
 * not begun. */
void live_end(struct live *l, bool stays);

#endif
