#ifndef SOCKX_OS_NOTIFY_H
#define SOCKX_OS_NOTIFY_H

#include "base/addr.h"
#include "os/loop.h"
#include "report/report.h"

/*
 * What a service manager hears of us (sd_notify(3)): one datagram a state, to the Unix socket that
 * the environment names in NOTIFY_SOCKET. One that cannot be sent is reported, once, and changes
 * nothing else. Nothing waits: while the manager has no room, it is tried again by a timer.
 */
struct notify {
	struct reporter *to;
	struct loop *loop; /* NULL: not begun, or there is no manager */
	struct addr at;
	const char *state; /* still to be sent, or NULL */
	int64_t until_ms;  /* ... and when it is given up */
	bool failed;       /* that has been reported */
	struct timer again;
};

/* Find the manager; n is zeroed first. Returns 0, or -1 when memory is out. */
int notify_begin(struct notify *n, struct reporter *to, struct loop *loop);

/* Say a state, such as "READY=1", in place of one that still waits. The text is kept by the
 * caller. */
void notify_say(struct notify *n, const char *state);

/* It may be called for one that is zeroed. */
void notify_end(struct notify *n);

#endif
