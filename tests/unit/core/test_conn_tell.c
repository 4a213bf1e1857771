#include <errno.h>

#include "check.h"
#include "report/report.h"
#include "script.h"

/* What a report tells of a connection that is over. */
TestSuite(conn_tell, .timeout = 20);

static const struct link_path path = {.known = true, .rtt_us = 1234, .retransmits = 0, .cwnd = 10};

/* Keeps what is told at the end, for the test. */
static void keep(struct conn *c, const struct err *why)
{
	(void)why;
	conn_tell(c, conn_began_ms(c), &path, scene_of(c)->ctx);
}

static const struct handler listener = {.closed = keep};

/* What is told of a peer that is met by a handler, once it is over. */
static struct report told_of(struct script *s, const struct handler *on, int64_t idle_ms)
{
	struct report told = {0};
	struct scene sc;

	scene_begin(&sc, on);
	sc.ctx = &told;
	sc.owner.idle_ms = idle_ms;
	scene_join(&sc, s);
	scene_turn(&sc, 3);
	scene_pass_ms(&sc, 3000);
	scene_play(&sc);
	scene_end(&sc);
	return told;
}

Test(conn_tell, an_end_in_order)
{
	struct script s = {.incoming = "hello"};

	cr_assert(eq(int, (int)told_of(&s, &listener, 0).end, END_FIN));
}

Test(conn_tell, a_reset_met_by_reading_or_by_writing)
{
	struct script read = {.incoming = "hello", .fail_read_at = 2, .error = ECONNRESET};
	struct script other = {.fail_read_at = 1, .error = EHOSTUNREACH};

	cr_assert(eq(int, (int)told_of(&read, &listener, 0).end, END_RESET));
	cr_assert(eq(int, (int)told_of(&other, &listener, 0).end, END_ERROR));
}

Test(conn_tell, silence_of_a_connection_and_of_datagrams)
{
	struct script s = {.incoming = "", .stays = true};
	struct script datagrams = {.message_max = 100,
		.connectionless = true,
		.messages = (const char *const[]){"one", NULL},
		.stays = true};

	cr_assert(eq(int, (int)told_of(&s, &listener, 500).end, END_IDLE));
	cr_assert(eq(int, (int)told_of(&datagrams, &listener, 500).end, END_IDLE));
}

static void refuse(struct conn *c, struct span in)
{
	(void)in;
	conn_refuse(c, "a line may have at most 3 bytes");
}

static void fail(struct conn *c, struct span in)
{
	(void)in;
	conn_fail(c);
}

static void cut(struct conn *c, struct span in)
{
	(void)in;
	conn_cut(c, 0);
}

static void abandon(struct conn *c, struct span in)
{
	(void)in;
	conn_abort(c);
}

Test(conn_tell, an_end_of_our_making)
{
	static const struct {
		struct handler on;
		enum report_ending end;
	} ours[] = {
		{{.data = refuse, .closed = keep}, END_LIMIT},
		{{.data = fail, .closed = keep}, END_ERROR},
		{{.data = cut, .closed = keep}, END_SIGNAL},
		{{.data = abandon, .closed = keep}, END_NONE},
	};

	for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++) {
		struct script s = {.incoming = "hello", .stays = true};

		cr_expect(eq(int, (int)told_of(&s, &ours[i].on, 0).end, (int)ours[i].end));
	}
}

Test(conn_tell, messages_are_counted_where_they_are_kept_whole)
{
	static const char *const messages[] = {"one", "", "three", NULL};
	struct script s = {.message_max = 100, .messages = messages};
	struct script stream = {.incoming = "one"};
	struct report told = told_of(&s, &listener, 0);

	cr_assert(told.messages_in.known && told.messages_out.known);
	cr_assert(eq(u64, told.messages_in.value, 3));
	cr_assert(eq(u64, told.messages_out.value, 0));
	told = told_of(&stream, &listener, 0);
	cr_assert(not(told.messages_in.known));
	cr_assert(not(told.messages_out.known));
}

static void answer_twice(struct conn *c, struct span in)
{
	conn_write(c, in);
	conn_write(c, in);
}

Test(conn_tell, messages_that_waited_are_counted_when_they_go)
{
	const struct handler on = {.data = answer_twice, .closed = keep};
	static const char *const messages[] = {"one", "", NULL};
	struct script s = {.message_max = 100, .messages = messages, .again_every = 2};

	cr_assert(eq(u64, told_of(&s, &on, 0).messages_out.value, 4));
}

Test(conn_tell, the_first_byte_and_no_earlier_empty_message_has_its_time)
{
	struct report told = {0};
	struct script s = {.incoming = "hello", .stays = true, .reads_nothing = true};
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &listener);
	c = scene_join(&sc, &s);
	conn_tell(c, conn_began_ms(c), &path, &told);
	cr_assert(not(told.first_byte_ms.known), "none has come");
	scene_pass_ms(&sc, 250);
	conn_deliver(c, (struct span){0});
	conn_tell(c, conn_began_ms(c), &path, &told);
	cr_assert(not(told.first_byte_ms.known), "an empty message has none");
	scene_pass_ms(&sc, 250);
	conn_deliver(c, span_of("x"));
	scene_pass_ms(&sc, 250);
	conn_deliver(c, span_of("y"));
	conn_tell(c, conn_began_ms(c), &path, &told);
	cr_assert(told.first_byte_ms.known);
	cr_assert(eq(u64, told.first_byte_ms.value, 500));
	conn_tell(c, conn_began_ms(c) - 100, &path, &told);
	cr_assert(eq(u64, told.first_byte_ms.value, 500), "of several, the earliest is kept");
	scene_end(&sc);
}

Test(conn_tell, the_path_is_told_where_it_is_known)
{
	struct script s = {.incoming = "hello"};
	const struct report told = told_of(&s, &listener, 0);
	struct report other = {0};
	struct scene sc;
	struct script t = {.stays = true};

	cr_assert(told.rtt_us.known && told.retransmits.known && told.cwnd.known);
	cr_assert(eq(u64, told.rtt_us.value, 1234));
	cr_assert(eq(u64, told.cwnd.value, 10));
	scene_begin(&sc, &listener);
	conn_tell(scene_join(&sc, &t), 0, NULL, &other);
	cr_assert(not(other.rtt_us.known), "this peer's transport does not know it");
	scene_end(&sc);
}
