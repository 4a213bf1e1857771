#include <stdlib.h>

#include "check.h"
#include "post.h"

/* What comes: whose it is, and who has a place. What is answered: test_session_answers.c; what is
 * lacking: test_session_lacks.c. */
TestSuite(sessions, .timeout = 20);

static struct post *begin(size_t max, bool replaces)
{
	struct post *p = malloc(sizeof(*p));

	post_begin(p, max, replaces);
	return p;
}

static void end(struct post *p)
{
	post_end(p);
	free(p);
}

static void pause_it(struct conn *c)
{
	conn_pause(c);
}

static void pause_on_data(struct conn *c, struct span in)
{
	(void)in;
	conn_pause(c);
}

static void abort_on_data(struct conn *c, struct span in)
{
	(void)in;
	conn_abort(c);
}

/* ---- peers ---- */

Test(sessions, a_peers_first_datagram_opens_its_session_and_is_its_first_data)
{
	struct post *p = begin(10, true);

	post_say(p, 1, "hello");
	cr_assert(eq(str, p->told, "+1 1:hello"));
	cr_assert(eq(sz, p->owner.open_now, 1));
	end(p);
}

Test(sessions, each_peer_has_one_of_its_own_whatever_the_order)
{
	struct post *p = begin(10, true);

	post_text(p, 1, "a");
	post_text(p, 2, "b");
	post_text(p, 1, "c");
	post_deliver(p);
	post_say(p, 2, "d");
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b 1:c 2:d"));
	cr_assert(eq(sz, p->sessions.count, 2));
	end(p);
}

Test(sessions, an_empty_datagram_is_data)
{
	struct post *p = begin(10, true);

	post_text(p, 1, "");
	post_text(p, 1, "");
	post_deliver(p);
	cr_assert(eq(str, p->told, "+1 1: 1:"));
	end(p);
}

Test(sessions, say_of_themselves_what_their_transport_says)
{
	struct post *p = begin(10, true);

	post_say(p, 1, "x");
	cr_assert(conn_connectionless(post_conn(p, 1)));
	cr_assert(eq(sz, conn_message_max(post_conn(p, 1)), 1000));
	cr_assert(eq(sz, conn_unsent(post_conn(p, 1)), 0));
	end(p);
}

Test(sessions, thousands_of_peers_are_told_apart)
{
	enum { MANY = 5000 };
	struct post *p = begin(MANY, false);

	for (int round = 0; round < 2; round++)
		for (uint16_t i = 1; i <= MANY; i++) {
			post_text(p, i, "x");
			cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
		}
	cr_assert(eq(sz, p->owner.open_now, MANY), "the second round opens none");
	cr_assert(eq(u64, p->owner.opened, MANY));
	for (struct list *n = p->owner.conns.next; n != &p->owner.conns; n = n->next)
		cr_assert(eq(u64, conn_received(conn_of_node(n)), 2));
	cr_assert(ge(sz, p->sessions.chain_count, MANY), "and the chains are kept short");
	end(p);
}

Test(sessions, there_is_room_for_each_datagram_of_a_turn_however_long)
{
	struct post *p = begin(10, true);

	post_say(p, 1, "x");
	cr_assert(eq(sz, p->asked_for, SESSIONS_BATCH));
	cr_assert(eq(uint, p->receives, 1), "one call a turn");
	end(p);
}

Test(sessions, of_a_burst_after_a_quiet_time_all_is_taken_in_a_few_turns)
{
	struct post *p = begin(SESSIONS_BATCH, true);
	int turns = 0;

	for (int i = 0; i < 20; i++)
		post_say(p, 1, "x");
	for (uint16_t i = 1; i <= SESSIONS_BATCH; i++)
		post_text(p, i, NULL);
	for (; p->waiting_count > 0; turns++)
		post_deliver(p);
	cr_assert(eq(sz, p->sessions.count, SESSIONS_BATCH));
	cr_assert(le(int, turns, 5));
	end(p);
}

Test(sessions, of_a_transport_with_longer_datagrams_take_fewer_at_once)
{
	struct post *p = begin(10, true);
	struct sessions_conf conf = p->sessions.conf;
	struct sessions *other = malloc(sizeof(*other));

	p->row.datagram_max = 512 << 10;
	cr_assert(eq(int, sessions_init(other, &conf), 0));
	cr_assert(eq(sz, other->in_count, 8));
	sessions_free(other);
	free(other);
	end(p);
}

Test(sessions, a_datagram_that_was_cut_is_dropped_and_reported)
{
	struct post *p = begin(10, true);

	post_letter(p, &(struct letter){.from = 1, .text = "half of", .cut = true});
	post_text(p, 2, "whole");
	post_deliver(p);
	cr_assert(eq(str, p->told, "+2 2:whole"));
	cr_assert(eq(u64, p->sessions.drops[DROP_CUT], 1));
	cr_assert(strstr(p->lines.text, "127.0.0.1:1") != NULL);
	cr_assert(strstr(p->lines.text, "too long to receive") != NULL);
	end(p);
}

/* ---- the limit ---- */

Test(sessions, at_the_limit_the_one_not_heard_for_longest_makes_place)
{
	struct post *p = begin(3, true);

	post_say(p, 1, "a");
	post_say(p, 2, "b");
	post_say(p, 3, "c");
	post_say(p, 1, "d");
	post_say(p, 4, "e");
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b +3 3:c 1:d +4 4:e -2"));
	post_say(p, 5, "f");
	cr_assert(eq(ptr, post_conn(p, 3), NULL));
	cr_assert(eq(sz, p->owner.open_now, 3));
	cr_assert(eq(uint, p->lost, 0), "and that is no failure");
	end(p);
}

Test(sessions, one_that_was_replaced_may_come_back_as_a_new_one)
{
	struct post *p = begin(1, true);

	post_text(p, 1, "a");
	post_text(p, 2, "b");
	post_text(p, 1, "c");
	post_deliver(p);
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b +1 1:c -1 -2"), "within one turn, too");
	cr_assert(eq(sz, p->sessions.count, 1));
	cr_assert(eq(sz, p->owner.open_now, 1));
	post_say(p, 1, "d");
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b +1 1:c -1 -2 1:d"));
	end(p);
}

Test(sessions, a_flood_of_forged_senders_leaves_no_more_of_them_than_the_limit)
{
	struct post *p = begin(10, true);

	for (uint16_t i = 0; i < 100; i++) {
		p->told[0] = '\0';
		for (uint16_t j = 1; j <= SESSIONS_BATCH; j++)
			post_text(p, i * SESSIONS_BATCH + j, NULL);
		post_deliver(p);
		cr_assert(eq(sz, p->sessions.count, 10));
		cr_assert(eq(sz, p->owner.open_now, 10));
	}
	end(p);
}

Test(sessions, at_the_limit_a_new_peer_is_turned_away_where_none_is_to_be_replaced)
{
	struct post *p = begin(2, false);

	post_say(p, 1, "a");
	post_say(p, 2, "b");
	post_say(p, 3, "c");
	post_say(p, 1, "d");
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b 1:d"), "those who are there are heard");
	cr_assert(eq(u64, p->sessions.drops[DROP_TURNED_AWAY], 1));
	cr_assert(strstr(p->lines.text, "127.0.0.1:3") != NULL);
	cr_assert(strstr(p->lines.text, "no place is left for it") != NULL);
	conn_abort(post_conn(p, 1));
	post_turn(p);
	post_say(p, 3, "e");
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b 1:d -1 +3 3:e"), "until there is place");
	end(p);
}

Test(sessions, whom_the_server_does_not_welcome_is_turned_away_and_leaves_nothing)
{
	struct post *p = begin(2, true);

	p->welcomes_nobody = true;
	post_say(p, 1, "a");
	cr_assert(eq(str, p->told, ""));
	cr_assert(eq(sz, p->sessions.count, 0));
	cr_assert(eq(u64, p->sessions.drops[DROP_TURNED_AWAY], 1));
	p->welcomes_nobody = false;
	post_say(p, 1, "b");
	cr_assert(eq(str, p->told, "+1 1:b"));
	end(p);
}

/* ---- peers that are not listened to ---- */

Test(sessions, the_only_one_holds_its_socket_up_while_it_wants_no_input)
{
	struct post *p = begin(10, false);

	p->came = pause_on_data;
	post_say(p, 1, "enough");
	cr_assert(sessions_blocked(&p->sessions));
	cr_assert(eq(uint, p->changes, 1), "and it is told");
	conn_resume(post_conn(p, 1));
	cr_assert(not(sessions_blocked(&p->sessions)));
	cr_assert(eq(uint, p->changes, 2));
	conn_resume(post_conn(p, 1));
	cr_assert(eq(uint, p->changes, 2), "nothing has changed");
	end(p);
}

Test(sessions, the_socket_is_held_up_only_when_none_of_them_wants_input)
{
	struct post *p = begin(10, false);

	post_say(p, 1, "a");
	post_say(p, 2, "b");
	conn_pause(post_conn(p, 1));
	cr_assert(not(sessions_blocked(&p->sessions)));
	cr_assert(eq(uint, p->changes, 0));
	conn_pause(post_conn(p, 2));
	cr_assert(sessions_blocked(&p->sessions));
	cr_assert(eq(uint, p->changes, 1));
	end(p);
}

Test(sessions, that_may_be_replaced_never_hold_the_socket_up)
{
	struct post *p = begin(10, true);

	p->came = pause_on_data;
	post_say(p, 1, "enough");
	cr_assert(not(sessions_blocked(&p->sessions)));
	cr_assert(eq(uint, p->changes, 0));
	end(p);
}

Test(sessions, what_comes_for_one_that_wants_no_input_is_dropped_and_reported)
{
	struct post *p = begin(10, true);

	p->came = pause_on_data;
	post_text(p, 1, "enough");
	post_text(p, 1, "too much");
	post_text(p, 2, "from another");
	post_deliver(p);
	cr_assert(eq(str, p->told, "+1 1:enough +2 2:from another"));
	cr_assert(eq(u64, p->sessions.drops[DROP_TURNED_AWAY], 1));
	cr_assert(strstr(p->lines.text, "it sends more than is taken") != NULL);
	conn_resume(post_conn(p, 1));
	p->came = NULL;
	post_say(p, 1, "now");
	cr_assert(eq(str, p->told, "+1 1:enough +2 2:from another 1:now"));
	end(p);
}

Test(sessions, that_cannot_be_replaced_lose_nothing_that_was_taken_from_the_kernel)
{
	struct post *p = begin(10, false);

	p->came = pause_on_data;
	post_text(p, 1, "enough");
	post_text(p, 1, "too much");
	post_deliver(p);
	cr_assert(eq(str, p->told, "+1 1:enough 1:too much"));
	cr_assert(eq(u64, p->sessions.drops[DROP_TURNED_AWAY], 0));
	cr_assert(sessions_blocked(&p->sessions), "and no more is taken");
	end(p);
}

Test(sessions, one_may_open_without_wanting_input)
{
	struct post *p = begin(10, false);

	p->opened = pause_it;
	post_say(p, 1, "early");
	cr_assert(eq(str, p->told, "+1 1:early"));
	cr_assert(sessions_blocked(&p->sessions));
	cr_assert(eq(uint, p->changes, 1));
	end(p);
}

Test(sessions, a_new_one_that_wants_input_counts_as_holding_the_socket_up_no_more)
{
	struct post *p = begin(10, false);

	p->came = pause_on_data;
	post_text(p, 1, "enough");
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
	cr_assert(eq(uint, p->changes, 1));
	p->came = NULL;
	post_text(p, 2, "by another socket");
	cr_assert(eq(int, post_receive(p, POST_FD + 1, EPOLLIN), 0));
	cr_assert(not(sessions_blocked(&p->sessions)));
	cr_assert(eq(uint, p->changes, 2));
	end(p);
}

Test(sessions, the_end_of_the_one_that_wanted_no_input_lets_others_in)
{
	struct post *p = begin(1, false);

	p->came = pause_on_data;
	post_say(p, 1, "enough");
	cr_assert(eq(uint, p->changes, 1));
	conn_abort(post_conn(p, 1));
	post_turn(p);
	cr_assert(not(sessions_blocked(&p->sessions)));
	cr_assert(eq(uint, p->changes, 2));
	post_say(p, 2, "me");
	cr_assert(eq(str, p->told, "+1 1:enough -1 +2 2:me"));
	end(p);
}

Test(sessions, the_end_of_the_one_that_wanted_input_counts_as_holding_the_socket_up)
{
	struct post *p = begin(10, false);

	post_say(p, 1, "a");
	post_say(p, 2, "b");
	conn_pause(post_conn(p, 1));
	cr_assert(eq(uint, p->changes, 0));
	conn_abort(post_conn(p, 2));
	post_turn(p);
	cr_assert(sessions_blocked(&p->sessions));
	cr_assert(eq(uint, p->changes, 1));
	end(p);
}

/* ---- how they end ---- */

/* No turn of the loop, which would set its clock right. */
static void hear(struct post *p, uint16_t from, const char *text)
{
	post_text(p, from, text);
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
}

Test(sessions, end_in_order_by_silence_each_by_its_own)
{
	struct post *p = begin(10, true);

	p->owner.idle_ms = 1000;
	hear(p, 1, "a");
	hear(p, 2, "b");
	post_pass_ms(p, 600);
	hear(p, 2, "c");
	post_pass_ms(p, 400);
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b 2:c -1"));
	post_pass_ms(p, 599);
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b 2:c -1"));
	post_pass_ms(p, 1);
	cr_assert(eq(str, p->told, "+1 1:a +2 2:b 2:c -1 -2"));
	cr_assert(eq(uint, p->lost, 0));
	cr_assert(eq(sz, p->sessions.count, 0));
	end(p);
}

Test(sessions, one_that_is_heard_or_answered_is_not_silent)
{
	struct post *p = begin(10, true);

	p->owner.idle_ms = 1000;
	hear(p, 1, "a");
	post_pass_ms(p, 900);
	hear(p, 1, "b");
	post_pass_ms(p, 900);
	conn_write(post_conn(p, 1), span_of("c"));
	post_pass_ms(p, 900);
	cr_assert(eq(str, p->told, "+1 1:a 1:b"));
	post_pass_ms(p, 100);
	cr_assert(eq(str, p->told, "+1 1:a 1:b -1"));
	end(p);
}

Test(sessions, what_comes_for_one_that_has_just_ended_opens_no_other_in_the_same_turn)
{
	struct post *p = begin(10, true);

	p->came = abort_on_data;
	post_text(p, 1, "go away");
	post_text(p, 1, "and stay there");
	post_deliver(p);
	cr_assert(eq(str, p->told, "+1 1:go away -1"));
	post_say(p, 1, "again");
	cr_assert(eq(str, p->told, "+1 1:go away -1 +1 1:again -1"));
	cr_assert(eq(uint, p->lost, 0));
	end(p);
}

Test(sessions, one_that_we_close_is_over_at_once_as_its_end_is_never_reported)
{
	struct post *p = begin(10, true);

	post_say(p, 1, "bye");
	conn_close(post_conn(p, 1), CONN_LINGER_MS);
	post_turn(p);
	cr_assert(eq(str, p->told, "+1 1:bye -1"));
	cr_assert(eq(uint, p->lost, 0));
	end(p);
}
