#ifndef SOCKX_OS_LOOP_H
#define SOCKX_OS_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"
#include "base/list.h"

/*
 * The event loop: epoll(7), timers in a heap. One loop a worker, nothing shared. Watches are
 * level-triggered: called each turn for as long as they are ready; but for those that ask for
 * edges. A turn is: what the kernel says is ready, then timers that are due, then the burial of
 * what died meanwhile; so a callback may end any watch, timer or object, its own included.
 */

struct loop;

/* Interest in a descriptor. Embed it; the descriptor is its owner's to close, after
 * loop_unwatch. ready gets the events that came: among those wanted, and EPOLLERR or EPOLLHUP at
 * any time. A watch that wants nothing gets those once, and is then parked: no more come until
 * loop_watch is called again. */
struct watch {
	int fd;
	uint8_t wanted; /* the interest as last set */
	uint8_t armed;  /* the interest as the kernel knows it */
	uint8_t here;   /* what loop_ready said */
	bool known : 1; /* the kernel watches it */
	/* While EPOLLIN alone is wanted, tell what comes once, when it comes (EPOLLET). Level-
	 * triggered, the kernel asks each descriptor a second time, only to learn that nothing is
	 * left: an eighth of what a small echo costs. A reader that may have left something calls
	 * loop_look_again. */
	bool edges : 1;
	bool unpollable : 1; /* a file or a device that epoll refuses: always ready */
	uint32_t place;      /* in loop.here, from 1; 0: not there */
	void (*ready)(struct watch *w, uint32_t events);
};

/* A moment to be called at. Embed it; all zero is not set. */
struct timer {
	int64_t at_ms;
	uint32_t place; /* in the heap, from 1; 0: not set */
	bool counted;   /* room in the heap is reserved */
	void (*expired)(struct timer *t);
};

struct loop {
	int epoll;
	int64_t now_ms;      /* when this turn began */
	struct timer **heap; /* heap[1..timers_set], earliest first */
	uint32_t heap_cap, timers_set, timers_counted;
	struct watch *
		*here; /* here[0..here_count]: ready for something, whatever the kernel says */
	uint32_t here_count, here_cap;
	struct list buried; /* freed when the turn ends */
	bool stopped;
};

/* Returns 0, or -1 with err filled. */
int loop_init(struct loop *l, struct err *err);

/* Frees what the loop itself holds, and what is buried. */
void loop_free(struct loop *l);

/* Turn until loop_stop. Returns 0, or -1 with err filled if the kernel no longer serves us. */
int loop_run(struct loop *l, struct err *err);
void loop_stop(struct loop *l);

/* One turn, waiting at most until the next timer. Returns as loop_run. */
int loop_turn(struct loop *l, struct err *err);

/* Watch w->fd for wanted (EPOLLIN, EPOLLOUT or both; 0: none for now). No system call where nothing
 * changes. Returns 0, or -1 with errno set: only a first call for w can fail. */
int loop_watch(struct loop *l, struct watch *w, uint32_t wanted);

/* Tell w in the next turn if it is still ready, though it has edges. Returns as loop_watch. */
int loop_look_again(struct loop *l, struct watch *w);

/* The kernel cannot tell: w is ready for these (EPOLLIN, EPOLLOUT), for bytes wait in its link,
 * say. It is called so each turn, as far as it wants them, until this is called with none. Returns
 * 0, or -1 with errno when memory is out. */
int loop_ready(struct loop *l, struct watch *w, uint32_t events);

/* Whether loop_watch(w, wanted) would change nothing. To want nothing of what was never watched is
 * nothing; of a file, it has to be said. */
static inline bool loop_is_watching(const struct watch *w, uint32_t wanted)
{
	if (w->wanted != wanted)
		return false;
	return w->unpollable || (w->known ? w->armed == wanted : !wanted);
}

/* Forget w. It may be called for a watch that is not watched. */
void loop_unwatch(struct loop *l, struct watch *w);

/* Reserve room for t, so that timer_set cannot fail. Returns 0, or -1 when memory is out. */
int timer_init(struct loop *l, struct timer *t, void (*expired)(struct timer *t));

/* Call t->expired once at_ms has come, in place of any earlier setting. One that is due already: in
 * this turn if a watch's callback sets it, else in this or the next. */
void timer_set(struct loop *l, struct timer *t, int64_t at_ms);
void timer_set_in(struct loop *l, struct timer *t, int64_t ms);
void timer_clear(struct loop *l, struct timer *t);

/* Clear t and give its room back. */
void timer_free(struct loop *l, struct timer *t);

/* free() node's block when this turn ends: until then a callback may still hold it. node is the
 * first member of what malloc gave. */
void loop_bury(struct loop *l, struct list *node);

#endif
