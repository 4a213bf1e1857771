#ifndef SOCKX_BASE_AMOUNT_H
#define SOCKX_BASE_AMOUNT_H

#include <stdint.h>

/* Amounts as people read them, in three digits. Nothing here allocates. */

struct amount_shown {
	char text[32];
};

/* Bytes: "512 B", "4.03 MiB", "1023 KiB". */
struct amount_shown amount_bytes(uint64_t bytes);

/* Bytes in so many milliseconds (above 0), a second: "4.03 MiB/s". */
struct amount_shown amount_rate(uint64_t bytes, uint64_t ms);

/* A time, of milliseconds: "7 ms", "1.24 s", "59.9 s", "2 min 5 s", "1 h 2 min". */
struct amount_shown amount_time(uint64_t ms);

/* The same as a clock shows it, in whole seconds: "0:05", "12:34", "1:02:03". */
struct amount_shown amount_clock(uint64_t ms);

#endif
