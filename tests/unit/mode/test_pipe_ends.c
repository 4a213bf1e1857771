#include <criterion/criterion.h>
#include <criterion/new/assert.h>

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
