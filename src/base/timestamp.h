#ifndef SOCKX_BASE_TIMESTAMP_H
#define SOCKX_BASE_TIMESTAMP_H

/* The time of day as it is reported: "2026-01-31T12:00:00.123Z" (RFC 3339, UTC). */
struct timestamp {
	char text[40];
};
struct timestamp timestamp_now(void);

#endif
