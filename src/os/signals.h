#ifndef SOCKX_OS_SIGNALS_H
#define SOCKX_OS_SIGNALS_H

#include "os/loop.h"

/* SIGINT, SIGTERM and SIGHUP as events of the loop (signalfd(2)): no handler, so nothing that is
 * unsafe in one. One that the parent had ignored (nohup, a background job) stays ignored. */
struct signals {
	struct watch watch;
	struct loop *loop;
	void (*stop)(void *arg, const char *name); /* called once: "SIGTERM" */
	void (*asked)(void *arg); /* SIGUSR1 came, as with an inquiry (os/inquiry.h); NULL: it is
	                             not watched */
	int number;               /* ... which it was */
	void *arg;
};

/* Block them, and tell stop of the first; a second one ends the process as it would have without
 * us. The caller fills stop and arg. Returns 0, or -1 with err filled. */
int signals_open(struct signals *s, struct loop *loop, struct err *err);
void signals_close(struct signals *s);

#endif
