#ifndef SOCKX_BASE_CLOCK_H
#define SOCKX_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Nanoseconds since some fixed moment; never goes back (CLOCK_MONOTONIC). */
static inline int64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* The same in milliseconds. */
static inline int64_t clock_ms(void)
{
	return clock_ns() / 1000000;
}

/* Nanoseconds since 1970, which may go back when the clock is set. */
static inline int64_t clock_real_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

#endif
