#include <errno.h>

#include "check.h"
#include "pipe_stage.h"

/* A peer whose end ours would be, too (TLS 1.2): when pipe passes it on. */
TestSuite(mode_pipe_final, .timeout = 20);

static struct stage *begin_final(struct script *peer, struct pipe_conf conf)
{
	struct stage *st = begin(NULL, conf);
	struct link link = scene_link(&st->sc, peer);

	st->peer = peer;
	link.ends_both = true;
	conn_open(conn_new(&st->sc.owner, &link, NULL, CONN_BOTH));
	return st;
}

static void input_is_over(struct stage *st)
{
	end_input(st);
	TURN_UNTIL(&st->sc.loop, st->run.input_over);
}

static void push(struct stage *st)
{
	enum { PIECE = 16 * 1024 };
	static char piece[PIECE + 1];

	memset(piece, 'x', PIECE);
	for (size_t sent = 0; sent < 4; sent++) {
		type(st, piece);
		turn(st, 3);
	}
	TURN_UNTIL(&st->sc.loop, conn_sent(st->run.net) == 4 * PIECE);
}

Test(mode_pipe_final, it_is_held_back_however_long_an_answer_takes)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin_final(&peer, plain);

	type(st, "question");
	input_is_over(st);
	scene_pass_ms(&st->sc, 600000);
	cr_assert(eq(uint, peer.finished, 0));
	cr_assert(eq(uint, peer.ended, 0));
	end(st);
}

Test(mode_pipe_final, it_is_held_back_after_an_answer_has_begun)
{
	struct script peer = {.incoming = "answer", .stays = true, .reads_nothing = true};
	struct stage *st = begin_final(&peer, plain);

	type(st, "question");
	input_is_over(st);
	peer.reads_nothing = false;
	turn(st, 3);
	scene_pass_ms(&st->sc, 600000);
	cr_assert(eq(uint, peer.finished, 0));
	end(st);
}

Test(mode_pipe_final, a_sink_gets_it_after_a_second_of_quiet)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin_final(&peer, plain);

	push(st);
	input_is_over(st);
	scene_pass_ms(&st->sc, 999);
	cr_assert(eq(uint, peer.finished, 0));
	scene_pass_ms(&st->sc, 1);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_pipe_final, a_sink_that_answers_after_all_is_none)
{
	struct script peer = {.incoming = "answer", .stays = true, .reads_nothing = true};
	struct stage *st = begin_final(&peer, plain);

	push(st);
	input_is_over(st);
	scene_pass_ms(&st->sc, 900);
	peer.reads_nothing = false;
	turn(st, 3);
	scene_pass_ms(&st->sc, 600000);
	cr_assert(eq(uint, peer.finished, 0));
	end(st);
}

Test(mode_pipe_final, asked_for_at_once_it_comes_at_once)
{
	static const struct pipe_conf at_once[] = {
		{.quit_after_ms = -1, .delay_ms = -1, .shutdown_now = true},
		{.quit_after_ms = -1, .delay_ms = -1, .shutdown = "now"}};

	for (size_t i = 0; i < 2; i++) {
		struct script peer = {.stays = true, .reads_nothing = true};
		struct stage *st = begin_final(&peer, at_once[i]);

		type(st, "question");
		input_is_over(st);
		turn(st, 2);
		cr_assert(eq(uint, peer.finished, 1));
		end(st);
	}
}

Test(mode_pipe_final, never_is_never)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin_final(&peer,
		(struct pipe_conf){.quit_after_ms = -1, .delay_ms = -1, .no_shutdown = true});

	push(st);
	input_is_over(st);
	scene_pass_ms(&st->sc, 600000);
	cr_assert(eq(uint, peer.finished, 0));
	end(st);
}

Test(mode_pipe_final, the_peers_end_has_ours_passed_on)
{
	struct script peer = {.incoming = "answer", .reads_nothing = true};
	struct stage *st = begin_final(&peer, plain);

	type(st, "question");
	input_is_over(st);
	scene_pass_ms(&st->sc, 5000);
	cr_assert(eq(uint, peer.finished, 0));
	peer.reads_nothing = false;
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "answer"));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_final, send_only_ends_with_the_input)
{
	struct script peer = {.stays = true};
	struct stage *st = begin_final(
		&peer, (struct pipe_conf){.quit_after_ms = -1, .delay_ms = -1, .send_only = true});

	type(st, "all of it");
	input_is_over(st);
	turn(st, 3);
	cr_assert(eq(str, peer.outgoing, "all of it"));
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_pipe_final, what_is_waited_for_is_told_once_after_two_seconds)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin_final(&peer, plain);
	struct lines lines;

	st->sc.to = lines_reporter(&lines);
	type(st, "question");
	input_is_over(st);
	scene_pass_ms(&st->sc, 1999);
	cr_assert(eq(str, lines.text, ""));
	scene_pass_ms(&st->sc, 1);
	cr_assert(strstr(lines.text, "ours is held back") != NULL, "%s", lines.text);
	lines.len = 0;
	lines.text[0] = '\0';
	scene_pass_ms(&st->sc, 600000);
	cr_assert(eq(str, lines.text, ""));
	end(st);
}

/* ---- peers that take our end for the end of all (TLS) ---- */

/* pipe for a server's client, if serves, or for a server; link bits as TLS sets them. */
static struct stage *begin_over_tls(struct script *peer, struct pipe_conf conf, bool serves)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct link link;
	struct err err;

	lay_pipes(&st->in, &st->out);
	if (serves)
		st->env.enough = on_enough;
	cr_assert(eq(int, set_up(st, conf, &err), 0), "%s", err.what);
	st->peer = peer;
	link = scene_link(&st->sc, peer);
	link.end_closes = true;
	link.cut = peer->fail_read_at > 0;
	conn_open(conn_new(&st->sc.owner, &link, NULL, CONN_BOTH));
	return st;
}

Test(mode_pipe_final, a_server_with_nothing_to_send_keeps_its_end_until_the_peers)
{
	struct script peer = {.incoming = "a file", .reads_nothing = true};
	struct stage *st = begin_over_tls(&peer, plain, true);

	input_is_over(st);
	scene_pass_ms(&st->sc, 600000);
	cr_assert(eq(uint, peer.finished, 0));
	peer.reads_nothing = false;
	play_to_the_end(st);
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(st->failed));
	cr_assert(eq(str, st->heard, "a file"));
	end(st);
}

Test(mode_pipe_final, a_server_that_has_answered_passes_its_end_on)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin_over_tls(&peer, plain, true);

	type(st, "an answer");
	input_is_over(st);
	turn(st, 4);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

/* Its end came, but not in order; a link whose read fails so has cut. */
static struct stage *cut_in_the_middle(struct script *peer, struct pipe_conf conf)
{
	struct stage *st;

	*peer = (struct script){.incoming = "half", .fail_read_at = 2, .error = EIO};
	st = begin_over_tls(peer, conf, false);
	turn(st, 4);
	type(st, "all of it");
	input_is_over(st);
	play_to_the_end(st);
	cr_assert(eq(str, peer->outgoing, "all of it"));
	return st;
}

Test(mode_pipe_final, what_is_sent_goes_on_after_an_end_that_is_not_in_order)
{
	struct script peer;
	struct stage *st = cut_in_the_middle(&peer, plain);

	cr_assert(eq(str, st->heard, "half"));
	cr_assert(peer.failed);
	cr_assert(eq(int, peer.why.kind, ERR_LOST));
	end(st);
}

Test(mode_pipe_final, to_one_that_only_sends_such_an_end_is_no_matter)
{
	struct pipe_conf conf = plain;
	struct script peer;
	struct stage *st;

	conf.send_only = true;
	st = cut_in_the_middle(&peer, conf);
	cr_assert(not(peer.failed));
	end(st);
}
