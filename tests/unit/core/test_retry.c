#include <errno.h>

#include "check.h"
#include "core/retry.h"
#include "os/timer.h"
#include "script.h"

/* Attempts on a loop whose time is the test's. */
TestSuite(retry, .timeout = 20);

struct trier {
	struct loop loop;
	struct lines lines;
	struct reporter to;
	struct retry retry;
	unsigned begun; /* attempts after the first */
	struct err over;
};

static void begin_again(struct retry *r, const struct err *over)
{
	struct trier *t = container_of(r, struct trier, retry);

	if (over)
		t->over = *over;
	else
		t->begun++;
}

static void begin(struct trier *t, uint64_t times, int64_t for_ms)
{
	struct err err;

	*t = (struct trier){0};
	cr_assert(eq(int, loop_init(&t->loop, &err), 0));
	t->loop.now_ms = 1000;
	t->to = lines_reporter(&t->lines);
	t->to.level = LEVEL_DETAIL;
	t->retry = (struct retry){.loop = &t->loop,
		.to = &t->to,
		.typed = "host:80",
		.times = times,
		.for_ms = for_ms,
		.again = begin_again};
	cr_assert(eq(int, retry_begin(&t->retry), 0));
}

static void end(struct trier *t)
{
	retry_end(&t->retry);
	cr_assert(eq(u32, t->loop.timers_counted, 0));
	loop_free(&t->loop);
}

static void pass_ms(struct trier *t, int64_t ms)
{
	t->loop.now_ms += ms;
	timers_run(&t->loop);
}

static struct err refused(void)
{
	struct err why;

	err_sys(&why, ERR_REFUSED, ECONNREFUSED, "cannot connect to 127.0.0.1:80");
	return why;
}

static bool refuse(struct trier *t, struct err *out)
{
	const struct err why = refused();

	return retry_failed(&t->retry, &why, out);
}

Test(retry, the_pauses_grow_by_a_quarter_up_to_two_seconds)
{
	static const int64_t pauses[] = {100, 125, 156, 195, 243, 303, 378, 472, 590, 737, 921,
		1151, 1438, 1797, 2000, 2000, 2000};
	struct trier t;
	struct err out;

	begin(&t, 100, -1);
	for (size_t i = 0; i < sizeof(pauses) / sizeof(pauses[0]); i++) {
		cr_assert(refuse(&t, &out));
		pass_ms(&t, pauses[i] - 1);
		cr_assert(eq(uint, t.begun, (unsigned)i), "%zu", i);
		pass_ms(&t, 1);
		cr_assert(eq(uint, t.begun, (unsigned)i + 1), "%zu", i);
	}
	end(&t);
}

Test(retry, after_the_last_attempt_its_error_stands)
{
	struct trier t;
	struct err out;

	begin(&t, 2, -1);
	cr_assert(refuse(&t, &out));
	cr_assert(refuse(&t, &out));
	cr_assert(not(refuse(&t, &out)));
	cr_assert(eq(int, out.kind, ERR_REFUSED));
	cr_assert(eq(str, out.what, "cannot connect to 127.0.0.1:80: Connection refused"));
	end(&t);
}

Test(retry, when_the_time_has_passed_the_last_refusal_is_named)
{
	struct trier t;
	struct err out;

	begin(&t, 0, 250);
	cr_assert(refuse(&t, &out));
	pass_ms(&t, 100);
	cr_assert(eq(uint, t.begun, 1));
	cr_assert(refuse(&t, &out));
	pass_ms(&t, 125);
	cr_assert(refuse(&t, &out));
	pass_ms(&t, 25); /* the pause is cut */
	cr_assert(eq(uint, t.begun, 2));
	cr_assert(eq(int, t.over.kind, ERR_TIMEOUT));
	cr_assert(eq(str, t.over.what,
		"cannot connect to 'host:80' within 250 ms: Connection refused (attempts: 3)"));
	end(&t);
}

Test(retry, an_attempt_has_what_is_left_of_the_time)
{
	const struct err silence = {.kind = ERR_TIMEOUT, .what = "cannot connect within 50 ms"};
	struct trier t;
	struct err out;

	begin(&t, 0, 250);
	cr_assert(eq(i64, retry_limit_ms(&t.retry, 10000), 250));
	cr_assert(eq(i64, retry_limit_ms(&t.retry, 0), 250));
	cr_assert(eq(i64, retry_limit_ms(&t.retry, 50), 50));
	t.loop.now_ms += 50;
	cr_assert(retry_failed(&t.retry, &silence, &out));
	pass_ms(&t, 100);
	cr_assert(eq(i64, retry_limit_ms(&t.retry, 10000), 100));
	t.loop.now_ms += 100;
	cr_assert(not(retry_failed(&t.retry, &silence, &out)));
	cr_assert(eq(int, out.kind, ERR_TIMEOUT));
	cr_assert(eq(str, out.what, "cannot connect to 'host:80' within 250 ms"));
	end(&t);
}

Test(retry, no_limit_of_time_is_one_that_never_passes)
{
	struct trier t;
	struct err out;

	begin(&t, 0, 0);
	cr_assert(eq(i64, retry_limit_ms(&t.retry, 10000), 10000));
	for (unsigned i = 0; i < 100; i++) {
		cr_assert(refuse(&t, &out));
		pass_ms(&t, 2000);
		cr_assert(eq(uint, t.begun, i + 1));
	}
	end(&t);
}

Test(retry, what_time_cannot_mend_is_not_tried_again)
{
	static const enum err_kind kinds[] = {ERR_RUNTIME, ERR_USAGE, ERR_LOST, ERR_TLS, ERR_WRONG};
	struct trier t;
	struct err out, why;

	begin(&t, 5, 10000);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		cr_expect(not(retry_failed(&t.retry, &(struct err){.kind = kinds[i]}, &out)));
	err_sys(&why, ERR_REFUSED, EPROTOTYPE, "cannot connect to unix:x");
	cr_expect(not(retry_failed(&t.retry, &why, &out)));
	cr_expect(eq(str, out.what, why.what));
	err_sys(&why, ERR_REFUSED, ENOENT, "cannot connect to unix:x");
	cr_expect(retry_failed(&t.retry, &why, &out));
	cr_expect(retry_failed(&t.retry, &(struct err){.kind = ERR_NAME}, &out));
	end(&t);
}

Test(retry, without_the_options_the_first_error_stands)
{
	struct trier t;
	struct err out;

	begin(&t, 0, -1);
	cr_assert(not(refuse(&t, &out)));
	cr_assert(eq(int, out.kind, ERR_REFUSED));
	cr_assert(eq(i64, retry_limit_ms(&t.retry, 10000), 10000));
	retry_succeeded(&t.retry);
	cr_assert(eq(str, t.lines.text, ""));
	end(&t);
}

Test(retry, success_is_reported_with_how_long_it_took)
{
	struct trier t;
	struct err out;

	begin(&t, 0, 30000);
	cr_assert(refuse(&t, &out));
	pass_ms(&t, 1800);
	retry_succeeded(&t.retry);
	cr_assert(eq(str, t.lines.text, "refused once, open after 1.8 s\n"));
	end(&t);
}
