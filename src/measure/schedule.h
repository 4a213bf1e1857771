#ifndef SOCKX_MEASURE_SCHEDULE_H
#define SOCKX_MEASURE_SCHEDULE_H

#include <stdint.h>

/*
 * When messages are due that go out at a fixed interval on each of several lanes, the lanes evenly
 * staggered over the interval. The times follow from the start alone, whatever happens meanwhile:
 * one that could not be sent in time is late, and none is left out, so that a server that stalls
 * shows in the time of every message that was due meanwhile (no "coordinated omission").
 */
struct schedule {
	int64_t start_ns, interval_ns;
	uint64_t lanes; /* at least 1, at most 2^31 */
};

/* When message k of a lane is due; both count from 0. */
static inline int64_t schedule_due_ns(const struct schedule *s, uint64_t lane, uint64_t k)
{
	uint64_t interval = (uint64_t)s->interval_ns;
	/* lane * interval / lanes, without a product that could be too large. */
	uint64_t stagger = interval / s->lanes * lane + interval % s->lanes * lane / s->lanes;

	return s->start_ns + (int64_t)(k * interval + stagger);
}

/* When message number `turn` of all is due: the lanes take turns. */
static inline int64_t schedule_turn_ns(const struct schedule *s, uint64_t turn)
{
	return schedule_due_ns(s, turn % s->lanes, turn / s->lanes);
}

#endif
