#ifndef SOCKX_MEASURE_PROBE_H
#define SOCKX_MEASURE_PROBE_H

#include <stdbool.h>

#include "base/span.h"

/*
 * What the messages of a measurement hold, and whether an answer is the same. Each is a window on
 * random bytes: it costs nothing to make, and echoed to another connection, or out of turn, it does
 * not compare. One that travels alone (a datagram, a packet) begins with its number, the latter
 * byte first to go where it has fewer than 8.
 */
struct probe {
	size_t size;   /* bytes of a message */
	size_t number; /* of these, the number: at most 8; 0 on a stream */
	uint8_t *pattern, *room;
};

/* Where an answer differs. */
struct probe_mismatch {
	size_t at; /* counted from 0 */
	uint8_t sent, got;
};

/* Returns 0, or -1 when memory is out. */
int probe_init(struct probe *p, size_t size, bool alone);
void probe_free(struct probe *p);

/* Message `number` of a connection. It stands until the next call. */
struct span probe_message(const struct probe *p, uint64_t connection, uint64_t number);

/* Which message an answer is to, by what it says itself: the latest below next that it can be.
 * False: to none. Not to be asked of messages without a number. */
bool probe_number(const struct probe *p, struct span in, uint64_t next, uint64_t *number);

/* Whether in is that message from byte `from` on; no longer than what is left of it. */
bool probe_same(
	const struct probe *p, uint64_t connection, uint64_t number, size_t from, struct span in);

/* Where it is not; at the end of the shorter of the two where that is all the difference. */
struct probe_mismatch probe_difference(
	const struct probe *p, uint64_t connection, uint64_t number, size_t from, struct span in);

#endif
