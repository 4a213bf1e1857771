
#include "base/bucket.h"
#include "check.h"

TestSuite(bucket, .timeout = 20);

/* How many bytes pass within ms by one who takes all there is, and is late_ms late each time. */
static size_t passes(uint64_t rate, int64_t ms, int64_t late_ms)
{
	struct bucket b;
	int64_t now_ms = 1000;
	size_t all = 0;

	bucket_begin(&b, rate, now_ms);
	for (;;) {
		const size_t room = bucket_room(&b, now_ms);

		bucket_take(&b, room);
		all += room;
		now_ms += bucket_wait_ms(&b) + late_ms;
		if (now_ms > 1000 + ms)
			return all;
	}
}

static bool about(size_t got, size_t wanted)
{
	return got >= wanted - wanted / 50 - 1 && got <= wanted + wanted / 100 + 1;
}

Test(bucket, what_passes_is_the_rate_though_each_wake_up_is_late)
{
	cr_expect(about(passes(1 << 20, 5000, 0), 5 << 20));
	cr_expect(about(passes(1 << 20, 5000, 30), 5 << 20));
	cr_expect(about(passes(1000, 10000, 3), 10000));
	cr_expect(about(passes(10, 10000, 0), 100));
	cr_expect(about(passes(1, 10000, 0), 10));
	cr_expect(about(passes(BUCKET_RATE_MAX, 1000, 0), BUCKET_RATE_MAX));
	cr_expect(about(passes(UINT64_MAX, 1000, 0), BUCKET_RATE_MAX));
}

Test(bucket, a_pause_is_not_made_up_for)
{
	struct bucket b;

	bucket_begin(&b, 1000, 0);
	cr_expect(eq(sz, bucket_room(&b, 0), BUCKET_STEP_MS / 2));
	cr_expect(eq(sz, bucket_room(&b, 3600000), BUCKET_BURST_MS));
	bucket_take(&b, 40);
	cr_expect(eq(sz, bucket_room(&b, 3600000), 10));
}

Test(bucket, what_was_taken_too_much_is_waited_for)
{
	struct bucket b;

	bucket_begin(&b, 1000, 0);
	bucket_take(&b, 505);
	cr_expect(eq(sz, bucket_room(&b, 0), 0));
	cr_expect(eq(i64, bucket_wait_ms(&b), 510));
	cr_expect(eq(sz, bucket_room(&b, 510), 10));
}
