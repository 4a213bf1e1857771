#include <stdlib.h>

#include "check.h"
#include "mode/analyze.h"
#include "script.h"

TestSuite(conn_await, .timeout = 20);

#define REFUSED "error: the request took too long\n"

enum { REQUEST_MS = 5000, STEP_MS = 500 };

struct stage {
	struct scene sc;
	struct mode_env env;
	struct analyze_conf conf;
	struct mode_shared shared;
	struct analyze_run run;
};

static struct stage *stage(int64_t request_ms)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	st->conf.max_message = 1000;
	st->shared = (struct mode_shared){.settle_ms = 1000, .request_ms = request_ms};
	scene_begin_for(&st->sc, &mode_analyze.on, &st->run);
	st->sc.owner.idle_ms = 1000;
	st->env = (struct mode_env){
		.loop = &st->sc.loop, .conf = &st->conf, .shared = &st->shared, .state = &st->run};
	cr_assert(eq(int, mode_analyze.begin(&st->env, &err), 0));
	return st;
}

static void end(struct stage *st)
{
	conn_owner_free(&st->sc.owner);
	mode_analyze.end(&st->env);
	scene_end(&st->sc);
	free(st);
}

/* A byte every half second: never idle, never settled. */
static void drip(struct stage *st, int64_t ms)
{
	for (int64_t passed = 0; passed < ms; passed += STEP_MS) {
		struct conn *c = conn_of_node(st->sc.owner.conns.next);

		conn_deliver(c, span_of("x"));
		scene_pass_ms(&st->sc, STEP_MS);
	}
}

Test(conn_await, a_byte_now_and_then_does_not_put_off_the_limit)
{
	struct script peer = {.reads_nothing = true};
	struct stage *st = stage(REQUEST_MS);

	scene_join(&st->sc, &peer);
	drip(st, REQUEST_MS - STEP_MS);
	cr_assert(eq(str, peer.outgoing, ""));
	drip(st, STEP_MS);
	cr_assert(eq(str, peer.outgoing, REFUSED));
	scene_pass_ms(&st->sc, CONN_LINGER_MS);
	cr_assert(eq(uint, peer.ended, 1));
	cr_assert(peer.failed);
	end(st);
}

Test(conn_await, none_where_none_is_set)
{
	struct script peer = {.reads_nothing = true};
	struct stage *st = stage(0);

	scene_join(&st->sc, &peer);
	drip(st, (int64_t)10 * REQUEST_MS);
	cr_assert(eq(str, peer.outgoing, ""));
	end(st);
}

Test(conn_await, an_answer_may_take_longer)
{
	struct script peer = {.incoming = "hello", .deaf = true};
	struct stage *st = stage(REQUEST_MS);

	st->sc.owner.idle_ms = 0;
	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 3);
	scene_pass_ms(&st->sc, (int64_t)2 * REQUEST_MS);
	peer.deaf = false;
	scene_turn(&st->sc, 3);
	cr_assert(eq(str, peer.outgoing, "length: 5\nbytes: 5\nwords: 1\nunique: 1\nhello 1\n"));
	end(st);
}

Test(conn_await, the_longest_silent_that_owes_a_message_can_be_refused_without_a_limit_too)
{
	struct script early = {.reads_nothing = true}, late = {.reads_nothing = true};
	struct stage *st = stage(0);
	int64_t next_ms = 0;

	st->sc.owner.idle_ms = 0;
	scene_join(&st->sc, &early);
	scene_pass_ms(&st->sc, 300);
	scene_join(&st->sc, &late);
	scene_pass_ms(&st->sc, 600);
	cr_assert(not(conn_refuse_silent(&st->sc.owner, 1000, "silent", &next_ms)));
	cr_assert(eq(i64, next_ms, 100));
	scene_pass_ms(&st->sc, 100);
	cr_assert(conn_refuse_silent(&st->sc.owner, 1000, "silent", &next_ms));
	scene_pass_ms(&st->sc, 0);
	cr_assert(eq(str, early.outgoing, "error: silent\n"));
	cr_assert(eq(uint, early.ended, 1), "without waiting for its end");
	cr_assert(eq(str, late.outgoing, ""));
	cr_assert(not(conn_refuse_silent(&st->sc.owner, 1000, "silent", &next_ms)));
	cr_assert(eq(i64, next_ms, 300));
	end(st);
}
