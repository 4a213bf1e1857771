#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <unistd.h>

#include "house.h"
#include "memory.h"
#include "os/timer.h"
#include "transport/udp.h"

/* What a server does where memory is out, and what it says where datagrams were lost. */
TestSuite(server_lacks, .timeout = 20);

Test(server_lacks, a_client_that_we_lack_memory_for_does_not_use_up_a_one_shot_server)
{
	struct stand s;
	struct peer p;

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 1;
	open_house(&s.house);
	visit(&p, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	conn_lost(conn_of_node(s.house.server.clients.conns.next), ENOMEM);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 0);
	cr_assert(eq(uint, s.house.ended, 0));
	peer_leave(&p);
	visit(&p, &s.house);
	peer_say(&p, "at last");
	TURN_UNTIL(&s.loop, hears(&p, "at last"));
	peer_leave(&p);
	TURN_UNTIL(&s.loop, s.house.ended);
	cr_assert(not(s.house.failed));
	clear_away(&s);
}

/* The client comes while there is no memory; the next one, later. */
static void lack_memory_for_one(size_t max_per_peer)
{
	struct rlimit before;
	struct stand s;
	struct peer p, next;
	struct err err;
	int rc = 0;

	prepare(&s, "echo");
	s.house.server.conf.max_per_peer = max_per_peer;
	open_house(&s.house);
	visit(&p, &s.house);
	before = allow_no_more_memory();
	hoard_memory();
	for (int i = 0; i < 3 && rc == 0; i++) {
		timer_set_in(&s.loop, &s.house.server.retry, 0); /* so that no turn waits */
		rc = loop_turn(&s.loop, &err);
	}
	release_memory();
	allow_memory(&before);
	cr_assert(eq(int, rc, 0));
	TURN_UNTIL(&s.loop, sees_the_end(&p));
	visit(&next, &s.house);
	peer_say(&next, "served");
	TURN_UNTIL(&s.loop, hears(&next, "served"));
	peer_leave(&p);
	peer_leave(&next);
	clear_away(&s);
}

Test(server_lacks, a_client_that_no_memory_is_left_for_ends_no_server)
{
	lack_memory_for_one(0);
}

Test(server_lacks, nor_does_one_that_cannot_be_counted_for_want_of_memory)
{
	lack_memory_for_one(1);
}

/* ---- each allocation fails in turn ---- */

Test(server_lacks, one_that_lacks_memory_to_begin_says_so_and_leaves_nothing)
{
	struct err err = {0};
	struct stand s;
	unsigned nth = 0;
	int rc = -1;

	for (; rc < 0; nth++) {
		prepare(&s, "echo");
		s.house.server.conf.via = &transport_udp;
		s.house.server.conf.max_per_peer = 1;
		fail_allocation(nth + 1);
		rc = server_start(&s.house.server, &err);
		fail_allocation(0);
		if (rc < 0)
			cr_assert(strstr(err.what, "out of memory") != NULL, "%s", err.what);
		clear_away(&s);
	}
	cr_assert(gt(uint, nth, 3));
}

/* A client that comes while one allocation fails. Returns whether it was served. */
static bool serve_failing(unsigned nth, bool *all_there)
{
	struct stand s;
	struct peer p, next;

	prepare(&s, "echo");
	s.house.server.conf.max_per_peer = 1;
	open_house(&s.house);
	visit(&p, &s.house);
	peer_say(&p, "word");
	fail_allocation(nth);
	TURN_UNTIL(&s.loop, hears(&p, "word") || p.ended || p.error);
	*all_there = !fail_allocation(0);
	peer_leave(&p);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 0);
	visit(&next, &s.house);
	peer_say(&next, "next");
	TURN_UNTIL(&s.loop, hears(&next, "next"));
	peer_leave(&next);
	clear_away(&s);
	return p.heard_len == 4;
}

Test(server_lacks, a_client_is_served_or_turned_away_and_the_next_one_is_served)
{
	bool all_there = false, served = false;
	unsigned nth = 0;

	while (!all_there)
		served = serve_failing(++nth, &all_there);
	cr_assert(served);
	cr_assert(gt(uint, nth, 2));
}

/* A listener whose descriptor is none of a socket. */
static enum io listen_on_nothing(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	(void)to;
	(void)at;
	(void)conf;
	(void)err;
	*out = (struct listening){.fd = open("/dev/null", O_RDONLY | O_CLOEXEC)};
	return IO_DONE;
}

Test(server_lacks, an_address_that_cannot_be_told_is_an_error)
{
	struct transport row = transport_tcp;
	struct err err = {0};
	struct stand s;

	prepare(&s, "echo");
	row.listen = listen_on_nothing;
	s.house.server.conf.via = &row;
	cr_assert(eq(int, server_start(&s.house.server, &err), -1));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(eq(int, err.sys, ENOTSOCK), "%s", err.what);
	clear_away(&s);
}

/* ---- datagrams ---- */

/* The first receive of a test finds no memory. */
static unsigned receives;

static int receive_later(struct reporter *to, const struct listening *from, const struct addr *own,
	struct datagram *in, size_t count)
{
	if (receives++)
		return transport_udp.receive(to, from, own, in, count);
	errno = ENOMEM;
	return -1;
}

Test(server_lacks, datagrams_wait_in_the_kernel_while_it_has_no_memory)
{
	struct transport row = transport_udp;
	struct stand s;
	struct addr at;
	char answer[8];
	int fd;

	row.receive = receive_later;
	prepare(&s, "echo");
	s.house.server.conf.via = &row;
	open_house(&s.house);
	at = s.house.server.listeners[0].at;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert(eq(int, (int)sendto(fd, "word", 4, 0, &at.sa, at.len), 4));
	TURN_UNTIL(&s.loop, recv(fd, answer, sizeof(answer), MSG_DONTWAIT) == 4);
	cr_assert(eq(uint, times_in(s.house.lines.text, "Cannot allocate memory"), 1));
	close(fd);
	clear_away(&s);
}

/* ---- what a one-shot server over UDP has lost ---- */

/* One client says a word with so many hops, and is silent then. */
static void serve_one_datagram(struct stand *s, const struct transport *via, int hops)
{
	struct addr at;
	int fd;

	prepare(s, "echo");
	s->house.server.conf.via = via;
	s->house.server.conf.exit_after = 1;
	s->house.server.clients.idle_ms = 20;
	open_house(&s->house);
	at = s->house.server.listeners[0].at;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	cr_assert(eq(int, setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops)), 0));
	cr_assert(eq(int, (int)sendto(fd, "word", 4, 0, &at.sa, at.len), 4));
	TURN_UNTIL(&s->loop, s->house.ended);
	close(fd);
	clear_away(s);
}

Test(server_lacks, an_answer_that_was_not_sent_is_a_loss_where_the_whole_is_vouched_for)
{
	struct stand s;

	serve_one_datagram(&s, &transport_udp, 64);
	cr_assert(not(s.house.failed), "%s", s.house.why.what);
	serve_one_datagram(&s, &transport_udp, 1); /* it is not answered: the loop guard */
	cr_assert(eq(int, s.house.why.kind, ERR_LOST));
	cr_assert(strstr(s.house.why.what, "1 datagrams were not sent") != NULL);
}

static uint32_t two_missed(struct reporter *to, int fd)
{
	(void)to;
	(void)fd;
	return 2;
}

Test(server_lacks, datagrams_that_came_too_fast_are_a_loss_where_the_whole_is_vouched_for)
{
	struct transport row = transport_udp;
	struct stand s;

	row.missed = two_missed;
	serve_one_datagram(&s, &row, 64);
	cr_assert(eq(int, s.house.why.kind, ERR_LOST));
	cr_assert(strstr(s.house.why.what, "2 datagrams were lost") != NULL);
	cr_assert(strstr(s.house.lines.text, "they came too fast") != NULL);
}
