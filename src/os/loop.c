#include "os/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "base/clock.h"
#include "os/sys_event.h"
#include "os/timer.h"

enum {
	LOOP_BATCH = 256, /* events taken from the kernel at a time */
	HERE_FIRST = 8,
};

int loop_init(struct loop *l, struct err *err)
{
	*l = (struct loop){.epoll = sys_epoll_create(), .now_ms = clock_ms()};
	list_init(&l->buried);
	if (l->epoll < 0)
		return err_sys(err, ERR_RUNTIME, errno, "cannot make an event loop: epoll_create");
	return 0;
}

void loop_bury(struct loop *l, struct list *node)
{
	list_push(&l->buried, node);
}

static void loop_free_buried(struct loop *l)
{
	struct list *node = l->buried.next, *next;

	for (; node != &l->buried; node = next) {
		next = node->next;
		free(node);
	}
	list_init(&l->buried);
}

void loop_free(struct loop *l)
{
	loop_free_buried(l);
	free(l->heap);
	free(l->here);
	if (l->epoll >= 0)
		sys_close_own(l->epoll);
	l->epoll = -1;
}

void loop_stop(struct loop *l)
{
	l->stopped = true;
}

static int loop_make_room(struct loop *l)
{
	uint32_t cap = l->here_cap ? l->here_cap * 2 : HERE_FIRST;
	struct watch **grown;

	if (l->here_count < l->here_cap)
		return 0;
	grown = realloc(l->here, cap * sizeof(struct watch *));
	if (!grown)
		return -1;
	l->here = grown;
	l->here_cap = cap;
	return 0;
}

static void loop_leave_place(struct loop *l, struct watch *w)
{
	struct watch *last;

	if (!w->place)
		return;
	last = l->here[--l->here_count];
	l->here[w->place - 1] = last;
	last->place = w->place;
	w->place = 0;
}

int loop_ready(struct loop *l, struct watch *w, uint32_t events)
{
	if (!events)
		loop_leave_place(l, w);
	else if (!w->place && loop_make_room(l) < 0)
		return -1;
	w->here = (uint8_t)events;
	if (events && !w->place) {
		l->here[l->here_count++] = w;
		w->place = l->here_count;
	}
	return 0;
}

/* epoll refuses regular files and some devices (EPERM, epoll_ctl(2)): read and write never make one
 * wait there, so such a watch is simply always ready. */
static int loop_watch_unpollable(struct loop *l, struct watch *w)
{
	if (loop_ready(l, w, EPOLLIN | EPOLLOUT) < 0)
		return -1;
	w->unpollable = true;
	return 0;
}

/* What the kernel is asked to tell. The peer's end, and urgent data, at which a read stops short
 * (tcp(7)), come in one edge with the bytes before them: it must be known that more is to be read.
 */
static uint32_t loop_mask_of(const struct watch *w, uint32_t wanted)
{
	if (!w->edges || wanted != EPOLLIN)
		return wanted;
	return EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;
}

int loop_look_again(struct loop *l, struct watch *w)
{
	if (!w->known)
		return 0;
	return sys_epoll_ctl(l->epoll, EPOLL_CTL_MOD, w->fd, loop_mask_of(w, w->wanted), w);
}

int loop_watch(struct loop *l, struct watch *w, uint32_t wanted)
{
	w->wanted = (uint8_t)wanted;
	if (w->unpollable || (w->known && w->armed == wanted))
		return 0;
	if (sys_epoll_ctl(l->epoll, w->known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, w->fd,
		    loop_mask_of(w, wanted), w) < 0)
		return errno == EPERM && !w->known ? loop_watch_unpollable(l, w) : -1;
	w->known = true;
	w->armed = (uint8_t)wanted;
	return 0;
}

static void loop_forget(struct loop *l, struct watch *w)
{
	if (w->known)
		sys_epoll_ctl(l->epoll, EPOLL_CTL_DEL, w->fd, 0, NULL);
	w->known = false;
	w->armed = 0;
}

void loop_unwatch(struct loop *l, struct watch *w)
{
	loop_forget(l, w);
	loop_leave_place(l, w);
	w->here = 0;
	w->unpollable = false;
	w->wanted = 0;
	w->ready = NULL;
}

static void loop_tell(struct loop *l, struct watch *w, uint32_t events)
{
	if (!w->ready)
		return; /* unwatched earlier in this batch */
	if (!w->wanted && w->known)
		loop_forget(l, w); /* an unwanted error or hang-up would spin the loop */
	w->ready(w, events);
}

/* Whether a watch wants what is here: then the loop must not sleep. */
static bool loop_never_waits(const struct loop *l)
{
	for (uint32_t i = 0; i < l->here_count; i++)
		if (l->here[i]->wanted & l->here[i]->here)
			return true;
	return false;
}

/* The last first: what leaves its place meanwhile is replaced by one that has been called. */
static void loop_tell_here(struct loop *l)
{
	for (uint32_t i = l->here_count; i > 0; i--) {
		struct watch *w = i <= l->here_count ? l->here[i - 1] : NULL;
		uint32_t events = w ? w->wanted & w->here : 0;

		if (events)
			loop_tell(l, w, events);
	}
}

static int loop_wait_ms(const struct loop *l)
{
	int64_t left;

	if (loop_never_waits(l))
		return 0;
	if (l->timers_set == 0)
		return -1;
	left = l->heap[1]->at_ms - clock_ms();
	return left < 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

int loop_turn(struct loop *l, struct err *err)
{
	struct epoll_event events[LOOP_BATCH];
	int count = sys_epoll_wait(l->epoll, events, LOOP_BATCH, loop_wait_ms(l));

	if (count < 0)
		return err_sys(err, ERR_RUNTIME, errno, "event loop: epoll_wait");
	l->now_ms = clock_ms();
	for (int i = 0; i < count; i++)
		loop_tell(l, events[i].data.ptr, events[i].events);
	loop_tell_here(l);
	timers_run(l);
	loop_free_buried(l);
	return 0;
}

int loop_run(struct loop *l, struct err *err)
{
	l->stopped = false;
	while (!l->stopped)
		if (loop_turn(l, err) < 0)
			return -1;
	return 0;
}
