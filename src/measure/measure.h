#ifndef SOCKX_MEASURE_MEASURE_H
#define SOCKX_MEASURE_MEASURE_H

#include "core/conn.h"
#include "measure/figures.h"
#include "measure/probe.h"
#include "measure/schedule.h"
#include "os/alarm.h"
#include "os/signals.h"
#include "report/report.h"

/*
 * Messages to an echo server, every byte of the answers compared, the round trips counted. It runs
 * over connections that its owner opens, of one struct conn_owner, with measure_handler as their
 * handler and the struct measure as its ctx. The clock starts when the first one is open; for a
 * load, when each of them has echoed a message.
 */

/* What the user asked for. */
struct measure_conf {
	uint64_t count, connections, window, size;
	int64_t interval_us, duration_us; /* -1: not given */
};

/* What a measurement tells its owner; arg is measure.arg. */
struct measure_hooks {
	/* One more connection has answered: the next may be opened. A load's only. */
	void (*up)(void *arg);
	/* The figures stand: open no more. */
	void (*enough)(void *arg);
	/* It has failed; the first reason is the one that counts. */
	void (*blame)(void *arg, const struct err *why);
	/* All is written: leave the loop. */
	void (*stop)(void *arg);
};

enum measure_stage {
	MEASURE_OPENING, /* not all connections are up */
	MEASURE_RUNNING,
	MEASURE_STOPPED, /* by a signal: what is on its way is given a little time */
	MEASURE_ENDING,  /* the figures stand; the connections end */
	MEASURE_OVER,    /* reported */
};

struct lane;

struct measure {
	/* The owner fills these, and they outlive the measurement. */
	const struct measure_conf *conf;
	const struct measure_hooks *hooks;
	void *arg;
	struct loop *loop;
	struct reporter *to;
	const struct transport *via;    /* of the connections */
	const struct conn_owner *owner; /* theirs */
	const struct addr *at;          /* where they go, once one is open */
	const char *typed;              /* that address as the user wrote it, for messages */
	int64_t timeout_ms;             /* for an answer; not above 0: any time */
	bool load;                      /* a load is put on the server: else a ping */
	bool json, quiet;               /* how the report is written; no line for each answer */
	struct conn *out; /* where it is written: measure_out is its handler, this its ctx */

	/* The rest is the measurement's own. */
	struct signals signals;
	struct alarm alarm; /* the next message is due */
	struct timer look;  /* for answers that are overdue */
	struct timer limit; /* of a stage that waits for others */
	struct probe probe;
	struct schedule schedule; /* interval_ns 0: a closed loop */
	struct figures figures;
	struct lane **lanes; /* conf->connections; NULL: not there */
	enum measure_stage stage;
	bool alone; /* messages are kept whole */
	bool connectionless;
	bool failed;        /* hooks.blame has been called */
	bool late;          /* --max-time has come */
	bool shows;         /* a line for each answer */
	bool schedule_over; /* no more becomes due */
	uint64_t up;        /* connections of a load that have answered */
	uint64_t turn;      /* the next of the schedule's */
	uint64_t due;       /* messages, of all lanes */
	uint64_t waiting;   /* for an answer, on all lanes */
	uint64_t window;    /* of a closed loop */
	int64_t stop_ns;    /* nothing is begun from then on */
};

/* What happens on each of the connections. */
extern const struct handler measure_handler;

/* What happens on measure.out. */
extern const struct handler measure_out;

/* Get ready; the owner has filled its part but for out, which is due before the first connection is
 * open, and the rest is zero. Returns 0, or -1 with err; measure_free either way. */
int measure_init(struct measure *m, struct err *err);

/* The connections still exist: it gives back what it keeps for them. */
void measure_free(struct measure *m);

/* The figures so far, as a report. Returns false where there are none yet. */
bool measure_so_far(const struct measure *m, struct report *out);

/* One of the connections is gone (conn_owner.gone). */
void measure_gone(struct measure *m);

/* End now, with an error. */
void measure_fail(struct measure *m, const struct err *why);

/* The same, for all the time there was is over: the report, too, gets only a little. */
void measure_late(struct measure *m, const struct err *why);

#endif
