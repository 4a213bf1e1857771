#ifndef SOCKX_MEASURE_FIGURES_H
#define SOCKX_MEASURE_FIGURES_H

#include <stdbool.h>

#include "base/buf.h"
#include "measure/histogram.h"

/* What was measured, and how it is reported. Times are of clock_ns. */
struct figures {
	struct histogram round_trips; /* ns */
	uint64_t sent, received;      /* messages; an answer counts once */
	uint64_t unsent;              /* due, but nothing took them */
	uint64_t in_flight;           /* unanswered, but not for long enough to be lost */
	uint64_t duplicates, out_of_order;
	uint64_t forgotten;                /* answers so late that the question is forgotten */
	uint64_t jitter_sum_ns, jitter_of; /* see figures_answer */
	int64_t behind_max_ns;             /* how far behind its schedule a message was sent */
	int64_t start_ns, last_ns;         /* of the measurement, and when its last answer came */
	uint64_t unsaid;                   /* lines that standard output had no room for */
};

/* What it was measured of. */
struct figures_of {
	const char *address, *transport;
	uint64_t connections, window, size; /* window 0: messages went by a schedule */
	int64_t interval_ns;
	bool load;   /* a load was put on it: its rate is of interest */
	bool stream; /* nothing can come out of order */
	bool whole;  /* the run did not fail */
};

/* An answer came after round_trip_ns; *last_ns is the round trip before it on the same connection,
 * or -1, and becomes this one. Jitter is the mean difference between consecutive round trips: D of
 * RFC 3550 section 6.4.1, of which all count the same here, for it is reported once, at the end. */
void figures_answer(struct figures *f, int64_t round_trip_ns, int64_t *last_ns);

/* Messages whose answers never came. */
uint64_t figures_lost(const struct figures *f);

/* The report for people, with bars for a terminal; or as one JSON object on one line. Returns 0, or
 * -1 when memory is out. */
int figures_text(const struct figures *f, const struct figures_of *of, bool bars, struct buf *out);
int figures_json(const struct figures *f, const struct figures_of *of, struct buf *out);

#endif
