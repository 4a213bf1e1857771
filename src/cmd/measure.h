#ifndef SOCKX_CMD_MEASURE_H
#define SOCKX_CMD_MEASURE_H

#include "cmd/client.h"

/*
 * sockx echo as a measuring tool: messages to an echo server, every byte of the answers compared,
 * the round trips counted. One connection is a ping; --connections, --duration or --window make it
 * a load. With an interval, messages go by a fixed schedule, and their time counts from when they
 * were due; without, each is sent when an answer has come (a closed loop).
 */

struct measure_conf {
	uint64_t count, connections, window, size;
	int64_t interval_us, duration_us; /* -1: not given */
};

/* The rows of a struct measure_conf. */
extern const struct opt measure_options[];
extern const size_t measure_option_count;

/* How one of those rows was typed that asks for a measurement; NULL: none does. */
const char *measure_asked(const struct opt_set *set, const struct opt_args *args);

/* Measure, and write the report to standard output. Returns 0, or -1 with err. */
int measure_run(struct reporter *to, const struct client_conf *client,
	const struct measure_conf *conf, const struct opt_set *set, const struct opt_args *args,
	struct err *err);

#endif
