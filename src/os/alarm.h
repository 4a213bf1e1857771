#ifndef SOCKX_OS_ALARM_H
#define SOCKX_OS_ALARM_H

#include "os/loop.h"

/* A timer that is exact to what the kernel can do, where the loop's timers count in milliseconds
 * (timerfd_create(2)). It costs a descriptor, and a call each time it is set. */
struct alarm {
	struct watch watch;
	struct loop *loop;
	void (*rings)(struct alarm *a); /* at_ns has come; it rings no more until it is set again */
};

/* The caller fills rings. Returns 0, or -1 with err filled. */
int alarm_open(struct alarm *a, struct loop *loop, struct err *err);

/* Ring at at_ns of clock_ns, in place of any earlier setting; at once if that is past. */
void alarm_set(struct alarm *a, int64_t at_ns);

/* It may be called for one that alarm_open failed for, or that is closed. */
void alarm_close(struct alarm *a);

#endif
