
#include "check.h"
#include "pipe_stage.h"

/* How fast pipe goes, where that is limited. */

TestSuite(mode_pipe_pace, .timeout = 20);

/* ---- --delay ---- */

static struct pipe_conf delayed(int64_t ms)
{
	struct pipe_conf conf = plain;

	conf.delay_ms = ms;
	return conf;
}

/* Let ms pass, and what follows from it happen. */
static void pass(struct stage *st, int64_t ms)
{
	turn(st, 5);
	scene_pass_ms(&st->sc, ms);
	turn(st, 5);
}

Test(mode_pipe_pace, a_pause_is_between_two_lines_and_the_last_needs_no_end)
{
	struct script peer = {.reads_nothing = true};
	struct stage *st = begin(&peer, delayed(100));

	type(st, "one\n\nthree");
	end_input(st);
	turn(st, 5);
	cr_assert(eq(str, peer.outgoing, "one\n"));
	pass(st, 99);
	cr_assert(eq(str, peer.outgoing, "one\n"));
	pass(st, 1);
	cr_assert(eq(str, peer.outgoing, "one\n\n"));
	cr_assert(eq(uint, peer.finished, 0));
	pass(st, 100);
	cr_assert(eq(str, peer.outgoing, "one\n\nthree"));
	TURN_UNTIL(&st->sc.loop, peer.finished);
	peer.reads_nothing = false;
	play_to_the_end(st);
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_pace, a_line_that_comes_late_is_sent_at_once)
{
	struct script peer = {.stays = true};
	struct stage *st = begin(&peer, delayed(100));

	type(st, "on");
	pass(st, 50);
	cr_assert(eq(str, peer.outgoing, ""));
	type(st, "e\n");
	TURN_UNTIL(&st->sc.loop, strcmp(peer.outgoing, "one\n") == 0);
	scene_pass_ms(&st->sc, 100);
	type(st, "two\n");
	TURN_UNTIL(&st->sc.loop, strcmp(peer.outgoing, "one\ntwo\n") == 0);
	end(st);
}

Test(mode_pipe_pace, each_line_is_a_message_of_its_own)
{
	struct script peer = {.message_max = 40, .connectionless = true, .stays = true};
	struct stage *st = calloc(1, sizeof(*st));

	st->shared.crlf = true;
	lay_pipes(&st->in, &st->out);
	begin_as_is(st, &peer, delayed(0));
	type(st, "one\ntwo\nthree");
	end_input(st);
	TURN_UNTIL(&st->sc.loop, strcmp(peer.outgoing, "[one\r\n][two\r\n][three]") == 0);
	end(st);
}

Test(mode_pipe_pace, lines_that_wait_outlive_the_peers_end)
{
	struct script peer = {.incoming = "bye"};
	struct stage *st = begin(&peer, delayed(100));

	type(st, "one\ntwo\n");
	end_input(st);
	pass(st, 50);
	cr_assert(eq(uint, peer.finished, 0));
	pass(st, 50);
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, "one\ntwo\n"));
	cr_assert(eq(str, st->heard, "bye"));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_pace, a_peer_that_reads_nothing_is_sent_no_more)
{
	struct script peer = {.stays = true, .deaf = true};
	struct stage *st = begin(&peer, delayed(0));
	char *line = script_bytes(30000);

	line[29999] = '\n';
	for (int i = 0; i < 2; i++) {
		type(st, line);
		turn(st, 20);
	}
	type(st, line);
	turn(st, 20);
	type(st, line);
	turn(st, 20);
	cr_assert(lt(sz, conn_queued(st->run.net), CONN_QUEUE_MAX_BYTES + 30000));
	peer.deaf = false;
	TURN_UNTIL(&st->sc.loop, peer.outgoing_len == 4 * 30000);
	free(line);
	end(st);
}

Test(mode_pipe_pace, a_line_without_an_end_is_sent_in_parts)
{
	struct script peer = {.stays = true};
	struct stage *st = begin(&peer, delayed(0));
	char *part = script_bytes(40000);

	for (char *c = part; (c = strchr(c, '\n'));)
		*c = ' ';
	type(st, part);
	turn(st, 20);
	cr_assert(eq(sz, peer.outgoing_len, 0));
	type(st, part);
	TURN_UNTIL(&st->sc.loop, peer.outgoing_len == 64 * 1024);
	end_input(st);
	TURN_UNTIL(&st->sc.loop, peer.outgoing_len == 80000);
	free(part);
	end(st);
}

/* ---- --rate ---- */

static struct pipe_conf rated(uint64_t rate)
{
	struct pipe_conf conf = plain;

	conf.rate = rate;
	return conf;
}

/* Whether so many bytes, within 60 ms' worth, have passed. */
static bool near(size_t got, size_t wanted, uint64_t rate)
{
	return got <= wanted + rate * 60 / 1000 && got + rate * 20 / 1000 >= wanted;
}

Test(mode_pipe_pace, a_rate_holds_each_way_and_at_every_moment)
{
	enum { RATE = 10000 };
	char *answer = script_bytes(5000), *question = script_bytes(5000);
	struct script peer = {.incoming = answer};
	struct stage *st = begin(&peer, rated(RATE));

	type(st, question);
	end_input(st);
	for (int ms = 0; ms <= 450; ms += 5) {
		turn(st, 10);
		hear(st);
		cr_assert(near(peer.outgoing_len, (size_t)ms * RATE / 1000, RATE),
			"%zu sent after %d ms", peer.outgoing_len, ms);
		cr_assert(near(st->heard_len, (size_t)ms * RATE / 1000, RATE),
			"%zu received after %d ms", st->heard_len, ms);
		scene_pass_ms(&st->sc, 5);
	}
	for (int ms = 0; ms < 100; ms += 5) {
		turn(st, 10);
		scene_pass_ms(&st->sc, 5);
	}
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, question));
	cr_assert(eq(str, st->heard, answer));
	cr_assert(not(st->failed));
	end(st);
	free(answer);
	free(question);
}

Test(mode_pipe_pace, a_slow_answer_is_no_silence)
{
	struct script peer = {.incoming = "answer", .stays = true};
	struct pipe_conf conf = rated(10);
	struct stage *st;

	conf.quit_after_ms = 60;
	st = begin(&peer, conf);
	end_input(st);
	for (int i = 0; i < 28; i++)
		pass(st, 20);
	cr_assert(heard(st, "answer"), "%s", st->heard);
	cr_assert(eq(uint, peer.ended, 0));
	pass(st, 200);
	play_to_the_end(st);
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_pace, messages_are_not_cut_by_a_rate_and_the_next_waits_longer)
{
	static const char *const answers[] = {"0123456789", "0123456789", NULL};
	struct script peer = {
		.message_max = 40, .connectionless = true, .stays = true, .messages = answers};
	struct stage *st = begin(&peer, rated(100));

	turn(st, 10);
	cr_assert(heard(st, "0123456789"), "%s", st->heard);
	pass(st, 50);
	cr_assert(heard(st, "0123456789"), "%s", st->heard);
	pass(st, 60);
	cr_assert(heard(st, "01234567890123456789"), "%s", st->heard);
	end(st);
}
