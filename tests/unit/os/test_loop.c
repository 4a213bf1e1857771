#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "os/loop.h"
#include "peer.h"
#include "script.h"

TestSuite(loop, .timeout = 20);

/* A watch that counts its calls. */
struct counter {
	struct watch watch;
	struct loop *loop;
	unsigned told;
	uint32_t events;
	void (*also)(struct counter *c);
	struct counter *other;
};

static void on_ready(struct watch *w, uint32_t events)
{
	struct counter *c = container_of(w, struct counter, watch);

	c->told++;
	c->events = events;
	if (c->also)
		c->also(c);
}

static struct counter counter(struct loop *l, int fd)
{
	return (struct counter){.watch = {.fd = fd, .ready = on_ready}, .loop = l};
}

static int ready_fd(void)
{
	return eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
}

static void begin(struct loop *l)
{
	struct err err;

	cr_assert(eq(int, loop_init(l, &err), 0));
}

Test(loop, tells_what_is_ready_of_what_is_wanted)
{
	int fd = ready_fd();
	struct loop l;
	struct counter c = counter(&l, fd);

	begin(&l);
	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN), 0));
	turn_for_ms(&l, 0);
	cr_assert(eq(u32, c.events, EPOLLIN));
	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN | EPOLLOUT), 0));
	turn_for_ms(&l, 0);
	cr_assert(eq(u32, c.events, EPOLLIN | EPOLLOUT));
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(fd);
}

Test(loop, tells_again_as_long_as_it_is_ready_and_not_once_nothing_is_wanted)
{
	int fd = ready_fd();
	struct loop l;
	struct counter c = counter(&l, fd);

	begin(&l);
	loop_watch(&l, &c.watch, EPOLLIN);
	for (unsigned i = 1; i <= 3; i++) {
		turn_for_ms(&l, 0);
		cr_assert(eq(uint, c.told, i));
	}
	loop_watch(&l, &c.watch, 0);
	cr_assert(le(uint, turn_for_ms(&l, 20), 2), "it sleeps");
	cr_assert(eq(uint, c.told, 3));
	loop_watch(&l, &c.watch, EPOLLIN);
	turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 4));
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(fd);
}

/* ---- edges ---- */

/* A stream socket with edges, watched, and its peer. */
static struct counter edged(struct loop *l, int ends[2])
{
	struct counter c;

	begin(l);
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0));
	c = counter(l, ends[0]);
	c.watch.edges = true;
	return c;
}

static void say_byte(int fd)
{
	cr_assert(eq(sz, (size_t)write(fd, "x", 1), 1));
}

Test(loop, a_watch_with_edges_is_notified_of_what_comes_once_unless_it_looks_again)
{
	struct loop l;
	int ends[2];
	struct counter c = edged(&l, ends);

	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN), 0));
	say_byte(ends[1]);
	for (int i = 0; i < 3; i++)
		turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 1), "nothing more has come");
	say_byte(ends[1]);
	turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 2));
	cr_assert(eq(int, loop_look_again(&l, &c.watch), 0));
	for (int i = 0; i < 3; i++)
		turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 3), "both bytes are still there");
	loop_unwatch(&l, &c.watch);
	cr_assert(eq(int, loop_look_again(&l, &c.watch), 0), "nobody is told");
	loop_free(&l);
	close(ends[0]);
	close(ends[1]);
}

Test(loop, a_watch_with_edges_has_none_while_it_waits_for_room)
{
	struct loop l;
	int ends[2];
	struct counter c = edged(&l, ends);

	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN | EPOLLOUT), 0));
	for (int i = 0; i < 3; i++)
		turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 3), "there is room all the time");
	say_byte(ends[1]);
	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN), 0));
	turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 4), "what had come before is told");
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(ends[0]);
	close(ends[1]);
}

Test(loop, a_watch_with_edges_is_notified_that_the_end_follows_what_came)
{
	struct loop l;
	int ends[2];
	struct counter c = edged(&l, ends);

	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN), 0));
	say_byte(ends[1]);
	cr_assert(eq(int, shutdown(ends[1], SHUT_WR), 0));
	turn_for_ms(&l, 0);
	cr_assert(ne(u32, c.events & EPOLLRDHUP, 0));
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(ends[0]);
	close(ends[1]);
}

Test(loop, a_watch_that_wants_nothing_is_notified_of_a_hang_up_once_and_then_parked)
{
	struct loop l;
	struct counter c;
	int ends[2];

	cr_assert(eq(int, pipe2(ends, O_CLOEXEC), 0));
	begin(&l);
	c = counter(&l, ends[0]);
	loop_watch(&l, &c.watch, 0);
	close(ends[1]);
	cr_assert(le(uint, turn_for_ms(&l, 30), 4), "a hang-up does not spin the loop");
	cr_assert(eq(uint, c.told, 1));
	cr_assert(eq(u32, c.events, EPOLLHUP));
	loop_watch(&l, &c.watch, EPOLLIN);
	turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 2), "parked, not forgotten");
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(ends[0]);
}

Test(loop, a_hang_up_does_not_spin_it_though_nothing_was_ever_wanted_before)
{
	struct loop l;
	struct counter c;
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0));
	begin(&l);
	c = counter(&l, ends[0]);
	loop_watch(&l, &c.watch, EPOLLIN);
	loop_watch(&l, &c.watch, 0);
	close(ends[1]);
	cr_assert(le(uint, turn_for_ms(&l, 30), 4));
	cr_assert(eq(uint, c.told, 1));
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(ends[0]);
}

static int any_file(void)
{
	char path[] = "/tmp/sockx-unit-XXXXXX";
	int fd = mkostemp(path, O_CLOEXEC);

	cr_assert(ge(int, fd, 0));
	unlink(path);
	return fd;
}

Test(loop, a_file_is_always_ready)
{
	int fd = any_file();
	struct loop l;
	struct counter c = counter(&l, fd);

	begin(&l);
	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN), 0));
	for (unsigned i = 1; i <= 3; i++) {
		turn_for_ms(&l, 0);
		cr_assert(eq(uint, c.told, i));
		cr_assert(eq(u32, c.events, EPOLLIN));
	}
	loop_watch(&l, &c.watch, 0);
	cr_assert(le(uint, turn_for_ms(&l, 20), 2), "it sleeps where nothing is wanted");
	cr_assert(eq(uint, c.told, 3));
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(fd);
}

static void unwatch_both(struct counter *c)
{
	loop_unwatch(c->loop, &c->watch);
	loop_unwatch(c->loop, &c->other->watch);
}

Test(loop, a_file_may_be_unwatched_by_another_in_the_same_turn)
{
	int fd = any_file();
	struct loop l;
	struct counter one = counter(&l, fd), two = counter(&l, fd);

	begin(&l);
	one.other = &two;
	two.other = &one;
	one.also = two.also = unwatch_both;
	loop_watch(&l, &one.watch, EPOLLIN);
	loop_watch(&l, &two.watch, EPOLLOUT);
	turn_for_ms(&l, 0);
	turn_for_ms(&l, 0);
	cr_assert(eq(uint, one.told + two.told, 1));
	loop_free(&l);
	close(fd);
}

Test(loop, any_number_of_files_are_reported_each_turn)
{
	enum { FILES = 100 };
	int fd = any_file();
	struct counter all[FILES];
	struct loop l;

	begin(&l);
	for (size_t i = 0; i < FILES; i++) {
		all[i] = counter(&l, fd);
		cr_assert(eq(int, loop_watch(&l, &all[i].watch, EPOLLIN), 0));
	}
	loop_unwatch(&l, &all[3].watch);
	loop_unwatch(&l, &all[FILES - 1].watch);
	turn_for_ms(&l, 0);
	for (size_t i = 0; i < FILES; i++)
		cr_assert(eq(uint, all[i].told, i != 3 && i != FILES - 1), "file %zu", i);
	loop_free(&l);
	close(fd);
}

Test(loop, what_is_ready_whatever_the_kernel_says_is_reported_as_long_as_it_is)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct loop l;
	struct counter c = counter(&l, fd);

	begin(&l);
	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN), 0));
	cr_assert(eq(int, loop_ready(&l, &c.watch, EPOLLIN), 0));
	for (unsigned i = 1; i <= 3; i++) {
		turn_for_ms(&l, 0);
		cr_assert(eq(uint, c.told, i));
		cr_assert(eq(u32, c.events, EPOLLIN));
	}
	loop_watch(&l, &c.watch, EPOLLOUT);
	turn_for_ms(&l, 0);
	cr_assert(eq(u32, c.events, EPOLLOUT), "the kernel's");
	loop_watch(&l, &c.watch, 0);
	c.told = 0;
	cr_assert(le(uint, turn_for_ms(&l, 20), 2), "it sleeps where nothing is wanted");
	loop_watch(&l, &c.watch, EPOLLIN);
	turn_for_ms(&l, 0);
	cr_assert(eq(uint, c.told, 1));
	cr_assert(eq(int, loop_ready(&l, &c.watch, 0), 0));
	cr_assert(le(uint, turn_for_ms(&l, 20), 2), "it sleeps once it is not");
	cr_assert(eq(uint, c.told, 1));
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
	close(fd);
}

Test(loop, a_callback_may_unwatch_any_other_of_the_same_batch)
{
	int fds[2] = {ready_fd(), ready_fd()};
	struct loop l;
	struct counter one = counter(&l, fds[0]), two = counter(&l, fds[1]);

	begin(&l);
	one.other = &two;
	two.other = &one;
	one.also = two.also = unwatch_both;
	loop_watch(&l, &one.watch, EPOLLIN);
	loop_watch(&l, &two.watch, EPOLLIN);
	turn_for_ms(&l, 0);
	turn_for_ms(&l, 0);
	cr_assert(eq(uint, one.told + two.told, 1));
	loop_free(&l);
	close(fds[0]);
	close(fds[1]);
}

Test(loop, what_is_not_watched_may_be_unwatched)
{
	struct loop l;
	struct counter c = counter(&l, -1);

	begin(&l);
	loop_unwatch(&l, &c.watch);
	loop_unwatch(&l, &c.watch);
	loop_free(&l);
}

Test(loop, a_descriptor_that_is_none_is_refused_with_errno)
{
	struct loop l;
	struct counter c = counter(&l, 9999);

	begin(&l);
	cr_assert(eq(int, loop_watch(&l, &c.watch, EPOLLIN), -1));
	cr_assert(eq(int, errno, EBADF));
	loop_free(&l);
}

struct buried {
	struct list node;
	int still_there;
};

static void bury_the_other(struct counter *c)
{
	struct buried *b = malloc(sizeof(*b));

	b->still_there = 1;
	loop_bury(c->loop, &b->node);
	cr_assert(eq(int, b->still_there, 1));
}

Test(loop, what_is_buried_is_freed_when_the_turn_ends_or_the_loop_does)
{
	int fd = ready_fd();
	struct loop l;
	struct counter c = counter(&l, fd);

	begin(&l);
	c.also = bury_the_other;
	loop_watch(&l, &c.watch, EPOLLIN);
	turn_for_ms(&l, 0);
	cr_assert(list_empty(&l.buried));
	bury_the_other(&c);
	bury_the_other(&c);
	loop_free(&l);
	close(fd);
}

static void stop_at_three(struct counter *c)
{
	if (c->told % 3 == 0)
		loop_stop(c->loop);
}

Test(loop, runs_until_it_is_stopped_and_may_run_again)
{
	int fd = ready_fd();
	struct loop l;
	struct counter c = counter(&l, fd);
	struct err err;

	begin(&l);
	c.also = stop_at_three;
	loop_watch(&l, &c.watch, EPOLLIN);
	cr_assert(eq(int, loop_run(&l, &err), 0));
	cr_assert(eq(uint, c.told, 3));
	cr_assert(eq(int, loop_run(&l, &err), 0));
	cr_assert(eq(uint, c.told, 6));
	loop_free(&l);
	close(fd);
}

Test(loop, more_watches_than_one_batch_holds_are_all_reported_in_turn)
{
	enum { MANY = 600 };
	static struct counter all[MANY];
	struct loop l;
	int fd = ready_fd();

	begin(&l);
	for (size_t i = 0; i < MANY; i++) {
		all[i] = counter(&l, dup(fd));
		cr_assert(eq(int, loop_watch(&l, &all[i].watch, EPOLLIN), 0));
	}
	for (int i = 0; i < 20; i++)
		turn_for_ms(&l, 0);
	for (size_t i = 0; i < MANY; i++)
		cr_assert(gt(uint, all[i].told, 0), "watch %zu is starved", i);
	for (size_t i = 0; i < MANY; i++)
		close(all[i].watch.fd);
	close(fd);
	loop_free(&l);
}

Test(loop, two_of_them_do_not_meet)
{
	int fd = ready_fd();
	struct loop one, two;
	struct counter first = counter(&one, fd), second = counter(&two, fd);

	begin(&one);
	begin(&two);
	loop_watch(&one, &first.watch, EPOLLIN);
	loop_watch(&two, &second.watch, EPOLLIN);
	turn_for_ms(&one, 0);
	cr_assert(eq(uint, first.told, 1));
	cr_assert(eq(uint, second.told, 0));
	loop_free(&one);
	turn_for_ms(&two, 0);
	cr_assert(eq(uint, second.told, 1));
	loop_free(&two);
	close(fd);
}

Test(loop, leaves_no_descriptor_open)
{
	unsigned before = open_descriptors();
	struct loop l;

	begin(&l);
	turn_for_ms(&l, 0);
	loop_free(&l);
	cr_assert(eq(uint, open_descriptors(), before));
}

Test(loop, cannot_begin_without_a_descriptor)
{
	struct rlimit before = allow_no_more_descriptors();
	struct err err = {0};
	struct loop l;

	cr_expect(eq(int, loop_init(&l, &err), -1));
	setrlimit(RLIMIT_NOFILE, &before);
	cr_assert(eq(int, err.sys, EMFILE), "%s", err.what);
}
