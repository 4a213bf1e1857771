#include "os/inquiry.h"

#include <signal.h>

#include "os/sys_event.h"
#include "os/sys_process.h"

static void inquiry_on_ready(struct watch *w, uint32_t events)
{
	struct inquiry *q = container_of(w, struct inquiry, watch);

	(void)events;
	if (sys_signalfd_next(w->fd))
		q->asked(q->arg);
}

/* It is never let through again: one that comes at the very end would kill us. */
void inquiry_open(struct inquiry *q, struct loop *loop)
{
	sigset_t set;

	if (sys_signal_is_ignored(SIGUSR1))
		return;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	q->watch = (struct watch){.fd = sys_signalfd(&set), .ready = inquiry_on_ready};
	if (q->watch.fd < 0)
		return;
	q->loop = loop;
	if (loop_watch(loop, &q->watch, EPOLLIN) < 0)
		inquiry_close(q);
	else
		sys_signals_block(&set);
}

void inquiry_close(struct inquiry *q)
{
	if (!q->loop)
		return;
	loop_unwatch(q->loop, &q->watch);
	sys_close_own(q->watch.fd);
	q->loop = NULL;
}
