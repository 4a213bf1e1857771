/* Which clients a server has a place for. */
#include <errno.h>

#include "house.h"

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
