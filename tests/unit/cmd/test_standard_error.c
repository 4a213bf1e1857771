#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "check.h"
#include "cmd/standard_error.h"
#include "script.h"

TestSuite(standard_error, .timeout = 20);

struct told {
	struct scene sc;
	struct script s;
	struct standard_error e;
	struct reporter to;
	unsigned woken;
};

static void wake(void *arg)
{
	++*(unsigned *)arg;
}

static void begin(struct told *t, bool terminal)
{
	static const struct handler none = {0};

	scene_begin(&t->sc, &none);
	standard_error_begin(&t->e, &t->to);
	t->e.link = scene_link(&t->sc, &t->s);
	t->e.link.terminal = terminal;
	t->e.late.kept = wake;
	t->e.late.arg = &t->woken;
}

static void end(struct told *t)
{
	standard_error_end(&t->e);
	cr_assert(eq(ptr, t->e.kept.data, NULL));
	link_close(&t->e.link);
	scene_end(&t->sc);
}

Test(standard_error, what_a_terminal_does_not_take_is_kept_and_tried_again_in_order)
{
	struct told t = {.s = {.deaf = true}};

	begin(&t, true);
	report_line(&t.to, span_of("one\n"));
	cr_assert(eq(uint, t.woken, 1));
	report_line(&t.to, span_of("two\n"));
	cr_assert(eq(uint, t.woken, 1), "for the first line alone");
	cr_assert(eq(int, t.e.late.again(&t.e.late), true));
	t.s.deaf = false;
	report_line(&t.to, span_of("three\n"));
	cr_assert(eq(str, t.s.outgoing, "one\ntwo\nthree\n"));
	cr_assert(eq(int, t.e.late.again(&t.e.late), false));
	cr_assert(eq(u64, t.to.dropped, 0));
	end(&t);
}

Test(standard_error, a_line_that_was_begun_is_not_torn)
{
	struct told t = {.s = {.per_write = 3, .again_every = 2}};

	begin(&t, true);
	for (int i = 0; i < 50; i++)
		report_line(&t.to, span_of("a line of some length\n"));
	while (t.e.late.again(&t.e.late))
		;
	cr_assert(eq(sz, t.s.outgoing_len, 50 * strlen("a line of some length\n")));
	cr_assert(eq(u64, t.to.dropped, 0));
	end(&t);
}

Test(standard_error, what_a_pipe_does_not_take_is_dropped_and_counted)
{
	struct told t = {.s = {.deaf = true}};

	begin(&t, false);
	report_line(&t.to, span_of("one\n"));
	report_line(&t.to, span_of("two\n"));
	cr_assert(eq(u64, t.to.dropped, 2));
	cr_assert(eq(uint, t.woken, 0));
	t.s.deaf = false;
	report_line(&t.to, span_of("three\n"));
	cr_assert(eq(str, t.s.outgoing, "three\n"));
	end(&t);
}

Test(standard_error, of_a_line_that_a_pipe_took_a_part_of_the_rest_follows)
{
	struct told t = {.s = {.per_write = 3, .again_every = 2}};

	begin(&t, false);
	report_line(&t.to, span_of("a line\n"));
	cr_assert(eq(str, t.s.outgoing, "a l"));
	cr_assert(eq(uint, t.woken, 1));
	while (t.e.late.again(&t.e.late))
		;
	cr_assert(eq(str, t.s.outgoing, "a line\n"));
	cr_assert(eq(u64, t.to.dropped, 0));
	t.s.deaf = true;
	report_line(&t.to, span_of("another\n"));
	cr_assert(eq(u64, t.to.dropped, 1), "of which nothing was taken");
	end(&t);
}

/* Such as a trace has of a read. */
Test(standard_error, a_line_longer_than_what_is_kept_is_not_torn_either)
{
	static char line[2 * STANDARD_ERROR_KEPT_BYTES];
	struct told t = {.s = {.per_write = 4096, .again_every = 2}};

	memset(line, 'x', sizeof(line) - 2);
	line[sizeof(line) - 2] = '\n';
	begin(&t, false);
	report_line(&t.to, span_of(line));
	report_line(&t.to, span_of("another\n"));
	while (t.e.late.again(&t.e.late))
		;
	cr_assert(eq(sz, t.s.outgoing_len, sizeof(line) - 1));
	cr_assert(eq(u64, t.to.dropped, 1), "the other");
	end(&t);
}

Test(standard_error, what_a_stopped_terminal_makes_us_keep_is_bounded)
{
	static const char line[] = "a line of 32 bytes, newline too\n";
	struct told t = {.s = {.deaf = true}};
	uint64_t most = STANDARD_ERROR_KEPT_BYTES / strlen(line);

	begin(&t, true);
	for (uint64_t i = 0; i < most + 10; i++)
		report_line(&t.to, span_of(line));
	cr_assert(eq(u64, t.to.dropped, 10));
	t.s.deaf = false;
	cr_assert(eq(int, t.e.late.again(&t.e.late), false));
	cr_assert(eq(sz, t.s.outgoing_len, STANDARD_ERROR_KEPT_BYTES), "whole lines");
	end(&t);
}

Test(standard_error, a_terminal_that_hung_up_is_given_up)
{
	struct told t = {.s = {.deaf = true, .error = EIO}};

	begin(&t, true);
	report_line(&t.to, span_of("one\n"));
	t.s.deaf = false;
	t.s.fail_write_at = 1;
	cr_assert(eq(int, t.e.late.again(&t.e.late), false));
	cr_assert(eq(sz, t.e.kept.len, 0));
	end(&t);
}

Test(standard_error, the_end_of_a_run_waits_a_bounded_time)
{
	struct told t = {.s = {.deaf = true}};
	int64_t began_ms = clock_ms();

	begin(&t, true);
	end(&t);
	cr_assert(lt(i64, clock_ms() - began_ms, STANDARD_ERROR_END_MS), "nothing is kept");
	t = (struct told){.s = {.deaf = true}};
	begin(&t, true);
	report_line(&t.to, span_of("one\n"));
	began_ms = clock_ms();
	end(&t);
	cr_assert(ge(i64, clock_ms() - began_ms, STANDARD_ERROR_END_MS));
}
