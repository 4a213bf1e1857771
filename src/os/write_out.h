#ifndef SOCKX_OS_WRITE_OUT_H
#define SOCKX_OS_WRITE_OUT_H

#include "base/err.h"
#include "base/span.h"

struct reporter;

/* Write all of out to an inherited descriptor, waiting as long as it takes: for help, where there
 * is nothing else to do. name is how messages call it. Returns 0, or -1 with err (ERR_SIGPIPE where
 * its reader is gone). */
int write_out(struct reporter *to, int fd, struct span out, const char *name, struct err *err);

#endif
