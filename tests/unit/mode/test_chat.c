#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "mode_run.h"
#include "mode/chat.h"
#include "peer.h"
#include "script.h"
#include "std_pipes.h"
#include "transport/fd.h"

TestSuite(mode_chat, .timeout = 20);

enum { SETTLE_MS = 50 };

/* A chat: the operator's descriptors 0 and 1 are pipes of which the test holds the other ends; the
 * members are scripts. */
struct stage {
	struct scene sc;
	struct mode_env env;
	struct chat_conf conf;
	struct mode_shared shared;
	struct chat_run run;
	int in, out;
	char heard[1 << 16];
	size_t heard_len;
	bool heard_end;
	struct mode_run ended;
};

enum role { SERVER, CLIENT };

static struct stage *stage(enum role role, struct chat_conf conf, const char *eol)
{
	struct stage *st = calloc(1, sizeof(*st));

	signal(SIGPIPE, SIG_IGN);
	lay_pipes(&st->in, &st->out);
	st->conf = conf;
	st->shared = (struct mode_shared){.eol = eol, .settle_ms = SETTLE_MS};
	scene_begin_for(&st->sc, &mode_chat.on, &st->run);
	st->env = mode_run_env(&st->ended, &st->sc, &st->conf, &st->run);
	st->env.shared = &st->shared;
	st->env.open_fd = fd_open;
	if (role == CLIENT)
		st->env.enough = NULL;
	mode_run_begin(&mode_chat, &st->env);
	return st;
}

static const struct chat_conf plain;

static void end(struct stage *st)
{
	mode_chat.end(&st->env);
	scene_end(&st->sc);
	let_go(&st->in);
	let_go(&st->out);
	free(st);
}

static void type(struct stage *st, const char *text)
{
	cr_assert(eq(sz, (size_t)write(st->in, text, strlen(text)), strlen(text)));
}

static void end_input(struct stage *st)
{
	let_go(&st->in);
	st->sc.descriptors--;
}

static void hear(struct stage *st)
{
	ssize_t n;

	while ((n = read(st->out, st->heard + st->heard_len,
			sizeof(st->heard) - 1 - st->heard_len)) > 0)
		st->heard_len += (size_t)n;
	st->heard_end = n == 0;
	st->heard[st->heard_len] = '\0';
}

static bool heard(struct stage *st, const char *text)
{
	hear(st);
	return strcmp(st->heard, text) == 0;
}

#define COMES_TO(st, condition) TURN_UNTIL(&(st)->sc.loop, condition)

/* A few turns in which nothing of this kind should happen. */
static void rest(struct stage *st)
{
	scene_turn(&st->sc, 20);
}

/* ---- lines, both ways ---- */

Test(mode_chat, lines_go_both_ways)
{
	struct script peer = {.incoming = "hello\nthere\n", .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &peer);
	type(st, "good\nday\n");
	COMES_TO(st, heard(st, "hello\nthere\n"));
	COMES_TO(st, strcmp(peer.outgoing, "good\nday\n") == 0);
	end(st);
}

static void ends_lines(const char *eol, const char *expected)
{
	struct script peer = {.stays = true};
	struct stage *st = stage(CLIENT, plain, eol);

	scene_join(&st->sc, &peer);
	type(st, "a\n\nb\n");
	COMES_TO(st, strcmp(peer.outgoing, expected) == 0);
	end(st);
}

Test(mode_chat, a_line_ends_as_it_was_asked_to)
{
	ends_lines("lf", "a\n\nb\n");
	ends_lines("crlf", "a\r\n\r\nb\r\n");
	ends_lines("none", "ab");
}

Test(mode_chat, a_peer_that_ends_no_line_is_heard_when_it_is_quiet)
{
	struct script peer = {.incoming = "hello", .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &peer);
	COMES_TO(st, heard(st, "hello\n"));
	end(st);
}

Test(mode_chat, the_input_is_left_alone_until_somebody_is_there)
{
	struct script peer = {.stays = true};
	struct stage *st = stage(SERVER, plain, NULL);
	char left[8];

	type(st, "early\n");
	rest(st);
	cr_assert(eq(int, (int)read(0, left, sizeof(left)), 6), "it is still there");
	type(st, "hello\n");
	scene_join(&st->sc, &peer);
	COMES_TO(st, strcmp(peer.outgoing, "hello\n") == 0);
	end(st);
}

Test(mode_chat, with_several_members_each_hears_the_others_by_name)
{
	struct script one = {.incoming = "I am\x1b[2J one\n", .stays = true, .reads_nothing = true};
	struct script two = {.stays = true}, three = {.stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &one);
	scene_join(&st->sc, &two);
	scene_join(&st->sc, &three);
	rest(st);
	one.reads_nothing = false;
	COMES_TO(st, heard(st, "guest1: I am\x1b[2J one\n"));
	cr_assert(eq(str, two.outgoing, "guest1: I am\\x1b[2J one\n"), "made harmless");
	cr_assert(eq(str, three.outgoing, two.outgoing));
	cr_assert(eq(str, one.outgoing, ""), "nobody hears itself");
	type(st, "welcome\n");
	COMES_TO(st, strcmp(one.outgoing, "welcome\n") == 0);
	cr_assert(strstr(two.outgoing, "one\nwelcome\n") != NULL, "the operator needs no name");
	end(st);
}

/* ---- turns ---- */

Test(mode_chat, in_turns_a_client_sends_one_line_and_waits_for_one)
{
	struct script peer = {.incoming = "first\n", .stays = true, .reads_nothing = true};
	struct stage *st = stage(CLIENT, (struct chat_conf){.turns = true}, NULL);

	scene_join(&st->sc, &peer);
	type(st, "a\nb\nc\n");
	COMES_TO(st, strcmp(peer.outgoing, "a\n") == 0);
	rest(st);
	cr_assert(eq(str, peer.outgoing, "a\n"));
	peer.reads_nothing = false;
	COMES_TO(st, strcmp(peer.outgoing, "a\nb\n") == 0);
	rest(st);
	cr_assert(eq(str, peer.outgoing, "a\nb\n"));
	end(st);
}

Test(mode_chat, in_turns_a_server_waits_first)
{
	struct script peer = {.incoming = "first\n", .stays = true, .reads_nothing = true};
	struct stage *st = stage(SERVER, (struct chat_conf){.turns = true}, NULL);

	scene_join(&st->sc, &peer);
	type(st, "a\nb\n");
	rest(st);
	cr_assert(eq(str, peer.outgoing, ""));
	peer.reads_nothing = false;
	COMES_TO(st, strcmp(peer.outgoing, "a\n") == 0);
	end(st);
}

Test(mode_chat, in_turns_lines_that_nobody_waited_for_are_a_loss)
{
	struct script peer = {.incoming = "first\n"};
	struct stage *st = stage(CLIENT, (struct chat_conf){.turns = true}, NULL);

	type(st, "a\nb\nc\n");
	scene_join(&st->sc, &peer);
	COMES_TO(st, (hear(st), peer.ended));
	mode_chat.finish(&st->env);
	COMES_TO(st, (hear(st), st->ended.done));
	cr_assert(eq(int, st->ended.why.kind, ERR_LOST));
	end(st);
}

/* ---- ends ---- */

static void ends_a_chat(const char *line, const char *bye, bool ends, const char *sent)
{
	struct script peer = {.stays = true};
	struct stage *st = stage(SERVER, (struct chat_conf){.bye = bye}, NULL);

	scene_join(&st->sc, &peer);
	type(st, line);
	type(st, "\n");
	if (ends)
		COMES_TO(st, peer.finished);
	else
		COMES_TO(st, peer.outgoing_len > 0);
	rest(st);
	cr_assert(eq(str, peer.outgoing, (char *)sent), "%s", line);
	cr_assert(eq(uint, peer.finished, ends), "%s", line);
	cr_assert(eq(uint, st->ended.enough, ends), "%s", line);
	end(st);
}

Test(mode_chat, the_operators_bye_ends_it)
{
	ends_a_chat("bye", NULL, true, "");
	ends_a_chat(" \tByE  ", NULL, true, "");
	ends_a_chat("bye bye", NULL, false, "bye bye\n");
	ends_a_chat("goodbye", NULL, false, "goodbye\n");
	ends_a_chat("BYE", "BYE", true, "BYE\n");
	ends_a_chat("bye", "BYE", false, "bye\n");
	ends_a_chat(" BYE", "BYE", false, " BYE\n");
}

Test(mode_chat, a_members_bye_ends_its_own_chat)
{
	struct script one = {.incoming = "hi\nbye\nnot heard\n", .stays = true};
	struct script two = {.stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &two);
	scene_join(&st->sc, &one);
	COMES_TO(st, one.finished);
	rest(st);
	cr_assert(heard(st, "guest2: hi\n"));
	cr_assert(eq(uint, two.finished, 0));
	cr_assert(eq(uint, st->ended.enough, 0));
	end(st);
}

Test(mode_chat, the_end_of_the_input_ends_it_once_all_is_said_and_heard)
{
	struct script peer = {.incoming = "late\n", .reads_nothing = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &peer);
	type(st, "last words");
	end_input(st);
	COMES_TO(st, peer.finished);
	cr_assert(eq(str, peer.outgoing, "last words\n"));
	cr_assert(eq(uint, st->ended.enough, 1));
	peer.reads_nothing = false;
	COMES_TO(st, heard(st, "late\n"));
	COMES_TO(st, peer.ended);
	cr_assert(not(peer.failed));
	end(st);
}

Test(mode_chat, a_member_that_says_nothing_does_not_keep_a_server_whose_operator_has_ended)
{
	struct script peer = {.reads_nothing = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &peer);
	end_input(st);
	COMES_TO(st, peer.finished);
	scene_pass_ms(&st->sc, CONN_LINGER_MS + CHAT_LOOK_MS);
	COMES_TO(st, peer.ended);
	end(st);
}

Test(mode_chat, a_peer_that_has_ended_is_told_what_stands_there_to_be_said)
{
	struct script peer = {.incoming = "hi\n"};
	struct stage *st = stage(SERVER, plain, NULL);

	type(st, "one\ntwo\n");
	scene_join(&st->sc, &peer);
	COMES_TO(st, peer.ended);
	cr_assert(eq(str, peer.outgoing, "one\ntwo\n"));
	cr_assert(not(peer.failed));
	end(st);
}

Test(mode_chat, what_a_file_says_must_be_lines)
{
	struct script peer = {.stays = true};
	struct stage *st = stage(SERVER, plain, NULL);
	char *text = script_bytes(FRAMER_MAX_BYTES + 1);

	for (size_t i = 0; i <= FRAMER_MAX_BYTES; i++)
		text[i] = 'x';
	scene_join(&st->sc, &peer);
	fcntl(st->in, F_SETPIPE_SZ, 4 * FRAMER_MAX_BYTES);
	type(st, text);
	COMES_TO(st, (hear(st), st->ended.done));
	cr_assert(eq(int, st->ended.why.kind, ERR_RUNTIME));
	cr_assert(strstr(st->ended.why.what, "longer than 65536 bytes") != NULL);
	free(text);
	end(st);
}

/* ---- members that do not read ---- */

/* So many lines of a member's. */
static char *talk(size_t len)
{
	char *text = script_bytes(len);

	for (size_t i = 0; i < len; i++)
		text[i] = i % 100 == 99 ? '\n' : 'x';
	text[len] = '\0';
	return text;
}

Test(mode_chat, a_member_that_does_not_read_is_sent_away_and_holds_up_nobody)
{
	enum { TALK = 3 * MEMBERS_BEHIND_MAX_BYTES };
	char *text = talk(TALK);
	struct script talker = {.incoming = text, .stays = true};
	struct script deaf = {.deaf = true, .stays = true, .reads_nothing = true},
		      fine = {.stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &deaf);
	scene_join(&st->sc, &fine);
	scene_join(&st->sc, &talker);
	COMES_TO(st, (st->heard_len = 0, hear(st), deaf.ended));
	cr_assert(strstr(deaf.why.what, "it does not read what is said") != NULL);
	COMES_TO(st, (st->heard_len = 0, hear(st), fine.outgoing_len >= TALK));
	cr_assert(eq(uint, fine.ended, 0));
	free(text);
	end(st);
}

Test(mode_chat, a_member_that_is_slow_is_waited_for)
{
	enum { TALK = 3 * MEMBERS_BEHIND_MAX_BYTES };
	char *text = talk(TALK);
	struct script talker = {.incoming = text};
	struct script slow = {.per_write = 3000, .again_every = 2, .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &slow);
	scene_join(&st->sc, &talker);
	COMES_TO(st, (st->heard_len = 0, hear(st), slow.outgoing_len >= TALK));
	cr_assert(eq(uint, slow.ended, 0));
	free(text);
	end(st);
}

Test(mode_chat, a_member_that_takes_nothing_for_long_is_sent_away_however_little_is_said)
{
	char *text = talk(2 * CONN_QUEUE_MAX_BYTES);
	struct script deaf = {.deaf = true, .stays = true, .reads_nothing = true};
	struct script talker = {.incoming = text, .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &deaf);
	scene_join(&st->sc, &talker);
	COMES_TO(st, (st->heard_len = 0, hear(st), talker.sent >= 2 * CONN_QUEUE_MAX_BYTES));
	rest(st);
	cr_assert(eq(uint, deaf.ended, 0));
	scene_pass_ms(&st->sc, CHAT_STUCK_MS + CHAT_LOOK_MS);
	COMES_TO(st, deaf.ended);
	free(text);
	end(st);
}

Test(mode_chat, a_line_is_not_torn_while_its_member_waits_for_others)
{
	char *text = talk(2 * CONN_QUEUE_MAX_BYTES + 50);
	struct script deaf = {.deaf = true, .stays = true, .reads_nothing = true};
	struct script talker = {.incoming = text, .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &deaf);
	scene_join(&st->sc, &talker);
	/* Half a line is held when the deaf one is found to be behind. */
	COMES_TO(st, (hear(st), talker.sent >= CONN_QUEUE_MAX_BYTES * 100 / 108));
	cr_assert(ne(sz, talker.sent % 100, 0));
	scene_pass_ms(&st->sc, SETTLE_MS * 2);
	deaf.deaf = false;
	COMES_TO(st, (st->heard_len = 0, hear(st), deaf.outgoing_len > 2 * CONN_QUEUE_MAX_BYTES));
	for (size_t i = 0; i < 2 * CONN_QUEUE_MAX_BYTES; i++)
		cr_assert(eq(int, deaf.outgoing[i] == '\n', i % 108 == 107), "at %zu", i);
	free(text);
	end(st);
}

/* ---- members that talk in bursts ---- */

/* So many lines, each of so many bytes that escaping makes four times as many. */
static char *lines_of(size_t lines, size_t bytes)
{
	char *text = malloc(lines * (bytes + 1) + 1), *at = text;

	for (; lines; lines--) {
		memset(at, 0xff, bytes);
		at[bytes] = '\n';
		at += bytes + 1;
	}
	*at = '\0';
	return text;
}

Test(mode_chat, a_burst_is_said_in_turns_and_those_of_others_are_in_between)
{
	char *text = lines_of(CONN_READ_BYTES / 2, 0);
	struct script burst = {.incoming = text, .stays = true, .reads_nothing = true};
	struct script fine = {.stays = true}, late = {.incoming = "hello\n", .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);
	unsigned turns = 0;

	scene_join(&st->sc, &fine);
	scene_join(&st->sc, &burst);
	burst.reads_nothing = false;
	for (; fine.writes == 0 && turns < 20; turns++)
		scene_turn(&st->sc, 1);
	cr_assert(eq(uint, fine.writes, 1), "one write a turn");
	cr_assert(eq(sz, fine.outgoing_len, MEMBERS_TURN_BYTES * strlen("guest2: \n")));
	scene_join(&st->sc, &late);
	scene_turn(&st->sc, 3);
	cr_assert(strstr(fine.outgoing, "guest3: hello\n") != NULL);
	cr_assert(lt(sz, burst.sent, 10 * MEMBERS_TURN_BYTES));
	COMES_TO(st, (st->heard_len = 0, hear(st), burst.sent == strlen(text)));
	COMES_TO(st, fine.outgoing_len == strlen(text) * 9 + strlen("guest3: hello\n"));
	free(text);
	end(st);
}

static void says_in_turns(struct chat_conf conf, const char *eol)
{
	char *text = lines_of(3000, 1);
	struct script burst = {.incoming = text, .stays = true, .reads_nothing = true};
	struct script fine = {.stays = true};
	struct stage *st = stage(SERVER, conf, eol);

	scene_join(&st->sc, &fine);
	scene_join(&st->sc, &burst);
	burst.reads_nothing = false;
	for (unsigned turns = 0; fine.writes < 3000; turns++) {
		const unsigned before = fine.writes;

		hear(st);
		scene_turn(&st->sc, 1);
		/* one part as it is read, and one as its time has come */
		cr_assert(le(uint, fine.writes - before, 2 * CHAT_TURN_SENDS));
		cr_assert(lt(uint, turns, 5000));
	}
	cr_assert(eq(sz, fine.outgoing_len, 3000 * (strlen("guest2: \\xff") + (eol ? 0 : 1))));
	free(text);
	end(st);
}

Test(mode_chat, so_is_one_whose_lines_are_sent_one_by_one)
{
	says_in_turns(plain, "none");
	says_in_turns((struct chat_conf){.turns = true}, NULL);
}

Test(mode_chat, what_comes_in_one_piece_is_shown_and_sent_in_one)
{
	struct script one = {.stays = true}, two = {.stays = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &one);
	scene_join(&st->sc, &two);
	type(st, "a\nb\nc\n");
	COMES_TO(st, strcmp(two.outgoing, "a\nb\nc\n") == 0);
	cr_assert(eq(uint, one.writes, 1));
	end(st);
}

Test(mode_chat, the_operators_lines_that_are_sent_one_by_one_have_their_turns)
{
	char *text = lines_of(1500, 1);
	struct script peer = {.stays = true};
	struct stage *st = stage(SERVER, plain, "none");

	scene_join(&st->sc, &peer);
	type(st, text);
	for (unsigned turns = 0; peer.writes < 1500; turns++) {
		const unsigned before = peer.writes;

		scene_turn(&st->sc, 1);
		cr_assert(le(uint, peer.writes - before, 2 * CHAT_TURN_SENDS));
		cr_assert(lt(uint, turns, 5000));
	}
	free(text);
	end(st);
}

/* Escaping makes 1.5 MiB of one read. */
Test(mode_chat, a_member_that_reads_is_not_sent_away_by_what_escaping_makes_of_a_burst)
{
	enum { LINES = 6 };
	const size_t expected = LINES * (strlen("guest2: \n") + 4 * (size_t)FRAMER_MAX_BYTES);
	char *text = lines_of(LINES, FRAMER_MAX_BYTES);
	struct script burst = {.incoming = text, .stays = true};
	struct script slow = {.per_write = 3000, .again_every = 3, .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);
	struct conn *c = scene_join(&st->sc, &slow);

	scene_join(&st->sc, &burst);
	while (slow.outgoing_len < expected) {
		hear(st);
		st->heard_len = 0;
		scene_turn(&st->sc, 1);
		cr_assert(eq(uint, slow.ended, 0), "%s", slow.why.what);
		cr_assert(lt(sz, conn_queued(c), MEMBERS_BEHIND_MAX_BYTES));
	}
	free(text);
	end(st);
}

Test(mode_chat, bye_ends_a_server_where_nobody_is)
{
	struct script peer = {.incoming = "hi\nbye\n", .stays = true};
	struct stage *st = stage(SERVER, plain, NULL);
	struct conn *c = scene_join(&st->sc, &peer);

	COMES_TO(st, heard(st, "hi\n"));
	conn_abort(c);
	COMES_TO(st, peer.ended);
	type(st, "bye\n");
	COMES_TO(st, st->ended.enough == 1);
	end(st);
}

Test(mode_chat, who_has_said_bye_is_nobody_to_speak_to)
{
	struct script one = {.incoming = "bye\n", .stays = true, .reads_nothing = true};
	struct script two = {.incoming = "still here\n", .stays = true, .reads_nothing = true};
	struct stage *st = stage(SERVER, plain, NULL);

	scene_join(&st->sc, &one);
	scene_join(&st->sc, &two);
	one.reads_nothing = false;
	COMES_TO(st, one.finished);
	two.reads_nothing = false;
	COMES_TO(st, heard(st, "still here\n"));
	end(st);
}

/* ---- wrong use ---- */

Test(mode_chat, an_empty_bye_is_a_mistake)
{
	struct stage *st = stage(SERVER, plain, NULL);
	struct err err = {0};

	mode_chat.end(&st->env);
	st->run = (struct chat_run){0};
	st->conf.bye = "";
	cr_assert(eq(int, mode_chat.begin(&st->env, &err), -1));
	cr_assert(eq(int, err.kind, ERR_USAGE));
	st->run = (struct chat_run){0};
	scene_end(&st->sc);
	let_go(&st->in);
	let_go(&st->out);
	free(st);
}

/* ---- none reads what is shown ---- */

static void stop_reading(struct stage *st)
{
	let_go(&st->out);
	st->sc.descriptors--;
}

Test(mode_chat, a_reader_of_ours_that_leaves_ends_it_once_nothing_is_left_to_be_said)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = stage(CLIENT, plain, NULL);

	scene_join(&st->sc, &peer);
	stop_reading(st);
	rest(st);
	cr_assert(eq(uint, peer.ended, 0), "there may still be something to be said");
	type(st, "the last word\n");
	COMES_TO(st, strcmp(peer.outgoing, "the last word\n") == 0);
	cr_assert(eq(uint, peer.ended, 0));
	end(st);
}

Test(mode_chat, with_input_at_its_end_a_reader_of_ours_that_leaves_ends_it)
{
	struct script peer = {.stays = true, .reads_nothing = true};
	struct stage *st = stage(CLIENT, plain, NULL);

	scene_join(&st->sc, &peer);
	end_input(st);
	COMES_TO(st, st->run.input_over);
	stop_reading(st);
	COMES_TO(st, peer.ended);
	mode_chat.finish(&st->env);
	COMES_TO(st, st->ended.done);
	cr_assert(eq(int, st->ended.why.kind, ERR_SIGPIPE), "%s", st->ended.why.what);
	end(st);
}
