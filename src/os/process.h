#ifndef SOCKX_OS_PROCESS_H
#define SOCKX_OS_PROCESS_H

#include "base/err.h"
#include "os/sys_process.h"

struct reporter;

/* Keep what we were started with, for the programs that we start; then change it: SIGPIPE and
 * SIGXFSZ are errors of the write that meets them, and SIGCHLD, if it was ignored, no longer hides
 * how a child ended. */
void process_begin(struct origin *origin);

/* Make sure that 0, 1 and 2 are open, so that no socket of ours can become one of them: a closed
 * one is /dev/null from now on, open for reading only, so that a closed 0 is an empty input and
 * writing to a closed 1 fails. Returns 0, or -1 with err. */
int process_reserve_std(struct reporter *to, struct err *err);

#endif
