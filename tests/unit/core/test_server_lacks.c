#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "house.h"
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
