
#include "base/list.h"
#include "check.h"
#include "os/late.h"
#include "report/dump.h"

TestSuite(late, .timeout = 20);

/* Lines that can be written at the third try. */
struct kept_lines {
	struct report_late late;
	unsigned tries, left;
};

static bool try_again(struct report_late *late)
{
	struct kept_lines *k = container_of(late, struct kept_lines, late);

	k->tries++;
	return k->left && --k->left > 0;
}

Test(late, lines_are_tried_until_none_is_left)
{
	struct kept_lines k = {.late.again = try_again, .left = 3};
	struct reporter to = {.late = &k.late};
	struct late l;
	struct loop loop;
	struct err err = {0};

	cr_assert(eq(int, loop_init(&loop, &err), 0));
	cr_assert(eq(int, late_begin(&l, &loop, &to), 0));
	cr_assert(eq(uint, loop.timers_set, 0), "nothing waits, and so nothing is tried");
	k.late.kept(k.late.arg);
	cr_assert(eq(uint, k.tries, 0), "not from within the report");
	while (loop.timers_set)
		cr_assert(eq(int, loop_turn(&loop, &err), 0));
	cr_assert(eq(uint, k.tries, 3));
	late_end(&l);
	cr_assert(eq(ptr, (void *)k.late.kept, NULL), "no loop turns any more");
	late_end(&l);
	loop_free(&loop);
}

Test(late, a_sink_that_keeps_nothing_needs_none)
{
	struct reporter to = {0};
	struct late l;
	struct loop loop;
	struct err err = {0};

	cr_assert(eq(int, loop_init(&loop, &err), 0));
	cr_assert(eq(int, late_begin(&l, &loop, &to), 0));
	cr_assert(eq(uint, loop.timers_counted, 0));
	late_end(&l);
	loop_free(&loop);
}

Test(late, a_dump_is_written_when_the_turn_ends)
{
	struct dump dump = {.late.again = try_again};
	struct reporter to = {.dump = &dump};
	struct late l;
	struct loop loop;
	struct err err = {0};
	int64_t began_ms;

	cr_assert(eq(int, loop_init(&loop, &err), 0));
	cr_assert(eq(int, late_begin(&l, &loop, &to), 0));
	cr_assert(eq(uint, loop.timers_set, 0));
	began_ms = loop.now_ms;
	dump.late.kept(dump.late.arg);
	cr_assert(eq(i64, loop.heap[1]->at_ms, began_ms), "without a wait");
	late_end(&l);
	cr_assert(eq(ptr, (void *)dump.late.kept, NULL));
	cr_assert(eq(uint, loop.timers_counted, 0));
	loop_free(&loop);
}

Test(late, a_dump_that_keeps_nothing_needs_none)
{
	struct dump dump = {0};
	struct reporter to = {.dump = &dump};
	struct late l;
	struct loop loop;
	struct err err = {0};

	cr_assert(eq(int, loop_init(&loop, &err), 0));
	cr_assert(eq(int, late_begin(&l, &loop, &to), 0));
	cr_assert(eq(uint, loop.timers_counted, 0));
	late_end(&l);
	loop_free(&loop);
}
