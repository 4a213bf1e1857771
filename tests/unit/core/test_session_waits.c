#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "post.h"

/* Where there is one session at a time, its answers wait for room. */
TestSuite(session_waits, .timeout = 20);

static struct post *begin(void)
{
	struct post *p = malloc(sizeof(*p));

	post_begin(p, 1, false);
	p->sessions.conf.waits = true;
	return p;
}

static void end(struct post *p)
{
	post_end(p);
	free(p);
}

static void refuse(struct post *p, uint16_t to, int error, unsigned times)
{
	p->refusal.to = to;
	p->refusal.error = error;
	p->refusal.times = times;
}

static const int lacks[] = {EAGAIN, ENOBUFS, ENOMEM};

Test(session_waits, its_answers_wait_for_room_and_keep_their_order)
{
	for (size_t i = 0; i < 3; i++) {
		struct post *p = begin();
		struct conn *c;

		post_say(p, 1, "x");
		c = post_conn(p, 1);
		refuse(p, 1, lacks[i], 20);
		cr_assert(eq(int, conn_write(c, span_of("a")), 0));
		cr_assert(eq(int, conn_write(c, span_of("")), 0));
		cr_assert(eq(int, conn_write(c, span_of("c")), 0));
		cr_assert(gt(sz, conn_queued(c), 0));
		post_pass_ms(p, 1000);
		cr_assert(eq(str, post_sent(p).text, "1:a 1: 1:c"));
		cr_assert(eq(sz, conn_queued(c), 0));
		cr_assert(eq(u64, p->sessions.drops[DROP_NO_ROOM], 0));
		cr_assert(eq(uint, p->lost, 0));
		end(p);
	}
}

Test(session_waits, its_answers_wait_without_spinning)
{
	struct post *p = begin();

	post_say(p, 1, "x");
	refuse(p, 1, EAGAIN, 10000);
	conn_write(post_conn(p, 1), span_of("a"));
	p->sends = 0;
	post_pass_ms(p, 100);
	cr_assert(ge(uint, p->sends, 10));
	cr_assert(le(uint, p->sends, 200));
	end(p);
}

Test(session_waits, its_answers_wait_no_longer_because_it_changes_its_mind_about_input)
{
	struct post *p = begin();
	struct conn *c;

	post_say(p, 1, "x");
	c = post_conn(p, 1);
	refuse(p, 1, EAGAIN, 2);
	conn_write(c, span_of("a"));
	for (int i = 0; i < 50; i++) {
		conn_pause(c);
		conn_resume(c);
		post_pass_ms(p, 1);
	}
	cr_assert(eq(str, post_sent(p).text, "1:a"));
	end(p);
}

Test(session_waits, writing_says_stop_when_too_many_wait)
{
	char *text = script_bytes(1000);
	struct post *p = begin();
	unsigned kept = 0;

	post_say(p, 1, "x");
	refuse(p, 1, EAGAIN, 10000);
	while (kept < 1000 && conn_write(post_conn(p, 1), span_of(text)) == 0)
		kept++;
	cr_assert(lt(uint, kept, 100));
	cr_assert(gt(uint, kept, 50));
	end(p);
	free(text);
}

Test(session_waits, an_answer_that_is_refused_ends_it)
{
	struct post *p = begin();

	p->came = post_echo;
	refuse(p, 1, ECONNREFUSED, 2);
	post_say(p, 1, "x");
	cr_assert(eq(str, p->told, "+1 1:x -1"));
	cr_assert(eq(int, p->why.sys, ECONNREFUSED));
	end(p);
}

Test(session_waits, an_answer_is_tried_once_more_where_the_refusal_is_of_one_before)
{
	struct post *p = begin();

	p->came = post_echo;
	refuse(p, 1, ECONNREFUSED, 1);
	post_failure(p, 9, ECONNREFUSED);
	post_say(p, 1, "x");
	cr_assert(eq(str, post_sent(p).text, "1:x"));
	cr_assert(eq(str, p->told, "+1 1:x"));
	cr_assert(eq(sz, p->failures_told, 1));
	end(p);
}

Test(session_waits, what_waited_when_it_ended_is_not_sent)
{
	struct post *p = begin();

	post_say(p, 1, "x");
	refuse(p, 1, EAGAIN, 10000);
	conn_write(post_conn(p, 1), span_of("a"));
	conn_abort(post_conn(p, 1));
	post_turn(p);
	p->refusal.times = 0;
	post_say(p, 2, "y");
	post_pass_ms(p, 100);
	cr_assert(eq(str, p->told, "+1 1:x -1 +2 2:y"));
	cr_assert(eq(sz, p->sent_count, 0));
	end(p);
}

static void answer_once(struct conn *c)
{
	conn_write(c, span_of("welcome"));
}

Test(session_waits, its_answers_may_wait_while_it_is_being_opened)
{
	struct post *p = begin();

	p->opened = answer_once;
	refuse(p, 1, EAGAIN, 3);
	post_say(p, 1, "x");
	post_pass_ms(p, 20);
	cr_assert(eq(str, post_sent(p).text, "1:welcome"));
	end(p);
}
