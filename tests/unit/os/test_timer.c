#include <stdlib.h>

#include "base/clock.h"
#include "check.h"
#include "os/loop.h"
#include "os/timer.h"

TestSuite(timer, .timeout = 20);

/* Timers that write down when they were called. */
enum { MANY = 200 };

struct watchmaker {
	struct loop loop;
	struct one {
		struct timer timer;
		struct watchmaker *of;
		int64_t wanted_ms; /* -1: not set */
		unsigned calls;
		void (*also)(struct one *o);
	} all[MANY];
	size_t order[MANY * 4]; /* who was called, by number */
	size_t called;
};

static void on_expired(struct timer *t)
{
	struct one *o = container_of(t, struct one, timer);
	struct watchmaker *w = o->of;

	o->calls++;
	o->wanted_ms = -1;
	if (w->called < sizeof(w->order) / sizeof(w->order[0]))
		w->order[w->called++] = (size_t)(o - w->all);
	if (o->also)
		o->also(o);
}

static struct watchmaker *begin(void)
{
	struct watchmaker *w = calloc(1, sizeof(*w));
	struct err err;

	cr_assert(eq(int, loop_init(&w->loop, &err), 0));
	w->loop.now_ms = 1000;
	for (size_t i = 0; i < MANY; i++) {
		w->all[i].of = w;
		w->all[i].wanted_ms = -1;
		cr_assert(eq(int, timer_init(&w->loop, &w->all[i].timer, on_expired), 0));
	}
	return w;
}

static void end(struct watchmaker *w)
{
	for (size_t i = 0; i < MANY; i++)
		timer_free(&w->loop, &w->all[i].timer);
	cr_assert(eq(u32, w->loop.timers_set, 0));
	cr_assert(eq(u32, w->loop.timers_counted, 0));
	loop_free(&w->loop);
	free(w);
}

static void set(struct watchmaker *w, size_t i, int64_t at_ms)
{
	w->all[i].wanted_ms = at_ms;
	timer_set(&w->loop, &w->all[i].timer, at_ms);
}

static void clear(struct watchmaker *w, size_t i)
{
	w->all[i].wanted_ms = -1;
	timer_clear(&w->loop, &w->all[i].timer);
}

static void run_at(struct watchmaker *w, int64_t now_ms)
{
	w->loop.now_ms = now_ms;
	timers_run(&w->loop);
}

Test(timer, is_called_once_when_its_moment_has_come_and_not_before)
{
	struct watchmaker *w = begin();

	set(w, 0, 1010);
	run_at(w, 1009);
	cr_assert(eq(uint, w->all[0].calls, 0));
	run_at(w, 1010);
	cr_assert(eq(uint, w->all[0].calls, 1));
	run_at(w, 2000);
	cr_assert(eq(uint, w->all[0].calls, 1));
	end(w);
}

Test(timer, those_that_are_due_are_called_the_earliest_first)
{
	static const int64_t at_ms[] = {1005, 1001, 1004, 1002, 1003};
	static const size_t order[] = {1, 3, 4, 2, 0};
	struct watchmaker *w = begin();

	for (size_t i = 0; i < 5; i++)
		set(w, i, at_ms[i]);
	run_at(w, 1100);
	cr_assert(eq(sz, w->called, 5));
	for (size_t i = 0; i < 5; i++)
		cr_assert(eq(sz, w->order[i], order[i]));
	end(w);
}

Test(timer, one_set_again_has_only_its_latest_moment)
{
	struct watchmaker *w = begin();

	set(w, 0, 1500);
	set(w, 1, 1050);
	set(w, 0, 1010);
	set(w, 1, 1600);
	run_at(w, 1400);
	cr_assert(eq(uint, w->all[0].calls, 1));
	cr_assert(eq(uint, w->all[1].calls, 0));
	run_at(w, 1600);
	cr_assert(eq(uint, w->all[0].calls, 1));
	cr_assert(eq(uint, w->all[1].calls, 1));
	end(w);
}

Test(timer, one_cleared_is_not_called_and_may_be_cleared_again)
{
	struct watchmaker *w = begin();

	clear(w, 0);
	set(w, 0, 1010);
	clear(w, 0);
	clear(w, 0);
	run_at(w, 2000);
	cr_assert(eq(uint, w->all[0].calls, 0));
	set(w, 0, 2010);
	run_at(w, 2010);
	cr_assert(eq(uint, w->all[0].calls, 1));
	end(w);
}

Test(timer, one_that_is_freed_is_not_called_and_may_be_freed_again)
{
	struct watchmaker *w = begin();

	set(w, 0, 1010);
	timer_free(&w->loop, &w->all[0].timer);
	timer_free(&w->loop, &w->all[0].timer);
	run_at(w, 2000);
	cr_assert(eq(uint, w->all[0].calls, 0));
	end(w);
}

static void clear_the_next(struct one *o)
{
	clear(o->of, (size_t)(o - o->of->all) + 1);
}

Test(timer, a_callback_may_clear_one_that_is_due_in_the_same_turn)
{
	struct watchmaker *w = begin();

	for (size_t i = 0; i < 10; i++) {
		set(w, i, 1010 + (int64_t)i);
		w->all[i].also = clear_the_next;
	}
	run_at(w, 2000);
	for (size_t i = 0; i < 10; i++)
		cr_assert(eq(uint, w->all[i].calls, i % 2 == 0), "timer %zu", i);
	end(w);
}

static void free_all(struct one *o)
{
	for (size_t i = 0; i < MANY; i++)
		timer_free(&o->of->loop, &o->of->all[i].timer);
}

Test(timer, a_callback_may_free_all_its_own_included)
{
	struct watchmaker *w = begin();

	for (size_t i = 0; i < MANY; i++) {
		set(w, i, 1010);
		w->all[i].also = free_all;
	}
	run_at(w, 2000);
	cr_assert(eq(sz, w->called, 1));
	end(w);
}

static void move_to_later(struct one *o)
{
	set(o->of, (size_t)(o - o->of->all) + 1, 3000);
}

Test(timer, a_callback_may_put_one_that_is_due_off)
{
	struct watchmaker *w = begin();

	set(w, 0, 1010);
	set(w, 1, 1020);
	w->all[0].also = move_to_later;
	run_at(w, 2000);
	cr_assert(eq(uint, w->all[1].calls, 0));
	run_at(w, 3000);
	cr_assert(eq(uint, w->all[1].calls, 1));
	end(w);
}

static void at_once_again(struct one *o)
{
	set(o->of, (size_t)(o - o->of->all), 0);
}

Test(timer, no_callback_can_keep_a_turn_going_by_setting_its_own_again)
{
	struct watchmaker *w = begin();

	for (size_t i = 0; i < 5; i++) {
		set(w, i, 0);
		w->all[i].also = at_once_again;
	}
	run_at(w, 2000);
	cr_assert(eq(sz, w->called, 5));
	run_at(w, 2000);
	cr_assert(eq(sz, w->called, 10));
	end(w);
}

/* The model: an array, and a search. */
static void is_a_heap(const struct watchmaker *w)
{
	const struct loop *l = &w->loop;
	uint32_t wanted = 0;

	for (uint32_t i = 1; i <= l->timers_set; i++) {
		cr_assert(eq(u32, l->heap[i]->place, i));
		cr_assert(i == 1 || l->heap[i / 2]->at_ms <= l->heap[i]->at_ms);
	}
	for (size_t i = 0; i < MANY; i++) {
		const struct one *o = &w->all[i];

		wanted += o->wanted_ms >= 0;
		cr_assert(eq(int, o->timer.place != 0, o->wanted_ms >= 0));
		cr_assert(o->wanted_ms < 0 || o->timer.at_ms == o->wanted_ms);
	}
	cr_assert(eq(u32, l->timers_set, wanted));
}

static size_t due_by(const struct watchmaker *w, int64_t now_ms)
{
	size_t due = 0;

	for (size_t i = 0; i < MANY; i++)
		due += w->all[i].wanted_ms >= 0 && w->all[i].wanted_ms <= now_ms;
	return due;
}

static void run_and_compare(struct watchmaker *w, int64_t now_ms)
{
	size_t due = due_by(w, now_ms);
	int64_t before = 0;

	w->called = 0;
	run_at(w, now_ms);
	cr_assert(eq(sz, w->called, due));
	for (size_t i = 0; i < w->called; i++) {
		cr_assert(ge(i64, w->all[w->order[i]].timer.at_ms, before), "in order");
		before = w->all[w->order[i]].timer.at_ms;
	}
}

Test(timer, ten_thousand_random_changes_leave_what_a_naive_model_says)
{
	struct watchmaker *w = begin();
	int64_t now_ms = 1000;

	srand(20260731);
	for (int step = 0; step < 10000; step++) {
		size_t i = (size_t)rand() % MANY;

		if (rand() % 3)
			set(w, i, now_ms + rand() % 300);
		else
			clear(w, i);
		if (rand() % 20 == 0)
			run_and_compare(w, now_ms += rand() % 60);
		is_a_heap(w);
	}
	run_and_compare(w, now_ms + 1000);
	end(w);
}

Test(timer, the_loop_waits_as_long_as_the_earliest_says_and_no_longer)
{
	struct watchmaker *w = begin();
	int64_t began_ms = clock_ms();
	struct err err;

	w->loop.now_ms = began_ms;
	timer_set_in(&w->loop, &w->all[0].timer, 30);
	timer_set_in(&w->loop, &w->all[1].timer, 100000);
	while (!w->all[0].calls)
		cr_assert(eq(int, loop_turn(&w->loop, &err), 0));
	cr_assert(ge(i64, clock_ms() - began_ms, 30));
	cr_assert(lt(i64, clock_ms() - began_ms, 1000));
	end(w);
}
