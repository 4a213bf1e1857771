#ifndef SOCKX_MEASURE_MEASURE_STATE_H
#define SOCKX_MEASURE_MEASURE_STATE_H

#include "measure/flight.h"
#include "measure/measure.h"
#include "report/report.h"

/* What measure.c (setting up), measure_run.c (the stages), measure_lane.c (the messages of one
 * connection) and measure_out.c (what is printed) share. All others: measure/measure.h. */

/* A connection: conn_peer of it. */
struct lane {
	struct conn *conn;
	struct flight flight;
	uint64_t index; /* among the lanes, from 0 */
	uint64_t first; /* the number of the first message that counts */
	uint64_t due;   /* by the schedule: how many are, from that one on */
	size_t got;     /* on a stream: bytes of the oldest message's answer that have come */
	int64_t last_round_trip_ns, opened_ns;
	bool warm;    /* an answer has come; a load begins when it has on all */
	bool blocked; /* handler.drained is due */
};

/* ---- measure_lane.c ---- */

/* Send what may be sent now. */
void lane_pump(struct measure *m, struct lane *l, int64_t now_ns);

/* Send one that does not count, to see whether the peer answers. */
void lane_warm_up(struct measure *m, struct lane *l);

/* Messages sent that count. */
static inline uint64_t lane_sent(const struct lane *l)
{
	return l->flight.next - l->first;
}

/* ---- measure_run.c ---- */

/* A lane is there. */
void measure_opened(struct measure *m, struct lane *l);

/* The first answer on a lane. */
void measure_warm(struct measure *m);

/* End, if nothing more is to come. */
void measure_settle(struct measure *m);

/* Tell the owner why it failed. */
void measure_blame(struct measure *m, const struct err *why);

/* What the loop tells. */
void measure_on_alarm(struct alarm *a);
void measure_on_look(struct timer *t);
void measure_on_limit(struct timer *t);
void measure_on_signal(void *arg, const char *name);

/* ---- measure_out.c ---- */

/* Say where the measurement stands. */
void measure_tell(const struct measure *m, enum report_kind kind);

/* Show an answer, where answers are shown. */
void measure_show(struct measure *m, const struct lane *l, uint64_t number, int64_t round_trip_ns);

/* Write the report to measure.out, which is open. */
void measure_report(struct measure *m);

#endif
