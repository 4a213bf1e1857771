#ifndef SOCKX_OS_READY_FILE_H
#define SOCKX_OS_READY_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/span.h"
#include "report/report.h"

/*
 * A file that appears, whole, once a server is ready, and goes with it. Those who wait for it never
 * read a part of it, or the file of a server that has died.
 */
struct ready_file {
	struct reporter *to;
	const char *path; /* as typed; the caller keeps it */
	const char *name; /* in the directory; within path */
	int directory;    /* -1: nothing was prepared */
	bool made;        /* there is something to remove */
	struct stat ours; /* ... which is this */
};

/* Make the place free: an old file is removed, anything else refused, and so is a directory in
 * which other users may replace files. Returns 0, or -1 with err (ERR_USAGE). */
int ready_file_prepare(
	struct ready_file *f, struct reporter *to, const char *path, struct err *err);

/* Put a file with that text at the place, which was prepared. Returns 0, or -1 with err
 * (ERR_RUNTIME). */
int ready_file_put(struct ready_file *f, struct span text, struct err *err);

/* Remove the file if it is still ours, and free what f holds. */
void ready_file_end(struct ready_file *f);

#endif
