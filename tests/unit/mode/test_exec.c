#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "check.h"
#include "mode_run.h"
#include "mode/exec.h"
#include "peer.h"
#include "script.h"
#include "transport/fd.h"

TestSuite(mode_exec, .timeout = 60);

/* A server's run of a line of the shell, for peers that follow scripts. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct exec_conf conf;
	struct mode_shared shared;
	struct exec_run run;
	struct origin origin;
	struct lines told;
	struct reporter to;
	struct mode_run ended;
};

static struct stage *stage(const char *line)
{
	const char *const words[] = {"sh", "-c", line};
	struct stage *st = calloc(1, sizeof(*st));

	st->to = lines_reporter(&st->told);
	st->to.level = LEVEL_DETAIL;
	sys_note_origin(&st->origin);
	scene_begin_for(&st->sc, &mode_exec.on, &st->run);
	st->env = mode_run_env(&st->ended, &st->sc, &st->conf, &st->run);
	st->env.to = &st->to;
	st->env.shared = &st->shared;
	st->env.own_pipe = fd_own_pipe;
	st->env.program = words;
	st->env.program_count = 3;
	st->env.origin = &st->origin;
	st->env.vouches = true;
	mode_run_begin(&mode_exec, &st->env);
	return st;
}

static void end(struct stage *st)
{
	mode_exec.end(&st->env);
	cr_assert(eq(int, waitpid(-1, NULL, WNOHANG), -1), "no child is left");
	scene_end(&st->sc);
	free(st);
}

/* Until the peer's end has come, which it may leave to us, and that of its program. */
static void play(struct stage *st, struct script *peer)
{
	while (!peer->ended || !list_empty(&st->run.clients)) {
		scene_turn(&st->sc, 1);
		if (peer->finished && peer->stays)
			scene_pass_ms(&st->sc, CONN_LINGER_MS);
	}
}

/* One peer from its coming to its end. */
static struct stage *serve(const char *line, struct script *peer)
{
	struct stage *st = stage(line);

	scene_join(&st->sc, peer);
	play(st, peer);
	mode_exec.finish(&st->env);
	cr_assert(eq(uint, st->ended.done, 1));
	return st;
}

Test(mode_exec, passes_all_that_comes_to_the_program_and_back)
{
	char *bytes = script_bytes(200000);
	struct script peer = {.incoming = bytes, .incoming_len = 200000, .per_read = 5000};
	struct stage *st = serve("cat", &peer);

	cr_assert(eq(sz, peer.outgoing_len, 200000));
	cr_assert(eq(int, memcmp(peer.outgoing, bytes, 200000), 0));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(peer.failed));
	end(st);
	free(bytes);
}

Test(mode_exec, passes_it_in_pieces_to_a_peer_that_takes_little)
{
	struct script peer = {.incoming = "the quick brown fox", .ragged = true, .again_every = 3};
	struct stage *st = serve("tr a-z A-Z; echo rest; head -c 3000 /dev/zero", &peer);

	cr_assert(eq(int, memcmp(peer.outgoing, "THE QUICK BROWN FOXrest\n", 24), 0));
	cr_assert(eq(sz, peer.outgoing_len, 3024));
	end(st);
}

/* The program has ended, and its last bytes are in the pipe: its peer did not take what came
 * before.
 */
Test(mode_exec, what_it_wrote_is_passed_on_after_its_end)
{
	struct script peer = {
		.incoming = "go\n", .stays = true, .reads_nothing = true, .deaf = true};
	struct stage *st = stage("head -c 70000 /dev/zero; read go; head -c 30000 /dev/zero");
	struct conn *net = scene_join(&st->sc, &peer);
	const struct exec_client *c = container_of(st->run.clients.next, struct exec_client, node);

	TURN_UNTIL(&st->sc.loop, conn_queued(net) >= CONN_QUEUE_MAX_BYTES);
	peer.reads_nothing = false;
	TURN_UNTIL(&st->sc.loop, !c->child.pid);
	cr_assert(ge(sz, c->out_left, 30000));
	peer.deaf = false;
	peer.reads_nothing = true;
	play(st, &peer);
	cr_assert(eq(sz, peer.outgoing_len, 100000));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(peer.failed));
	mode_exec.finish(&st->env);
	end(st);
}

Test(mode_exec, a_status_is_told_and_is_an_orderly_end)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = serve("echo all; exit 7", &peer);

	cr_assert(eq(str, peer.outgoing, "all\n"));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(peer.failed));
	cr_assert(eq(str, st->told.text, "1: program ended with status 7\n"));
	cr_assert(eq(str, st->ended.why.what, "program ended with status 7"));
	end(st);
}

Test(mode_exec, a_signal_fails_the_connection_after_its_output)
{
	struct script peer = {.stays = true, .reads_nothing = true, .per_write = 7};
	struct stage *st = serve("echo half of the output; kill -9 $$", &peer);

	cr_assert(eq(str, peer.outgoing, "half of the output\n"));
	cr_assert(eq(uint, peer.finished, 0));
	cr_assert(peer.failed);
	cr_assert(eq(str, peer.why.what, "program was ended by signal 9 (Killed)"));
	end(st);
}

Test(mode_exec, lines_of_standard_error_are_reported_whole)
{
	struct script peer = {0};
	struct stage *st = serve("printf 'o' >&2; sleep 0.1; printf 'ne\ntwo\nth' >&2", &peer);

	cr_assert(eq(str, st->told.text, "1: one\n1: two\n1: th\n"));
	end(st);
}

Test(mode_exec, a_peer_that_is_lost_hangs_its_program_up)
{
	struct script peer = {.incoming = "x", .fail_read_at = 2, .error = ECONNRESET};
	struct stage *st = serve("echo on; exec sleep 100", &peer);

	cr_assert(peer.failed);
	cr_assert(eq(str, st->told.text, ""), "its end was our doing");
	cr_assert(eq(int, (int)st->ended.why.kind, ERR_NONE));
	end(st);
}

/* One pipe of its only client's program fails for a reason of ours. */
static void a_failed_pipe_fails_the_connection(size_t pipe)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = stage("echo on; cat; exit 0");
	struct exec_client *c;
	struct conn *pipes[3];

	scene_join(&st->sc, &peer);
	while (peer.outgoing_len < 3)
		scene_turn(&st->sc, 1);
	c = container_of(st->run.clients.next, struct exec_client, node);
	pipes[0] = c->in.to;
	pipes[1] = c->out.from;
	pipes[2] = c->said.from;
	conn_lost(pipes[pipe], ENOMEM);
	while (!peer.ended || !list_empty(&st->run.clients))
		scene_turn(&st->sc, 1);
	cr_assert(peer.failed);
	cr_assert(eq(int, peer.why.sys, ENOMEM), "%s", peer.why.what);
	end(st);
}

Test(mode_exec, a_pipe_that_fails_fails_the_connection)
{
	a_failed_pipe_fails_the_connection(0);
	a_failed_pipe_fails_the_connection(1);
	a_failed_pipe_fails_the_connection(2);
}

Test(mode_exec, a_run_that_is_over_waits_for_programs_that_were_hung_up)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = stage("exec sleep 100");

	scene_join(&st->sc, &peer);
	scene_turn(&st->sc, 2);
	mode_exec.stopping(&st->env);
	mode_exec.finish(&st->env);
	cr_assert(eq(uint, st->ended.done, 0));
	while (!st->ended.done)
		scene_turn(&st->sc, 1);
	cr_assert(eq(int, (int)st->ended.why.kind, ERR_NONE));
	play(st, &peer);
	cr_assert(eq(uint, peer.finished, 1), "no reset because we stop");
	end(st);
}

Test(mode_exec, a_program_that_cannot_be_started_fails_the_connection)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = stage("echo on");

	memcpy(st->run.program.path, "/x", 3);
	scene_join(&st->sc, &peer);
	play(st, &peer);
	cr_assert(peer.failed);
	cr_assert(eq(str, peer.why.what, "cannot start 'sh': No such file or directory"));
	cr_assert(eq(str, st->told.text, "1: cannot start 'sh': No such file or directory\n"));
	end(st);
}

Test(mode_exec, without_descriptors_a_client_is_refused_and_nothing_is_left)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = stage("echo on");
	struct link link = scene_link(&st->sc, &peer);
	struct rlimit limit = allow_no_more_descriptors();
	struct conn *c = conn_new(&st->sc.owner, &link, NULL, CONN_BOTH);

	conn_open(c);
	setrlimit(RLIMIT_NOFILE, &limit);
	scene_play(&st->sc);
	cr_assert(eq(str, peer.why.what, "cannot start 'sh': Too many open files"));
	end(st);
}

Test(mode_exec, each_allocation_for_a_client_may_fail)
{
	bool failed = true;

	for (unsigned nth = 1; failed; nth++) {
		struct script peer = {.incoming = "what is sent"};
		struct stage *st = stage("cat");
		struct link link = scene_link(&st->sc, &peer);
		struct conn *c = conn_new(&st->sc.owner, &link, NULL, CONN_BOTH);

		fail_allocation(nth);
		conn_open(c);
		failed = fail_allocation(0);
		play(st, &peer);
		cr_assert(peer.failed || strcmp(peer.outgoing, "what is sent") == 0,
			"allocation %u: %s", nth, peer.outgoing);
		cr_assert(failed || nth > 5);
		end(st);
	}
}

Test(mode_exec, each_allocation_to_begin_may_fail)
{
	const char *const words[] = {"cat", "-n"};
	struct exec_conf conf = {0};
	struct loop loop;
	int rc = -1;

	cr_assert(eq(int, loop_init(&loop, &(struct err){0}), 0));
	for (unsigned nth = 1; rc < 0; nth++) {
		struct exec_run run = {0};
		struct err err = {0};
		struct mode_env env = {.loop = &loop,
			.conf = &conf,
			.state = &run,
			.program = words,
			.program_count = 2};
		bool failed;

		fail_allocation(nth);
		rc = mode_exec.begin(&env, &err);
		failed = fail_allocation(0);
		cr_assert(eq(int, rc, failed ? -1 : 0), "allocation %u", nth);
		if (failed)
			cr_assert(eq(str, err.what, "cannot begin: out of memory"));
		mode_exec.end(&env);
	}
	loop_free(&loop);
}

Test(mode_exec, the_variables_of_a_connection_are_anew_for_each)
{
	struct exec_env env = {0};

	setenv("PROTO", "old", 1);
	setenv("PROTOCOL", "kept", 1);
	setenv("LISTEN_PID", "1", 1);
	cr_assert(eq(int, exec_env_begin(&env), 0));
	for (size_t i = 0; i < env.count; i++)
		cr_assert(strncmp(env.kept[i], "PROTO=", 6) != 0 &&
			  strncmp(env.kept[i], "LISTEN_", 7) != 0);
	exec_env_free(&env);
}
