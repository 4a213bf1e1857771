#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mode_run.h"
#include "mode/collect.h"
#include "peer.h"
#include "script.h"
#include "std_pipes.h"
#include "transport/fd.h"

TestSuite(mode_collect, .timeout = 20);

/* A run of collect: standard output is a pipe that the test reads, the peers are scripts. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct collect_conf conf;
	struct budget budget;
	_Alignas(16) char state[4096];
	struct lines told;
	struct reporter to;
	int in, out;
	char heard[2 << 20];
	size_t heard_len;
	struct mode_run ended;
};

static struct stage *prepare(bool prefix, bool vouches)
{
	struct stage *st = calloc(1, sizeof(*st));

	signal(SIGPIPE, SIG_IGN);
	cr_assert(le(sz, mode_collect.state_size, sizeof(st->state)));
	lay_pipes(&st->in, &st->out);
	st->to = lines_reporter(&st->told);
	st->to.level = LEVEL_READY;
	st->conf.prefix = prefix;
	scene_begin_for(&st->sc, &mode_collect.on, st->state);
	st->env = mode_run_env(&st->ended, &st->sc, &st->conf, st->state);
	st->env.to = &st->to;
	st->env.open_fd = fd_open;
	st->env.vouches = vouches;
	st->env.budget = &st->budget;
	return st;
}

static struct stage *begin_for(bool prefix, bool vouches)
{
	struct stage *st = prepare(prefix, vouches);

	mode_run_begin(&mode_collect, &st->env);
	return st;
}

static struct stage *begin(void)
{
	return begin_for(false, false);
}

static void hear(struct stage *st)
{
	ssize_t n;

	while ((n = read(st->out, st->heard + st->heard_len,
			sizeof(st->heard) - 1 - st->heard_len)) > 0)
		st->heard_len += (size_t)n;
	st->heard[st->heard_len] = '\0';
}

/* Until all peers have ended, and what they sent is written. */
static void play(struct stage *st)
{
	TURN_UNTIL(&st->sc.loop, (hear(st), st->sc.owner.open_now == 0));
	mode_collect.finish(&st->env);
	TURN_UNTIL(&st->sc.loop, (hear(st), st->ended.done));
	hear(st);
	cr_assert(eq(uint, st->ended.done, 1), "told once");
}

static void end(struct stage *st)
{
	conn_owner_free(&st->sc.owner);
	mode_collect.end(&st->env);
	scene_end(&st->sc);
	let_go(&st->in);
	let_go(&st->out);
	free(st);
}

/* One peer, and all that is written of it. */
static void writes(struct script *peer, const char *expected)
{
	struct stage *st = begin();

	scene_join(&st->sc, peer);
	play(st);
	cr_expect(eq(str, st->heard, (char *)expected));
	cr_expect(eq(int, st->ended.why.kind, 0), "%s", st->ended.why.what);
	cr_expect(not(peer->failed), "%s", peer->why.what);
	end(st);
}

Test(mode_collect, lines_are_written_as_they_are)
{
	writes(&(struct script){.incoming = "one\ntwo\r\n\n\x1b[31m\n"},
		"one\ntwo\r\n\n\x1b[31m\n");
}

Test(mode_collect, lines_that_come_in_pieces_are_whole)
{
	writes(&(struct script){.incoming = "one\ntwo\nthree\n", .per_read = 1},
		"one\ntwo\nthree\n");
	writes(&(struct script){.incoming = "one\ntwo\nthree\n", .ragged = true, .again_every = 2},
		"one\ntwo\nthree\n");
}

Test(mode_collect, what_a_stream_ends_in_is_a_line)
{
	writes(&(struct script){.incoming = "one\ntw", .per_read = 3}, "one\ntw\n");
	writes(&(struct script){0}, "");
}

Test(mode_collect, each_message_is_a_record)
{
	static const char *const texts[] = {"one", "two\n", "", "three\nfour", NULL};

	writes(&(struct script){.message_max = 1000, .messages = texts},
		"one\ntwo\n\nthree\nfour\n");
}

Test(mode_collect, lines_of_two_peers_are_not_mixed)
{
	struct stage *st = begin();
	struct script one = {.incoming = "aaaa\naaaa\naaaa\n", .per_read = 3};
	struct script two = {.incoming = "bbbbbb\nbbbbbb\n", .per_read = 2};
	const char *line;

	scene_join(&st->sc, &one);
	scene_join(&st->sc, &two);
	play(st);
	cr_assert(eq(sz, st->heard_len, 29));
	for (line = strtok(st->heard, "\n"); line; line = strtok(NULL, "\n"))
		cr_expect(strcmp(line, "aaaa") == 0 || strcmp(line, "bbbbbb") == 0, "%s", line);
	end(st);
}

Test(mode_collect, what_a_lost_peer_had_begun_is_written)
{
	struct stage *st = begin();
	struct script peer = {
		.incoming = "one\ntwo", .per_read = 7, .fail_read_at = 2, .error = ECONNRESET};

	scene_join(&st->sc, &peer);
	play(st);
	cr_assert(eq(str, st->heard, "one\ntwo\n"));
	cr_assert(peer.failed);
	end(st);
}

/* ---- --prefix ---- */

/* "2026-01-31T12:00:00.123Z " */
enum { STAMP = 25 };

Test(mode_collect, a_prefix_tells_time_and_peer_and_makes_all_visible)
{
	struct stage *st = begin_for(true, false);
	struct script peer = {.incoming = "one\r\nt\x1bw\ro\ttabs\nrest"};
	char *first, *second, *third;

	scene_join(&st->sc, &peer);
	play(st);
	first = strtok(st->heard, "\n");
	second = strtok(NULL, "\n");
	third = strtok(NULL, "\n");
	cr_assert(third != NULL);
	cr_expect(first[10] == 'T' && first[STAMP - 2] == 'Z', "%s", first);
	cr_expect(eq(str, first + STAMP, "#1 one"));
	cr_expect(eq(str, second + STAMP, "#1 t\\x1bw\\ro\\ttabs"));
	cr_expect(eq(str, third + STAMP, "#1 rest"));
	end(st);
}

Test(mode_collect, a_prefix_keeps_a_message_on_one_line)
{
	static const char *const texts[] = {"one\ntwo\n", "", NULL};
	struct stage *st = begin_for(true, false);
	struct script peer = {.message_max = 1000, .messages = texts};
	char *first, *second;

	scene_join(&st->sc, &peer);
	play(st);
	first = strtok(st->heard, "\n");
	second = strtok(NULL, "\n");
	cr_assert(second != NULL);
	cr_expect(eq(str, first + STAMP, "#1 one\\ntwo"));
	cr_expect(eq(str, second + STAMP, "#1 "));
	end(st);
}

/* ---- bounds ---- */

static char *line_of(size_t len)
{
	char *line = malloc(len + 2);

	memset(line, 'x', len);
	memcpy(line + len, "\n", 2);
	return line;
}

Test(mode_collect, a_line_may_have_64_kib)
{
	char *line = line_of(COLLECT_LINE_MAX_BYTES);

	writes(&(struct script){.incoming = line, .per_read = 1000}, line);
	writes(&(struct script){.incoming = line}, line);
	free(line);
}

Test(mode_collect, a_longer_one_is_refused_and_told)
{
	char *line = line_of(COLLECT_LINE_MAX_BYTES + 1);
	struct stage *st = begin_for(false, true);
	struct script peer = {.incoming = line};

	scene_join(&st->sc, &peer);
	play(st);
	cr_assert(eq(str, st->heard, ""));
	cr_assert(eq(str, peer.outgoing, "error: a line may have at most 65536 bytes\n"));
	cr_assert(strstr(st->told.text, "a line may have at most 65536 bytes (1 so far)") != NULL,
		"%s", st->told.text);
	cr_assert(eq(int, st->ended.why.kind, ERR_LOST));
	end(st);
	free(line);
}

enum { STREAM_BYTES = 400000 };

Test(mode_collect, streams_wait_while_output_takes_no_more)
{
	struct stage *st = begin();
	char *lines = line_of(STREAM_BYTES - 1);
	struct script one = {.incoming = lines}, two = {.incoming = lines};
	size_t before;

	for (size_t i = 999; i < STREAM_BYTES; i += 1000)
		lines[i] = '\n';
	scene_join(&st->sc, &one);
	scene_join(&st->sc, &two);
	scene_turn(&st->sc, 1000);
	before = one.sent + two.sent;
	cr_assert(gt(sz, before, 120000));
	cr_assert(lt(sz, before, 300000), "a pipe, a queue and a read");
	scene_turn(&st->sc, 1000);
	cr_assert(eq(sz, one.sent + two.sent, before));
	play(st);
	cr_assert(eq(sz, st->heard_len, (size_t)2 * STREAM_BYTES), "nothing is lost");
	cr_assert(eq(str, st->told.text, ""));
	end(st);
	free(lines);
}

static const char *const *many_messages(const char *text)
{
	static const char *texts[3001];

	for (int i = 0; i < 3000; i++)
		texts[i] = text;
	return texts;
}

/* Datagrams of 1000 bytes that are not taken. */
static struct stage *flood(struct script *peer, size_t budget, bool vouches)
{
	struct stage *st = begin_for(false, vouches);
	char *text = line_of(999);

	st->budget.max = budget;
	peer->message_max = 2000;
	peer->messages = many_messages(text);
	scene_join(&st->sc, peer);
	scene_turn(&st->sc, 4000);
	cr_assert(eq(sz, peer->messages_read, 3000));
	play(st);
	free(text);
	return st;
}

Test(mode_collect, datagrams_are_kept_and_then_dropped_and_counted)
{
	struct script peer = {.connectionless = true};
	struct stage *st = flood(&peer, 0, false);

	cr_assert(ge(sz, st->heard_len, OUTLET_DATAGRAM_BYTES - 1000));
	cr_assert(lt(sz, st->heard_len, OUTLET_DATAGRAM_BYTES + 100000));
	cr_assert(strstr(st->told.text, "standard output takes no more (1 so far)") != NULL, "%s",
		st->told.text);
	cr_assert(strstr(st->told.text, "not written in all: ") != NULL, "%s", st->told.text);
	cr_assert(eq(int, st->ended.why.kind, 0));
	end(st);
}

Test(mode_collect, what_was_dropped_fails_a_run_that_vouches_for_its_clients)
{
	struct script peer = {.connectionless = true};
	struct stage *st = flood(&peer, 100000, true);

	cr_assert(lt(sz, st->heard_len, 200000), "no more than the budget is kept");
	cr_assert(eq(int, st->ended.why.kind, ERR_LOST));
	cr_assert(strstr(st->ended.why.what, "not written in all: 2") != NULL, "%s",
		st->ended.why.what);
	end(st);
}

/* ---- output that fails ---- */

Test(mode_collect, when_the_reader_leaves_the_clients_are_failed)
{
	struct stage *st = begin();
	struct script idle = {.stays = true};
	struct script busy = {.incoming = "x\n", .endless = true};

	scene_join(&st->sc, &idle);
	scene_join(&st->sc, &busy);
	scene_turn(&st->sc, 1000);
	let_go(&st->out);
	st->sc.descriptors--;
	TURN_UNTIL(&st->sc.loop, (idle.ended && busy.ended));
	cr_assert(eq(uint, st->ended.enough, 1));
	mode_collect.finish(&st->env);
	TURN_UNTIL(&st->sc.loop, (st->ended.done));
	cr_assert(eq(int, st->ended.why.kind, ERR_SIGPIPE), "%s", st->ended.why.what);
	end(st);
}

Test(mode_collect, one_that_comes_when_output_has_failed_is_failed_as_well)
{
	struct stage *st = begin();
	struct script busy = {.incoming = "x\n", .endless = true}, late = {.stays = true};

	scene_join(&st->sc, &busy);
	let_go(&st->out);
	st->sc.descriptors--;
	TURN_UNTIL(&st->sc.loop, (busy.ended));
	scene_join(&st->sc, &late);
	TURN_UNTIL(&st->sc.loop, (late.ended));
	cr_assert(eq(uint, late.finished, 0), "it has no orderly end");
	end(st);
}

Test(mode_collect, output_that_fails_at_the_very_end_is_the_runs_error)
{
	struct stage *st = begin();
	char *lines = line_of(99999);
	struct script peer = {.incoming = lines};

	for (size_t i = 999; i < 100000; i += 1000)
		lines[i] = '\n';
	scene_join(&st->sc, &peer);
	TURN_UNTIL(&st->sc.loop, (st->sc.owner.open_now == 0));
	mode_collect.finish(&st->env);
	cr_assert(eq(uint, st->ended.done, 0), "a pipe has not taken all of it");
	let_go(&st->out);
	st->sc.descriptors--;
	TURN_UNTIL(&st->sc.loop, (st->ended.done));
	cr_assert(eq(uint, st->ended.enough, 0), "no client is there any more");
	cr_assert(eq(int, st->ended.why.kind, ERR_SIGPIPE), "%s", st->ended.why.what);
	end(st);
	free(lines);
}

/* ---- memory ---- */

Test(mode_collect, past_the_budget_the_line_that_is_held_is_lost_and_told)
{
	struct stage *st = begin_for(false, true);
	char *line = line_of(20000);
	struct script peer = {.incoming = line, .per_read = 3000}, other = {.incoming = "short\n"};

	st->budget.max = 10000;
	st->sc.owner.budget = &st->budget;
	scene_join(&st->sc, &peer);
	scene_join(&st->sc, &other);
	play(st);
	cr_assert(eq(str, st->heard, "short\n"));
	cr_assert(strstr(peer.outgoing, "memory") != NULL, "%s", peer.outgoing);
	cr_assert(strstr(st->told.text, "there is no memory for its line (1 so far)") != NULL, "%s",
		st->told.text);
	cr_assert(eq(int, st->ended.why.kind, ERR_LOST));
	cr_assert(eq(sz, st->budget.held, 0));
	end(st);
	free(line);
}

/* All lines are written, or it is told that one is not. */
static bool collect_failing(unsigned nth, bool prefix)
{
	struct stage *st = begin_for(prefix, true);
	struct script peer = {
		.incoming = "a line of more than one read\nthe next one\nrest", .per_read = 7};
	struct conn *c = scene_make(&st->sc, &peer, CONN_BOTH);
	bool reached;

	fail_allocation(nth);
	conn_open(c);
	TURN_UNTIL(&st->sc.loop, (st->sc.owner.open_now == 0));
	reached = fail_allocation(0);
	play(st);
	if (st->ended.why.kind) {
		cr_expect(eq(int, st->ended.why.kind, ERR_LOST), "%u", nth);
		cr_expect(strstr(st->told.text, "out of memory (1 so far)") != NULL, "%u: %s", nth,
			st->told.text);
	} else if (!peer.failed) {
		cr_expect(strstr(st->heard, "a line of more than one read\n") != NULL, "%u", nth);
		cr_expect(strstr(st->heard, "rest\n") != NULL, "%u", nth);
	}
	cr_expect(reached || !st->ended.why.kind);
	end(st);
	return reached;
}

Test(mode_collect, what_there_is_no_memory_for_is_told)
{
	for (int prefix = 0; prefix < 2; prefix++) {
		unsigned nth = 1;

		while (collect_failing(nth, prefix))
			nth++;
		cr_assert(gt(uint, nth, 3));
	}
}

Test(mode_collect, without_memory_it_does_not_begin)
{
	bool reached = true;

	for (unsigned nth = 1; reached; nth++) {
		struct stage *st = prepare(false, false);
		struct err err = {0};
		int rc;

		fail_allocation(nth);
		rc = mode_collect.begin(&st->env, &err);
		reached = fail_allocation(0);
		cr_assert(eq(int, rc, reached ? -1 : 0), "allocation %u", nth);
		if (reached)
			cr_assert(eq(str, err.what, "cannot collect: out of memory"));
		end(st);
	}
}
