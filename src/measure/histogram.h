#ifndef SOCKX_MEASURE_HISTOGRAM_H
#define SOCKX_MEASURE_HISTOGRAM_H

#include <stdint.h>

/*
 * How often each value came, in fixed memory: log-linear, as HdrHistogram has it. Every power of
 * two is cut into HISTOGRAM_STEPS slots, so that what is reported of a value is at most 1/128 (0.8
 * %) too high, over all of uint64_t; values below 256 are kept exactly. All zero is an empty one.
 */

enum {
	HISTOGRAM_BITS = 7,
	HISTOGRAM_STEPS = 1 << HISTOGRAM_BITS,
	HISTOGRAM_SLOTS = (65 - HISTOGRAM_BITS) * HISTOGRAM_STEPS,
};

struct histogram {
	uint64_t slots[HISTOGRAM_SLOTS];
	uint64_t count, sum, min, max; /* exact; the sum wraps past 2^64 (584 years in ns) */
};

void histogram_add(struct histogram *h, uint64_t value);

/* The least value that so many thousandths of all do not exceed (nearest rank; 500: the median), at
 * most 1/128 too high and never above max; 0 of an empty one. */
uint64_t histogram_permille(const struct histogram *h, unsigned permille);

/* The mean, exact but for its fraction; 0 of an empty one. */
uint64_t histogram_mean(const struct histogram *h);

/* How many values there are from `from` to below `to`, each taken for the least one of its slot. */
uint64_t histogram_between(const struct histogram *h, uint64_t from, uint64_t to);

#endif
