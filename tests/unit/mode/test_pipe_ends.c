
#include "check.h"
#include "pipe_stage.h"

/* The ends that scripts ask pipe for. */

TestSuite(mode_pipe_ends, .timeout = 20);

/* ---- --quit-with-peer ---- */

Test(mode_pipe_ends, with_the_peer_though_input_goes_on)
{
	struct script peer = {.incoming = "bye"};
	struct pipe_conf conf = plain;
	struct stage *st;

	conf.quit_with_peer = true;
	st = begin(&peer, conf);
	type(st, "still here");
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "bye"));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_ends, with_the_peer_but_what_waits_is_sent_first)
{
	struct script peer = {.incoming = "bye", .deaf = true, .reads_nothing = true};
	struct pipe_conf conf = plain;
	struct stage *st;

	conf.quit_with_peer = true;
	st = begin(&peer, conf);
	type(st, "question");
	turn(st, 5);
	peer.reads_nothing = false;
	turn(st, 5);
	cr_assert(eq(uint, peer.ended, 0));
	peer.deaf = false;
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, "question"));
	end(st);
}

static int fits(struct pipe_conf conf, const struct transport *via, struct err *err)
{
	return mode_fits(&mode_pipe, &conf, via, err);
}

Test(mode_pipe_ends, with_the_peer_needs_a_peer_that_ends)
{
	const struct transport stream = {.name = "stream"}, packets = {.message_max = 9},
			       datagrams = {.message_max = 9, .connectionless = true};
	struct pipe_conf conf = plain;
	struct err err = {0};

	cr_assert(eq(int, fits(conf, &datagrams, &err), 0));
	conf.quit_with_peer = true;
	cr_assert(eq(int, fits(conf, &stream, &err), 0));
	cr_assert(eq(int, fits(conf, &packets, &err), 0));
	cr_assert(eq(int, fits(conf, &datagrams, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_USAGE));
}

/* ---- --messages ---- */

/* A peer that keeps messages whole. */
static struct script datagrams(const char *const *answers)
{
	return (struct script){
		.message_max = 40, .connectionless = true, .stays = true, .messages = answers};
}

static struct pipe_conf after(uint64_t messages)
{
	struct pipe_conf conf = plain;

	conf.messages = messages;
	return conf;
}

/* How the run failed. */
static bool missed(const struct stage *st, enum err_kind kind, const char *what)
{
	return st->failed && st->why.kind == kind && strstr(st->why.what, what);
}

Test(mode_pipe_ends, after_so_many_messages_though_input_goes_on)
{
	static const char *const answers[] = {"one", "", "three", "four", NULL};
	struct script peer = datagrams(answers);
	struct stage *st = begin(&peer, after(3));

	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "onethree"));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_ends, silence_before_the_last_message_is_a_time_limit)
{
	static const char *const answers[] = {"one", NULL};
	struct script peer = datagrams(answers);
	struct stage *st = calloc(1, sizeof(*st));

	st->env.answer_ms = 400;
	lay_pipes(&st->in, &st->out);
	begin_as_is(st, &peer, after(2));
	end_input(st);
	turn(st, 5);
	scene_pass_ms(&st->sc, 399);
	turn(st, 5);
	cr_assert(eq(uint, peer.ended, 0));
	scene_pass_ms(&st->sc, 1);
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "one"));
	cr_assert(missed(st, ERR_TIMEOUT, "1 of 2 messages came, then nothing for 400 ms"), "%s",
		st->why.what);
	end(st);
}

Test(mode_pipe_ends, what_is_sent_begins_the_wait_for_messages_anew)
{
	static const char *const none[] = {NULL};
	struct script peer = datagrams(none);
	struct stage *st = calloc(1, sizeof(*st));

	st->env.answer_ms = 400;
	lay_pipes(&st->in, &st->out);
	begin_as_is(st, &peer, after(1));
	scene_pass_ms(&st->sc, 300);
	type(st, "question");
	TURN_UNTIL(&st->sc.loop, peer.outgoing_len);
	scene_pass_ms(&st->sc, 399);
	turn(st, 5);
	cr_assert(eq(uint, peer.ended, 0));
	scene_pass_ms(&st->sc, 1);
	play_to_the_end(st);
	cr_assert(missed(st, ERR_TIMEOUT, "0 of 1 messages came"), "%s", st->why.what);
	end(st);
}

Test(mode_pipe_ends, quit_after_leaves_messages_that_did_not_come)
{
	static const char *const answers[] = {"one", NULL};
	struct script peer = datagrams(answers);
	struct pipe_conf conf = after(2);
	struct stage *st;

	conf.quit_after_ms = 100;
	st = begin(&peer, conf);
	end_input(st);
	turn(st, 5);
	scene_pass_ms(&st->sc, 100);
	play_to_the_end(st);
	cr_assert(missed(st, ERR_TIMEOUT, "1 of 2 messages came"), "%s", st->why.what);
	end(st);
}

Test(mode_pipe_ends, the_peers_end_before_the_last_message_is_a_wrong_answer)
{
	static const char *const answers[] = {"one", NULL};
	struct script peer = {.message_max = 40, .messages = answers};
	struct stage *st = begin(&peer, after(2));

	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "one"));
	cr_assert(missed(st, ERR_WRONG, "1 of 2 messages came before the end"), "%s", st->why.what);
	end(st);
}

Test(mode_pipe_ends, a_stream_has_no_messages_to_count)
{
	const struct transport stream = {.name = "stream"}, packets = {.message_max = 9};
	struct err err = {0};

	cr_assert(eq(int, fits(after(1), &packets, &err), 0));
	cr_assert(eq(int, fits(after(1), &stream, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_USAGE));
}

Test(mode_pipe_ends, of_one_client_that_is_listened_to)
{
	struct pipe_conf conf = after(1);
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	lay_pipes(&st->in, &st->out);
	st->env.in_turn = true;
	cr_assert(eq(int, set_up(st, conf, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_USAGE));
	end(st);
	conf.send_only = true;
	st = calloc(1, sizeof(*st));
	lay_pipes(&st->in, &st->out);
	cr_assert(eq(int, set_up(st, conf, &err), -1));
	cr_assert(eq(int, (int)err.kind, ERR_USAGE));
	end(st);
}

/* ---- --expect ---- */

static struct pipe_conf once(const char *text)
{
	struct pipe_conf conf = plain;

	conf.expect = text;
	return conf;
}

Test(mode_pipe_ends, once_a_text_has_come_in_whatever_parts)
{
	struct script peer = {.incoming = "220 ready\r\nand more", .per_read = 1, .stays = true};
	struct stage *st = begin(&peer, once("ready\\r\\n"));

	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "220 ready\r\n"));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_ends, what_came_together_with_the_text_is_written_too)
{
	struct script peer = {.incoming = "SSH-2.0-Open\r\n", .stays = true};
	struct stage *st = begin(&peer, once("SSH-"));

	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "SSH-2.0-Open\r\n"));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe_ends, the_end_without_the_text_is_a_wrong_answer)
{
	struct script peer = {.incoming = "500 no"};
	struct stage *st = begin(&peer, once("200"));

	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "500 no"));
	cr_assert(missed(st, ERR_WRONG, "'200' did not come before the end"), "%s", st->why.what);
	end(st);
}

Test(mode_pipe_ends, silence_without_the_text_is_a_time_limit)
{
	struct script peer = {.incoming = "500 no", .stays = true};
	struct pipe_conf conf = once("200");
	struct stage *st;

	conf.quit_after_ms = 100;
	st = begin(&peer, conf);
	end_input(st);
	turn(st, 5);
	scene_pass_ms(&st->sc, 100);
	play_to_the_end(st);
	cr_assert(missed(st, ERR_TIMEOUT, "'200' did not come"), "%s", st->why.what);
	end(st);
}

Test(mode_pipe_ends, the_text_must_be_within_one_message)
{
	static const char *const answers[] = {"rea", "dy", "now ready.", NULL};
	struct script peer = datagrams(answers);
	struct pipe_conf conf = once("ready");
	struct stage *st = begin(&peer, conf);

	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "readynow ready."));
	cr_assert(not(st->failed));
	end(st);

	peer = datagrams(answers);
	conf.messages = 2;
	st = begin(&peer, conf);
	play_to_the_end(st);
	cr_assert(missed(st, ERR_WRONG, "did not come before the end"), "%s", st->why.what);
	end(st);
}

Test(mode_pipe_ends, a_text_that_cannot_be_read_is_a_usage_error)
{
	static const char *const bad[] = {"", "\\", "\\q"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct stage *st = calloc(1, sizeof(*st));
		struct err err = {0};

		lay_pipes(&st->in, &st->out);
		cr_assert(eq(int, set_up(st, once(bad[i]), &err), -1));
		cr_expect(eq(int, (int)err.kind, ERR_USAGE));
		end(st);
	}
}

/* ---- none reads what comes ---- */

static void stop_reading(struct stage *st)
{
	let_go(&st->out);
	st->sc.descriptors--;
}

static void ends_by_sigpipe(struct stage *st, struct script *peer)
{
	TURN_UNTIL(&st->sc.loop, peer->ended);
	mode_pipe.finish(&st->env);
	TURN_UNTIL(&st->sc.loop, st->done);
	cr_assert(eq(int, st->why.kind, ERR_SIGPIPE), "%s", st->why.what);
	end(st);
}

Test(mode_pipe_ends, with_its_reader_once_input_is_over)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin(&peer, plain);

	type(st, "question");
	end_input(st);
	TURN_UNTIL(&st->sc.loop, st->run.input_over);
	cr_assert(eq(str, peer.outgoing, "question"));
	stop_reading(st);
	ends_by_sigpipe(st, &peer);
}

Test(mode_pipe_ends, with_input_once_its_reader_has_left)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin(&peer, plain);

	type(st, "question");
	stop_reading(st);
	TURN_UNTIL(&st->sc.loop, st->run.output_gone);
	turn(st, 10);
	cr_assert(eq(uint, peer.ended, 0), "more may be to be sent");
	type(st, "s");
	TURN_UNTIL(&st->sc.loop, strcmp(peer.outgoing, "questions") == 0);
	end_input(st);
	ends_by_sigpipe(st, &peer);
}
