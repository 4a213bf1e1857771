#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "post.h"

/* What sessions answer, and what becomes of that. Who they are: test_sessions.c; where there is
 * only one: test_session_waits.c. */
TestSuite(session_answers, .timeout = 20);

static struct post *begin(void)
{
	struct post *p = malloc(sizeof(*p));

	post_begin(p, 100, true);
	p->came = post_echo;
	return p;
}

static void end(struct post *p)
{
	post_end(p);
	free(p);
}

static unsigned lines_with(const struct post *p, const char *part)
{
	unsigned count = 0;

	for (const char *at = p->lines.text; (at = strstr(at, part)); at++)
		count++;
	return count;
}

static void answer_twice(struct conn *c, struct span in)
{
	conn_write(c, in);
	conn_write(c, in);
}

/* ---- when and how they go ---- */

Test(session_answers, of_one_turn_go_out_together_at_its_end_each_to_its_peer)
{
	struct post *p = begin();

	post_text(p, 1, "a");
	post_text(p, 2, "b");
	post_text(p, 1, "c");
	post_deliver(p);
	cr_assert(eq(str, post_sent(p).text, "1:a 2:b 1:c"));
	cr_assert(eq(uint, p->sends, 1));
	end(p);
}

Test(session_answers, outside_of_a_turn_go_out_at_once)
{
	struct post *p = begin();

	p->came = NULL;
	post_say(p, 1, "question");
	cr_assert(eq(uint, p->sends, 0));
	conn_write(post_conn(p, 1), span_of("late"));
	cr_assert(eq(str, post_sent(p).text, "1:late"));
	cr_assert(eq(uint, p->sends, 1));
	cr_assert(eq(u64, conn_sent(post_conn(p, 1)), 4));
	end(p);
}

Test(session_answers, that_are_empty_are_sent)
{
	struct post *p = begin();

	post_say(p, 1, "");
	cr_assert(eq(sz, p->sent_count, 1));
	cr_assert(eq(sz, p->sent[0].len, 0));
	conn_write(post_conn(p, 1), (struct span){0});
	cr_assert(eq(sz, p->sent_count, 2));
	end(p);
}

Test(session_answers, go_by_the_socket_from_the_address_and_as_far_as_the_last_datagram_came)
{
	struct post *p = begin();

	post_letter(p, &(struct letter){.from = 1, .text = "a", .hops = 5, .local = post_addr(8)});
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
	post_letter(p, &(struct letter){.from = 1, .text = "b", .hops = 6, .local = post_addr(9)});
	cr_assert(eq(int, post_receive(p, POST_FD + 1, EPOLLIN), 0));
	conn_write(post_conn(p, 1), span_of("c"));
	cr_assert(eq(sz, p->sent_count, 3));
	for (size_t i = 0; i < 3; i++) {
		cr_expect(eq(int, p->sent[i].fd, i ? POST_FD + 1 : POST_FD));
		cr_expect(eq(int, p->sent[i].hops, i ? 6 : 5));
		cr_expect(eq(int, addr_port(&p->sent[i].local), i ? 9 : 8));
	}
	end(p);
}

static void answer_both(struct conn *c, struct span in)
{
	conn_write(c, in);
	conn_write(post_conn(post_of(c), 1), in);
	conn_write(c, in);
}

Test(session_answers, by_several_sockets_keep_their_order)
{
	struct post *p = begin();

	post_say(p, 1, "a");
	p->came = answer_both;
	post_text(p, 2, "b");
	cr_assert(eq(int, post_receive(p, POST_FD + 1, EPOLLIN), 0));
	cr_assert(eq(str, post_sent(p).text, "1:a 2:b 1:b 2:b"));
	cr_assert(eq(int, p->sent[1].fd, POST_FD + 1));
	cr_assert(eq(int, p->sent[2].fd, POST_FD));
	cr_assert(eq(int, p->sent[3].fd, POST_FD + 1));
	end(p);
}

Test(session_answers, that_are_more_than_one_call_takes_go_in_several_and_in_order)
{
	static char texts[SESSIONS_BATCH][4];
	struct post *p = begin();

	p->came = answer_twice;
	for (uint16_t i = 0; i < SESSIONS_BATCH; i++) {
		texts[i][0] = (char)(' ' + i);
		post_text(p, i % 7, texts[i]);
	}
	post_deliver(p);
	cr_assert(eq(sz, p->sent_count, 2 * SESSIONS_BATCH));
	cr_assert(eq(uint, p->sends, 2));
	for (size_t i = 0; i < 2 * SESSIONS_BATCH; i++) {
		cr_expect(eq(int, p->sent[i].to, (int)(i / 2 % 7)));
		cr_expect(eq(chr, p->sent[i].text[0], (char)(' ' + i / 2)));
	}
	end(p);
}

Test(session_answers, that_the_kernel_takes_a_few_at_a_time_all_go)
{
	struct post *p = begin();

	p->takes = 2;
	for (uint16_t i = 1; i <= 5; i++)
		post_text(p, i, "x");
	post_deliver(p);
	cr_assert(eq(str, post_sent(p).text, "1:x 2:x 3:x 4:x 5:x"));
	cr_assert(eq(uint, p->sends, 3));
	end(p);
}

Test(session_answers, that_are_long_go_before_their_room_is_full_and_whole)
{
	char *text = script_bytes(60000);
	struct post *p = begin();

	for (uint16_t i = 1; i <= 20; i++)
		post_letter(p, &(struct letter){.from = i, .text = text + i, .len = 59000});
	post_deliver(p);
	cr_assert(eq(sz, p->sent_count, 20));
	cr_assert(gt(uint, p->sends, 2));
	for (size_t i = 0; i < 20; i++) {
		cr_expect(eq(sz, p->sent[i].len, 59000));
		cr_expect(eq(int, strncmp(p->sent[i].text, text + i + 1, 20), 0), "%zu", i);
	}
	end(p);
	free(text);
}

static void answer_at_length(struct conn *c, struct span in)
{
	char *text = script_bytes((512 << 10) + 1);

	(void)in;
	conn_write(c, (struct span){(const uint8_t *)text, 512 << 10});
	conn_write(c, (struct span){(const uint8_t *)text, (512 << 10) + 1});
	free(text);
}

Test(session_answers, longer_than_any_datagram_are_dropped_and_reported)
{
	struct post *p = begin();

	p->came = answer_at_length;
	post_say(p, 1, "x");
	cr_assert(eq(sz, p->sent_count, 1));
	cr_assert(eq(sz, p->sent[0].len, 512 << 10));
	cr_assert(eq(u64, p->sessions.drops[DROP_NO_ROOM], 1));
	cr_assert(eq(uint, lines_with(p, "an answer is too long"), 1));
	cr_assert(eq(uint, p->lost, 0));
	end(p);
}

/* ---- that must not be ---- */

Test(session_answers, that_the_transport_forbids_are_dropped_and_reported_with_its_reason)
{
	struct post *p = begin();

	post_letter(p, &(struct letter){.from = 7, .text = "a", .forbidden = "not answered: loop"});
	post_text(p, 2, "b");
	post_deliver(p);
	cr_assert(eq(str, p->told, "+7 7:a +2 2:b"), "it is heard");
	cr_assert(eq(str, post_sent(p).text, "2:b"));
	cr_assert(eq(u64, p->sessions.drops[DROP_UNANSWERED], 1));
	cr_assert(eq(uint, lines_with(p, "not answered: loop"), 1));
	cr_assert(eq(uint, lines_with(p, "127.0.0.1:7"), 1));
	conn_write(post_conn(p, 7), span_of("later"));
	cr_assert(eq(str, post_sent(p).text, "2:b"), "nor outside of a turn");
	post_say(p, 7, "c");
	cr_assert(eq(str, post_sent(p).text, "2:b 7:c"), "what counts is the last datagram");
	end(p);
}

Test(session_answers, that_are_dropped_are_reported_once_twice_four_times_and_so_on)
{
	struct post *p = begin();

	for (int i = 0; i < 20; i++)
		post_letter(p, &(struct letter){.from = 7, .text = "a", .forbidden = "a loop"});
	post_deliver(p);
	cr_assert(eq(u64, p->sessions.drops[DROP_UNANSWERED], 20));
	cr_assert(eq(uint, lines_with(p, "a loop"), 5), "1, 2, 4, 8, 16: %s", p->lines.text);
	post_letter(p, &(struct letter){.from = 8, .text = "a", .cut = true});
	post_deliver(p);
	cr_assert(eq(uint, lines_with(p, "too long to receive"), 1),
		"each kind is counted by itself");
	end(p);
}

/* ---- that the kernel refuses ---- */

static void refuse(struct post *p, uint16_t to, int error, unsigned times)
{
	p->refusal.to = to;
	p->refusal.error = error;
	p->refusal.times = times;
}

Test(session_answers, that_there_is_no_room_for_are_dropped_and_the_session_goes_on)
{
	static const struct {
		int error;
		const char *why;
	} refusals[] = {{EAGAIN, "no room for an answer"}, {ENOBUFS, "no room for an answer"},
		{ENOMEM, "no room for an answer"}, {EMSGSIZE, "an answer is too long"}};

	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct post *p = begin();

		refuse(p, 2, refusals[i].error, 2);
		if (refusals[i].error == EAGAIN)
			p->refusal.times = 1;
		for (uint16_t peer = 1; peer <= 3; peer++)
			post_text(p, peer, "x");
		post_deliver(p);
		cr_expect(eq(str, post_sent(p).text, "1:x 3:x"));
		cr_expect(eq(u64, p->sessions.drops[DROP_NO_ROOM], 1));
		cr_expect(eq(uint, lines_with(p, refusals[i].why), 1));
		post_say(p, 2, "y");
		cr_expect(eq(str, post_sent(p).text, "1:x 3:x 2:y"));
		cr_expect(eq(uint, p->lost, 0));
		end(p);
	}
}

Test(session_answers, that_are_refused_end_their_peers_session_and_no_other)
{
	struct post *p = begin();

	p->row.failure = NULL;
	refuse(p, 2, ECONNREFUSED, 1);
	for (uint16_t peer = 1; peer <= 3; peer++)
		post_text(p, peer, "x");
	post_deliver(p);
	cr_assert(eq(str, post_sent(p).text, "1:x 3:x"));
	cr_assert(eq(str, p->told, "+1 1:x +2 2:x +3 3:x -2"));
	cr_assert(eq(uint, p->lost, 1));
	cr_assert(eq(int, p->why.kind, ERR_LOST));
	cr_assert(eq(int, p->why.sys, ECONNREFUSED));
	post_say(p, 2, "again");
	cr_assert(eq(str, post_sent(p).text, "1:x 3:x 2:again"), "it may come back");
	end(p);
}

Test(session_answers, that_tell_of_another_peers_refusal_are_tried_once_more)
{
	struct post *p = begin();

	post_say(p, 2, "x");
	refuse(p, 1, ECONNREFUSED, 1);
	post_failure(p, 2, ECONNREFUSED);
	post_say(p, 1, "y");
	cr_assert(eq(str, post_sent(p).text, "2:x 1:y"));
	cr_assert(eq(str, p->told, "+2 2:x +1 1:y -2"));
	end(p);
}

Test(session_answers, that_are_refused_again_are_not_tried_for_ever)
{
	struct post *p = begin();

	refuse(p, 1, EHOSTUNREACH, 1000);
	post_text(p, 1, "x");
	post_text(p, 1, "y");
	post_text(p, 2, "z");
	post_deliver(p);
	cr_assert(eq(str, post_sent(p).text, "2:z"));
	cr_assert(eq(uint, p->sends, 5), "two tries each, and the last");
	cr_assert(eq(str, p->told, "+1 1:x 1:y +2 2:z -1"));
	cr_assert(eq(int, p->why.sys, EHOSTUNREACH));
	end(p);
}

Test(session_answers, that_find_no_room_are_not_tried_again)
{
	struct post *p = begin();

	refuse(p, 1, EAGAIN, 1000);
	post_failure(p, 9, ECONNREFUSED);
	post_say(p, 1, "x");
	cr_assert(eq(uint, p->sends, 1));
	cr_assert(eq(sz, p->failures_told, 0));
	end(p);
}

static void answer_65_times(struct conn *c)
{
	for (int i = 0; i <= SESSIONS_BATCH; i++)
		conn_write(c, span_of("welcome"));
}

/* The first 64 must go before there is room for the next: while there is no connection yet. */
Test(session_answers, that_are_refused_while_the_session_is_being_opened_are_lost_and_no_more)
{
	struct post *p = begin();

	p->row.failure = NULL;
	p->opened = answer_65_times;
	refuse(p, 1, ECONNREFUSED, 1);
	post_say(p, 1, "x");
	cr_assert(eq(sz, p->sent_count, 65));
	cr_assert(eq(str, p->told, "+1 1:x"));
	end(p);
}

/* ---- failures that are reported later ---- */

Test(session_answers, that_failed_later_end_their_peers_session_and_no_other)
{
	struct post *p = begin();

	post_text(p, 1, "a");
	post_text(p, 2, "b");
	post_deliver(p);
	post_failure(p, 99, ECONNREFUSED);
	post_failure(p, 2, ECONNREFUSED);
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLERR), 0));
	post_turn(p);
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b -2"), "and a peer nobody knows is no matter");
	cr_assert(eq(uint, p->lost, 1));
	cr_assert(strstr(p->why.what, "127.0.0.1:2") != NULL);
	end(p);
}

Test(session_answers, that_failed_are_not_asked_for_unless_the_kernel_says_so)
{
	struct post *p = begin();

	post_failure(p, 1, ECONNREFUSED);
	post_say(p, 1, "a");
	cr_assert(eq(sz, p->failures_told, 0));
	cr_assert(eq(str, p->told, "+1 1:a"));
	end(p);
}

Test(session_answers, that_were_too_long_for_the_way_are_reported_as_dropped)
{
	struct post *p = begin();

	post_say(p, 1, "a");
	post_failure(p, 1, EMSGSIZE);
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLERR), 0));
	post_turn(p);
	cr_assert(eq(uint, p->lost, 0));
	cr_assert(eq(uint, lines_with(p, "an answer is too long"), 1));
	end(p);
}

Test(session_answers, a_flood_of_failures_does_not_hold_the_others_up)
{
	struct post *p = begin();

	for (int i = 0; i < POST_FAILURES_MAX; i++)
		post_failure(p, 50, ECONNREFUSED);
	post_text(p, 1, "a");
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLERR | EPOLLIN), 0));
	cr_assert(eq(sz, p->failures_told, SESSIONS_BATCH));
	cr_assert(eq(str, post_sent(p).text, "1:a"));
	end(p);
}

Test(session_answers, nothing_is_sent_to_one_that_is_lost)
{
	struct post *p = begin();
	struct conn *c;

	p->row.failure = NULL;
	refuse(p, 1, ECONNREFUSED, 1);
	post_text(p, 1, "x");
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
	c = post_conn(p, 1);
	cr_assert(eq(int, conn_write(c, span_of("y")), 0));
	cr_assert(eq(sz, p->sent_count, 0));
	post_turn(p);
	cr_assert(eq(str, p->told, "+1 1:x -1"));
	end(p);
}
