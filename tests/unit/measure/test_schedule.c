
#include "check.h"
#include "measure/schedule.h"

Test(schedule, one_lane_is_due_at_every_interval)
{
	const struct schedule s = {.start_ns = 1000, .interval_ns = 50, .lanes = 1};

	for (uint64_t k = 0; k < 100; k++) {
		cr_assert(eq(i64, schedule_due_ns(&s, 0, k), 1000 + (int64_t)k * 50));
		cr_assert(eq(i64, schedule_turn_ns(&s, k), 1000 + (int64_t)k * 50));
	}
}

Test(schedule, lanes_are_staggered_evenly_over_the_interval)
{
	const struct schedule s = {.start_ns = 7, .interval_ns = 1000, .lanes = 3};

	cr_assert(eq(i64, schedule_due_ns(&s, 0, 2), 2007));
	cr_assert(eq(i64, schedule_due_ns(&s, 1, 2), 2340));
	cr_assert(eq(i64, schedule_due_ns(&s, 2, 2), 2673));
	cr_assert(eq(i64, schedule_due_ns(&s, 0, 3), 3007));
}

/* Each lane in its turn, so that going on from turn to turn never goes back in time. */
Test(schedule, turns_come_in_order_of_time)
{
	static const uint64_t lanes[] = {1, 2, 7, 1000, 1000000};
	static const int64_t intervals_ns[] = {1000, 99999, 1000000000, 2000000000000000};

	for (size_t i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
		for (size_t j = 0; j < sizeof(intervals_ns) / sizeof(intervals_ns[0]); j++) {
			const struct schedule s = {123, intervals_ns[j], lanes[i]};
			int64_t last = 0;

			for (uint64_t turn = 0; turn < 3000; turn++) {
				int64_t due = schedule_turn_ns(&s, turn);

				cr_assert(due >= last);
				last = due;
			}
			cr_assert(eq(i64, schedule_turn_ns(&s, lanes[i]), 123 + intervals_ns[j]));
		}
	}
}

Test(schedule, the_longest_interval_on_the_most_lanes_does_not_overflow)
{
	const struct schedule s = {0, 2000000000000000, 1000000};

	cr_assert(eq(i64, schedule_due_ns(&s, 999999, 1000),
		2000000000000000 * 1000 + 1999998000000000));
}
