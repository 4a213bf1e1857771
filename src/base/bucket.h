#ifndef SOCKX_BASE_BUCKET_H
#define SOCKX_BASE_BUCKET_H

#include <stddef.h>
#include <stdint.h>

/*
 * A token bucket: how many bytes may pass now, where there is a rate. It fills as time passes, and
 * no further than BUCKET_BURST_MS worth, so that a wake-up that comes late is made up for and a
 * pause is not. More may be taken than there is; what follows then waits longer.
 */
struct bucket {
	uint64_t rate;  /* bytes a second, at least 1 and at most BUCKET_RATE_MAX */
	int64_t credit; /* thousandths of a byte */
	int64_t at_ms;  /* when it was filled last */
};

enum { BUCKET_BURST_MS = 50, BUCKET_STEP_MS = 10 };
#define BUCKET_RATE_MAX ((uint64_t)1 << 40)

/* Begin, with half a step's worth in it. */
void bucket_begin(struct bucket *b, uint64_t rate, int64_t now_ms);

/* So many bytes have passed. */
void bucket_take(struct bucket *b, size_t bytes);

/* How many bytes may pass now. */
size_t bucket_room(struct bucket *b, int64_t now_ms);

/* Where none may: in how many ms it is worth to go on, with a step's worth or one byte. */
int64_t bucket_wait_ms(const struct bucket *b);

#endif
