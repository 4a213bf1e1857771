/* Which clients a server has a place for. */
#include <errno.h>
#include <unistd.h>

#include "os/timer.h"
#include "house.h"
#include "transport/udp.h"

TestSuite(server_places, .timeout = 20);

/* So many clients of one host, of which the last ones are refused. */
static void crowd(struct stand *s, struct peer *p, size_t count, size_t refused)
{
	for (size_t i = 0; i < count; i++) {
		visit(&p[i], &s->house);
		peer_say(&p[i], "hello");
	}
	for (size_t i = 0; i < count - refused; i++)
		TURN_UNTIL(&s->loop, hears(&p[i], "hello"));
	for (size_t i = count - refused; i < count; i++) {
		TURN_UNTIL(&s->loop, sees_the_end(&p[i]));
		cr_assert(eq(int, p[i].error, ECONNRESET));
		cr_assert(eq(sz, p[i].heard_len, 0));
		peer_leave(&p[i]);
	}
}

Test(server_places, a_host_has_no_more_than_max_per_peer_clients_at_once)
{
	static struct peer p[7];
	struct stand s;

	prepare(&s, "echo");
	s.house.server.conf.max_per_peer = 2;
	open_house(&s.house);
	crowd(&s, p, 7, 5);
	cr_assert(eq(sz, s.house.server.clients.open_now, 2));
	cr_assert(eq(u64, s.house.server.clients.opened, 2));
	cr_assert(eq(u64, s.house.server.served, 0));
	cr_assert(strstr(s.house.lines.text, "refused: it has 2 connections "
					     "(--max-conns-per-peer) (4 so far)\n") != NULL);
	cr_assert(eq(uint, times_in(s.house.lines.text, "refused"), 3), "the 1st, 2nd and 4th");
	peer_leave(&p[0]);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	visit(&p[0], &s.house);
	peer_say(&p[0], "again");
	TURN_UNTIL(&s.loop, hears(&p[0], "again"));
	peer_leave(&p[0]);
	peer_leave(&p[1]);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 0);
	cr_assert(eq(sz, s.house.server.peers.hosts, 0));
	clear_away(&s);
}

Test(server_places, a_client_that_is_refused_does_not_use_up_a_server_that_counts_them)
{
	static struct peer p[4];
	struct stand s;

	prepare(&s, "echo");
	s.house.server.conf.max_per_peer = 1;
	s.house.server.conf.exit_after = 2;
	open_house(&s.house);
	crowd(&s, p, 4, 3);
	peer_leave(&p[0]);
	TURN_UNTIL(&s.loop, s.house.server.served == 1);
	cr_assert(eq(uint, s.house.ended, 0));
	crowd(&s, p, 1, 0);
	peer_leave(&p[0]);
	TURN_UNTIL(&s.loop, s.house.ended);
	cr_assert(not(s.house.failed));
	clear_away(&s);
}

Test(server_places, a_client_that_was_reset_early_keeps_no_place_of_its_host)
{
	struct stand s;
	struct peer p;

	prepare(&s, "echo");
	s.house.server.conf.max_per_peer = 1;
	open_house(&s.house);
	visit(&p, &s.house);
	peer_reset(&p);
	TURN_UNTIL(&s.loop, s.house.server.clients.opened == 1);
	cr_assert(eq(sz, s.house.server.peers.hosts, 0));
	crowd(&s, &p, 1, 0);
	peer_leave(&p);
	clear_away(&s);
}

/* ---- who gives its place when the server is full ---- */

#define SENT_AWAY "error: silent for 10 s while others wait for a place\n"

enum { SILENT_MS = 10000 };

static void owe(struct conn *c)
{
	conn_await(c, 0);
}

/* "x" is no message yet. */
static void thank(struct conn *c, struct span in)
{
	if (in.data[0] == 'x')
		return;
	conn_got(c);
	conn_write(c, span_of("thanks"));
}

static const struct handler debtors = {.open = owe, .data = thank};

/* A server with room for two clients, of which those of p that are there are silent. */
static void fill(struct stand *s, struct peer p[3], const struct handler *on, uint64_t exit_after)
{
	prepare(s, "echo");
	s->house.server.clients.on = on;
	s->house.server.conf.max_conns = 2;
	s->house.server.conf.exit_after = exit_after;
	s->house.server.clients.see_off = exit_after > 0;
	open_house(&s->house);
	for (size_t i = 0; i < 2; i++) {
		visit(&p[i], &s->house);
		TURN_UNTIL(&s->loop, s->house.server.clients.open_now == i + 1);
		turn_for_ms(&s->loop, 3);
	}
	cr_assert(strstr(s->house.lines.text, "2 of 2 places are taken") != NULL);
}

static void join_the_backlog(struct stand *s, struct peer *p)
{
	visit(p, &s->house);
	peer_say(p, "hello");
}

/* As the timers see it, so many milliseconds pass. */
static void pretend_ms(struct stand *s, int64_t ms)
{
	s->loop.now_ms += ms;
	for (int i = 0; i < 3; i++)
		timers_run(&s->loop);
}

static void leave_all(struct stand *s, struct peer p[3])
{
	for (size_t i = 0; i < 3; i++)
		peer_leave(&p[i]);
	clear_away(s);
}

Test(server_places, full_it_gives_the_place_of_the_longest_silent_to_one_that_waits)
{
	static struct peer p[3];
	struct stand s;

	fill(&s, p, &debtors, 0);
	peer_say(&p[0], "x");
	turn_for_ms(&s.loop, 3);
	join_the_backlog(&s, &p[2]);
	pretend_ms(&s, SILENT_MS - 100);
	cr_assert(eq(sz, s.house.server.clients.open_now, 2), "not yet");
	pretend_ms(&s, 1100);
	TURN_UNTIL(&s.loop, hears(&p[2], "thanks"));
	cr_assert(hears(&p[1], SENT_AWAY));
	cr_assert(p[1].ended, "in order");
	cr_assert(hears(&p[0], ""), "it is not the one");
	cr_assert(not(p[0].ended));
	cr_assert(strstr(s.house.lines.text,
			  ": sent away: silent for 10 s while others wait for a place\n") != NULL);
	cr_assert(eq(uint, times_in(s.house.lines.text, ": sent away: "), 1));
	leave_all(&s, p);
}

Test(server_places, full_without_one_that_waits_it_sends_none_away)
{
	static struct peer p[3];
	struct stand s;

	fill(&s, p, &debtors, 0);
	for (int i = 0; i < 5; i++)
		pretend_ms(&s, SILENT_MS);
	cr_assert(eq(sz, s.house.server.clients.open_now, 2));
	join_the_backlog(&s, &p[2]);
	pretend_ms(&s, 1000);
	TURN_UNTIL(&s.loop, hears(&p[2], "thanks"));
	leave_all(&s, p);
}

Test(server_places, one_that_owes_nothing_keeps_its_place)
{
	static struct peer p[3];
	struct stand s;

	fill(&s, p, &debtors, 0);
	for (int i = 0; i < 2; i++) {
		peer_say(&p[i], "hello");
		TURN_UNTIL(&s.loop, hears(&p[i], "thanks"));
	}
	join_the_backlog(&s, &p[2]);
	for (int i = 0; i < 5; i++)
		pretend_ms(&s, SILENT_MS);
	cr_assert(eq(sz, s.house.server.clients.open_now, 2));
	leave_all(&s, p);
}

Test(server_places, one_that_gave_its_place_does_not_use_up_a_server_that_counts_clients)
{
	static struct peer p[3];
	struct stand s;

	fill(&s, p, &debtors, 3);
	join_the_backlog(&s, &p[2]);
	pretend_ms(&s, SILENT_MS + 1000);
	TURN_UNTIL(&s.loop, hears(&p[2], "thanks"));
	cr_assert(hears(&p[0], SENT_AWAY));
	cr_assert(eq(u64, s.house.server.served, 0));
	cr_assert(eq(int, s.house.server.verdict.kind, ERR_NONE));
	leave_all(&s, p);
}

Test(server_places, the_last_clients_of_a_server_that_counts_them_keep_their_places)
{
	static struct peer p[3];
	struct stand s;

	fill(&s, p, &debtors, 2);
	join_the_backlog(&s, &p[2]);
	for (int i = 0; i < 5; i++)
		pretend_ms(&s, SILENT_MS);
	cr_assert(eq(sz, s.house.server.clients.open_now, 2));
	leave_all(&s, p);
}

Test(server_places, out_of_descriptors_the_longest_silent_gives_its_place_too)
{
	static struct peer p[3];
	struct rlimit before;
	struct stand s;

	fill(&s, p, &debtors, 0);
	s.house.server.conf.max_conns = 100;
	loop_watch(&s.loop, &s.house.server.listeners[0].watch, EPOLLIN);
	join_the_backlog(&s, &p[2]);
	before = allow_no_more_descriptors();
	TURN_UNTIL(&s.loop, s.house.server.starved);
	timer_clear(
		&s.loop, &s.house.server.retry); /* it may come first: then it is starved again */
	pretend_ms(&s, SILENT_MS + 1000);
	TURN_UNTIL(&s.loop, hears(&p[2], "thanks"));
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &before), 0));
	cr_assert(hears(&p[0], SENT_AWAY));
	leave_all(&s, p);
}

/* ---- datagrams ---- */

/* What its handler was given; it is not to be read on for now. */
static char given[100];

static void pause_after(struct conn *c, struct span in)
{
	strncat(given, (const char *)in.data, in.len);
	conn_pause(c);
}

static const struct handler pauses = {.data = pause_after};

Test(server_places, datagrams_wait_in_the_kernel_while_the_only_peer_is_not_read)
{
	struct stand s;
	struct addr at;
	int fd;

	prepare(&s, "echo");
	s.house.server.conf.via = &transport_udp;
	s.house.server.conf.exclusive = true;
	s.house.server.clients.on = &pauses;
	open_house(&s.house);
	at = s.house.server.listeners[0].at;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert(eq(int, (int)sendto(fd, "one ", 4, 0, &at.sa, at.len), 4));
	TURN_UNTIL(&s.loop, given[0]);
	cr_assert(eq(int, (int)sendto(fd, "two ", 4, 0, &at.sa, at.len), 4));
	turn_for_ms(&s.loop, 5);
	cr_assert(eq(str, given, "one "));
	conn_resume(conn_of_node(s.house.server.clients.conns.next));
	TURN_UNTIL(&s.loop, strcmp(given, "one two ") == 0);
	close(fd);
	clear_away(&s);
}
