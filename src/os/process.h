#ifndef SOCKX_OS_PROCESS_H
#define SOCKX_OS_PROCESS_H

#include "base/err.h"

struct reporter;

/* Make sure that 0, 1 and 2 are open, so that no socket of ours can become one of them: a closed
 * one is /dev/null from now on, open for reading only, so that a closed 0 is an empty input and
 * writing to a closed 1 fails. Returns 0, or -1 with err. */
int process_reserve_std(struct reporter *to, struct err *err);

#endif
