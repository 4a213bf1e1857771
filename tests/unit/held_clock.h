#ifndef UNIT_HELD_CLOCK_H
#define UNIT_HELD_CLOCK_H

#include <stdint.h>

/*
 * A test that pretends how time passes must not also depend on how fast this machine is: while the
 * clock is held, clock_ms and clock_ns do not go on. What waits in the kernel waits as ever.
 */

void clock_hold_at(int64_t ms);
void clock_release(void);

#endif
