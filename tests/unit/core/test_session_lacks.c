#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "post.h"

/* What sessions do where the kernel, or we, lack something. */
TestSuite(session_lacks, .timeout = 20);

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

Test(session_lacks, tell_the_server_when_the_kernel_has_no_memory_for_us)
{
	static const int lacks[] = {ENOMEM, ENOBUFS};
	struct post *p = begin(10, true);

	for (size_t i = 0; i < 2; i++) {
		p->receive_error = lacks[i];
		p->receive_errors = 1;
		p->receives = 0;
		cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), lacks[i]));
		cr_assert(eq(uint, p->receives, 1));
	}
	end(p);
}

Test(session_lacks, an_error_of_something_sent_before_takes_no_datagrams_place)
{
	struct post *p = begin(10, true);

	p->receive_error = ECONNREFUSED;
	p->receive_errors = 2;
	post_say(p, 1, "behind it");
	cr_assert(eq(str, p->told, "+1 1:behind it"));
	end(p);
}

Test(session_lacks, errors_without_end_do_not_keep_a_turn_going)
{
	struct post *p = begin(10, true);

	p->receive_error = ECONNREFUSED;
	p->receive_errors = 1000;
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
	cr_assert(lt(uint, p->receives, 10));
	end(p);
}

Test(session_lacks, nothing_to_receive_is_no_failure_and_asked_for_once)
{
	struct post *p = begin(10, true);

	p->receive_error = EAGAIN;
	p->receive_errors = 1;
	cr_assert(eq(int, post_receive(p, POST_FD, EPOLLIN), 0));
	cr_assert(eq(uint, p->receives, 1));
	end(p);
}

Test(session_lacks, cannot_begin_without_memory_and_then_leave_nothing)
{
	struct post *p = begin(10, true);
	struct sessions *other = calloc(1, sizeof(*other));
	struct rlimit before = allow_no_more_memory();
	int rc = sessions_init(other, &p->sessions.conf);

	allow_memory(&before);
	cr_assert(eq(int, rc, -1));
	cr_assert(eq(ptr, other->chains, NULL));
	free(other);
	end(p);
}

Test(session_lacks, without_memory_a_new_peer_is_turned_away_and_the_others_are_served)
{
	struct post *p = begin(10, true);
	struct rlimit before;

	p->came = post_echo;
	post_say(p, 1, "a");
	post_text(p, 1, "b");
	post_text(p, 2, "c");
	post_text(p, 1, "d");
	before = allow_no_more_memory();
	hoard_memory();
	post_receive(p, POST_FD, EPOLLIN);
	release_memory();
	allow_memory(&before);
	cr_assert(eq(str, p->told, "+1 1:a 1:b 1:d"));
	cr_assert(eq(str, post_sent(p).text, "1:a 1:b 1:d"));
	cr_assert(eq(u64, p->sessions.drops[DROP_TURNED_AWAY], 1));
	end(p);
}

Test(session_lacks, whose_table_cannot_grow_are_found_all_the_same)
{
	enum { MANY = 9000 };
	struct post *p = begin(MANY, false);
	void *room[64];
	struct rlimit before;

	for (uint16_t i = 1; i <= 8192; i++) {
		post_text(p, i, NULL);
		post_receive(p, POST_FD, EPOLLIN);
	}
	cr_assert(eq(sz, p->sessions.chain_count, 8192));
	/* Room for some small things, and for no table. */
	for (size_t i = 0; i < 64; i++)
		room[i] = malloc(1000);
	before = allow_no_more_memory();
	for (size_t i = 0; i < 64; i += 2)
		free(room[i]);
	post_text(p, 8193, NULL);
	post_receive(p, POST_FD, EPOLLIN);
	allow_memory(&before);
	cr_assert(eq(sz, p->sessions.chain_count, 8192));
	cr_assert(eq(sz, p->sessions.count, 8193));
	p->told[0] = '\0';
	post_say(p, 8193, "here");
	cr_assert(eq(str, p->told, "8193:here"));
	for (size_t i = 1; i < 64; i += 2)
		free(room[i]);
	end(p);
}
