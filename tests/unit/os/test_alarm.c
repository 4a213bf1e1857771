
#include <errno.h>

#include "base/clock.h"
#include "check.h"
#include "os/alarm.h"
#include "peer.h"
#include "script.h"

TestSuite(alarm, .timeout = 20);

struct clock_tower {
	struct loop loop;
	struct alarm alarm;
	unsigned rang;
	int64_t at_ns;
};

static void on_ring(struct alarm *a)
{
	struct clock_tower *t = container_of(a, struct clock_tower, alarm);

	t->rang++;
	t->at_ns = clock_ns();
}

static void begin(struct clock_tower *t)
{
	struct err err;

	*t = (struct clock_tower){.alarm.rings = on_ring};
	cr_assert(eq(int, loop_init(&t->loop, &err), 0));
	cr_assert(eq(int, alarm_open(&t->alarm, &t->loop, &err), 0));
}

static void end(struct clock_tower *t)
{
	alarm_close(&t->alarm);
	alarm_close(&t->alarm);
	loop_free(&t->loop);
}

Test(alarm, rings_once_and_not_before_its_time)
{
	struct clock_tower t;
	int64_t at_ns;

	begin(&t);
	at_ns = clock_ns() + 2500000;
	alarm_set(&t.alarm, at_ns);
	turn_for_ms(&t.loop, 20);
	cr_assert(eq(uint, t.rang, 1));
	cr_assert(ge(i64, t.at_ns, at_ns));
	end(&t);
}

Test(alarm, what_is_past_rings_at_once_and_a_later_setting_replaces_an_earlier)
{
	struct clock_tower t;

	begin(&t);
	alarm_set(&t.alarm, 0);
	turn_for_ms(&t.loop, 1);
	cr_assert(eq(uint, t.rang, 1));
	alarm_set(&t.alarm, clock_ns() - 1000000000);
	turn_for_ms(&t.loop, 1);
	cr_assert(eq(uint, t.rang, 2));
	alarm_set(&t.alarm, clock_ns() + 1000000);
	alarm_set(&t.alarm, clock_ns() + 60000000000);
	turn_for_ms(&t.loop, 10);
	cr_assert(eq(uint, t.rang, 2));
	end(&t);
}

Test(alarm, one_that_was_never_opened_can_be_closed)
{
	struct alarm a = {.watch.fd = -1};

	alarm_close(&a);
}

Test(alarm, cannot_be_made_without_a_descriptor)
{
	struct clock_tower t = {0};
	struct err err = {0};
	struct rlimit before;

	cr_assert(eq(int, loop_init(&t.loop, &err), 0));
	before = allow_no_more_descriptors();
	cr_expect(eq(int, alarm_open(&t.alarm, &t.loop, &err), -1));
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, err.sys, EMFILE), "%s", err.what);
	end(&t);
}
