#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "core/step.h"
#include "mode_run.h"
#include "mode/relay.h"
#include "script.h"

TestSuite(mode_relay, .timeout = 60);

enum { CALLS_MAX = 4 };

/* A server's run for one client; the target answers when the test says so. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct mode_shared shared;
	struct relay_run run;
	struct lines told;
	struct reporter to;
	struct dial *calls[CALLS_MAX];
	const struct target *called[CALLS_MAX];
	size_t call_count;
	bool cannot_call;
	struct script *far;
	struct mode_run ended;
};

static int on_dial(void *arg, struct dial *d, const struct target *to, struct err *err)
{
	struct stage *st = container_of((struct mode_run *)arg, struct stage, ended);

	cr_assert(lt(sz, st->call_count, CALLS_MAX));
	st->calls[st->call_count] = d;
	st->called[st->call_count++] = to;
	return st->cannot_call ? err_set(err, ERR_RUNTIME, "cannot call") : 0;
}

static void on_far_gone(struct conn_owner *owner, struct conn *c, const struct err *why)
{
	struct stage *st =
		container_of(container_of(owner, struct relay_run, far), struct stage, run);

	(void)c;
	st->far->ended++;
	st->far->failed = why != NULL;
	if (why)
		st->far->why = *why;
}

static struct stage *stage(void)
{
	struct stage *st = calloc(1, sizeof(*st));

	st->to = lines_reporter(&st->told);
	st->to.level = LEVEL_READY;
	st->shared.to = (struct opt_list){.items = {"one:1", "two:2"}, .count = 2};
	scene_begin_for(&st->sc, &mode_relay.on, &st->run);
	st->env = mode_run_env(&st->ended, &st->sc, NULL, &st->run);
	st->env.to = &st->to;
	st->env.shared = &st->shared;
	st->env.vouches = true;
	st->env.dial = on_dial;
	mode_run_begin(&mode_relay, &st->env);
	st->run.far.gone = on_far_gone;
	return st;
}

/* The target that was called last answers. */
static void answer(struct stage *st, struct script *far)
{
	const struct link link = scene_link(&st->sc, far);
	struct conn *made = conn_new(&st->run.far, &link, NULL, CONN_BOTH);
	struct dial *d = st->calls[st->call_count - 1];

	st->far = far;
	d->done(d, made, NULL);
	conn_begin(made);
}

static void refuse(struct stage *st, const char *why)
{
	struct dial *d = st->calls[st->call_count - 1];
	struct err err = {0};

	err_set(&err, ERR_REFUSED, "cannot connect to %s: Connection refused", why);
	err_cause(&err, "Connection");
	d->done(d, NULL, &err);
}

static struct stage *join(struct script *near, struct script *far)
{
	struct stage *st = stage();

	scene_join(&st->sc, near);
	answer(st, far);
	return st;
}

/* Until neither is left. */
static void play(struct stage *st)
{
	while (st->sc.owner.open_now || st->run.far.open_now)
		scene_turn(&st->sc, 1);
	cr_assert(list_empty(&st->run.pairs));
}

static void end(struct stage *st)
{
	mode_relay.finish(&st->env);
	cr_assert(eq(uint, st->ended.done, 1));
	mode_relay.end(&st->env);
	if (st->far)
		cr_assert(eq(uint, st->far->closed, 1));
	scene_end(&st->sc);
	free(st);
}

/* ---- what passes ---- */

Test(mode_relay, passes_everything_both_ways)
{
	char *out = script_bytes(200000), *back = script_bytes(150000);
	struct script near = {.incoming = out, .incoming_len = 200000, .per_read = 5000};
	struct script far = {.incoming = back, .incoming_len = 150000, .per_read = 70000};
	struct stage *st = join(&near, &far);

	play(st);
	cr_assert(eq(sz, far.outgoing_len, 200000));
	cr_assert(eq(int, memcmp(far.outgoing, out, 200000), 0));
	cr_assert(eq(sz, near.outgoing_len, 150000));
	cr_assert(eq(int, memcmp(near.outgoing, back, 150000), 0));
	cr_assert(eq(uint, near.finished + far.finished, 2));
	cr_assert(not(near.failed || far.failed));
	cr_assert(eq(str, st->told.text, ""));
	end(st);
	free(out);
	free(back);
}

Test(mode_relay, passes_it_in_pieces_to_sides_that_take_little)
{
	struct script near = {.incoming = "the question", .ragged = true, .again_every = 3};
	struct script far = {.incoming = "and its answer", .ragged = true, .again_every = 2};
	struct stage *st = join(&near, &far);

	play(st);
	cr_assert(eq(str, far.outgoing, "the question"));
	cr_assert(eq(str, near.outgoing, "and its answer"));
	end(st);
}

Test(mode_relay, keeps_messages_whole)
{
	const char *const out[] = {"one", "", "three", NULL}, *const back[] = {"", "two", NULL};
	struct script near = {.message_max = 100, .messages = out};
	struct script far = {.message_max = 100, .messages = back};
	struct stage *st = join(&near, &far);

	play(st);
	cr_assert(eq(str, far.outgoing, "[one][][three]"));
	cr_assert(eq(str, near.outgoing, "[][two]"));
	end(st);
}

Test(mode_relay, keeps_datagrams_that_come_before_the_target_is_there)
{
	const char *const out[] = {"one", "", "three", NULL}, *const back[] = {"answer", NULL};
	struct script near = {
		.message_max = 100, .connectionless = true, .messages = out, .stays = true};
	struct script far = {
		.message_max = 100, .connectionless = true, .messages = back, .stays = true};
	struct stage *st = stage();

	scene_join(&st->sc, &near);
	scene_turn(&st->sc, 5);
	cr_assert(eq(sz, near.messages_read, 3));
	answer(st, &far);
	scene_turn(&st->sc, 5);
	cr_assert(eq(str, far.outgoing, "[one][][three]"));
	cr_assert(eq(str, near.outgoing, "[answer]"));
	conn_close(conn_of_node(st->sc.owner.conns.next), 0);
	play(st);
	cr_assert(not(far.failed));
	end(st);
}

Test(mode_relay, reads_nothing_of_a_client_before_its_target_is_there)
{
	struct script near = {.incoming = "early"}, far = {0};
	struct stage *st = stage();

	scene_join(&st->sc, &near);
	scene_turn(&st->sc, 5);
	cr_assert(eq(uint, near.calls, 0));
	answer(st, &far);
	play(st);
	cr_assert(eq(str, far.outgoing, "early"));
	end(st);
}

Test(mode_relay, reads_no_more_than_is_taken)
{
	char *bytes = script_bytes(1000000);
	struct script near = {.incoming = bytes, .incoming_len = 1000000};
	struct script far = {.deaf = true, .stays = true, .incoming = "still heard"};
	struct stage *st = join(&near, &far);

	scene_turn(&st->sc, 50);
	cr_assert(le(sz, near.sent, CONN_QUEUE_MAX_BYTES + CONN_READ_BYTES));
	cr_assert(eq(str, near.outgoing, "still heard"));
	far.deaf = far.stays = false;
	play(st);
	cr_assert(eq(sz, far.outgoing_len, 1000000));
	cr_assert(not(near.failed || far.failed));
	end(st);
	free(bytes);
}

/* ---- ends ---- */

Test(mode_relay, the_clients_end_is_passed_on_and_the_answer_still_comes)
{
	struct script near = {.incoming = "question"};
	struct script far = {.incoming = "late answer", .reads_nothing = true};
	struct stage *st = join(&near, &far);

	scene_turn(&st->sc, 5);
	cr_assert(eq(str, far.outgoing, "question"));
	cr_assert(eq(uint, far.finished, 1));
	cr_assert(eq(uint, near.finished, 0));
	far.reads_nothing = false;
	play(st);
	cr_assert(eq(str, near.outgoing, "late answer"));
	cr_assert(eq(uint, near.finished, 1));
	end(st);
}

Test(mode_relay, the_targets_end_is_passed_on_and_it_still_gets_what_comes)
{
	struct script near = {.incoming = "upload", .reads_nothing = true};
	struct script far = {.incoming = "welcome"};
	struct stage *st = join(&near, &far);

	scene_turn(&st->sc, 5);
	cr_assert(eq(str, near.outgoing, "welcome"));
	cr_assert(eq(uint, near.finished, 1));
	cr_assert(eq(uint, far.finished, 0));
	near.reads_nothing = false;
	play(st);
	cr_assert(eq(str, far.outgoing, "upload"));
	cr_assert(eq(uint, far.finished, 1));
	end(st);
}

Test(mode_relay, an_end_waits_for_what_came_before_it)
{
	struct script near = {.incoming = "all of it"};
	struct script far = {.deaf = true, .stays = true};
	struct stage *st = join(&near, &far);

	scene_turn(&st->sc, 5);
	cr_assert(eq(uint, far.finished, 0));
	far.deaf = far.stays = false;
	play(st);
	cr_assert(eq(str, far.outgoing, "all of it"));
	cr_assert(eq(uint, far.finished, 1));
	end(st);
}

/* ---- failures ---- */

Test(mode_relay, a_lost_target_fails_the_client_after_what_came)
{
	struct script near = {.stays = true, .per_write = 3};
	struct script far = {.incoming = "half of", .fail_read_at = 2, .error = ECONNRESET};
	struct stage *st = join(&near, &far);

	play(st);
	cr_assert(eq(str, near.outgoing, "half of"));
	cr_assert(eq(uint, near.finished, 0));
	cr_assert(near.failed);
	cr_assert(
		strstr(near.why.what, "lost after 7 bytes received") != NULL, "%s", near.why.what);
	end(st);
}

Test(mode_relay, a_lost_client_fails_the_target_after_what_came)
{
	struct script near = {.incoming = "half of", .fail_read_at = 2, .error = ECONNRESET};
	struct script far = {.stays = true, .per_write = 3};
	struct stage *st = join(&near, &far);

	play(st);
	cr_assert(near.failed);
	cr_assert(eq(str, far.outgoing, "half of"));
	cr_assert(eq(uint, far.finished, 0));
	cr_assert(far.failed);
	end(st);
}

Test(mode_relay, a_target_that_refuses_what_is_sent_may_still_say_why)
{
	struct script near = {.incoming = "a long request", .stays = true};
	struct script far = {
		.incoming = "no", .reads_nothing = true, .fail_write_at = 1, .error = EPIPE};
	struct stage *st = join(&near, &far);

	scene_turn(&st->sc, 5);
	cr_assert(eq(uint, near.ended, 0));
	far.reads_nothing = false;
	play(st);
	cr_assert(eq(str, near.outgoing, "no"));
	cr_assert(near.failed);
	end(st);
}

Test(mode_relay, an_answer_to_what_was_refused_has_no_orderly_end)
{
	struct script near = {.incoming = "a long request"};
	struct script far = {.incoming = "no", .fail_write_at = 1, .error = ENOBUFS};
	struct stage *st = join(&near, &far);

	play(st);
	cr_assert(eq(str, near.outgoing, "no"));
	cr_assert(eq(uint, near.finished, 0));
	cr_assert(near.failed);
	end(st);
}

Test(mode_relay, a_target_lost_once_the_client_is_done_is_the_runs_error)
{
	struct script near = {.incoming = "last words"};
	struct script far = {.incoming = "x", .deaf = true, .fail_write_at = 1, .error = EPIPE};
	struct stage *st = join(&near, &far);

	while (!near.ended)
		scene_turn(&st->sc, 1);
	cr_assert(not(near.failed));
	far.deaf = false;
	play(st);
	cr_assert(far.failed);
	end(st);
}

/* Another one is served, and decides. */
Test(mode_relay, a_client_lost_before_a_byte_moved_is_not_the_runs_error)
{
	struct script near = {.fail_read_at = 1, .error = ECONNRESET};
	struct script far = {.stays = true};
	struct stage *st = join(&near, &far);

	play(st);
	cr_assert(near.failed && far.failed);
	cr_assert(eq(int, st->run.verdict.kind, 0));
	end(st);
}

/* ---- no target ---- */

Test(mode_relay, the_next_target_is_called_where_one_cannot_be_reached)
{
	struct script near = {.incoming = "hello"}, far = {0};
	struct stage *st = stage();

	scene_join(&st->sc, &near);
	refuse(st, "one:1");
	cr_assert(eq(sz, st->call_count, 2));
	cr_assert(eq(str, (char *)st->called[0]->at.host, "one"));
	cr_assert(eq(str, (char *)st->called[1]->at.host, "two"));
	answer(st, &far);
	play(st);
	cr_assert(eq(str, far.outgoing, "hello"));
	end(st);
}

Test(mode_relay, without_any_target_a_client_is_failed_and_it_is_told)
{
	struct script near = {.incoming = "hello"};
	struct stage *st = stage();

	scene_join(&st->sc, &near);
	refuse(st, "one:1");
	refuse(st, "two:2");
	play(st);
	cr_assert(eq(uint, near.calls, 0));
	cr_assert(near.failed);
	cr_assert(eq(str, near.why.what, "cannot connect to two:2: Connection refused"));
	cr_assert(eq(str, st->told.text, "1: cannot connect to two:2: Connection refused\n"));
	end(st);
}

Test(mode_relay, a_target_that_cannot_even_be_called_is_like_one_that_refuses)
{
	struct script near = {.incoming = "hello"};
	struct stage *st = stage();

	st->cannot_call = true;
	scene_join(&st->sc, &near);
	play(st);
	cr_assert(eq(sz, st->call_count, 2));
	cr_assert(eq(str, near.why.what, "cannot call"));
	end(st);
}

Test(mode_relay, a_client_that_leaves_before_its_target_is_there_is_let_go)
{
	struct script near = {.stays = true, .reads_nothing = true};
	struct stage *st = stage();
	struct conn *c = scene_join(&st->sc, &near);

	mode_relay.on.hung_up(c);
	scene_turn(&st->sc, 2);
	cr_assert(eq(uint, near.ended, 0), "without an error it waits");
	near.pending_error = ECONNRESET;
	mode_relay.on.hung_up(c);
	play(st);
	cr_assert(near.failed);
	end(st);
}

Test(mode_relay, a_lost_side_that_is_not_read_is_kept_while_the_other_takes_what_came)
{
	char *bytes = script_bytes(1000000);
	struct script near = {.incoming = bytes, .incoming_len = 1000000};
	struct script far = {.deaf = true, .stays = true, .reads_nothing = true};
	struct stage *st = stage();
	struct conn *c = scene_join(&st->sc, &near);

	answer(st, &far);
	scene_turn(&st->sc, 20);
	near.pending_error = ECONNRESET;
	mode_relay.on.hung_up(c);
	scene_pass_ms(&st->sc, CONN_SEE_OFF_MS - 1);
	far.deaf = false;
	far.per_write = 1;
	scene_turn(&st->sc, 1);
	far.deaf = true;
	scene_pass_ms(&st->sc, CONN_SEE_OFF_MS - 1);
	scene_turn(&st->sc, 1);
	cr_assert(eq(uint, near.ended, 0));
	scene_pass_ms(&st->sc, 2);
	scene_turn(&st->sc, 1);
	cr_assert(near.failed);
	scene_pass_ms(&st->sc, CONN_SEE_OFF_MS);
	play(st);
	cr_assert(far.failed);
	end(st);
	free(bytes);
}

/* ---- stopping ---- */

Test(mode_relay, a_server_that_stops_ends_targets_in_order)
{
	struct script near = {.stays = true, .reads_nothing = true};
	struct script far = {.stays = true, .reads_nothing = true};
	struct stage *st = join(&near, &far);

	mode_relay.stopping(&st->env);
	conn_cut(conn_of_node(st->sc.owner.conns.next), 0);
	scene_turn(&st->sc, 3);
	cr_assert(eq(uint, near.ended, 1));
	cr_assert(eq(uint, far.finished, 1));
	scene_pass_ms(&st->sc, 200);
	play(st);
	cr_assert(not(far.failed));
	end(st);
}

Test(mode_relay, a_server_that_stops_does_not_wait_for_ever)
{
	struct script near = {.incoming = "owed", .stays = true};
	struct script far = {.stays = true, .deaf = true};
	struct stage *st = join(&near, &far);

	scene_turn(&st->sc, 3);
	mode_relay.stopping(&st->env);
	conn_cut(conn_of_node(st->sc.owner.conns.next), 0);
	scene_turn(&st->sc, 3);
	mode_relay.finish(&st->env);
	cr_assert(eq(uint, st->ended.done, 0));
	scene_pass_ms(&st->sc, 2000);
	cr_assert(eq(uint, st->ended.done, 1));
	cr_assert(eq(str, st->ended.why.what, "stopped with 4 bytes that targets had not taken"));
	end(st);
}

/* ---- hops ---- */

/* How far what comes may go on, a datagram each; -1: no further. */
static const int *hops_left;

static int next_hops(const struct link *link)
{
	(void)link;
	return *hops_left++;
}

Test(mode_relay, datagrams_go_on_with_the_hops_that_are_left_and_those_without_any_are_dropped)
{
	static const int hops[] = {63, 63, 30, -1, -1, -1, 30};
	const char *const out[] = {"one", "two", "three", "a", "b", "c", "four", NULL};
	struct script near = {
		.message_max = 100, .connectionless = true, .messages = out, .stays = true};
	struct script far = {.message_max = 100, .connectionless = true, .stays = true};
	struct stage *st = stage();
	struct link link = scene_link(&st->sc, &near);
	struct transport row = *link.via;

	st->to.level = LEVEL_DETAIL;
	hops_left = hops;
	row.onward_hops = next_hops;
	link.via = &row;
	conn_open(conn_new(&st->sc.owner, &link, NULL, CONN_BOTH));
	answer(st, &far);
	scene_turn(&st->sc, 2);
	cr_assert(eq(int, far.hops, 63));
	scene_turn(&st->sc, 8);
	cr_assert(eq(int, far.hops, 30));
	cr_assert(eq(str, far.outgoing, "[one][two][three][four]"));
	cr_assert(strstr(st->told.text, "hop limit reached, possible loop (1 so far)") != NULL,
		"%s", st->told.text);
	cr_assert(strstr(st->told.text, "(2 so far)") != NULL);
	cr_assert(eq(ptr, strstr(st->told.text, "(3 so far)"), NULL), "the 1st, 2nd, 4th");
	conn_close(conn_of_node(st->sc.owner.conns.next), 0);
	play(st);
	end(st);
}

/* ---- a layer below ---- */

/* Where our end would be the peer's, too (TLS 1.2), the target's is held back until then. */
Test(mode_relay, an_end_that_would_end_both_ways_waits_for_the_other_one)
{
	struct script near = {.incoming = "upload", .reads_nothing = true};
	struct script far = {.incoming = "welcome"};
	struct stage *st = stage();
	struct link link = scene_link(&st->sc, &near);

	link.ends_both = true;
	conn_open(conn_new(&st->sc.owner, &link, NULL, CONN_BOTH));
	answer(st, &far);
	scene_turn(&st->sc, 5);
	cr_assert(eq(str, near.outgoing, "welcome"));
	cr_assert(eq(uint, near.finished, 0));
	near.reads_nothing = false;
	play(st);
	cr_assert(eq(str, far.outgoing, "upload"));
	cr_assert(eq(uint, near.finished, 1));
	cr_assert(eq(uint, far.finished, 1));
	end(st);
}

static enum io go_wrong(struct opening *o)
{
	struct err why = {0};

	err_set(&why, ERR_TLS, "the handshake fails");
	return link_fail_with(o->link, &why);
}

static enum io go_nowhere(struct opening *o)
{
	(void)o;
	return IO_AGAIN;
}

static const struct step fails = {.name = "fails", .go = go_wrong};
static const struct step waits = {.name = "waits", .go = go_nowhere};

Test(mode_relay, the_next_target_is_called_where_one_does_not_open)
{
	static const struct step_entry steps[] = {{&fails, NULL}, {NULL, NULL}};
	struct script near = {.incoming = "hello"}, shut = {0}, far = {0};
	struct stage *st = stage();

	scene_join(&st->sc, &near);
	st->run.far.steps = steps;
	answer(st, &shut);
	cr_assert(eq(sz, st->call_count, 2));
	st->run.far.steps = NULL;
	answer(st, &far);
	play(st);
	cr_assert(eq(uint, shut.closed, 1));
	cr_assert(eq(str, far.outgoing, "hello"));
	cr_assert(not(near.failed));
	end(st);
}

Test(mode_relay, where_no_target_opens_the_client_hears_of_the_last_one)
{
	static const struct step_entry steps[] = {{&fails, NULL}, {NULL, NULL}};
	struct script near = {.incoming = "hello"}, one = {0}, two = {0};
	struct stage *st = stage();

	scene_join(&st->sc, &near);
	st->run.far.steps = steps;
	answer(st, &one);
	answer(st, &two);
	play(st);
	cr_assert(near.failed);
	cr_assert(eq(str, st->told.text, "1: the handshake fails\n"));
	cr_assert(eq(uint, one.closed + two.closed, 2));
	end(st);
}

Test(mode_relay, a_target_that_is_opening_goes_with_its_client)
{
	static const struct step_entry steps[] = {{&waits, NULL}, {NULL, NULL}};
	struct script near = {.incoming = "hello", .stays = true}, far = {.stays = true};
	struct stage *st = stage();
	struct conn *c = scene_join(&st->sc, &near);

	st->run.far.steps = steps;
	answer(st, &far);
	scene_turn(&st->sc, 3);
	cr_assert(eq(sz, st->run.far.opening_now, 1));
	conn_abort(c);
	play(st);
	cr_assert(eq(sz, st->call_count, 1), "there is none to call the next one for");
	end(st);
}

/* ---- memory ---- */

Test(mode_relay, what_waits_for_the_target_counts_as_the_clients_and_is_let_go)
{
	const char *const out[] = {
		"sixty bytes that come before there is a target to have them", "sixty more", NULL};
	struct script near = {
		.message_max = 100, .connectionless = true, .messages = out, .stays = true};
	struct stage *st = stage();
	struct budget budget = {.max = 50};

	st->sc.owner.budget = &budget;
	scene_join(&st->sc, &near);
	play(st);
	cr_assert(near.failed);
	cr_assert(strstr(near.why.what, "memory") != NULL, "%s", near.why.what);
	cr_assert(eq(sz, budget.held, 0));
	end(st);
}

Test(mode_relay, each_allocation_for_a_client_may_fail)
{
	bool failed = true;

	for (unsigned nth = 1; failed; nth++) {
		struct script near = {.incoming = "what is sent"}, far = {0};
		struct stage *st = stage();
		struct link link = scene_link(&st->sc, &near);
		struct conn *c = conn_new(&st->sc.owner, &link, NULL, CONN_BOTH);

		fail_allocation(nth);
		conn_open(c);
		failed = fail_allocation(0);
		if (st->call_count)
			answer(st, &far);
		play(st);
		if (failed)
			cr_assert(near.failed, "allocation %u", nth);
		else
			cr_assert(eq(str, far.outgoing, "what is sent"));
		cr_assert(failed || nth > 2);
		end(st);
	}
}

Test(mode_relay, each_allocation_to_begin_may_fail)
{
	const struct mode_shared shared = {.to = {.items = {"one:1"}, .count = 1}};
	struct loop loop;
	int rc = -1;

	cr_assert(eq(int, loop_init(&loop, &(struct err){0}), 0));
	for (unsigned nth = 1; rc < 0; nth++) {
		struct relay_run run = {0};
		struct err err = {0};
		struct mode_env env = {.loop = &loop, .shared = &shared, .state = &run};
		bool failed;

		fail_allocation(nth);
		rc = mode_relay.begin(&env, &err);
		failed = fail_allocation(0);
		cr_assert(eq(int, rc, failed ? -1 : 0), "allocation %u", nth);
		if (failed)
			cr_assert(eq(str, err.what, "cannot begin: out of memory"));
		mode_relay.end(&env);
	}
	loop_free(&loop);
}
