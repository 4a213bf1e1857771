#ifndef SOCKX_OS_INHERITED_H
#define SOCKX_OS_INHERITED_H

#include <stdbool.h>

#include "base/addr.h"
#include "report/report.h"

/* Sockets that the program which started us has opened for us (sd_listen_fds(3)): LISTEN_FDS
 * descriptors from INHERITED_FIRST on, where LISTEN_PID is our process. */

enum { INHERITED_FIRST = 3 };

/* How many there are. The variables are removed from the environment, for they are not for programs
 * that we start. Returns the number, or -1 with err (ERR_USAGE). */
int inherited_count(struct err *err);

/* What one of them is. */
struct inherited {
	int type; /* SOCK_STREAM and so on; -1: it is no socket, or not open */
	bool listens, connected;
	struct addr at; /* its own address */
};

/* Look at one, and make it ours: no program that we start gets it, and calls on it never wait. Who
 * else has the socket finds it so, too. */
struct inherited inherited_take(struct reporter *to, int fd);

#endif
