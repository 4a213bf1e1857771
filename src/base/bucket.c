#include "base/bucket.h"

enum {
	BYTE = 1000,             /* as credit is counted: a rate of 1 gives 1 each ms */
	LONGEST_MS = 1000 * 1000 /* that is made up for, so that nothing overflows */
};

static int64_t bucket_worth(const struct bucket *b, int64_t ms)
{
	int64_t worth = (int64_t)b->rate * ms;

	return worth < BYTE ? BYTE : worth;
}

void bucket_begin(struct bucket *b, uint64_t rate, int64_t now_ms)
{
	*b = (struct bucket){
		.rate = rate < BUCKET_RATE_MAX ? rate : BUCKET_RATE_MAX, .at_ms = now_ms};
	b->credit = bucket_worth(b, BUCKET_STEP_MS / 2);
}

void bucket_take(struct bucket *b, size_t bytes)
{
	b->credit -= (int64_t)bytes * BYTE;
}

size_t bucket_room(struct bucket *b, int64_t now_ms)
{
	int64_t passed_ms = now_ms - b->at_ms, most = bucket_worth(b, BUCKET_BURST_MS);

	b->at_ms = now_ms;
	b->credit += (int64_t)b->rate * (passed_ms < LONGEST_MS ? passed_ms : LONGEST_MS);
	if (b->credit > most)
		b->credit = most;
	return b->credit < BYTE ? 0 : (size_t)(b->credit / BYTE);
}

int64_t bucket_wait_ms(const struct bucket *b)
{
	int64_t lacking = bucket_worth(b, BUCKET_STEP_MS) - b->credit, rate = (int64_t)b->rate;

	return lacking > 0 ? (lacking + rate - 1) / rate : 1;
}
