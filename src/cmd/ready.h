#ifndef SOCKX_CMD_READY_H
#define SOCKX_CMD_READY_H

#include "os/loop.h"
#include "os/ready_file.h"

/* What --ready FD|PATH names: it gets one line once the server is ready. Nothing here waits: what
 * cannot take the line yet, a pipe that is full or a FIFO without a reader, is tried again while
 * the server serves. */

enum ready_kind {
	READY_UNASKED,
	READY_DESCRIPTOR, /* inherited: it may be one that blocks */
	READY_PIPE,       /* a FIFO or a device, by its path */
	READY_FILE,
};

struct ready {
	enum ready_kind kind;
	struct reporter *to;
	struct loop *loop; /* NULL: not begun */
	const char *typed;
	int fd; /* what is written to; -1: none yet, or no longer */
	struct ready_file file;
	char line[160];
	size_t len, written;
	struct timer again;
	int64_t wait_ms;
	/* The line could not be written after all. */
	void (*failed)(void *arg, const struct err *why);
	void *arg;
};

/* Read what was typed, which may be NULL, and remove the file of an earlier run. To be called while
 * no descriptor of our own is open that could be taken for an inherited one. r is zeroed first.
 * Returns 0, or -1 with err (ERR_USAGE), and nothing is held. */
int ready_prepare(struct ready *r, struct reporter *to, const char *typed, struct err *err);

/* A loop will turn. Returns 0, or -1 when memory is out. */
int ready_begin(struct ready *r, struct loop *loop,
	void (*failed)(void *arg, const struct err *why), void *arg);

/* The server is ready: write the line, HOST PORT or PATH, now or as soon as it can be. Returns 0,
 * or -1 with err (ERR_RUNTIME). */
int ready_tell(struct ready *r, const char *place, struct err *err);

/* Remove the file, if it is still ours, and free what r holds. It may be called for one that is
 * zeroed, or was not begun. */
void ready_end(struct ready *r);

#endif
