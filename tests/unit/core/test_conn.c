#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "core/conn_state.h"
#include "script.h"

TestSuite(conn, .timeout = 20);

/* A handler that only takes; the default for everything. */
static const struct handler listener = {0};

static void play(struct script *s, const struct handler *on)
{
	struct scene sc;

	scene_begin(&sc, on);
	scene_join(&sc, s);
	scene_play(&sc);
	scene_end(&sc);
	cr_expect(eq(uint, s->ended, 1), "the owner is told once");
}

static void nothing(struct conn *c)
{
	(void)c;
}

static void say_hello(struct conn *c)
{
	conn_write(c, span_of("hello"));
}

static void say_hello_and_finish(struct conn *c)
{
	conn_write(c, span_of("hello"));
	conn_finish(c);
}

/* ---- how it begins and ends ---- */

Test(conn, is_notified_of_opening_data_the_end_and_closing_in_this_order)
{
	const struct handler on = {.eof = conn_finish};
	struct script s = {.incoming = "some words"};

	play(&s, &on);
	cr_assert(eq(str, s.told, "open data eof closed"));
	cr_assert(not(s.failed));
}

Test(conn, passes_the_peers_end_on_where_the_handler_does_not_care)
{
	struct script s = {.incoming = "x"};

	play(&s, &listener);
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(eq(str, s.told, "open data closed"));
	cr_assert(not(s.failed));
}

Test(conn, nothing_happens_on_it_before_it_is_opened)
{
	struct script s = {.incoming = "early"};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_make(&sc, &s, CONN_BOTH);
	scene_turn(&sc, 5);
	cr_assert(eq(str, s.told, ""));
	cr_assert(eq(uint, s.reads, 0));
	conn_open(c);
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open data closed"));
	scene_end(&sc);
}

static void peer_is_fresh(struct conn *c)
{
	uint8_t *mine = conn_peer(c);

	cr_assert(eq(sz, (uintptr_t)mine % sizeof(void *), 0));
	for (size_t i = 0; i < 100; i++)
		cr_assert(eq(u8, mine[i], 0));
	memset(mine, 0xff, 100);
}

Test(conn, its_handlers_bytes_are_zeroed_and_its_own)
{
	const struct handler on = {.open = peer_is_fresh, .peer_size = 100};
	struct script one = {.stays = true}, two = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &one);
	cr_assert(ne(ptr, conn_peer(c), conn_peer(scene_join(&sc, &two))));
	scene_end(&sc);
}

Test(conn, keeps_the_peers_address_after_the_handlers_bytes)
{
	const struct handler on = {.open = peer_is_fresh, .peer_size = 100};
	const struct addr peer = addr_loopback(AF_INET6, 4711);
	struct script s = {.stays = true};
	struct scene sc;
	struct link link;
	struct addr kept;
	struct conn *c;

	scene_begin(&sc, &on);
	link = scene_link(&sc, &s);
	c = conn_new(&sc.owner, &link, &peer, CONN_BOTH);
	conn_open(c);
	kept = conn_address(c);
	cr_assert(addr_equal(&kept, &peer));
	scene_end(&sc);
}

Test(conn, has_no_address_where_none_was_given)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct addr none;

	scene_begin(&sc, &listener);
	none = conn_address(scene_join(&sc, &s));
	cr_assert(eq(u32, none.len, 0));
	scene_end(&sc);
}

Test(conn, counts_what_it_received_and_sent_and_its_owner_how_many_there_are)
{
	const struct handler on = {.open = say_hello};
	struct script one = {.incoming = "123", .stays = true}, two = {0};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &one);
	scene_join(&sc, &two);
	cr_assert(eq(sz, sc.owner.open_now, 2));
	scene_turn(&sc, 3);
	cr_assert(eq(u64, conn_received(c), 3));
	cr_assert(eq(u64, conn_sent(c), 5));
	cr_assert(eq(u64, conn_id(c), 1));
	cr_assert(eq(sz, sc.owner.open_now, 1));
	cr_assert(eq(u64, sc.owner.opened, 2));
	scene_end(&sc);
}

/* ---- the two directions ---- */

Test(conn, goes_on_sending_after_the_peers_end)
{
	const struct handler on = {.eof = nothing};
	struct script s = {.incoming = "done"};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 5);
	cr_assert(eq(str, s.told, "open data eof"));
	conn_write(c, span_of("but I am not"));
	scene_turn(&sc, 2);
	cr_assert(eq(str, s.outgoing, "but I am not"));
	cr_assert(eq(uint, s.ended, 0));
	conn_finish(c);
	scene_play(&sc);
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, goes_on_reading_after_our_end)
{
	const struct handler on = {.open = say_hello_and_finish};
	struct script s = {.incoming = "a long answer", .per_read = 1, .reads_nothing = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(eq(uint, s.ended, 0));
	cr_assert(conn_finished(c));
	s.reads_nothing = false;
	scene_play(&sc);
	cr_assert(eq(sz, s.sent, strlen("a long answer")));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, our_end_waits_for_all_that_was_written)
{
	const struct handler on = {.open = say_hello_and_finish};
	struct script s = {.per_write = 1, .stays = true};
	struct scene sc;

	scene_begin(&sc, &on);
	scene_join(&sc, &s);
	while (s.outgoing_len < 5) {
		cr_assert(eq(uint, s.finished, 0));
		scene_turn(&sc, 1);
	}
	scene_turn(&sc, 1);
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(eq(str, s.outgoing, "hello"));
	scene_end(&sc);
}

Test(conn, what_is_written_after_our_end_is_not_sent)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_finish(c);
	cr_assert(eq(int, conn_write(c, span_of("too late")), 0));
	conn_finish(c);
	scene_turn(&sc, 3);
	cr_assert(eq(sz, s.outgoing_len, 0));
	cr_assert(eq(uint, s.finished, 1));
	scene_end(&sc);
}

Test(conn, one_that_only_reads_ends_with_its_input)
{
	struct script s = {.incoming = "input"};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_make(&sc, &s, CONN_READS);
	conn_open(c);
	cr_assert(eq(int, conn_write(c, span_of("x")), 0));
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open data closed"));
	cr_assert(eq(sz, s.outgoing_len, 0));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, one_that_only_writes_ends_when_it_is_finished)
{
	struct script s = {.incoming = "not for us", .per_write = 2};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_make(&sc, &s, CONN_WRITES);
	conn_open(c);
	conn_write(c, span_of("output"));
	scene_turn(&sc, 10);
	cr_assert(eq(uint, s.reads, 0));
	cr_assert(eq(uint, s.ended, 0));
	conn_finish(c);
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "output"));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

/* ---- writing ---- */

Test(conn, says_stop_once_its_bound_waits_and_keeps_what_it_was_given)
{
	char *text = script_bytes(CONN_QUEUE_MAX_BYTES);
	struct script s = {.stays = true, .deaf = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	cr_assert(eq(int, conn_write(c, span_of(text + 1)), 0), "one byte below");
	cr_assert(eq(int, conn_write(c, span_of("!")), -1), "at the bound");
	cr_assert(eq(int, conn_write(c, span_of("?")), -1), "and beyond it");
	cr_assert(eq(sz, conn_queued(c), CONN_QUEUE_MAX_BYTES + 1));
	s.deaf = false;
	scene_turn(&sc, 2);
	cr_assert(eq(sz, s.outgoing_len, CONN_QUEUE_MAX_BYTES + 1));
	cr_assert(eq(str, s.outgoing + CONN_QUEUE_MAX_BYTES - 1, "!?"));
	cr_assert(eq(str, s.told, "open drained"));
	cr_assert(eq(sz, conn_queued(c), 0));
	scene_end(&sc);
	free(text);
}

Test(conn, an_empty_write_is_no_write)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	cr_assert(eq(int, conn_write(c, (struct span){NULL, 0}), 0));
	scene_turn(&sc, 2);
	cr_assert(eq(uint, s.writes, 0));
	scene_end(&sc);
}

Test(conn, tells_of_room_when_asked_to_even_if_nothing_waits)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 3);
	cr_assert(eq(str, s.told, "open"));
	conn_want_drained(c);
	cr_assert(eq(str, s.told, "open"), "later, not within the call");
	scene_turn(&sc, 1);
	cr_assert(eq(str, s.told, "open drained"));
	s.told[0] = '\0';
	scene_turn(&sc, 3);
	cr_assert(eq(str, s.told, ""), "once");
	scene_end(&sc);
}

static void write_and_wait(struct conn *c)
{
	conn_write(c, span_of("lost"));
	conn_want_drained(c);
}

Test(conn, once_a_write_has_failed_it_waits_for_no_room)
{
	const struct handler on = {.open = write_and_wait};
	struct script s = {.stays = true, .fail_write_at = 1, .error = EPIPE};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 3);
	cr_assert(eq(uint, c->watch.wanted & EPOLLOUT, 0), "the loop would spin");
	cr_assert(eq(str, s.told, "open"));
	scene_end(&sc);
}

Test(conn, what_is_offered_and_not_taken_is_not_kept)
{
	struct script s = {.stays = true, .per_write = 4, .again_every = 3};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	cr_assert(eq(sz, conn_offer(c, span_of("offered")), 4));
	cr_assert(eq(sz, conn_offer(c, span_of("red")), 3));
	cr_assert(eq(sz, conn_offer(c, span_of("not now")), 0));
	cr_assert(eq(sz, conn_offer(c, span_of("")), 0));
	cr_assert(eq(sz, conn_queued(c), 0));
	cr_assert(eq(u64, conn_sent(c), 7));
	cr_assert(eq(str, s.outgoing, "offered"));
	scene_end(&sc);
}

Test(conn, nothing_is_offered_past_what_waits_or_after_the_end)
{
	struct script s = {.stays = true, .per_write = 4};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_write(c, span_of("first"));
	cr_assert(eq(sz, conn_offer(c, span_of("second")), 0));
	scene_turn(&sc, 3);
	cr_assert(eq(str, s.outgoing, "first"));
	conn_finish(c);
	cr_assert(eq(sz, conn_offer(c, span_of("third")), 0));
	scene_end(&sc);
}

Test(conn, an_offer_that_fails_ends_our_side)
{
	struct script s = {.incoming = "why", .fail_write_at = 1, .error = EPIPE};
	struct scene sc;

	scene_begin(&sc, &listener);
	cr_assert(eq(sz, conn_offer(scene_join(&sc, &s), span_of("lost")), 0));
	scene_play(&sc);
	cr_assert(eq(sz, s.sent, 3), "what it says is still heard");
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.sys, EPIPE));
	scene_end(&sc);
}

static void write_again(struct conn *c)
{
	if (conn_sent(c) < 100)
		conn_write(c, span_of("more "));
}

Test(conn, its_handler_may_write_whenever_there_is_room)
{
	const struct handler on = {.open = write_again, .drained = write_again};
	struct script s = {.stays = true, .per_write = 4};
	struct scene sc;

	scene_begin(&sc, &on);
	scene_join(&sc, &s);
	scene_turn(&sc, 200);
	cr_assert(ge(sz, s.outgoing_len, 100));
	cr_assert(eq(int, strncmp(s.outgoing, "more more more ", 15), 0));
	scene_end(&sc);
}

/* ---- failures ---- */

Test(conn, a_failed_read_loses_it_with_the_reason)
{
	const struct handler on = {.open = say_hello};
	struct script s = {.incoming = "half", .fail_read_at = 2, .error = ECONNRESET};

	play(&s, &on);
	cr_assert(eq(str, s.told, "open data closed"));
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(int, s.why.sys, ECONNRESET));
	cr_assert(strstr(s.why.what, "4 bytes received, 5 sent") != NULL, "%s", s.why.what);
	cr_assert(eq(uint, s.finished, 0));
}

Test(conn, after_a_failed_write_what_the_peer_had_sent_is_still_read)
{
	const struct handler on = {.open = say_hello, .eof = conn_finish};
	struct script s = {.incoming = "go away, you have no account here",
		.per_read = 3,
		.fail_write_at = 1,
		.error = EPIPE};

	play(&s, &on);
	cr_assert(eq(sz, s.sent, strlen(s.incoming)));
	cr_assert(eq(str, s.told, "open data eof closed"));
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(int, s.why.sys, EPIPE));
}

/* The write took the error, and the next read would find nothing but an end. */
Test(conn, after_a_write_that_met_a_reset_no_end_of_the_peer_is_in_order)
{
	const struct handler on = {.open = say_hello, .eof = conn_finish};
	struct script s = {.incoming = "half a li", .fail_write_at = 1, .error = ECONNRESET};

	play(&s, &on);
	cr_assert(eq(sz, s.sent, strlen(s.incoming)));
	cr_assert(eq(str, s.told, "open data closed"));
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(int, s.why.sys, ECONNRESET));
}

/* It may live all the same, and then it waits for us. */
static void fail_to_write(struct script *s, int error)
{
	const struct handler on = {.open = say_hello, .eof = conn_finish};
	struct scene sc;

	*s = (struct script){.stays = true, .fail_write_at = 1, .error = error};
	scene_begin(&sc, &on);
	scene_join(&sc, s);
	scene_pass_ms(&sc, CONN_LINGER_MS - 1);
	cr_assert(eq(uint, s->ended, 0));
	scene_pass_ms(&sc, 1);
	cr_assert(eq(uint, s->ended, 1));
	cr_assert(eq(int, s->why.sys, error));
	scene_end(&sc);
}

Test(conn, after_a_failed_write_the_peer_is_notified_of_our_end_and_waited_for_only_so_long)
{
	struct script s;

	fail_to_write(&s, EPIPE);
	cr_assert(eq(uint, s.finished, 1));
}

Test(conn, a_write_that_fails_for_want_of_memory_looks_like_no_end)
{
	struct script s;

	fail_to_write(&s, ENOBUFS);
	cr_assert(eq(uint, s.finished, 0));
}

Test(conn, a_connection_that_we_lack_something_for_is_not_lost_by_its_peer)
{
	static const int lacks[] = {ENOMEM, ENOBUFS, ENOSPC};
	const struct handler on = {.open = say_hello};

	for (size_t i = 0; i < 2 * sizeof(lacks) / sizeof(lacks[0]); i++) {
		struct script s = {
			.error = lacks[i / 2], .fail_read_at = i % 2, .fail_write_at = 1 - i % 2};
		struct scene sc;

		scene_begin(&sc, &on);
		scene_join(&sc, &s);
		scene_play(&sc);
		cr_expect(eq(int, s.why.kind, ERR_RUNTIME), "%s", s.why.what);
		cr_expect(eq(int, s.why.sys, lacks[i / 2]));
		cr_expect(strstr(s.why.hint, "ulimit") != NULL, "%s", s.why.hint);
		scene_end(&sc);
	}
}

Test(conn, after_a_failed_write_a_peer_that_goes_on_talking_is_heard_to_its_end)
{
	const struct handler on = {.open = say_hello};
	struct script s = {.incoming = "a long story", .per_read = 1, .reads_nothing = true};
	struct scene sc;

	s.fail_write_at = 1;
	s.error = ECONNRESET;
	scene_begin(&sc, &on);
	scene_join(&sc, &s);
	for (size_t n = 1; n <= 5; n++) {
		s.reads_nothing = false;
		scene_turn(&sc, 1);
		s.reads_nothing = true;
		cr_assert(eq(sz, s.sent, n));
		scene_pass_ms(&sc, CONN_LINGER_MS - 100);
		cr_assert(eq(uint, s.ended, 0));
	}
	s.reads_nothing = false;
	scene_play(&sc);
	cr_assert(eq(sz, s.sent, strlen(s.incoming)));
	cr_assert(eq(int, s.why.sys, ECONNRESET));
	scene_end(&sc);
}

Test(conn, after_a_failed_write_closing_it_at_once_ends_it_at_once)
{
	const struct handler on = {.open = say_hello};
	struct script s = {.stays = true, .fail_write_at = 1, .error = ENOBUFS};
	struct scene sc;

	scene_begin(&sc, &on);
	conn_close(scene_join(&sc, &s), 0);
	scene_turn(&sc, 2);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.sys, ENOBUFS));
	scene_end(&sc);
}

Test(conn, when_bytes_last_moved_is_known)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	cr_assert(eq(i64, conn_active_ms(c), sc.loop.now_ms));
	scene_pass_ms(&sc, 100);
	cr_assert(eq(i64, conn_active_ms(c), sc.loop.now_ms - 100));
	conn_write(c, span_of("x"));
	cr_assert(eq(i64, conn_active_ms(c), sc.loop.now_ms));
	scene_end(&sc);
}

Test(conn, a_write_that_fails_later_drops_the_queue_and_reads_on_though_paused)
{
	struct script s = {.incoming = "the reason", .deaf = true, .fail_write_at = 1};
	struct scene sc;
	struct conn *c;

	s.error = ECONNRESET;
	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_pause(c);
	conn_write(c, span_of("never to arrive"));
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.reads, 0));
	s.deaf = false;
	scene_turn(&sc, 1);
	cr_assert(eq(sz, conn_queued(c), 0));
	cr_assert(eq(int, conn_write(c, span_of("x")), 0));
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open data closed"));
	cr_assert(eq(int, s.why.sys, ECONNRESET));
	scene_end(&sc);
}

Test(conn, a_reset_met_by_our_end_is_called_a_reset)
{
	struct script s = {.finish_error = ECONNRESET};

	play(&s, &listener);
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(int, s.why.sys, ECONNRESET));
}

Test(conn, a_write_that_closing_finds_to_have_failed_is_reported)
{
	const struct handler on = {.open = say_hello};
	struct script s = {.close_error = EDQUOT};

	play(&s, &on);
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.sys, EDQUOT));
}

Test(conn, the_first_reason_counts)
{
	struct script s = {.fail_read_at = 1, .error = ECONNRESET, .close_error = EIO};

	play(&s, &listener);
	cr_assert(eq(int, s.why.sys, ECONNRESET));
}

static struct err local_failure(struct script s, const char *name, enum conn_sides sides)
{
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	sc.owner.local = name;
	c = scene_make(&sc, &s, sides);
	conn_open(c);
	conn_write(c, span_of("x"));
	scene_play(&sc);
	scene_end(&sc);
	cr_assert(s.failed);
	return s.why;
}

Test(conn, our_own_ends_fail_by_their_names)
{
	struct script full = {.fail_write_at = 1, .error = ENOSPC};
	struct script gone = {.fail_write_at = 1, .error = EPIPE};
	struct script broken = {.fail_read_at = 1, .error = EIO};
	struct script closed = {.fail_read_at = 1, .error = EBADF};
	struct err why = local_failure(full, "standard output", CONN_WRITES);

	cr_assert(eq(int, why.kind, ERR_RUNTIME));
	cr_assert(eq(str, why.what, "cannot write to standard output: No space left on device"));
	why = local_failure(gone, "standard output", CONN_WRITES);
	cr_assert(eq(int, why.kind, ERR_SIGPIPE));
	why = local_failure(broken, "standard input", CONN_READS);
	cr_assert(eq(int, why.kind, ERR_RUNTIME));
	cr_assert(eq(str, why.what, "cannot read standard input: Input/output error"));
	why = local_failure(closed, "standard input", CONN_READS);
	cr_assert(why.hint[0] != '\0');
}

Test(conn, what_the_loop_cannot_watch_is_lost)
{
	const struct handler on = {.open = nothing};
	struct script s = {0};
	struct scene sc;
	struct link link;

	scene_begin(&sc, &on);
	link = scene_link(&sc, &s);
	link.fd = 9999;
	conn_open(conn_new(&sc.owner, &link, NULL, CONN_BOTH));
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open closed"));
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(int, s.why.sys, EBADF));
	scene_end(&sc);
}

/* ---- ending it ---- */

Test(conn, an_abort_drops_what_waits_and_is_no_failure)
{
	struct script s = {.incoming = "x", .deaf = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_write(c, span_of("dropped"));
	conn_abort(c);
	conn_abort(c);
	cr_assert(eq(str, s.told, "open"), "not within the call");
	cr_assert(eq(int, conn_write(c, span_of("x")), 0));
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open closed"));
	cr_assert(not(s.failed));
	cr_assert(eq(sz, s.outgoing_len, 0));
	scene_end(&sc);
}

static void abort_it(struct conn *c)
{
	conn_abort(c);
}

static void abort_on_data(struct conn *c, struct span in)
{
	(void)in;
	conn_abort(c);
	conn_finish(c);
	conn_pause(c);
	conn_resume(c);
	conn_want_drained(c);
	conn_close(c, 0);
}

Test(conn, may_be_aborted_in_any_of_its_callbacks)
{
	const struct handler in[] = {
		{.open = abort_it},
		{.data = abort_on_data},
		{.open = conn_want_drained, .drained = abort_it},
		{.eof = abort_it},
	};
	const char *told[] = {
		"open closed", "open data closed", "open drained closed", "open data eof closed"};

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		struct script s = {.incoming = "x"};

		play(&s, &in[i]);
		cr_assert(eq(str, s.told, (char *)told[i]));
		cr_assert(not(s.failed));
	}
}

static void use_it_once_more(struct conn *c, const struct err *why)
{
	(void)why;
	cr_assert(eq(int, conn_write(c, span_of("x")), 0));
	conn_finish(c);
	conn_close(c, CONN_LINGER_MS);
	conn_pause(c);
	conn_resume(c);
	conn_want_drained(c);
	conn_abort(c);
}

Test(conn, whatever_is_asked_of_it_while_it_closes_does_nothing)
{
	const struct handler on = {.closed = use_it_once_more};
	struct script s = {.incoming = "x"};

	play(&s, &on);
	cr_assert(eq(str, s.told, "open data closed"));
	cr_assert(eq(sz, s.outgoing_len, 0));
}

struct pair {
	struct conn *conns[2];
	void (*end)(struct conn *c);
};

static void end_the_other(struct conn *c, struct span in)
{
	struct pair *pair = scene_of(c)->ctx;

	(void)in;
	pair->end(pair->conns[conn_id(c) == 1]);
}

static void close_it_now(struct conn *c)
{
	conn_close(c, 0);
}

static void close_it_politely(struct conn *c)
{
	conn_close(c, CONN_LINGER_MS);
}

/* Both are ready in the same turn; whichever is served first ends the other. */
Test(conn, a_callback_may_end_any_other_connection_of_the_same_batch)
{
	void (*ends[])(struct conn *) = {abort_it, close_it_now, close_it_politely, conn_finish};
	const struct handler on = {.data = end_the_other};

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct script one = {.incoming = "1"}, two = {.incoming = "2"};
		struct pair pair = {.end = ends[i]};
		struct scene sc;

		scene_begin(&sc, &on);
		sc.ctx = &pair;
		pair.conns[0] = scene_join(&sc, &one);
		pair.conns[1] = scene_join(&sc, &two);
		scene_play(&sc);
		cr_assert(eq(uint, one.ended + two.ended, 2));
		if (ends[i] == abort_it)
			cr_assert(eq(uint, one.reads + two.reads, 2), "one read all, one nothing");
		scene_end(&sc);
	}
}

Test(conn, all_of_an_owner_may_end_at_once_without_a_callback)
{
	const struct handler on = {.open = say_hello};
	struct script s[3] = {{.stays = true}, {.deaf = true, .stays = true}, {.stays = true}};
	struct scene sc;

	scene_begin(&sc, &on);
	for (size_t i = 0; i < 3; i++)
		scene_join(&sc, &s[i]);
	scene_turn(&sc, 2);
	conn_owner_free(&sc.owner);
	cr_assert(eq(sz, sc.owner.open_now, 0));
	for (size_t i = 0; i < 3; i++) {
		cr_assert(eq(str, s[i].told, "open"));
		cr_assert(eq(uint, s[i].ended, 0));
	}
	scene_end(&sc);
}

static void free_them_all(struct conn *c)
{
	conn_owner_free(&scene_of(c)->owner);
}

static void free_them_all_on_data(struct conn *c, struct span in)
{
	(void)in;
	free_them_all(c);
}

Test(conn, all_of_an_owner_may_end_at_once_within_any_callback)
{
	const struct handler in[] = {
		{.open = free_them_all},
		{.data = free_them_all_on_data},
		{.open = say_hello, .drained = free_them_all},
		{.eof = free_them_all},
	};

	for (size_t i = 0; i < sizeof(in) / sizeof(in[0]); i++) {
		struct script s = {.incoming = "x", .per_write = 3};
		struct scene sc;

		scene_begin(&sc, &in[i]);
		scene_join(&sc, &s);
		scene_turn(&sc, 10);
		cr_assert(eq(sz, sc.owner.open_now, 0));
		cr_assert(eq(uint, s.ended, 0));
		scene_end(&sc);
	}
}

/* ---- closing politely ---- */

static void close_politely(struct conn *c, struct span in)
{
	(void)in;
	conn_write(c, span_of("goodbye"));
	conn_close(c, CONN_LINGER_MS);
}

Test(conn, a_polite_close_says_all_throws_the_rest_away_and_waits_for_the_peers_end)
{
	const struct handler on = {.data = close_politely};
	char *text = script_bytes(1000);
	struct script s = {.incoming = text, .per_read = 10, .per_write = 2};

	play(&s, &on);
	cr_assert(eq(str, s.outgoing, "goodbye"));
	cr_assert(eq(sz, s.sent, 1000), "nothing is left unread");
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(eq(str, s.told, "open data closed"));
	cr_assert(not(s.failed));
	free(text);
}

Test(conn, a_polite_close_hears_no_more_of_data_or_the_end)
{
	const struct handler on = {.data = close_politely, .drained = nothing, .eof = nothing};
	struct script s = {.incoming = "1234", .per_read = 1, .per_write = 1};

	play(&s, &on);
	cr_assert(eq(str, s.told, "open data closed"));
}

Test(conn, a_polite_close_gives_up_after_its_time)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_close(c, CONN_LINGER_MS);
	conn_close(c, 0);
	scene_pass_ms(&sc, CONN_LINGER_MS - 1);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 1);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, a_polite_close_gives_up_on_a_peer_that_never_stops_talking)
{
	char *text = script_bytes(CONN_READ_BYTES);
	struct script s = {.incoming = text, .endless = true};
	struct scene sc;

	scene_begin(&sc, &listener);
	conn_close(scene_join(&sc, &s), CONN_LINGER_MS);
	scene_play(&sc);
	cr_assert(gt(sz, s.sent, CONN_LINGER_BYTES));
	cr_assert(le(sz, s.sent, CONN_LINGER_BYTES + CONN_READ_BYTES));
	cr_assert(not(s.failed));
	scene_end(&sc);
	free(text);
}

Test(conn, a_polite_close_throws_away_unread_what_it_can)
{
	char *text = script_bytes(LINK_DROP_BYTES);
	struct script s = {.incoming = text, .endless = true, .drops = true};
	struct scene sc;

	scene_begin(&sc, &listener);
	conn_close(scene_join(&sc, &s), CONN_LINGER_MS);
	scene_play(&sc);
	cr_assert(eq(uint, s.drops_tried, s.reads));
	cr_assert(gt(sz, s.sent, CONN_LINGER_BYTES));
	cr_assert(le(sz, s.sent, CONN_LINGER_BYTES + LINK_DROP_BYTES));
	cr_assert(not(s.failed));
	scene_end(&sc);
	free(text);
}

Test(conn, a_close_without_lingering_does_not_wait_for_the_peer)
{
	struct script s = {.incoming = "still talking", .per_read = 1, .per_write = 1};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_write(c, span_of("bye"));
	conn_close(c, 0);
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "bye"), "all of ours is sent first");
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(lt(sz, s.sent, strlen(s.incoming)));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, a_close_reads_on_though_it_was_paused)
{
	struct script s = {.incoming = "unread"};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_pause(c);
	conn_close(c, CONN_LINGER_MS);
	conn_pause(c);
	scene_play(&sc);
	cr_assert(eq(sz, s.sent, 6));
	cr_assert(eq(str, s.told, "open closed"));
	scene_end(&sc);
}

Test(conn, closing_what_both_sides_have_finished_changes_nothing)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_finish(c);
	conn_close(c, 0);
	scene_play(&sc);
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

/* ---- silence ---- */

static void scene_of_idlers(struct scene *sc, int64_t idle_ms)
{
	scene_begin(sc, &listener);
	sc->owner.idle_ms = idle_ms;
}

Test(conn, ends_when_it_has_been_silent_for_its_time)
{
	struct script s = {.stays = true};
	struct scene sc;

	scene_of_idlers(&sc, 500);
	scene_join(&sc, &s);
	scene_pass_ms(&sc, 499);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 1);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.kind, ERR_TIMEOUT));
	cr_assert(strstr(s.why.what, "500 ms (--idle-timeout)") != NULL);
	scene_end(&sc);
}

Test(conn, bytes_in_either_direction_are_no_silence)
{
	struct script s = {.stays = true};
	struct scene sc;
	struct conn *c;

	scene_of_idlers(&sc, 500);
	c = scene_join(&sc, &s);
	for (int i = 0; i < 10; i++) {
		scene_pass_ms(&sc, 400);
		conn_write(c, span_of("x"));
	}
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 500);
	cr_assert(eq(uint, s.ended, 1));
	scene_end(&sc);
}

Test(conn, what_merely_waits_to_be_taken_is_silence)
{
	struct script s = {.stays = true, .deaf = true};
	struct scene sc;
	struct conn *c;

	scene_of_idlers(&sc, 500);
	c = scene_join(&sc, &s);
	scene_pass_ms(&sc, 400);
	conn_write(c, span_of("x"));
	scene_pass_ms(&sc, 100);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.kind, ERR_TIMEOUT));
	scene_end(&sc);
}

Test(conn, silence_does_not_matter_where_no_time_was_set)
{
	struct script s = {.stays = true};
	struct scene sc;

	scene_of_idlers(&sc, 0);
	scene_join(&sc, &s);
	scene_pass_ms(&sc, 1000000000);
	cr_assert(eq(uint, s.ended, 0));
	scene_end(&sc);
}

/* ---- seeing off: done only when the peer's kernel has it all ---- */

static void see_off(struct scene *sc, struct script *s)
{
	scene_begin(sc, &listener);
	sc->owner.see_off = true;
	scene_join(sc, s);
	conn_write(conn_of_node(sc->owner.conns.next), span_of("hello"));
	scene_turn(sc, 3);
}

Test(conn, waits_until_all_it_sent_has_arrived)
{
	struct script s = {.unsent = 5, .acknowledges = 1};
	struct scene sc;

	see_off(&sc, &s);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 1000);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(uint, s.looks, 6), "a look for each byte, and the last");
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, waits_as_long_as_there_is_progress)
{
	struct script s = {.unsent = 2000, .acknowledges = 1};
	struct scene sc;

	see_off(&sc, &s);
	scene_pass_ms(&sc, 5 * CONN_SEE_OFF_MS);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 20 * CONN_SEE_OFF_MS);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, what_is_not_acknowledged_in_time_is_lost)
{
	struct script s = {.unsent = 5};
	struct scene sc;

	see_off(&sc, &s);
	scene_pass_ms(&sc, CONN_SEE_OFF_MS - 100);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 200);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(strstr(s.why.what, "5 bytes were not acknowledged") != NULL, "%s", s.why.what);
	cr_assert(le(uint, s.looks, CONN_SEE_OFF_MS / 50), "it does not stare");
	scene_end(&sc);
}

Test(conn, an_error_that_comes_before_the_acknowledgement_loses_it)
{
	struct script s = {.unsent = 5, .pending_error = ECONNRESET};
	struct scene sc;

	see_off(&sc, &s);
	scene_pass_ms(&sc, 100);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(int, s.why.sys, ECONNRESET));
	scene_end(&sc);
}

Test(conn, a_peer_that_closes_with_bytes_unread_loses_them)
{
	struct script s = {.unsent = 5, .acknowledges = 5, .gone_error = ECONNRESET};
	struct scene sc;

	see_off(&sc, &s);
	scene_pass_ms(&sc, 100);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.sys, ECONNRESET));
	scene_end(&sc);
}

/* Leave a peer that has to read 5 bytes, which its kernel counts as 768, and does not. */
static void leave_unread(struct scene *sc, struct script *s)
{
	static const struct handler listener;

	scene_begin(sc, &listener);
	sc->owner.see_off = true;
	scene_join(sc, s);
	conn_write(conn_of_node(sc->owner.conns.next), span_of("hello"));
	conn_close(conn_of_node(sc->owner.conns.next), 0);
}

Test(conn, left_at_once_a_peer_that_does_not_read_is_waited_for_a_while)
{
	struct script s = {.stays = true, .unsent = 768, .unread = true};
	struct scene sc;

	leave_unread(&sc, &s);
	scene_pass_ms(&sc, CONN_READ_OFF_MS - 100);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 200);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(strstr(s.why.what, ": up to 5 bytes were not read in 2000 ms") != NULL, "%s",
		s.why.what);
	scene_end(&sc);
}

Test(conn, left_at_once_a_peer_that_reads_slowly_is_waited_for)
{
	struct script s = {.stays = true, .unsent = 768, .acknowledges = 1, .unread = true};
	struct scene sc;

	leave_unread(&sc, &s);
	scene_pass_ms(&sc, 2 * CONN_READ_OFF_MS);
	cr_assert(eq(uint, s.ended, 0));
	scene_pass_ms(&sc, 30 * CONN_READ_OFF_MS);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, does_not_wait_where_acknowledgements_cannot_be_seen)
{
	struct script s = {.unsent = -1};
	struct scene sc;

	see_off(&sc, &s);
	scene_pass_ms(&sc, 10);
	cr_assert(eq(uint, s.ended, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn, may_be_aborted_while_it_waits_for_acknowledgement)
{
	struct script s = {.unsent = 5};
	struct scene sc;

	see_off(&sc, &s);
	conn_abort(conn_of_node(sc.owner.conns.next));
	scene_play(&sc);
	cr_assert(eq(uint, s.ended, 1));
	scene_end(&sc);
}

/* ---- pausing ---- */

Test(conn, reads_nothing_while_it_is_paused)
{
	struct script s = {.incoming = "wait for me"};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_pause(c);
	scene_turn(&sc, 10);
	cr_assert(eq(uint, s.reads, 0));
	conn_resume(c);
	scene_play(&sc);
	cr_assert(eq(str, s.told, "open data closed"));
	scene_end(&sc);
}

Test(conn, may_be_paused_before_it_is_opened)
{
	struct script s = {.incoming = "x"};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_make(&sc, &s, CONN_BOTH);
	conn_pause(c);
	conn_open(c);
	scene_turn(&sc, 10);
	cr_assert(eq(uint, s.reads, 0));
	conn_resume(c);
	scene_play(&sc);
	cr_assert(eq(uint, s.ended, 1));
	scene_end(&sc);
}

static void pause_on_data(struct conn *c, struct span in)
{
	(void)in;
	conn_pause(c);
}

static void gives_a_read_each_time_it_is_resumed(struct script *s)
{
	const struct handler on = {.data = pause_on_data};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, s);
	for (size_t n = 1; n <= 3; n++) {
		scene_turn(&sc, 5);
		cr_assert(eq(u64, conn_received(c), n));
		conn_resume(c);
	}
	scene_play(&sc);
	scene_end(&sc);
}

Test(conn, one_paused_by_its_data_gets_no_more_until_it_is_resumed)
{
	gives_a_read_each_time_it_is_resumed(&(struct script){.incoming = "abc", .per_read = 1});
}

Test(conn, writes_while_it_is_paused)
{
	struct script s = {.incoming = "x", .per_write = 1};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_pause(c);
	conn_write(c, span_of("hello"));
	scene_turn(&sc, 10);
	cr_assert(eq(str, s.outgoing, "hello"));
	cr_assert(eq(uint, s.reads, 0));
	scene_end(&sc);
}

/* epoll refuses its descriptor: nothing but what it wants tells the loop when to ask it. */
Test(conn, a_file_paused_by_its_data_gives_no_more_until_it_is_resumed)
{
	gives_a_read_each_time_it_is_resumed(
		&(struct script){.incoming = "abc", .per_read = 1, .is_file = true});
}

Test(conn, a_file_that_took_all_leaves_the_loop_to_sleep)
{
	struct script s = {.per_write = 1, .is_file = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_make(&sc, &s, CONN_WRITES);
	conn_open(c);
	conn_write(c, span_of("hello"));
	scene_turn(&sc, 10);
	cr_assert(eq(str, s.outgoing, "hello"));
	for (size_t i = 0; i < sc.loop.here_count; i++)
		cr_assert(eq(u8, sc.loop.here[i]->wanted, 0));
	scene_end(&sc);
}

/* ---- every way at once ---- */

static void toggle(struct conn *c, struct span in)
{
	conn_write(c, in);
	if (conn_received(c) % 3 == 0)
		conn_close(c, CONN_LINGER_MS);
}

Test(conn, is_closed_once_however_reads_writes_and_ends_fall_together)
{
	const struct handler on = {.data = toggle, .eof = conn_finish};

	for (unsigned i = 0; i < 8 * 8 * 4 * 2; i++) {
		struct script s = {.incoming = "abcdefgh",
			.per_read = 1 + i % 2,
			.per_write = 1,
			.error = ECONNRESET,
			.fail_read_at = i / 2 % 8,
			.fail_write_at = i / 16 % 8,
			.again_every = 2 + i / 128 % 4,
			.close_error = i % 5 ? 0 : EIO};

		play(&s, &on);
		cr_assert(eq(str, s.told + strlen(s.told) - 6, "closed"));
	}
}
