#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "core/conn_state.h"
#include "core/step.h"
#include "memory.h"
#include "script.h"

/* A connection that is opening, on the scripted transport. Over real sockets:
 * test_server_steps.c. */
TestSuite(step, .timeout = 20);

/* What a test's steps do, and what became of it. */
struct plan {
	unsigned waits;        /* so often it has to wait ... */
	uint32_t waits_for;    /* ... for this; 0: what is the usual */
	size_t takes;          /* bytes that are for it; what more it reads is not */
	const struct err *why; /* it fails with this story */
	int error;             /* ... or with this errno */
	unsigned went, released;
};

static struct err told;
static unsigned unopened;
static const struct step *failed_at;

static void on_unopened(
	struct conn_owner *owner, struct conn *c, const struct step *at, const struct err *why)
{
	(void)owner;
	(void)c;
	unopened++;
	failed_at = at;
	told = why ? *why : (struct err){0};
}

static enum io follow_plan(struct opening *o)
{
	struct plan *p = o->conf;
	size_t got = 0;

	p->went++;
	if (!o->state)
		o->state = calloc(1, sizeof(struct plan *));
	memcpy(o->state, &p, sizeof(p));
	if (p->waits_for)
		o->waits = p->waits_for;
	if (p->waits) {
		p->waits--;
		return IO_AGAIN;
	}
	if (p->why)
		return link_fail_with(o->link, p->why);
	o->link->error = p->error;
	if (p->error)
		return IO_FAIL;
	if (!p->takes)
		return IO_DONE;
	cr_assert(eq(int, opening_read(o, CONN_READ_BYTES, &got), IO_DONE));
	link_unread(o->link, (struct span){o->room + p->takes, got - p->takes});
	return IO_DONE;
}

static void release(void *state)
{
	struct plan *p;

	memcpy(&p, state, sizeof(p));
	p->released++;
	free(state);
}

static const struct step step_plan = {.name = "plan", .go = follow_plan, .release = release};
static const struct handler listener;

/* A connection that has begun its steps: two of them, if the second is not NULL. */
static struct conn *begin(
	struct scene *sc, struct script *s, struct plan *first, struct plan *second)
{
	static struct step_entry steps[3];
	struct conn *c;

	steps[0] = (struct step_entry){&step_plan, first};
	steps[1] = (struct step_entry){second ? &step_plan : NULL, second};
	unopened = 0;
	scene_begin(sc, &listener);
	sc->owner.steps = steps;
	sc->owner.opening_ms = 10000;
	sc->owner.unopened = on_unopened;
	c = scene_make(sc, s, CONN_BOTH);
	conn_begin(c);
	return c;
}

Test(step, one_that_is_done_at_once_opens)
{
	struct script s = {.incoming = "hello", .stays = true};
	struct plan plan = {0};
	struct scene sc;

	begin(&sc, &s, &plan, NULL);
	cr_assert(eq(str, s.told, "open"));
	cr_assert(eq(uint, plan.released, 1));
	scene_turn(&sc, 1);
	cr_assert(eq(str, s.told, "open data"));
	cr_assert(eq(sz, sc.owner.opening_now, 0));
	scene_end(&sc);
}

Test(step, one_that_waits_for_input_is_called_again_when_there_is_some)
{
	struct script s = {.incoming = "hello", .stays = true};
	struct plan plan = {.waits = 3};
	struct scene sc;
	struct conn *c = begin(&sc, &s, &plan, NULL);

	cr_assert(eq(str, s.told, ""));
	cr_assert(eq(sz, sc.owner.opening_now, 1));
	cr_assert(conn_is_opening(c));
	cr_assert(eq(u8, c->watch.wanted, EPOLLIN));
	scene_turn(&sc, 5);
	cr_assert(eq(uint, plan.went, 4));
	cr_assert(eq(str, s.told, "open data"));
	cr_assert(eq(uint, c->timer.place, 0), "its time no longer counts");
	scene_end(&sc);
}

Test(step, one_that_waits_for_room_is_called_again_when_there_is_some)
{
	struct script s = {.stays = true};
	struct plan plan = {.waits = 1, .waits_for = EPOLLOUT};
	struct scene sc;
	struct conn *c = begin(&sc, &s, &plan, NULL);

	cr_assert(eq(u8, c->watch.wanted, EPOLLOUT));
	scene_turn(&sc, 2);
	cr_assert(eq(str, s.told, "open"));
	cr_assert(eq(u8, c->watch.wanted, EPOLLIN));
	scene_end(&sc);
}

Test(step, one_that_never_answers_has_its_time)
{
	struct script s = {.stays = true, .quiet = true};
	struct plan plan = {.waits = 1000};
	struct scene sc;

	begin(&sc, &s, &plan, NULL);
	scene_pass_ms(&sc, 9900);
	cr_assert(eq(uint, unopened, 0));
	scene_pass_ms(&sc, 200);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(ptr, (void *)failed_at, (void *)&step_plan));
	cr_assert(eq(int, told.kind, ERR_TIMEOUT));
	cr_assert(strstr(told.what, ": not open within 10000 ms (plan)") != NULL, "%s", told.what);
	cr_assert(eq(str, s.told, ""));
	cr_assert(eq(uint, s.closed, 1));
	cr_assert(eq(uint, plan.released, 1));
	scene_end(&sc);
}

Test(step, one_that_fails_tells_its_own_story)
{
	struct script s = {.stays = true};
	struct err story = {0};
	struct plan plan = {.waits = 1, .why = &story}, never = {0};
	struct scene sc;

	err_set(&story, ERR_TLS, "the certificate has expired");
	begin(&sc, &s, &plan, &never);
	scene_turn(&sc, 2);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(int, told.kind, ERR_TLS));
	cr_assert(eq(str, told.what, "the certificate has expired"));
	cr_assert(eq(uint, never.went, 0));
	cr_assert(eq(str, s.told, ""), "the handler is not told");
	cr_assert(eq(uint, s.closed, 1));
	cr_assert(eq(sz, sc.owner.open_now, 0));
	scene_end(&sc);
}

Test(step, one_that_fails_with_an_errno_is_reported_by_it)
{
	struct script s = {.stays = true};
	struct plan plan = {.error = EPROTO};
	struct scene sc;

	begin(&sc, &s, &plan, NULL);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(int, told.kind, ERR_LOST));
	cr_assert(eq(int, told.sys, EPROTO));
	scene_end(&sc);
}

Test(step, what_one_reads_too_much_is_the_next_ones_and_then_the_handlers)
{
	struct script s = {.incoming = "header1header2hello", .stays = true, .quiet = true};
	struct plan first = {.takes = 7}, second = {.waits = 0, .takes = 7};
	struct scene sc;
	struct conn *c = begin(&sc, &s, &first, &second);

	scene_turn(&sc, 2);
	cr_assert(eq(str, s.told, "open data"));
	cr_assert(eq(u64, conn_received(c), 5));
	cr_assert(eq(uint, first.released + second.released, 2));
	scene_end(&sc);
}

Test(step, ended_in_the_middle_it_is_no_failure)
{
	struct script s = {.stays = true};
	struct plan plan = {.waits = 1000};
	struct scene sc;
	struct conn *c = begin(&sc, &s, &plan, NULL);

	conn_abort(c);
	scene_turn(&sc, 1);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(int, told.kind, ERR_NONE));
	cr_assert(eq(uint, plan.released, 1));
	cr_assert(eq(sz, sc.owner.opening_now, 0));
	scene_end(&sc);
}

Test(step, freed_in_the_middle_nothing_is_left)
{
	struct script s = {.stays = true};
	struct plan plan = {.waits = 1000};
	struct scene sc;

	begin(&sc, &s, &plan, NULL);
	conn_owner_free(&sc.owner);
	cr_assert(eq(uint, plan.released, 1));
	cr_assert(eq(uint, s.closed, 1));
	cr_assert(eq(sz, sc.owner.opening_now, 0));
	scene_end(&sc);
}

/* ---- nothing can be watched ---- */

/* epoll refuses everything for a while. */
static int take_epoll(struct scene *sc)
{
	int epoll = sc->loop.epoll;

	sc->loop.epoll = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return epoll;
}

static void give_epoll_back(struct scene *sc, int epoll)
{
	close(sc->loop.epoll);
	sc->loop.epoll = epoll;
}

Test(step, what_cannot_be_watched_fails_before_its_first_step)
{
	static const struct step_entry steps[] = {{&step_plan, NULL}, {NULL, NULL}};
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;
	int epoll;

	unopened = 0;
	scene_begin(&sc, &listener);
	sc.owner.steps = steps;
	sc.owner.unopened = on_unopened;
	c = scene_make(&sc, &s, CONN_BOTH);
	epoll = take_epoll(&sc);
	conn_begin(c);
	give_epoll_back(&sc, epoll);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(int, told.sys, EINVAL), "%s", told.what);
	cr_assert(eq(uint, s.closed, 1));
	scene_end(&sc);
}

Test(step, one_whose_wait_cannot_be_watched_fails)
{
	struct script s = {.stays = true};
	struct plan plan = {.waits = 2};
	struct scene sc;
	int epoll;

	begin(&sc, &s, &plan, NULL);
	plan.waits_for = EPOLLOUT;
	epoll = take_epoll(&sc);
	conn_opening_go(conn_of_node(sc.owner.conns.next));
	give_epoll_back(&sc, epoll);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(int, told.sys, EINVAL), "%s", told.what);
	cr_assert(eq(uint, plan.released, 1));
	cr_assert(eq(sz, sc.owner.opening_now, 0));
	scene_end(&sc);
}

/* ---- was it reset before it was accepted? ---- */

static const struct step_entry accepting[] = {{&step_not_reset, NULL}, {NULL, NULL}};

static struct conn *accept_another(struct scene *sc, struct script *s)
{
	struct conn *c = scene_make(sc, s, CONN_BOTH);

	conn_begin(c);
	return c;
}

static struct conn *accept_one(struct scene *sc, struct script *s)
{
	unopened = 0;
	scene_begin(sc, &listener);
	sc->owner.steps = accepting;
	sc->owner.unopened = on_unopened;
	return accept_another(sc, s);
}

Test(step, what_the_look_for_a_reset_read_is_the_handlers)
{
	struct script s = {.incoming = "hello", .stays = true, .quiet = true};
	struct scene sc;
	struct conn *c = accept_one(&sc, &s);

	cr_assert(eq(str, s.told, "open data"));
	cr_assert(eq(u64, conn_received(c), 5));
	cr_assert(eq(uint, s.reads, 1));
	scene_end(&sc);
}

Test(step, a_reset_ends_it_before_it_is_open)
{
	struct script s = {.fail_read_at = 1, .error = ECONNRESET};
	struct scene sc;

	accept_one(&sc, &s);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(ptr, (void *)failed_at, (void *)&step_not_reset));
	cr_assert(eq(str, s.told, ""));
	scene_end(&sc);
}

Test(step, a_reset_after_bytes_ends_it_before_it_is_open)
{
	struct script s = {.incoming = "lost", .pending_error = ECONNRESET};
	struct scene sc;

	accept_one(&sc, &s);
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(str, s.told, ""));
	scene_end(&sc);
}

static enum io do_nothing(struct opening *o)
{
	(void)o;
	return IO_DONE;
}

static const struct step step_nothing = {.name = "nothing", .go = do_nothing};

Test(step, a_message_too_long_opens_it_and_is_reported_then_whatever_steps_follow)
{
	static const struct step_entry steps[] = {
		{&step_not_reset, NULL}, {&step_nothing, NULL}, {NULL, NULL}};
	struct script s = {.fail_read_at = 1, .error = EOVERFLOW, .message_max = 10};
	struct scene sc;

	scene_begin(&sc, &listener);
	sc.owner.steps = steps;
	conn_begin(scene_make(&sc, &s, CONN_BOTH));
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open closed"));
	cr_assert(eq(int, s.why.kind, ERR_RUNTIME));
	scene_end(&sc);
}

Test(step, bytes_that_the_look_for_a_reset_read_are_not_copied_for_a_step_that_reads_none)
{
	static const struct step_entry steps[] = {
		{&step_not_reset, NULL}, {&step_nothing, NULL}, {NULL, NULL}};
	struct script s = {.incoming = "hello", .stays = true, .quiet = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	sc.owner.steps = steps;
	c = scene_make(&sc, &s, CONN_BOTH);
	conn_begin(c);
	cr_assert(eq(str, s.told, "open data"));
	cr_assert(eq(ptr, c->link.aside, NULL));
	scene_end(&sc);
}

Test(step, a_message_too_long_opens_it_and_is_reported_then)
{
	struct script s = {.fail_read_at = 1, .error = EOVERFLOW, .message_max = 10};
	struct scene sc;

	accept_one(&sc, &s);
	cr_assert(eq(uint, unopened, 0));
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open closed"));
	cr_assert(eq(int, s.why.kind, ERR_RUNTIME));
	scene_end(&sc);
}

Test(step, an_accepted_one_may_be_silent_or_have_ended)
{
	struct script silent = {.stays = true}, ended = {0};
	struct scene sc;

	accept_one(&sc, &silent);
	cr_assert(eq(str, silent.told, "open"));
	accept_another(&sc, &ended);
	scene_turn(&sc, 1);
	cr_assert(eq(str, ended.told, "open closed"));
	cr_assert(not(ended.failed));
	cr_assert(eq(uint, silent.ended, 0));
	scene_end(&sc);
}

static void abort_it(struct conn *c)
{
	conn_abort(c);
}

Test(step, an_accepted_one_that_is_aborted_at_once_gets_no_more_callbacks)
{
	const struct handler on = {.open = abort_it};
	struct script s = {.incoming = "too late"};
	struct scene sc;

	scene_begin(&sc, &on);
	sc.owner.steps = accepting;
	accept_another(&sc, &s);
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open closed"));
	scene_end(&sc);
}

/* ---- what was read ahead, where a layer is to be put over the link ---- */

/* What one step has read, and what became of it in the next. */
struct ahead {
	enum io verdict;
	int error; /* of giving it back */
	unsigned went;
	bool lacks_memory;
};

static enum io read_ahead(struct opening *o)
{
	struct ahead *a = o->conf;

	o->ahead = a->verdict;
	if (a->verdict == IO_DONE || a->verdict == IO_EOF)
		o->ahead = link_read(o->link, o->room, CONN_READ_BYTES, &o->ahead_len);
	cr_assert(eq(int, o->ahead, a->verdict));
	o->link->error = a->verdict == IO_FAIL ? ECONNRESET : 0;
	return IO_DONE;
}

static enum io give_back(struct opening *o)
{
	struct ahead *a = o->conf;

	a->went++;
	if (a->lacks_memory)
		fail_allocation(1);
	a->error = opening_give_back(o);
	if (a->lacks_memory)
		fail_allocation(0);
	cr_assert(eq(int, o->ahead, IO_AGAIN), "it is the handler's no longer");
	cr_assert(eq(int, opening_give_back(o), 0), "once");
	o->link->error = a->error;
	return a->error ? IO_FAIL : IO_DONE;
}

static const struct step step_ahead = {.name = "ahead", .go = read_ahead};
static const struct step step_back = {.name = "back", .go = give_back};

static struct conn *begin_ahead(struct scene *sc, struct script *s, struct ahead *a)
{
	static struct step_entry steps[3];
	struct conn *c;

	steps[0] = (struct step_entry){&step_ahead, a};
	steps[1] = (struct step_entry){&step_back, a};
	unopened = 0;
	scene_begin(sc, &listener);
	sc->owner.steps = steps;
	sc->owner.unopened = on_unopened;
	c = scene_make(sc, s, CONN_BOTH);
	conn_begin(c);
	cr_assert(eq(uint, a->went, 1));
	return c;
}

Test(step, bytes_that_are_given_back_are_read_again)
{
	struct script s = {.incoming = "hello", .stays = true};
	struct ahead a = {.verdict = IO_DONE};
	struct scene sc;
	struct conn *c = begin_ahead(&sc, &s, &a);

	cr_assert(eq(int, a.error, 0));
	cr_assert(eq(str, s.told, "open"), "they are not the handler's yet");
	cr_assert(link_has_bytes(&c->link));
	scene_turn(&sc, 1);
	cr_assert(eq(str, s.told, "open data"));
	cr_assert(eq(u64, conn_received(c), 5));
	scene_end(&sc);
}

Test(step, an_end_that_is_given_back_is_met_again)
{
	struct script s = {0};
	struct ahead a = {.verdict = IO_EOF};
	struct scene sc;

	begin_ahead(&sc, &s, &a);
	cr_assert(eq(int, a.error, 0));
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open closed"));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(step, a_failure_that_is_given_back_is_its_errno)
{
	struct script s = {.stays = true};
	struct ahead a = {.verdict = IO_FAIL};
	struct scene sc;

	begin_ahead(&sc, &s, &a);
	cr_assert(eq(int, a.error, ECONNRESET));
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(int, told.sys, ECONNRESET));
	cr_assert(eq(ptr, (void *)failed_at, (void *)&step_back));
	scene_end(&sc);
}

Test(step, where_nothing_was_read_ahead_nothing_is_given_back)
{
	struct script s = {.stays = true};
	struct ahead a = {.verdict = IO_AGAIN};
	struct scene sc;
	struct conn *c = begin_ahead(&sc, &s, &a);

	cr_assert(eq(int, a.error, 0));
	cr_assert(eq(ptr, c->link.aside, NULL));
	cr_assert(eq(str, s.told, "open"));
	scene_end(&sc);
}

Test(step, without_memory_bytes_cannot_be_given_back)
{
	struct script s = {.incoming = "hello", .stays = true};
	struct ahead a = {.verdict = IO_DONE, .lacks_memory = true};
	struct scene sc;

	begin_ahead(&sc, &s, &a);
	cr_assert(eq(int, a.error, ENOMEM));
	cr_assert(eq(uint, unopened, 1));
	cr_assert(eq(int, told.sys, ENOMEM));
	scene_end(&sc);
}
