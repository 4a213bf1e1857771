#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "script.h"

TestSuite(mode_echo, .timeout = 20);

Test(mode_echo, survives_a_peer_that_takes_three_bytes_at_a_time)
{
	struct script s = {.incoming = "the quick brown fox", .per_write = 3};

	script_serve(&s, mode_find("echo"));
	cr_assert(eq(str, s.outgoing, "the quick brown fox"));
	cr_assert(not(s.failed));
}

static void comes_back_whole(const char *text, size_t per_read, size_t per_write, unsigned again)
{
	struct script s = {.incoming = text,
		.per_read = per_read,
		.per_write = per_write,
		.again_every = again};

	script_serve(&s, mode_find("echo"));
	cr_assert(eq(str, s.outgoing, (char *)text), "reads of %zu, writes of %zu, EAGAIN %u",
		per_read, per_write, again);
	cr_assert(not(s.failed));
	cr_assert(eq(uint, s.finished, 1));
}

Test(mode_echo, every_byte_comes_back_in_order_however_little_moves_at_a_time)
{
	char *text = script_bytes(300);

	for (size_t per_read = 1; per_read <= 13; per_read++)
		for (size_t per_write = 1; per_write <= 13; per_write++)
			comes_back_whole(text, per_read, per_write, 2 + (unsigned)per_read % 3);
	free(text);
}

Test(mode_echo, every_byte_comes_back_through_ragged_moves_and_eagain_in_between)
{
	char *text = script_bytes(100000);

	for (unsigned again = 0; again <= 5; again += again ? 1 : 2) {
		struct script s = {.incoming = text, .ragged = true, .again_every = again};

		script_serve(&s, mode_find("echo"));
		cr_assert(eq(str, s.outgoing, text), "EAGAIN at every call %u", again);
		cr_assert(not(s.failed));
	}
	free(text);
}

Test(mode_echo, a_zero_byte_is_a_byte)
{
	struct script s = {.incoming = "a\0b\0", .incoming_len = 4};

	script_serve(&s, mode_find("echo"));
	cr_assert(eq(sz, s.outgoing_len, 4));
	cr_assert(eq(int, memcmp(s.outgoing, "a\0b\0", 4), 0));
}

Test(mode_echo, keeps_no_more_than_its_bound_and_a_read_for_a_peer_that_takes_nothing)
{
	enum { LEN = 200 * 1024, READ = 16 * 1024 };
	char *text = script_bytes(LEN);
	struct script s = {.incoming = text, .per_read = READ, .deaf = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &mode_find("echo")->on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 100);
	cr_assert(ge(sz, conn_queued(c), CONN_QUEUE_MAX_BYTES));
	cr_assert(lt(sz, conn_queued(c), CONN_QUEUE_MAX_BYTES + READ));
	cr_assert(eq(sz, s.sent, conn_queued(c)), "nothing more is read meanwhile");
	cr_assert(eq(sz, s.outgoing_len, 0));

	s.deaf = false;
	scene_play(&sc);
	cr_assert(eq(sz, s.outgoing_len, LEN));
	cr_assert(eq(str, s.outgoing, text));
	cr_assert(not(s.failed));
	scene_end(&sc);
	free(text);
}

Test(mode_echo, keeps_one_whole_read_and_the_bound_at_most)
{
	struct script s = {.incoming = "x", .endless = true, .deaf = true};
	char *text = script_bytes(2 * CONN_READ_BYTES);
	struct scene sc;
	struct conn *c;

	s.incoming = text;
	scene_begin(&sc, &mode_find("echo")->on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 100);
	cr_assert(le(sz, conn_queued(c), CONN_QUEUE_MAX_BYTES + CONN_READ_BYTES));
	scene_end(&sc);
	free(text);
}

Test(mode_echo, the_peers_end_is_passed_on_behind_its_last_byte)
{
	struct script s = {.incoming = "last words", .per_write = 1};

	script_serve(&s, mode_find("echo"));
	cr_assert(eq(str, s.outgoing, "last words"));
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(eq(str, s.told, "open data drained closed"));
}

Test(mode_echo, a_peer_that_says_nothing_is_answered_with_nothing)
{
	struct script s = {0};

	script_serve(&s, mode_find("echo"));
	cr_assert(eq(sz, s.outgoing_len, 0));
	cr_assert(not(s.failed));
}

/* Whichever call fails, the end is one end, with a reason, and every byte echoed is a right one. */
static void fails_cleanly(struct script s, const char *text)
{
	script_serve(&s, mode_find("echo"));
	cr_assert(eq(int, strncmp(s.outgoing, text, s.outgoing_len), 0));
	if (s.reads >= s.fail_read_at && s.fail_read_at) {
		cr_assert(s.failed, "read %u", s.fail_read_at);
		cr_assert(eq(int, s.why.kind, ERR_LOST));
	}
	if (s.writes >= s.fail_write_at && s.fail_write_at) {
		cr_assert(s.failed, "write %u", s.fail_write_at);
		cr_assert(eq(int, s.why.kind, ERR_LOST));
		cr_assert(eq(int, s.why.sys, ECONNRESET));
		cr_assert(eq(sz, s.sent, strlen(text)), "what the peer had sent is read");
	}
}

Test(mode_echo, a_failure_of_any_one_call_ends_it_once_and_with_a_reason)
{
	const char *text = "forty-two bytes that come in small pieces";

	for (unsigned at = 1; at <= 20; at++) {
		fails_cleanly((struct script){.incoming = text,
				      .per_read = 4,
				      .per_write = 3,
				      .fail_read_at = at,
				      .error = ECONNRESET},
			text);
		fails_cleanly((struct script){.incoming = text,
				      .per_read = 4,
				      .per_write = 3,
				      .fail_write_at = at,
				      .error = ECONNRESET},
			text);
	}
}
