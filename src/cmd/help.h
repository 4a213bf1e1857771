#ifndef SOCKX_CMD_HELP_H
#define SOCKX_CMD_HELP_H

#include "base/buf.h"

/* `sockx help` and `sockx --help`: the overview, addresses, exit statuses, and which topics there
 * are. Appends to out; 0, or -1 when memory is out. */
int help_all(struct buf *out);

#endif
