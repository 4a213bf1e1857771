#include "os/alarm.h"

#include <errno.h>

#include "os/sys_event.h"

static void alarm_on_ready(struct watch *w, uint32_t events)
{
	struct alarm *a = container_of(w, struct alarm, watch);

	(void)events;
	a->rings(a);
}

/* Reported by an edge, it need not be read: setting it again clears it. */
int alarm_open(struct alarm *a, struct loop *loop, struct err *err)
{
	a->loop = loop;
	a->watch = (struct watch){.fd = sys_timerfd(), .ready = alarm_on_ready, .edges = true};
	if (a->watch.fd >= 0 && loop_watch(loop, &a->watch, EPOLLIN) == 0)
		return 0;
	err_sys(err, ERR_RUNTIME, errno, "cannot make a timer");
	alarm_close(a);
	return -1;
}

void alarm_set(struct alarm *a, int64_t at_ns)
{
	/* 0 would mean: never. */
	sys_timerfd_set(a->watch.fd, at_ns > 0 ? at_ns : 1);
}

void alarm_close(struct alarm *a)
{
	if (!a->loop || a->watch.fd < 0)
		return;
	loop_unwatch(a->loop, &a->watch);
	sys_close_own(a->watch.fd);
	a->watch.fd = -1;
}
