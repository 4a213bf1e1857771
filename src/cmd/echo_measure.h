#ifndef SOCKX_CMD_ECHO_MEASURE_H
#define SOCKX_CMD_ECHO_MEASURE_H

#include "cmd/client.h"
#include "measure/measure.h"

/*
 * sockx echo as a measuring tool (measure/measure.h): its options, and the connections it runs
 * over. One connection is a ping; --connections, --duration or --window make it a load. With an
 * interval, messages go by a fixed schedule, and their time counts from when they were due;
 * without, each is sent when an answer has come (a closed loop).
 */

/* The rows of a struct measure_conf. */
extern const struct opt echo_measure_options[];
extern const size_t echo_measure_option_count;

/* How one of those rows was typed that asks for a measurement; NULL: none does. */
const char *echo_measure_asked(const struct opt_set *set, const struct opt_args *args);

/* Whether the options and words of a measurement fit together. Returns 0, or -1 with err. */
int echo_measure_check(const struct measure_conf *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err);

/* Measure, and write the report to standard output. Returns 0, or -1 with err. */
int echo_measure(struct reporter *to, const struct client_conf *client,
	const struct measure_conf *conf, const struct opt_set *set, const struct opt_args *args,
	struct err *err);

#endif
