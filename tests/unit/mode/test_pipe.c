#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"
#include "peer.h"
#include "pipe_stage.h"

TestSuite(mode_pipe, .timeout = 20);

/* ---- both directions, and each one's end ---- */

Test(mode_pipe, joins_the_peer_to_standard_input_and_output)
{
	struct script peer = {.incoming = "answer", .reads_nothing = true};
	struct stage *st = begin(&peer, plain);

	type(st, "question");
	TURN_UNTIL(&st->sc.loop, strcmp(peer.outgoing, "question") == 0);
	peer.reads_nothing = false;
	TURN_UNTIL(&st->sc.loop, heard(st, "answer"));
	end_input(st);
	play_to_the_end(st);
	cr_assert(not(st->failed));
	cr_assert(not(peer.failed));
	cr_assert(st->heard_end);
	end(st);
}

Test(mode_pipe, every_byte_arrives_in_order_both_ways_however_little_moves_at_a_time)
{
	char *answer = script_bytes(5000), *question = script_bytes(3000);
	struct script peer = {.incoming = answer, .ragged = true, .again_every = 3};
	struct stage *st = begin(&peer, plain);

	type(st, question);
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, question));
	cr_assert(eq(str, st->heard, answer));
	cr_assert(not(st->failed));
	end(st);
	free(answer);
	free(question);
}

Test(mode_pipe, the_end_of_input_is_passed_on_behind_its_last_byte_and_the_answer_still_read)
{
	struct script peer = {.incoming = "late answer", .per_write = 1, .reads_nothing = true};
	struct stage *st = begin(&peer, plain);

	type(st, "question");
	end_input(st);
	TURN_UNTIL(&st->sc.loop, peer.finished);
	cr_assert(eq(str, peer.outgoing, "question"));
	turn(st, 20);
	cr_assert(eq(uint, peer.ended, 0));
	peer.reads_nothing = false;
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "late answer"));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe, the_peers_end_closes_our_output_at_once_and_input_is_still_sent)
{
	struct script peer = {.incoming = "bye"};
	struct stage *st = begin(&peer, plain);

	TURN_UNTIL(&st->sc.loop, (hear(st), st->heard_end));
	cr_assert(eq(str, st->heard, "bye"));
	turn(st, 10);
	cr_assert(eq(uint, peer.ended, 0));
	type(st, "one thing more");
	TURN_UNTIL(&st->sc.loop, strcmp(peer.outgoing, "one thing more") == 0);
	cr_assert(eq(uint, peer.finished, 0));
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe, empty_both_ways_is_an_exchange_too)
{
	struct script peer = {0};
	struct stage *st = begin(&peer, plain);

	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(sz, peer.outgoing_len, 0));
	cr_assert(eq(sz, st->heard_len, 0));
	cr_assert(not(st->failed));
	end(st);
}

/* ---- a full direction stops only itself ---- */

Test(mode_pipe, a_reader_of_our_output_that_stops_stops_the_peer_and_not_the_input)
{
	char *text = script_bytes(CONN_READ_BYTES);
	struct script peer = {.incoming = text, .endless = true};
	struct stage *st = begin(&peer, plain);
	size_t sent;

	turn(st, 100);
	sent = peer.sent;
	cr_assert(le(sz, sent, 2 * CONN_READ_BYTES + CONN_QUEUE_MAX_BYTES + (1 << 16)));
	type(st, "are you there?");
	TURN_UNTIL(&st->sc.loop, strcmp(peer.outgoing, "are you there?") == 0);
	cr_assert(eq(sz, peer.sent, sent), "nothing more is read meanwhile");
	cr_assert(le(uint, turn_for_ms(&st->sc.loop, 20), 3), "and nothing spins");
	while (peer.sent == sent) {
		hear(st);
		st->heard_len = 0;
		turn(st, 1);
	}
	end(st);
	free(text);
}

Test(mode_pipe, a_peer_that_takes_nothing_stops_the_input_and_not_our_output)
{
	static char much[1 << 16];
	struct script peer = {.incoming = "go on", .reads_nothing = true, .deaf = true};
	struct stage *st = begin(&peer, plain);
	size_t typed = 0;
	ssize_t n;

	for (int i = 0; i < 200; i++) {
		n = write(st->in, much, sizeof(much));
		typed += n > 0 ? (size_t)n : 0;
		turn(st, 1);
	}
	cr_assert(le(sz, typed, CONN_QUEUE_MAX_BYTES + 4 * sizeof(much)));
	peer.reads_nothing = false;
	TURN_UNTIL(&st->sc.loop, heard(st, "go on"));
	peer.deaf = false;
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(sz, peer.outgoing_len, typed));
	end(st);
}

/* ---- failures ---- */

Test(mode_pipe, when_the_reader_of_our_output_goes_away_so_do_we)
{
	struct script peer = {.incoming = "nobody reads this", .endless = true, .per_read = 10};
	struct stage *st = begin(&peer, plain);

	let_go(&st->out);
	st->sc.descriptors--;
	TURN_UNTIL(&st->sc.loop, peer.ended);
	cr_assert(not(peer.failed), "the peer is let go");
	mode_pipe.finish(&st->env);
	TURN_UNTIL(&st->sc.loop, st->done);
	cr_assert(eq(uint, st->done, 1));
	cr_assert(eq(int, st->why.kind, ERR_SIGPIPE));
	end(st);
}

static struct stage *begin_over(int in, int out, struct script *peer)
{
	struct stage *st = calloc(1, sizeof(*st));

	st->in = st->out = -1;
	take_over(in, 0);
	take_over(out, 1);
	begin_as_is(st, peer, plain);
	return st;
}

static int opened(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	cr_assert(ge(int, fd, 0));
	return fd;
}

Test(mode_pipe, a_full_disk_behind_our_output_fails_the_run)
{
	struct script peer = {.incoming = "precious"};
	struct stage *st =
		begin_over(opened("/dev/null", O_RDONLY), opened("/dev/full", O_WRONLY), &peer);

	play_to_the_end(st);
	cr_assert(eq(int, st->why.kind, ERR_RUNTIME));
	cr_assert(
		eq(str, st->why.what, "cannot write to standard output: No space left on device"));
	end(st);
}

Test(mode_pipe, an_input_that_cannot_be_read_fails_the_run)
{
	struct script peer = {.stays = true};
	struct stage *st =
		begin_over(opened("/tmp", O_RDONLY), opened("/dev/null", O_WRONLY), &peer);

	play_to_the_end(st);
	cr_assert(eq(int, st->why.kind, ERR_RUNTIME));
	cr_assert(eq(str, st->why.what, "cannot read standard input: Is a directory"));
	end(st);
}

Test(mode_pipe, a_peer_that_refuses_more_ends_the_exchange_though_input_goes_on)
{
	struct script peer = {.incoming = "enough", .fail_write_at = 2, .error = ECONNRESET};
	struct stage *st = begin(&peer, plain);

	type(st, "one");
	TURN_UNTIL(&st->sc.loop, peer.outgoing_len == 3);
	type(st, "two");
	play_to_the_end(st);
	cr_assert(peer.failed);
	cr_assert(eq(int, peer.why.kind, ERR_LOST));
	cr_assert(not(st->failed), "whoever owns the connection judges it");
	cr_assert(eq(str, st->heard, "enough"));
	end(st);
}

/* ---- files and terminals ---- */

Test(mode_pipe, files_at_both_ends_are_read_and_written_whole)
{
	enum { LEN = 200000 };
	char in[] = "/tmp/sockx-unit-XXXXXX", out[] = "/tmp/sockx-unit-XXXXXX";
	int in_fd = mkostemp(in, O_CLOEXEC), out_fd = mkostemp(out, O_CLOEXEC);
	char *text = script_bytes(LEN), *back = calloc(1, LEN + 1);
	struct script peer = {.incoming = text};
	struct stage *st;

	cr_assert(eq(sz, (size_t)write(in_fd, text, LEN), LEN));
	cr_assert(eq(sz, (size_t)lseek(in_fd, 0, SEEK_SET), 0));
	st = begin_over(in_fd, out_fd, &peer);
	play_to_the_end(st);
	cr_assert(not(st->failed));
	cr_assert(eq(sz, peer.outgoing_len, LEN));
	cr_assert(eq(str, peer.outgoing, text));
	end(st);
	out_fd = opened(out, O_RDONLY);
	cr_assert(eq(sz, (size_t)read(out_fd, back, LEN + 1), LEN));
	cr_assert(eq(str, back, text));
	close(out_fd);
	unlink(in);
	unlink(out);
	free(text);
	free(back);
}

/* A terminal at one of our ends; the test holds its other side. */
static int lay_terminal(int number)
{
	int master, slave;

	cr_assert(eq(int, openpty(&master, &slave, NULL, NULL, NULL), 0));
	take_over(slave, number);
	cr_assert(eq(int, fcntl(master, F_SETFL, O_NONBLOCK), 0));
	return master;
}

static void shown_as(const char *incoming, bool raw, const char *shown)
{
	struct script peer = {.incoming = incoming, .per_read = 1};
	struct stage *st = calloc(1, sizeof(*st));

	st->shared.raw = raw;
	take_over(opened("/dev/null", O_RDONLY), 0);
	st->in = -1;
	st->out = lay_terminal(1);
	begin_as_is(st, &peer, plain);
	TURN_UNTIL(&st->sc.loop, (hear(st), st->heard_len >= strlen(shown)));
	cr_assert(eq(str, st->heard, (char *)shown));
	play_to_the_end(st);
	end(st);
}

Test(mode_pipe, what_could_steer_a_terminal_is_shown_and_not_obeyed)
{
	shown_as("\x1b[2Jhi\xc3\xa9", false, "\\x1b[2Jhi\xc3\xa9");
	shown_as("\xc3", false, "\\xc3");
	shown_as("\x1b[2Jhi", true, "\x1b[2Jhi");
}

Test(mode_pipe, a_person_at_a_terminal_is_done_when_the_peer_is)
{
	struct script peer = {.incoming = "bye"};
	struct stage *st = calloc(1, sizeof(*st));
	struct lines told = {0};

	lay_pipes(&st->in, &st->out);
	let_go(&st->in);
	st->in = lay_terminal(0);
	begin_as_is(st, &peer, plain);
	st->sc.to = lines_reporter(&told);
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "bye"));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(st->failed));
	cr_assert(strstr(told.text, " closed the connection\n") != NULL, "%s", told.text);
	end(st);
}

Test(mode_pipe, a_script_gets_no_report_that_the_peer_has_ended)
{
	struct script peer = {.incoming = "bye"};
	struct stage *st = begin(&peer, plain);
	struct lines told = {0};

	st->sc.to = lines_reporter(&told);
	turn(st, 20);
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "bye"));
	cr_assert(strstr(told.text, "closed the connection") == NULL, "%s", told.text);
	end(st);
}

/* ---- options ---- */

Test(mode_pipe, no_shutdown_keeps_the_end_of_input_from_the_peer)
{
	struct script peer = {.incoming = "answer", .reads_nothing = true};
	struct stage *st = begin(&peer,
		(struct pipe_conf){.delay_ms = -1, .quit_after_ms = -1, .no_shutdown = true});

	type(st, "question");
	end_input(st);
	turn(st, 20);
	cr_assert(eq(str, peer.outgoing, "question"));
	cr_assert(eq(uint, peer.finished, 0));
	peer.reads_nothing = false;
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "answer"));
	end(st);
}

Test(mode_pipe, send_only_drops_what_comes_and_ends_with_the_input)
{
	struct script peer = {.incoming = "noise", .endless = true, .per_read = 5};
	struct stage *st = begin(
		&peer, (struct pipe_conf){.delay_ms = -1, .quit_after_ms = -1, .send_only = true});

	type(st, "signal");
	turn(st, 20);
	end_input(st);
	TURN_UNTIL(&st->sc.loop, peer.finished);
	cr_assert(eq(str, peer.outgoing, "signal"));
	scene_pass_ms(&st->sc, CONN_LINGER_MS);
	cr_assert(eq(uint, peer.ended, 1));
	cr_assert(not(peer.failed));
	cr_assert(heard(st, ""));
	end(st);
}

Test(mode_pipe, recv_only_leaves_standard_input_alone_and_ends_with_the_peer)
{
	struct script peer = {.incoming = "news"};
	struct stage *st = begin(
		&peer, (struct pipe_conf){.delay_ms = -1, .quit_after_ms = -1, .recv_only = true});
	int left = 0;

	type(st, "not yours");
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "news"));
	cr_assert(eq(sz, peer.outgoing_len, 0));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(eq(int, ioctl(0, FIONREAD, &left), 0));
	cr_assert(eq(int, left, 9));
	end(st);
}

Test(mode_pipe, send_only_and_recv_only_together_are_a_usage_error)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	lay_pipes(&st->in, &st->out);
	cr_assert(eq(int,
		set_up(st,
			(struct pipe_conf){.delay_ms = -1,
				.quit_after_ms = -1,
				.send_only = true,
				.recv_only = true},
			&err),
		-1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	cr_assert(err.hint[0] != '\0');
	end(st);
}

Test(mode_pipe, quit_after_0_leaves_as_soon_as_all_is_sent)
{
	struct script peer = {.stays = true, .per_write = 1};
	struct stage *st = begin(&peer, (struct pipe_conf){.delay_ms = -1, .quit_after_ms = 0});

	type(st, "question");
	turn(st, 20);
	cr_assert(eq(uint, peer.ended, 0), "not before the input has ended");
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, "question"));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(st->failed));
	cr_assert(not(peer.failed));
	end(st);
}

Test(mode_pipe, quit_after_leaves_once_nothing_has_come_for_so_long)
{
	struct script peer = {.incoming = "answer", .stays = true, .reads_nothing = true};
	struct stage *st = begin(&peer, (struct pipe_conf){.delay_ms = -1, .quit_after_ms = 500});

	end_input(st);
	TURN_UNTIL(&st->sc.loop, st->run.input_over);
	scene_pass_ms(&st->sc, 400);
	peer.reads_nothing = false;
	turn(st, 3);
	scene_pass_ms(&st->sc, 499);
	cr_assert(eq(uint, peer.ended, 0), "it spoke in between");
	scene_pass_ms(&st->sc, 1);
	cr_assert(eq(uint, peer.ended, 1));
	cr_assert(not(peer.failed));
	end(st);
}

/* ---- when the end of input is passed on ---- */

/* Standard input ends, after some text; the peer stays. */
static struct stage *input_ends(struct script *peer, struct pipe_conf conf, const char *text)
{
	struct stage *st = begin(peer, conf);

	if (*text)
		type(st, text);
	end_input(st);
	TURN_UNTIL(&st->sc.loop, st->run.input_over);
	return st;
}

/* nginx before a backend that takes a second needs a little more than that. */
Test(mode_pipe, an_answer_has_a_second_and_a_half_to_begin_before_the_end_of_input_is_passed_on)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = input_ends(&peer, plain, "question");

	scene_pass_ms(&st->sc, 1499);
	cr_assert(eq(uint, peer.finished, 0));
	scene_pass_ms(&st->sc, 1);
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(eq(uint, peer.ended, 0), "it reads on");
	end(st);
}

Test(mode_pipe, an_answer_that_comes_puts_the_end_of_input_off)
{
	struct script peer = {.incoming = "answer", .stays = true, .reads_nothing = true};
	struct stage *st = input_ends(&peer, plain, "question");

	scene_pass_ms(&st->sc, 900);
	peer.reads_nothing = false;
	turn(st, 3);
	pipe_end_review(&st->run);
	scene_pass_ms(&st->sc, 999);
	cr_assert(eq(uint, peer.finished, 0));
	scene_pass_ms(&st->sc, 1);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_pipe, once_an_answer_has_begun_a_second_of_silence_is_enough)
{
	struct script peer = {.incoming = "answer", .stays = true, .reads_nothing = true};
	struct stage *st = input_ends(&peer, plain, "question");

	peer.reads_nothing = false;
	turn(st, 3);
	cr_assert(eq(u64, conn_received(st->run.net), 6));
	scene_pass_ms(&st->sc, 999);
	cr_assert(eq(uint, peer.finished, 0));
	scene_pass_ms(&st->sc, 1);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_pipe, the_end_of_input_waits_until_the_peer_has_all_that_was_sent)
{
	struct script peer = {.stays = true, .reads_nothing = true, .unsent = 5};
	struct stage *st = input_ends(&peer, plain, "question");

	scene_pass_ms(&st->sc, 5000);
	cr_assert(eq(uint, peer.finished, 0));
	peer.unsent = 0;
	scene_pass_ms(&st->sc, 1000);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_pipe, while_our_output_is_full_the_end_of_input_waits_longer)
{
	struct script peer = {.incoming = "endless", .endless = true, .stays = true};
	struct stage *st = begin(&peer, plain);

	TURN_UNTIL(&st->sc.loop, conn_queued(st->run.receiving.to) > 0);
	end_input(st);
	TURN_UNTIL(&st->sc.loop, st->run.input_over);
	scene_pass_ms(&st->sc, 4900);
	cr_assert(eq(uint, peer.finished, 0));
	scene_pass_ms(&st->sc, 200);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_pipe, what_is_pushed_into_a_silent_peer_ends_at_once)
{
	enum { PIECE = 16 * 1024 };
	static char piece[PIECE + 1];
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = begin(&peer, plain);

	memset(piece, 'x', PIECE);
	for (size_t sent = 0; sent < 4; sent++) {
		type(st, piece);
		turn(st, 3);
	}
	cr_assert(eq(uint, peer.finished, 0));
	end_input(st);
	TURN_UNTIL(&st->sc.loop, peer.finished);
	end(st);
}

Test(mode_pipe, the_peers_end_has_the_end_of_input_passed_on_at_once)
{
	struct script peer = {.incoming = "x"};
	struct stage *st = begin(&peer, plain);

	TURN_UNTIL(&st->sc.loop, conn_peer_ended(st->run.net));
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

Test(mode_pipe, shutdown_never_leaves_our_side_open)
{
	const struct pipe_conf never = {.delay_ms = -1, .quit_after_ms = -1, .shutdown = "never"},
			       flag = {.delay_ms = -1, .quit_after_ms = -1, .no_shutdown = true};
	struct script peer = {.stays = true, .reads_nothing = true}, other = peer;
	struct stage *st = input_ends(&peer, never, "question");

	scene_pass_ms(&st->sc, 60000);
	cr_assert(eq(uint, peer.finished, 0));
	end(st);
	st = input_ends(&other, flag, "question");
	scene_pass_ms(&st->sc, 60000);
	cr_assert(eq(uint, other.finished, 0));
	end(st);
}

Test(mode_pipe, shutdown_now_passes_the_end_on_as_it_comes)
{
	const struct pipe_conf flag = {.delay_ms = -1, .quit_after_ms = -1, .shutdown_now = true};
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = input_ends(&peer, flag, "question");

	turn(st, 2);
	cr_assert(eq(uint, peer.finished, 1));
	end(st);
}

/* ---- a peer that ends because of our end ---- */

static const struct pipe_conf now = {.delay_ms = -1, .quit_after_ms = -1, .shutdown_now = true};

/* The peer answers, and ends so long after it got our end. Returns what is reported. */
static char *told_after_ms(struct script *peer, struct pipe_conf conf, int64_t ms)
{
	static struct lines told;
	struct stage *st;

	told = (struct lines){0};
	peer->reads_nothing = true;
	st = input_ends(peer, conf, "question");
	st->sc.to = lines_reporter(&told);
	if (!conf.shutdown_now)
		scene_pass_ms(&st->sc, 1500);
	TURN_UNTIL(&st->sc.loop, peer->finished);
	st->run.passed_ms = st->sc.loop.now_ms - ms; /* turning sets the clock right */
	peer->reads_nothing = false;
	play_to_the_end(st);
	end(st);
	return told.text;
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

Test(mode_pipe, a_peer_that_ends_without_a_byte_right_after_our_end_is_told_of)
{
	struct script cut = {.incoming = ""}, quiet = cut, later = cut;
	const char *told = told_after_ms(&cut, now, 0);

	cr_assert(has(told, " ended without an answer, right after our end of input; if more"));
	cr_assert(has(told, "try --no-shutdown"));
	cr_assert(has(told_after_ms(&quiet, plain, 0), " ended without an answer,"));
	cr_assert(eq(str, told_after_ms(&later, now, 2000), ""));
}

Test(mode_pipe, a_long_answer_that_ends_soon_after_an_end_passed_on_at_once_may_be_cut)
{
	enum { LONG = 64 * 1024 };
	char *answer = script_bytes(LONG);
	struct script cut = {.incoming = answer, .incoming_len = LONG}, quiet = cut, later = cut,
		      brief = cut;
	const char *expected = " ended perhaps in the middle of its answer, right after our end";

	brief.incoming_len = LONG - 1;
	cr_assert(has(told_after_ms(&cut, now, 0), expected));
	cr_assert(eq(str, told_after_ms(&quiet, plain, 0), ""), "it had waited for our end");
	cr_assert(eq(str, told_after_ms(&later, now, 2000), ""));
	cr_assert(eq(str, told_after_ms(&brief, now, 0), ""), "it was sent in one piece");
	free(answer);
}

Test(mode_pipe, an_answer_that_flows_while_our_end_is_passed_on_may_be_cut)
{
	static struct lines told;
	struct script peer = {.incoming = "a part"};
	struct stage *st = begin(&peer, now);

	st->sc.to = lines_reporter(&told);
	peer.stays = true;
	TURN_UNTIL(&st->sc.loop, heard(st, "a part"));
	end_input(st);
	TURN_UNTIL(&st->sc.loop, peer.finished);
	peer.stays = false;
	play_to_the_end(st);
	cr_assert(has(told.text, " ended perhaps in the middle of its answer, right after our"));
	end(st);
}

static void cannot_be_combined(struct pipe_conf conf)
{
	struct stage *st = calloc(1, sizeof(*st));
	struct err err = {0};

	conf.quit_after_ms = -1;
	lay_pipes(&st->in, &st->out);
	cr_assert(eq(int, set_up(st, conf, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	cr_assert(err.hint[0] != '\0');
	end(st);
}

Test(mode_pipe, spellings_of_shutdown_that_differ_are_a_usage_error)
{
	cannot_be_combined((struct pipe_conf){.shutdown_now = true, .no_shutdown = true});
	cannot_be_combined((struct pipe_conf){.shutdown_now = true, .shutdown = "quiet"});
	cannot_be_combined((struct pipe_conf){.no_shutdown = true, .shutdown = "now"});
}

/* The pieces are read one by one. */
static void sent_as(const char *const *pieces, const char *sent)
{
	struct script peer = {.stays = true};
	struct stage *st = begin_crlf(&peer);

	for (; *pieces; pieces++) {
		type(st, *pieces);
		turn(st, 3);
	}
	cr_assert(eq(str, peer.outgoing, (char *)sent));
	end(st);
}

#define SENT_AS(sent, ...) sent_as((const char *const[]){__VA_ARGS__, NULL}, sent)

Test(mode_pipe, crlf_gives_each_bare_newline_a_cr_and_leaves_the_others_alone)
{
	SENT_AS("a\r\nb\r\n", "a\nb\n");
	SENT_AS("a\r\nb\r\n", "a\r\nb\n");
	SENT_AS("\r\n\r\n\r\n", "\n\n\n");
	SENT_AS("a\rb\r\r\n", "a\rb\r\r\n");
	SENT_AS("no end", "no end");
}

Test(mode_pipe, crlf_does_not_mind_where_a_read_ends)
{
	SENT_AS("a\r\nb", "a\r", "\nb");
	SENT_AS("a\r\nb", "a", "\n", "b");
	SENT_AS("\r\n\r\n", "\r", "\n", "\n");
	SENT_AS("a\rb\r\n", "a\r", "b", "\n");
	SENT_AS("\r\r\n", "\r", "\r", "\n");
}

/* ---- clients in turn ---- */

Test(mode_pipe, in_turn_each_client_gets_what_the_one_before_has_not_taken)
{
	struct script first = {.incoming = "1"}, second = {.incoming = "2"};
	struct stage *st = calloc(1, sizeof(*st));

	lay_pipes(&st->in, &st->out);
	st->env.enough = on_enough;
	st->env.in_turn = true;
	begin_as_is(st, NULL, plain);
	type(st, "for the first");
	turn(st, 3);
	st->peer = &first;
	first.reads_nothing = true;
	scene_join(&st->sc, &first);
	TURN_UNTIL(&st->sc.loop, strcmp(first.outgoing, "for the first") == 0);
	first.reads_nothing = false;
	TURN_UNTIL(&st->sc.loop, first.ended);
	type(st, "for the second");
	turn(st, 5);
	cr_assert(eq(uint, st->done, 0));
	second.reads_nothing = true;
	scene_join(&st->sc, &second);
	TURN_UNTIL(&st->sc.loop, strcmp(second.outgoing, "for the second") == 0);
	second.reads_nothing = false;
	st->peer = &second;
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "12"), "standard output stays open between them");
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe, a_client_that_comes_after_the_end_of_input_is_told_so_at_once)
{
	struct script first = {.incoming = "1", .reads_nothing = true}, second = {.incoming = "2"};
	struct stage *st = calloc(1, sizeof(*st));

	lay_pipes(&st->in, &st->out);
	st->env.enough = on_enough;
	st->env.in_turn = true;
	begin_as_is(st, &first, plain);
	end_input(st);
	TURN_UNTIL(&st->sc.loop, first.finished);
	first.reads_nothing = false;
	TURN_UNTIL(&st->sc.loop, first.ended);
	st->peer = &second;
	scene_join(&st->sc, &second);
	cr_assert(eq(uint, second.finished, 1));
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "12"));
	end(st);
}

/* A first client that breaks while input comes; what it has not taken waits. */
static struct stage *break_the_first(struct script *first)
{
	struct stage *st = calloc(1, sizeof(*st));

	*first = (struct script){.reads_nothing = true, .fail_write_at = 1, .error = ECONNRESET};
	lay_pipes(&st->in, &st->out);
	st->env.enough = on_enough;
	st->env.in_turn = true;
	begin_as_is(st, first, plain);
	type(st, "lost with it");
	turn(st, 5);
	type(st, "still good");
	turn(st, 5);
	first->reads_nothing = false;
	TURN_UNTIL(&st->sc.loop, first->ended);
	cr_assert(eq(int, first->why.kind, ERR_LOST));
	return st;
}

Test(mode_pipe, input_read_while_a_client_breaks_is_the_next_ones)
{
	struct script first, second = {.reads_nothing = true};
	struct stage *st = break_the_first(&first);

	scene_join(&st->sc, &second);
	type(st, ", and more");
	TURN_UNTIL(&st->sc.loop, strcmp(second.outgoing, "still good, and more") == 0);
	end(st);
}

Test(mode_pipe, input_that_nobody_came_for_is_given_back)
{
	struct script first;

	end(break_the_first(&first));
}

Test(mode_pipe, nothing_of_the_input_is_read_before_the_first_client_is_there)
{
	struct stage *st = calloc(1, sizeof(*st));
	int left = 0;

	lay_pipes(&st->in, &st->out);
	begin_as_is(st, NULL, plain);
	type(st, "patience");
	turn(st, 5);
	cr_assert(eq(int, ioctl(0, FIONREAD, &left), 0));
	cr_assert(eq(int, left, 8));
	end(st);
}

/* ---- datagrams, which have no end ---- */

static struct script datagram_peer(void)
{
	return (struct script){.message_max = 40, .connectionless = true, .stays = true};
}

/* The input has ended, and the run knows. */
static void end_input_there(struct stage *st)
{
	end_input(st);
	TURN_UNTIL(&st->sc.loop, st->run.input_over);
}

Test(mode_pipe, each_read_of_the_input_is_a_datagram_that_passes_everywhere)
{
	struct script peer = datagram_peer();
	struct stage *st = begin(&peer, plain);

	type(st, "one");
	TURN_UNTIL(&st->sc.loop, peer.writes == 1);
	type(st, "1234567890123456789012345678901234567890and more");
	TURN_UNTIL(&st->sc.loop, peer.writes == 3);
	cr_assert(eq(
		str, peer.outgoing, "[one][1234567890123456789012345678901234567890][and more]"));
	cr_assert(eq(uint, peer.ended, 0));
	end(st);
}

Test(mode_pipe, with_crlf_a_datagram_is_not_too_long_either)
{
	struct script peer = datagram_peer();
	struct stage *st = begin_crlf(&peer);

	type(st, "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n");
	TURN_UNTIL(&st->sc.loop, peer.writes == 2);
	cr_assert(eq(sz, peer.outgoing_len, 2 * 25 + 4));
	cr_assert(eq(uint, peer.ended, 0));
	end(st);
}

Test(mode_pipe, datagrams_that_come_are_written_out_and_empty_ones_end_nothing)
{
	static const char *const answers[] = {"one", "", "two", NULL};
	struct script peer = datagram_peer();
	struct stage *st;

	peer.messages = answers;
	st = begin(&peer, plain);
	TURN_UNTIL(&st->sc.loop, heard(st, "onetwo"));
	scene_pass_ms(&st->sc, 60000);
	cr_assert(eq(uint, peer.ended, 0), "as long as there may be input, there is no end");
	end(st);
}

Test(mode_pipe, over_datagrams_it_leaves_a_second_of_silence_after_its_input)
{
	struct script peer = datagram_peer();
	struct stage *st = begin(&peer, plain);

	type(st, "question");
	end_input_there(st);
	scene_pass_ms(&st->sc, 990);
	cr_assert(eq(uint, peer.ended, 0));
	scene_pass_ms(&st->sc, 20);
	cr_assert(eq(uint, peer.ended, 1));
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, "[question]"));
	cr_assert(not(peer.failed));
	cr_assert(not(st->failed));
	end(st);
}

Test(mode_pipe, over_datagrams_each_answer_makes_it_wait_for_another)
{
	static const char *const answer[] = {"again ", NULL};
	struct script peer = datagram_peer();
	struct stage *st = begin(&peer, (struct pipe_conf){.delay_ms = -1, .quit_after_ms = 5000});

	end_input_there(st);
	for (int i = 0; i < 3; i++) {
		scene_pass_ms(&st->sc, 4000);
		cr_assert(eq(uint, peer.ended, 0));
		peer.messages = answer;
		peer.messages_read = 0;
		TURN_UNTIL(&st->sc.loop, peer.messages_read == 1);
	}
	scene_pass_ms(&st->sc, 5000);
	cr_assert(eq(uint, peer.ended, 1));
	cr_assert(heard(st, "again again again "));
	end(st);
}

Test(mode_pipe, quit_after_0_leaves_datagrams_as_soon_as_all_is_sent)
{
	struct script peer = datagram_peer();
	struct stage *st;

	peer.deaf = true;
	st = begin(&peer, (struct pipe_conf){.delay_ms = -1, .quit_after_ms = 0});
	type(st, "question");
	end_input_there(st);
	turn(st, 5);
	cr_assert(eq(uint, peer.ended, 0));
	peer.deaf = false;
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, "[question]"));
	cr_assert(not(peer.failed));
	end(st);
}

Test(mode_pipe, send_only_over_datagrams_ends_with_the_input)
{
	struct script peer = datagram_peer();
	struct stage *st = begin(
		&peer, (struct pipe_conf){.delay_ms = -1, .quit_after_ms = -1, .send_only = true});

	type(st, "all");
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(str, peer.outgoing, "[all]"));
	cr_assert(not(peer.failed));
	end(st);
}

Test(mode_pipe, a_datagram_peer_that_refuses_us_fails_the_exchange)
{
	struct script peer = datagram_peer();
	struct stage *st;

	peer.fail_write_at = 2;
	peer.error = ECONNREFUSED;
	st = begin(&peer, plain);
	type(st, "one");
	TURN_UNTIL(&st->sc.loop, peer.writes == 1);
	type(st, "two");
	play_to_the_end(st);
	cr_assert(peer.failed);
	cr_assert(eq(int, peer.why.kind, ERR_REFUSED));
	end_input(st);
	end(st);
}

Test(mode_pipe, over_a_connection_of_messages_each_side_has_its_end)
{
	static const char *const answers[] = {"an", "", "swer", NULL};
	struct script peer = {.message_max = 40, .messages = answers};
	struct stage *st = begin(&peer, plain);

	type(st, "question");
	TURN_UNTIL(&st->sc.loop, (hear(st), st->heard_end));
	cr_assert(eq(uint, peer.ended, 0));
	end_input(st);
	play_to_the_end(st);
	cr_assert(eq(str, st->heard, "answer"));
	cr_assert(eq(str, peer.outgoing, "[question]"));
	cr_assert(eq(uint, peer.finished, 1));
	cr_assert(not(peer.failed));
	end(st);
}
