#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "script.h"

/* Connections that keep messages whole, and the second address of those without a connection. */
TestSuite(conn_message, .timeout = 20);

enum { LONGEST = 60000 };

/* A handler that only takes. */
static const struct handler listener = {0};

static void nothing(struct conn *c)
{
	(void)c;
}

/* ---- messages are kept whole ---- */

static void write_five(struct conn *c)
{
	static const char *const texts[] = {"one", "", "three", "", "five"};

	for (size_t i = 0; i < 5; i++)
		cr_assert(eq(int, conn_write(c, span_of(texts[i])), 0));
}

static char five[] = "[one][][three][][five]";

Test(conn_message, each_write_is_one_the_empty_ones_too)
{
	const struct handler on = {.open = write_five};
	struct script s = {.message_max = LONGEST};
	struct scene sc;

	scene_begin(&sc, &on);
	scene_join(&sc, &s);
	cr_assert(eq(str, s.outgoing, five), "at once");
	scene_end(&sc);
}

Test(conn_message, they_stay_whole_and_in_order_where_the_link_often_has_no_room)
{
	for (unsigned every = 2; every < 5; every++) {
		const struct handler on = {.open = write_five};
		struct script s = {.message_max = LONGEST, .again_every = every};
		struct scene sc;

		scene_begin(&sc, &on);
		scene_join(&sc, &s);
		scene_play(&sc);
		cr_assert(eq(str, s.outgoing, five));
		cr_assert(not(s.failed));
		scene_end(&sc);
	}
}

Test(conn_message, those_that_waited_go_before_those_that_are_new)
{
	struct script s = {.message_max = LONGEST, .deaf = true, .stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_write(c, span_of("first"));
	s.deaf = false;
	conn_write(c, span_of("second"));
	scene_turn(&sc, 2);
	cr_assert(eq(str, s.outgoing, "[first][second]"));
	cr_assert(eq(sz, conn_queued(c), 0));
	scene_end(&sc);
}

Test(conn_message, only_their_own_bytes_count_as_sent)
{
	const struct handler on = {.open = write_five};
	struct script s = {.message_max = LONGEST, .stays = true, .again_every = 3};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 20);
	cr_assert(eq(u64, conn_sent(c), strlen("onethreefive")));
	scene_end(&sc);
}

Test(conn_message, a_queue_of_them_says_stop_at_its_limit_and_drained_once_it_is_empty)
{
	struct script s = {.message_max = LONGEST, .deaf = true, .stays = true};
	char *text = script_bytes(1000);
	struct scene sc;
	struct conn *c;
	unsigned kept = 1;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	while (conn_write(c, span_of(text)) == 0)
		kept++;
	cr_assert(ge(sz, conn_queued(c), CONN_QUEUE_MAX_BYTES));
	cr_assert(le(sz, conn_queued(c), CONN_QUEUE_MAX_BYTES + 1100));
	cr_assert(eq(int, conn_write(c, span_of(text)), -1), "they are kept all the same");
	s.deaf = false;
	scene_turn(&sc, 10);
	cr_assert(eq(u64, conn_sent(c), (kept + 1) * 1000));
	cr_assert(eq(str, s.told, "open drained"));
	cr_assert(eq(int, conn_write(c, span_of(text)), 0));
	scene_end(&sc);
	free(text);
}

Test(conn_message, many_small_ones_count_for_more_than_their_bytes)
{
	struct script s = {.message_max = LONGEST, .deaf = true, .stays = true};
	struct scene sc;
	struct conn *c;
	unsigned kept = 0;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	while (kept <= CONN_QUEUE_MAX_BYTES && conn_write(c, (struct span){0}) == 0)
		kept++;
	cr_assert(lt(uint, kept, CONN_QUEUE_MAX_BYTES), "or empty ones would have no limit");
	scene_end(&sc);
}

Test(conn_message, a_long_queue_of_them_does_not_take_all_of_a_turn)
{
	struct script s = {.message_max = LONGEST, .deaf = true, .stays = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	for (int i = 0; i < 200; i++)
		conn_write(c, span_of("x"));
	s.deaf = false;
	scene_turn(&sc, 1);
	cr_assert(eq(uint, s.writes, 64));
	cr_assert(eq(str, s.told, "open"), "it is not drained yet");
	scene_turn(&sc, 3);
	cr_assert(eq(uint, s.writes, 200));
	cr_assert(eq(str, s.told, "open drained"));
	scene_end(&sc);
}

Test(conn_message, our_end_waits_for_those_that_wait)
{
	struct script s = {.message_max = LONGEST, .deaf = true};
	const struct handler on = {.eof = nothing};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &s);
	write_five(c);
	conn_finish(c);
	scene_turn(&sc, 2);
	cr_assert(eq(uint, s.finished, 0));
	s.deaf = false;
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, five));
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn_message, without_memory_to_keep_one_it_is_lost)
{
	struct script s = {.message_max = 64 << 20, .deaf = true, .stays = true};
	char *text = script_bytes(32 << 20);
	const struct span much = {(const uint8_t *)text, 32 << 20};
	struct scene sc;
	struct conn *c;
	struct rlimit before;
	int rc;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	before = allow_no_more_memory();
	rc = conn_write(c, much);
	allow_memory(&before);
	cr_assert(eq(int, rc, 0));
	scene_play(&sc);
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.sys, ENOMEM));
	scene_end(&sc);
	free(text);
}

/* ---- messages over a connection: seqpacket ---- */

static char heard[200];

static void hear(struct conn *c, struct span in)
{
	(void)c;
	strcat(heard, "[");
	strncat(heard, (const char *)in.data, in.len);
	strcat(heard, "]");
}

static const char *const three[] = {"one", "", "three", NULL};

Test(conn_message, each_read_is_one_and_an_empty_one_is_not_the_end)
{
	const struct handler on = {.data = hear, .eof = conn_finish};
	struct script s = {.message_max = LONGEST, .messages = three};
	struct scene sc;

	scene_begin(&sc, &on);
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(eq(str, heard, "[one][][three]"));
	cr_assert(eq(str, s.told, "open data eof closed"));
	cr_assert(eq(uint, s.finished, 1));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

/* How many of a hundred are read in the first turn, by a connection that expects so many. */
static unsigned read_in_a_turn(const struct handler *on, size_t expected)
{
	const char *hundred[101] = {NULL};
	struct script s = {.message_max = LONGEST, .messages = hundred, .stays = true};
	struct scene sc;

	for (int i = 0; i < 100; i++)
		hundred[i] = "x";
	scene_begin(&sc, on);
	conn_expect_messages(scene_join(&sc, &s), expected);
	scene_turn(&sc, 1);
	scene_end(&sc);
	return s.reads;
}

Test(conn_message, as_many_are_read_in_a_turn_as_were_expected_within_a_bound)
{
	cr_assert(eq(uint, read_in_a_turn(&listener, 0), 1));
	cr_assert(eq(uint, read_in_a_turn(&listener, 1), 1));
	cr_assert(eq(uint, read_in_a_turn(&listener, 5), 5));
	cr_assert(eq(uint, read_in_a_turn(&listener, 64), 64));
	cr_assert(eq(uint, read_in_a_turn(&listener, SIZE_MAX), 64));
}

Test(conn_message, of_many_expected_those_that_are_there_are_read_and_no_more_is_tried)
{
	struct script s = {.message_max = LONGEST, .messages = three, .stays = true};
	const struct handler on = {.data = hear};
	struct scene sc;

	scene_begin(&sc, &on);
	conn_expect_messages(scene_join(&sc, &s), 64);
	scene_turn(&sc, 1);
	cr_assert(eq(str, heard, "[one][][three]"));
	cr_assert(eq(uint, s.reads, 4), "the last finds nothing");
	scene_end(&sc);
}

static void pause_at(struct conn *c, struct span in)
{
	(void)in;
	conn_pause(c);
}

static void abort_at(struct conn *c, struct span in)
{
	(void)in;
	conn_abort(c);
}

Test(conn_message, one_that_pauses_or_ends_gets_none_of_those_expected)
{
	cr_assert(eq(uint, read_in_a_turn(&(struct handler){.data = pause_at}, 64), 1));
	cr_assert(eq(uint, read_in_a_turn(&(struct handler){.data = abort_at}, 64), 1));
}

Test(conn_message, over_a_connection_each_direction_has_its_own_end)
{
	const struct handler on = {.eof = nothing};
	struct script s = {.message_max = LONGEST, .messages = three};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &on);
	c = scene_join(&sc, &s);
	scene_turn(&sc, 10);
	cr_assert(eq(str, s.told, "open data eof"));
	cr_assert(not(conn_connectionless(c)));
	cr_assert(eq(sz, conn_message_max(c), LONGEST));
	write_five(c);
	conn_finish(c);
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, five));
	cr_assert(not(s.failed));
	scene_end(&sc);
}

Test(conn_message, over_a_connection_what_came_before_a_failed_write_is_still_read)
{
	const struct handler on = {.open = write_five, .data = hear};
	struct script s = {
		.message_max = LONGEST, .messages = three, .fail_write_at = 2, .error = EPIPE};
	struct scene sc;

	scene_begin(&sc, &on);
	scene_join(&sc, &s);
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "[one]"), "and nothing is sent behind the failure");
	cr_assert(eq(str, heard, "[one][][three]"));
	cr_assert(s.failed);
	cr_assert(eq(int, s.why.kind, ERR_LOST));
	cr_assert(eq(int, s.why.sys, EPIPE));
	scene_end(&sc);
}

Test(conn_message, over_a_connection_a_queued_one_that_fails_ends_our_side)
{
	const struct handler on = {.data = hear};
	struct script s = {.message_max = LONGEST,
		.messages = three,
		.reads_nothing = true,
		.deaf = true,
		.fail_write_at = 2,
		.error = EPIPE};
	struct scene sc;

	scene_begin(&sc, &on);
	write_five(scene_join(&sc, &s));
	s.deaf = false;
	scene_turn(&sc, 2);
	cr_assert(eq(str, s.outgoing, "[one]"));
	s.reads_nothing = false;
	scene_play(&sc);
	cr_assert(eq(str, heard, "[one][][three]"));
	cr_assert(eq(int, s.why.sys, EPIPE));
	scene_end(&sc);
}

Test(conn_message, one_that_is_too_long_is_an_error_that_says_how_long_it_may_be)
{
	struct script s = {.message_max = 5};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	cr_assert(eq(int, conn_write(c, span_of("12345")), 0));
	cr_assert(eq(int, conn_write(c, span_of("123456")), 0));
	cr_assert(eq(int, conn_write(c, span_of("1")), 0));
	scene_play(&sc);
	cr_assert(eq(str, s.outgoing, "[12345]"));
	cr_assert(eq(int, s.why.kind, ERR_RUNTIME));
	cr_assert(eq(int, s.why.sys, EMSGSIZE));
	cr_assert(strstr(s.why.hint, "at most 5 bytes") != NULL);
	scene_end(&sc);
}
