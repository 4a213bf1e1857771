#ifndef SOCKX_OS_CAPTURE_FILE_H
#define SOCKX_OS_CAPTURE_FILE_H

#include "report/report.h"

/*
 * The file that a capture is written to, or the FIFO. Each piece is written at once, so that what
 * is there can be read at any time. A FIFO that is full is no reason to wait: pieces are kept, and
 * tried again while a loop turns (os/late.h) and at the end.
 */

/* As far as a reader may stay back; and how long it may take nothing at the end. */
enum { CAPTURE_KEPT_BYTES = 16 << 20, CAPTURE_END_MS = 5000 };

struct capture_file {
	struct reporter *to;
	struct reporter silent; /* what writes a capture is not captured */
	const char *path;
	int fd;       /* -1: it is not open */
	bool failed;  /* it has been reported, and nothing more is written */
	bool is_file; /* a regular one */
	struct buf kept;
	struct report_late late; /* of kept */
};

/* Make the file, with permissions for its owner alone, or empty it. A FIFO waits for its reader, as
 * it does in a shell: no loop turns yet. path and f stay where they are
 * until capture_file_end. Returns 0, or -1 with err filled. */
int capture_file_begin(
	struct capture_file *f, struct reporter *to, const char *path, struct err *err);

/* Add a piece that is written as a whole, or not at all where the file is a regular one. A failure
 * is reported, once. */
void capture_file_add(struct capture_file *f, struct span piece);

/* Nothing can be added any more: reports why. */
void capture_file_fail(struct capture_file *f, const char *why);

/* Write what is kept, and close it; also for one that is all zero, or was not begun. Returns 0, or
 * -1 where it has failed. */
int capture_file_end(struct capture_file *f);

#endif
