#ifndef SOCKX_MEASURE_FLIGHT_H
#define SOCKX_MEASURE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Messages on their way: numbered from 0 in the order in which they are sent, each with the time
 * its answer is counted from. Answers may come in any order, twice, late or never. What is
 * remembered is a ring of the latest numbers, which begins with FLIGHT_FIRST_MESSAGES and grows, up
 * to the bound it was made with, while one that still waits would be overwritten; past it the
 * oldest is forgotten.
 */

enum { FLIGHT_FIRST_MESSAGES = 64, FLIGHT_MAX_MESSAGES = 65536 };

struct flight {
	int64_t *since_ns; /* a ring by number; flight.c says what values below 0 mean */
	uint32_t cap, max; /* messages; powers of two */
	uint32_t waiting;  /* sent, neither answered nor given up */
	uint64_t next;     /* the number of the next to be sent */
	uint64_t oldest;   /* no number before it waits */
	uint64_t expected; /* one above the greatest that was answered */
};

enum flight_verdict {
	FLIGHT_ANSWERED,   /* its first answer */
	FLIGHT_AGAIN,      /* it was answered before: a duplicate */
	FLIGHT_FORGOTTEN,  /* too long ago to know which of the two */
	FLIGHT_NEVER_SENT, /* there is no such question */
};

struct flight_answered {
	enum flight_verdict verdict;
	int64_t since_ns;  /* FLIGHT_ANSWERED: as it was given to flight_send */
	bool out_of_order; /* FLIGHT_ANSWERED: one with a greater number came first */
	bool given_up;     /* FLIGHT_ANSWERED: it no longer waited */
};

/* Remember at most max messages (rounded up to a power of two, at most FLIGHT_MAX_MESSAGES).
 * Returns 0, or -1 when memory is out. */
int flight_init(struct flight *f, size_t max);
void flight_free(struct flight *f);

/* Make room, so that the next flight_send forgets none that waits. False: there is no more. */
bool flight_room(struct flight *f);

/* One more is sent. since_ns is at least 0, and not before that of the one before. Returns its
 * number. */
uint64_t flight_send(struct flight *f, int64_t since_ns);

/* An answer to a number came. */
struct flight_answered flight_answer(struct flight *f, uint64_t number);

/* The least number that waits; false: none does. */
bool flight_oldest(struct flight *f, uint64_t *number);

/* Wait no more for those whose time is before before_ns; an answer may still come. Returns how many
 * they are. */
uint32_t flight_give_up(struct flight *f, int64_t before_ns);

/* How many wait whose time is not before since_ns. */
uint32_t flight_since(const struct flight *f, int64_t since_ns);

/* The latest number below next whose last bits (at most 64) are those of low; false: none has been
 * sent. */
bool flight_number(uint64_t next, uint64_t low, unsigned bits, uint64_t *number);

#endif
