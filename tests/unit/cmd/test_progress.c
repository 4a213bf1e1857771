#include <string.h>

#include "check.h"
#include "cmd/progress.h"

TestSuite(progress, .timeout = 20);

enum { MIB = 1024 * 1024 };

/* The row of a terminal with so many columns. */
static struct live_row row_of(
	const struct progress *p, const struct progress_count *now, size_t columns)
{
	struct live_row row = {.room = columns - 1};

	progress_fill(p, now, &row);
	cr_assert(lt(sz, row.len, columns));
	row.text[row.len] = '\0';
	return row;
}

static void shows(const struct progress *p, struct progress_count now, const char *text)
{
	cr_expect(eq(str, row_of(p, &now, 100).text, (char *)text));
}

Test(progress, a_row_has_the_rate_of_the_last_second_and_that_of_all)
{
	const struct progress p = {
		.past = {{.sent = 40 * MIB, .in_ms = 4000}}, .input_size = 200 * MIB};

	shows(&p, (struct progress_count){.sent = 60 * MIB, .in_ms = 5000},
		"60.0 MiB of 200 MiB sent (30 %), 20.0 MiB/s, 0:12 left, average 12.0 MiB/s, 0:05 "
		"so far");
}

Test(progress, it_is_about_the_direction_that_has_more)
{
	const struct progress p = {.input_size = 100};

	shows(&p, (struct progress_count){.received = 60 * MIB, .sent = 100, .in_ms = 5000},
		"60.0 MiB received, 12.0 MiB/s, average 12.0 MiB/s, 0:05 so far, 100 B sent");
	shows(&p, (struct progress_count){.in_ms = 5000},
		"0 B of 100 B sent (0 %), 0 B/s, average 0 B/s, 0:05 so far");
}

Test(progress, a_size_that_was_given_is_that_of_either_direction)
{
	const struct progress p = {.size = 120 * MIB, .input_size = 100};

	shows(&p, (struct progress_count){.received = 60 * MIB, .in_ms = 5000},
		"60.0 MiB of 120 MiB received (50 %), 12.0 MiB/s, 0:05 left, average 12.0 MiB/s, "
		"0:05 so far");
	shows(&p, (struct progress_count){.sent = 240 * MIB, .in_ms = 5000},
		"240 MiB of 120 MiB sent (100 %), 48.0 MiB/s, 0:00 left, average 48.0 MiB/s, 0:05 "
		"so far");
}

Test(progress, a_narrow_terminal_has_the_parts_that_matter_most)
{
	const struct progress p = {.size = 120 * MIB};
	const struct progress_count now = {.received = 60 * MIB, .sent = 7, .in_ms = 5000};

	cr_expect(eq(str, row_of(&p, &now, 60).text,
		"60.0 MiB of 120 MiB received (50 %), 12.0 MiB/s, 0:05 left"));
	cr_expect(eq(str, row_of(&p, &now, 40).text, "60.0 MiB of 120 MiB received (50 %)"));
	cr_expect(eq(str, row_of(&p, &now, 20).text, "60.0 MiB received"));
	cr_expect(eq(str, row_of(&p, &now, 17).text, ""));
	cr_expect(eq(str, row_of(&p, &now, 1).text, ""));
}

Test(progress, what_stays_is_the_total)
{
	const struct progress p = {.size = 60 * MIB, .over = true};

	shows(&p, (struct progress_count){.received = 60 * MIB, .sent = 7, .in_ms = 5000},
		"60.0 MiB of 60.0 MiB received (100 %) in 5.00 s, average 12.0 MiB/s, 7 B sent");
	shows(&p, (struct progress_count){.in_ms = 7}, "0 B of 60.0 MiB sent (0 %) in 7 ms");
}
