#include "check.h"
#include "pipe_stage.h"

/* How long pipe waits for what is to end it; what else ends it is in test_pipe_ends.c. */

TestSuite(mode_pipe_until, .timeout = 20);

static struct stage *wait_for(struct script *peer, int64_t answer_ms)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct pipe_conf conf = plain;

	conf.expect = "last";
	st->env.answer_ms = answer_ms;
	lay_pipes(&st->in, &st->out);
	begin_as_is(st, peer, conf);
	return st;
}

Test(mode_pipe_until, each_message_begins_the_wait_anew)
{
	static const char *const answers[] = {"one", NULL};
	struct script peer = {.message_max = 40,
		.connectionless = true,
		.stays = true,
		.messages = answers,
		.reads_nothing = true};
	struct stage *st = wait_for(&peer, 400);

	turn(st, 5);
	scene_pass_ms(&st->sc, 300);
	peer.reads_nothing = false;
	turn(st, 5);
	scene_pass_ms(&st->sc, 399);
	turn(st, 5);
	cr_assert(eq(uint, peer.ended, 0));
	scene_pass_ms(&st->sc, 1);
	play_to_the_end(st);
	cr_assert(eq(int, st->why.kind, ERR_TIMEOUT));
	cr_assert(strstr(st->why.what, "'last' did not come, and now nothing for 400 ms") != NULL,
		"%s", st->why.what);
	end(st);
}
