#ifndef SOCKX_OS_BACKGROUND_H
#define SOCKX_OS_BACKGROUND_H

#include "base/err.h"
#include "report/report.h"

/* A process that leaves its terminal, and a parent that waits until it is ready. */

struct background {
	struct reporter *to;
	int pipe;    /* to the other of the two; -1: it does not wait */
	int log;     /* what becomes standard error, or -1 */
	bool writes; /* the child keeps standard output, for what it writes there */
	pid_t child; /* in the parent */
};

/* Open the log, if it is not NULL, to add to it. b is initialised first. Returns 0, or -1 with err.
 */
int background_open(struct background *b, struct reporter *to, const char *log, struct err *err);

/* Fork: before there is any thread, and before descriptors that a parent must not keep. The child
 * has a session of its own. Returns 1 in the parent, 0 in the child, or -1 with err. */
int background_fork(struct background *b, struct err *err);

/* In the parent: wait for what the child says when it is ready. Returns 0, or -1 with err: the kind
 * of a child that failed is its exit status, and nothing is to be said, for the child has said it.
 */
int background_wait(struct background *b, char *said, size_t size, struct err *err);

/* In the child: let go of standard input and output (unless b->writes), and of standard error if it
 * is a terminal or there is a log; then say a word to the parent, which ends. Returns 0, or -1 with
 * err: no parent is left. */
int background_ready(struct background *b, const char *word, struct err *err);

/* The parent cannot pass on what the child said: end the child. */
void background_stop(struct background *b);

/* Close what is open. */
void background_end(struct background *b);

#endif
