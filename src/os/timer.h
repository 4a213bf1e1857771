#ifndef SOCKX_OS_TIMER_H
#define SOCKX_OS_TIMER_H

#include "os/loop.h"

/* For the loop alone: call the timers that are due by l->now_ms, at most as many as were set when
 * it began, so that no callback can keep a turn going by setting its own again. */
void timers_run(struct loop *l);

#endif
