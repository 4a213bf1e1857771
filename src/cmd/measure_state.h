#ifndef SOCKX_CMD_MEASURE_STATE_H
#define SOCKX_CMD_MEASURE_STATE_H

#include "measure/flight.h"
#include "measure/schedule.h"
#include "cmd/client_pool.h"
#include "measure/figures.h"
#include "cmd/measure.h"
#include "measure/probe.h"
#include "os/alarm.h"
#include "os/signals.h"
#include "report/report.h"

/* What measure.c (options, setting up, printing), measure_run.c (the stages) and measure_lane.c
 * (the messages of one connection) share. Everybody else: cmd/measure.h. */

enum measure_stage {
	MEASURE_OPENING, /* not all connections are up */
	MEASURE_RUNNING,
	MEASURE_STOPPED, /* by a signal: what is on its way is given a little time */
	MEASURE_ENDING,  /* the figures stand; the connections end */
	MEASURE_OVER,    /* reported */
};

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

struct measure {
	struct client client;
	struct client_pool pool;
	const struct measure_conf *conf;
	struct conn_owner out_owner;
	struct conn *out; /* standard output; NULL once it is closed */
	struct signals signals;
	struct alarm alarm; /* the next message is due */
	struct timer look;  /* for answers that are overdue */
	struct timer limit; /* of a stage that waits for others */
	struct probe probe;
	struct schedule schedule; /* interval_ns 0: a closed loop */
	struct figures figures;
	struct lane **lanes; /* conf->connections; NULL: not there */
	enum measure_stage stage;
	bool load, alone, stream; /* alone: messages are kept whole */
	bool connectionless;
	bool late;          /* --max-time has come */
	bool shows;         /* a line for each answer */
	bool schedule_over; /* no more becomes due */
	uint64_t turn;      /* the next of the schedule's */
	uint64_t due;       /* messages, of all lanes */
	uint64_t waiting;   /* for an answer, on all lanes */
	uint64_t window;    /* of a closed loop */
	int64_t stop_ns;    /* nothing is begun from then on */
};

/* ---- measure_lane.c ---- */

extern const struct handler measure_handler;

/* Send what may be sent now. */
void lane_pump(struct measure *m, struct lane *l, int64_t now_ns);

/* Send one that does not count, to see whether anybody answers. */
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

/* End now, with an error. */
void measure_fail(struct measure *m, const struct err *why);

/* What the loop, the pool and the client tell. */
void measure_alarm(struct alarm *a);
void measure_look(struct timer *t);
void measure_limit(struct timer *t);
void measure_signal(void *arg, const char *name);
void measure_pool_failed(struct client_pool *p, const struct err *why);
void measure_over(struct client *client, const struct err *why);
void measure_late(struct client *client, const struct err *why);

/* ---- measure.c ---- */

/* Say where the measurement stands. */
void measure_tell(const struct measure *m, enum report_kind kind);

/* Show an answer, where answers are shown. */
void measure_show(struct measure *m, const struct lane *l, uint64_t number, int64_t round_trip_ns);

/* Write the report to standard output, which is open. */
void measure_report(struct measure *m);

#endif
