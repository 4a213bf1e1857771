#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "mode/analyze.h"
#include "mode/chat.h"
#include "mode/greet.h"
#include "mode/pipe.h"
#include "os/timer.h"
#include "script.h"
#include "std_pipes.h"
#include "transport/fd.h"

/*
 * Each allocation fails in turn that a mode makes while it serves a client: the client gets all of
 * its answer, or it is refused for that reason. Nothing is left of it (tests/unit/leaks.c).
 */

TestSuite(mode_lacks, .timeout = 20);

enum { ALLOCATIONS_MAX = 300 };

struct run {
	struct scene sc;
	struct mode_env env;
	struct mode_shared shared;
	_Alignas(16) char state[1 << 16];
	unsigned done;
	struct err why;
};

static void on_done(void *arg, const struct err *why)
{
	struct run *r = arg;

	r->done++;
	if (why)
		r->why = *why;
}

static void on_enough(void *arg)
{
	(void)arg;
}

static void prepare(struct run *r, const struct mode *mode, const void *conf)
{
	*r = (struct run){.shared.settle_ms = 100000};
	cr_assert(le(sz, mode->state_size, sizeof(r->state)));
	scene_begin_for(&r->sc, &mode->on, r->state);
	r->env = (struct mode_env){.loop = &r->sc.loop,
		.to = &r->sc.to,
		.scratch = &r->sc.scratch,
		.conf = conf,
		.shared = &r->shared,
		.state = r->state,
		.open_fd = fd_open,
		.done = on_done,
		.enough = on_enough,
		.arg = r};
}

static void begin(struct run *r, const struct mode *mode, const void *conf)
{
	struct err err = {0};

	prepare(r, mode, conf);
	cr_assert(eq(int, mode->begin(&r->env, &err), 0), "%s", err.what);
}

static void end(struct run *r, const struct mode *mode)
{
	conn_owner_free(&r->sc.owner);
	if (mode->end)
		mode->end(&r->env);
	scene_end(&r->sc);
}

/* Serve a peer like this one, which is sent that if all goes well. */
static void each_fails(
	const struct mode *mode, const void *conf, const struct script *like, const char *expected)
{
	static struct run r;
	static struct script peer;
	unsigned nth = 0, failures = 0;
	bool all_there = false;

	for (; !all_there && nth < ALLOCATIONS_MAX; failures += peer.failed) {
		peer = *like;
		begin(&r, mode, conf);
		scene_join(&r.sc, &peer);
		fail_allocation(++nth);
		scene_play(&r.sc);
		all_there = !fail_allocation(0);
		end(&r, mode);
		if (peer.failed)
			cr_expect(strstr(peer.why.what, "memory") != NULL, "%u: %s", nth,
				peer.why.what);
		else
			cr_expect(eq(str, peer.outgoing, (char *)expected), "%u", nth);
	}
	cr_expect(all_there && !peer.failed, "with all memory: %s", peer.why.what);
	cr_expect(gt(uint, failures, 0));
}

static const struct analyze_conf usual = {.max_message = 1 << 20};

#define TO_BE "length: 18\nbytes: 18\nwords: 6\nunique: 4\nTo 2\nbe 2\nor 1\nnot 1\n"

Test(mode_lacks, analyze_of_a_stream)
{
	each_fails(
		&mode_analyze, &usual, &(struct script){.incoming = "To be or not to be"}, TO_BE);
	each_fails(&mode_analyze, &usual,
		&(struct script){.incoming = "To be or not to be", .per_read = 6}, TO_BE);
	each_fails(&mode_analyze, &usual, &(struct script){0},
		"length: 0\nbytes: 0\nwords: 0\nunique: 0\n");
}

Test(mode_lacks, analyze_of_a_message)
{
	static const char *const texts[] = {"To be or not to be", NULL};

	each_fails(&mode_analyze, &usual, &(struct script){.message_max = 1000, .messages = texts},
		"[" TO_BE "]");
}

/* The greeting is longer than the first piece of memory for it: some of it is there when the next
 * one cannot be had. */
Test(mode_lacks, greet)
{
	static char greeting[3000], said[3000];

	for (int i = 0; i < 100; i++) {
		strcat(greeting, "Hello, {name}! ");
		strcat(said, "Hello, Ann! ");
	}
	each_fails(&mode_greet, &(struct greet_conf){.greeting = greeting, .ask = true},
		&(struct script){.incoming = "Ann\n"}, said);
	each_fails(&mode_greet, &(struct greet_conf){.greeting = greeting, .ask = true},
		&(struct script){.incoming = "Ann\n", .per_read = 1}, said);
}

/* ---- chat, where the operator hears of it, too ---- */

Test(mode_lacks, chat_of_two_members_and_the_operator)
{
	static const struct chat_conf conf;
	static struct script one, two;
	static struct run r;
	unsigned nth = 0, failures = 0;
	bool all_there = false;

	signal(SIGPIPE, SIG_IGN);
	for (; !all_there && nth < ALLOCATIONS_MAX;) {
		int own[2] = {dup(0), dup(1)}, in, out;

		lay_pipes(&in, &out);
		begin(&r, &mode_chat, &conf);
		one = (struct script){.incoming = "hello\nbye\n", .reads_nothing = true};
		two = (struct script){.stays = true};
		scene_join(&r.sc, &one);
		scene_join(&r.sc, &two);
		cr_assert(eq(long, write(in, "good day\n", 9), 9));
		one.reads_nothing = false;
		fail_allocation(++nth);
		scene_turn(&r.sc, 20);
		all_there = !fail_allocation(0);
		if (one.failed || two.failed || r.why.kind)
			failures++;
		else
			cr_expect(eq(str, two.outgoing, "guest1: hello\ngood day\n"), "%u", nth);
		cr_expect(r.why.kind == 0 || strstr(r.why.what, "memory"), "%s", r.why.what);
		end(&r, &mode_chat);
		let_go(&in);
		let_go(&out);
		take_over(own[0], 0);
		take_over(own[1], 1);
	}
	cr_expect(all_there && !one.failed && !two.failed && !r.why.kind);
	cr_expect(gt(uint, failures, 0));
}

/* ---- at the beginning ---- */

/* Others have timers in the loop, which has room for so many more: the next one takes memory. */
static size_t leave_room(struct loop *l, struct timer others[16], unsigned room)
{
	size_t count = 0;

	while (l->timers_counted + 1 + room < l->heap_cap)
		cr_assert(eq(int, timer_init(l, &others[count++], NULL), 0));
	return count;
}

/* Each allocation fails in turn that a mode makes to begin; and so does each of its timers. */
static void each_fails_to_begin(const struct mode *mode, const void *conf)
{
	static struct run r;
	struct timer others[16];
	struct err err = {0};
	bool reached = true;

	for (unsigned room = 0; room < 5; room++) {
		reached = true;
		for (unsigned nth = 1; reached; nth++) {
			int in, out, rc;
			size_t count;

			lay_pipes(&in, &out);
			prepare(&r, mode, conf);
			count = leave_room(&r.sc.loop, others, room);
			fail_allocation(nth);
			rc = mode->begin(&r.env, &err);
			reached = fail_allocation(0);
			cr_expect(
				eq(int, rc, reached ? -1 : 0), "room %u, allocation %u", room, nth);
			if (reached)
				cr_expect(
					strstr(err.what, "out of memory") != NULL, "%s", err.what);
			while (count)
				timer_free(&r.sc.loop, &others[--count]);
			end(&r, mode);
			let_go(&in);
			let_go(&out);
		}
	}
}

Test(mode_lacks, a_mode_begins_or_says_that_it_cannot)
{
	static const struct chat_conf chat;
	static const struct pipe_conf plain = {.quit_after_ms = -1, .delay_ms = -1};
	static const struct pipe_conf paced = {.quit_after_ms = -1, .delay_ms = 5, .rate = 1000};
	static const struct pipe_conf until = {
		.quit_after_ms = -1, .delay_ms = -1, .expect = "text"};

	each_fails_to_begin(&mode_analyze, &usual);
	each_fails_to_begin(&mode_chat, &chat);
	each_fails_to_begin(&mode_pipe, &plain);
	each_fails_to_begin(&mode_pipe, &paced);
	each_fails_to_begin(&mode_pipe, &until);
}
