#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "mode_run.h"
#include "mode/pipe.h"
#include "peer.h"
#include "script.h"
#include "std_pipes.h"
#include "transport/fd.h"

TestSuite(mode_pipe_peers, .timeout = 20);

/* A run of pipe where all peers are heard; descriptors 0 and 1 are pipes, the peers scripts. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct pipe_conf conf;
	struct mode_shared shared;
	_Alignas(16) char state[4096];
	int in, out;
	char heard[1000];
	struct mode_run ended;
};

static void prepare(struct stage *st, struct pipe_conf conf)
{
	signal(SIGPIPE, SIG_IGN);
	cr_assert(le(sz, pipe_of_peers.state_size, sizeof(st->state)));
	lay_pipes(&st->in, &st->out);
	st->conf = conf;
	scene_begin_for(&st->sc, &pipe_of_peers.on, st->state);
	st->env = mode_run_env(&st->ended, &st->sc, &st->conf, st->state);
	st->env.shared = &st->shared;
	st->env.open_fd = fd_open;
}

static int begin(struct stage *st, struct pipe_conf conf, struct err *err)
{
	prepare(st, conf);
	return pipe_of_peers.begin(&st->env, err);
}

static void hear(struct stage *st)
{
	size_t used = strlen(st->heard);
	ssize_t n = read(st->out, st->heard + used, sizeof(st->heard) - 1 - used);

	st->heard[used + (n > 0 ? (size_t)n : 0)] = '\0';
}

static void end(struct stage *st)
{
	conn_owner_free(&st->sc.owner);
	pipe_of_peers.end(&st->env);
	scene_end(&st->sc);
	let_go(&st->in);
	let_go(&st->out);
	free(st);
}

static const char *const first[] = {"one", "", "two", NULL};
static const char *const second[] = {"three", NULL};

Test(mode_pipe_peers, all_are_heard_as_it_comes)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct script one = {
		.message_max = 100, .connectionless = true, .messages = first, .stays = true};
	struct script two = {
		.message_max = 100, .connectionless = true, .messages = second, .stays = true};
	struct err err;

	cr_assert(eq(int, begin(st, (struct pipe_conf){.recv_only = true}, &err), 0));
	scene_join(&st->sc, &one);
	scene_turn(&st->sc, 10);
	scene_join(&st->sc, &two);
	scene_turn(&st->sc, 10);
	hear(st);
	cr_assert(eq(str, st->heard, "onetwothree"));
	end(st);
}

Test(mode_pipe_peers, input_follows_the_one_heard_last)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct script one = {
		.message_max = 100, .connectionless = true, .messages = first, .stays = true};
	struct script two = {
		.message_max = 100, .connectionless = true, .messages = second, .stays = true};
	struct err err;

	cr_assert(eq(int, begin(st, (struct pipe_conf){.follow = true}, &err), 0));
	cr_assert(eq(long, write(st->in, "a\n", 2), 2));
	scene_turn(&st->sc, 10);
	scene_join(&st->sc, &one);
	scene_turn(&st->sc, 10);
	cr_assert(eq(str, one.outgoing, "[a\n]"), "it waited for a peer");
	scene_join(&st->sc, &two);
	scene_turn(&st->sc, 10);
	cr_assert(eq(long, write(st->in, "b\n", 2), 2));
	scene_turn(&st->sc, 10);
	cr_assert(eq(str, one.outgoing, "[a\n]"));
	cr_assert(eq(str, two.outgoing, "[b\n]"));
	end(st);
}

Test(mode_pipe_peers, input_that_none_gets_is_a_usage_error)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	cr_assert(eq(int, begin(st, (struct pipe_conf){0}, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	end(st);
}

Test(mode_pipe_peers, when_the_reader_leaves_the_run_fails)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct script one = {
		.message_max = 100, .connectionless = true, .messages = first, .stays = true};
	struct err err;

	cr_assert(eq(int, begin(st, (struct pipe_conf){.recv_only = true}, &err), 0));
	scene_join(&st->sc, &one);
	let_go(&st->out);
	st->sc.descriptors--;
	TURN_UNTIL(&st->sc.loop, (one.ended));
	cr_assert(eq(uint, st->ended.enough, 1));
	pipe_of_peers.finish(&st->env);
	TURN_UNTIL(&st->sc.loop, (st->ended.done));
	cr_assert(eq(int, st->ended.why.kind, ERR_SIGPIPE), "%s", st->ended.why.what);
	end(st);
}

Test(mode_pipe_peers, input_waits_for_a_peer_that_takes_little)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct script one = {
		.message_max = 100, .connectionless = true, .messages = second, .stays = true};
	struct err err;

	cr_assert(eq(int, begin(st, (struct pipe_conf){.follow = true}, &err), 0));
	scene_join(&st->sc, &one);
	scene_turn(&st->sc, 5);
	one.deaf = true;
	cr_assert(eq(long, write(st->in, "a\n", 2), 2));
	scene_turn(&st->sc, 5);
	cr_assert(eq(long, write(st->in, "b\n", 2), 2));
	scene_turn(&st->sc, 5);
	cr_assert(eq(str, one.outgoing, ""));
	one.deaf = false;
	scene_turn(&st->sc, 10);
	cr_assert(eq(str, one.outgoing, "[a\n][b\n]"));
	end(st);
}

Test(mode_pipe_peers, input_that_cannot_be_read_fails_the_run)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct script one = {
		.message_max = 100, .connectionless = true, .messages = second, .stays = true};
	struct err err;

	prepare(st, (struct pipe_conf){.follow = true});
	take_over(open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC), 0);
	cr_assert(eq(int, pipe_of_peers.begin(&st->env, &err), 0));
	scene_join(&st->sc, &one);
	TURN_UNTIL(&st->sc.loop, (st->ended.enough));
	pipe_of_peers.finish(&st->env);
	TURN_UNTIL(&st->sc.loop, (st->ended.done));
	cr_assert(eq(int, st->ended.why.sys, EISDIR), "%s", st->ended.why.what);
	end(st);
}

Test(mode_pipe_peers, without_memory_it_does_not_begin)
{
	bool reached = true;

	for (unsigned nth = 1; reached; nth++) {
		struct stage *st = calloc(1, sizeof(*st));
		struct err err = {0};
		int rc;

		prepare(st, (struct pipe_conf){.follow = true});
		fail_allocation(nth);
		rc = pipe_of_peers.begin(&st->env, &err);
		reached = fail_allocation(0);
		cr_assert(eq(int, rc, reached ? -1 : 0), "allocation %u", nth);
		if (reached)
			cr_assert(strstr(err.what, "out of memory") != NULL, "%s", err.what);
		end(st);
	}
}
