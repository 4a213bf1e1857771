/* The loop's timers: a binary heap of pointers, each timer knowing its place. */
#include "os/timer.h"

#include <stdlib.h>

static void timer_put(struct loop *l, uint32_t place, struct timer *t)
{
	l->heap[place] = t;
	t->place = place;
}

static void timer_sift_up(struct loop *l, uint32_t place)
{
	struct timer *t = l->heap[place];

	for (; place > 1 && l->heap[place / 2]->at_ms > t->at_ms; place /= 2)
		timer_put(l, place, l->heap[place / 2]);
	timer_put(l, place, t);
}

static void timer_sift_down(struct loop *l, uint32_t place)
{
	struct timer *t = l->heap[place];

	for (;;) {
		uint32_t child = place * 2;

		if (child > l->timers_set)
			break;
		if (child < l->timers_set && l->heap[child + 1]->at_ms < l->heap[child]->at_ms)
			child++;
		if (l->heap[child]->at_ms >= t->at_ms)
			break;
		timer_put(l, place, l->heap[child]);
		place = child;
	}
	timer_put(l, place, t);
}

int timer_init(struct loop *l, struct timer *t, void (*expired)(struct timer *t))
{
	*t = (struct timer){.expired = expired};
	if (l->timers_counted + 1 >= l->heap_cap) {
		uint32_t cap = l->heap_cap ? l->heap_cap * 2 : 16;
		struct timer **grown = realloc(l->heap, cap * sizeof(struct timer *));

		if (!grown)
			return -1;
		l->heap = grown;
		l->heap_cap = cap;
	}
	l->timers_counted++;
	t->counted = true;
	return 0;
}

void timer_set(struct loop *l, struct timer *t, int64_t at_ms)
{
	t->at_ms = at_ms;
	if (!t->place)
		timer_put(l, ++l->timers_set, t);
	timer_sift_up(l, t->place);
	timer_sift_down(l, t->place);
}

void timer_set_in(struct loop *l, struct timer *t, int64_t ms)
{
	timer_set(l, t, l->now_ms + ms);
}

void timer_clear(struct loop *l, struct timer *t)
{
	uint32_t place = t->place;
	struct timer *last;

	if (!place)
		return;
	last = l->heap[l->timers_set--];
	t->place = 0;
	if (last == t)
		return;
	timer_put(l, place, last);
	timer_sift_up(l, place);
	timer_sift_down(l, last->place);
}

void timer_free(struct loop *l, struct timer *t)
{
	timer_clear(l, t);
	if (t->counted)
		l->timers_counted--;
	t->counted = false;
}

void timers_run(struct loop *l)
{
	struct timer *due;
	uint32_t most = l->timers_set;

	while (most-- > 0 && l->timers_set > 0 && l->heap[1]->at_ms <= l->now_ms) {
		due = l->heap[1];
		timer_clear(l, due);
		due->expired(due);
	}
}
