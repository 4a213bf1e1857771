#ifndef SOCKX_CMD_PROGRESS_H
#define SOCKX_CMD_PROGRESS_H

#include "tty/live.h"

/* --progress: the bytes of a run, their rate and, where it is known how many there will be, how
 * long it will take, in a row at the bottom of the terminal. */

enum {
	PROGRESS_TICK_MS = 250,
	PROGRESS_PAST = 1000 / PROGRESS_TICK_MS, /* the rate now is that of the last second */
};

/* What has moved so far. */
struct progress_count {
	uint64_t received, sent;
	uint64_t in_ms; /* since it could; 0: it cannot yet */
};

struct progress {
	/* Filled by the caller. */
	void (*count)(void *arg, struct progress_count *out);
	void *arg;
	uint64_t size;       /* --progress=SIZE, of the direction that has more; 0: not known */
	uint64_t input_size; /* of what is to be sent; 0: not known */

	struct live live;
	struct progress_count past[PROGRESS_PAST]; /* the last second, the oldest at next */
	size_t next;
	bool over;
};

/* Begin. Returns 0, or -1 when memory is out. */
int progress_begin(struct progress *p, struct loop *loop, struct reporter *to);

/* The run is over: what it came to stays on the terminal. Also for one that has not begun. */
void progress_end(struct progress *p);

/* What is left of standard input, if it is a file; 0: it is not known. */
uint64_t progress_input_size(void);

/* For tests: the row. */
void progress_fill(
	const struct progress *p, const struct progress_count *now, struct live_row *row);

#endif
