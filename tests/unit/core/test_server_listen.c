#include <errno.h>
#include <sys/socket.h>

#include "os/timer.h"
#include "house.h"

/* Places that cannot be had yet: listening goes on in the loop. */
TestSuite(server_listen, .timeout = 20);

/* The second of two addresses is kept from us for so many tries. */
struct kept {
	struct transport row; /* first: conf.via */
	unsigned tries, calls;
};

static struct kept kept;

static enum io listen_later(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	bool second = at->in.sin_addr.s_addr == htonl(INADDR_LOOPBACK + 1);

	kept.calls++;
	if (!second || !kept.tries)
		return transport_tcp.listen(to, at, conf, out, err);
	kept.tries--;
	err_set(err, ERR_LISTEN, "it is kept from us");
	err->sys = EWOULDBLOCK;
	return IO_AGAIN;
}

static void furnish(struct stand *s, unsigned tries)
{
	prepare(s, "echo");
	kept = (struct kept){.row = transport_tcp, .tries = tries};
	kept.row.listen = listen_later;
	s->house.at[1] = s->house.at[0];
	s->house.at[1].in.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	s->house.server.conf.via = &kept.row;
	s->house.server.conf.at_count = 2;
}

static void begin(struct stand *s, unsigned tries)
{
	furnish(s, tries);
	open_house(&s->house);
}

/* Let time pass, as the timers see it. */
static void pass_ms(struct loop *l, int64_t ms)
{
	int64_t end_ms = l->now_ms + ms;

	while (l->timers_set && l->heap[1]->at_ms <= end_ms) {
		if (l->heap[1]->at_ms > l->now_ms)
			l->now_ms = l->heap[1]->at_ms;
		timers_run(l);
	}
	l->now_ms = end_ms;
}

Test(server_listen, what_cannot_be_had_yet_is_tried_again_and_all_is_announced_together)
{
	struct stand s;
	struct peer p;

	begin(&s, 3);
	cr_assert(eq(str, s.house.lines.text, ""), "nothing is announced before all is there");
	pass_ms(&s.loop, 25);
	cr_assert(eq(str, s.house.lines.text, ""));
	pass_ms(&s.loop, 25);
	cr_assert(eq(uint, kept.calls, 5), "the first address was asked for once");
	cr_assert(eq(uint, times_in(s.house.lines.text, "listening on "), 2));
	cr_assert(eq(int, addr_port(&s.house.server.listeners[0].at),
		addr_port(&s.house.server.listeners[1].at)));
	peer_connect(&p, &s.house.server.listeners[1].at);
	peer_say(&p, "here");
	TURN_UNTIL(&s.loop, hears(&p, "here"));
	peer_leave(&p);
	clear_away(&s);
}

Test(server_listen, what_cannot_be_had_within_2_s_is_the_end_reported_by_the_loop)
{
	struct stand s;

	begin(&s, 100000);
	pass_ms(&s.loop, 1900);
	cr_assert(eq(uint, s.house.ended, 0));
	pass_ms(&s.loop, 200);
	cr_assert(eq(uint, s.house.ended, 1));
	cr_assert(eq(int, s.house.why.kind, ERR_LISTEN));
	cr_assert(eq(str, s.house.why.what, "it is kept from us"));
	cr_assert(eq(sz, s.house.server.listening, 0));
	cr_assert(eq(str, s.house.lines.text, ""));
	clear_away(&s);
}

Test(server_listen, a_stop_or_enough_meanwhile_ends_it_at_once)
{
	for (int i = 0; i < 2; i++) {
		struct stand s;
		unsigned calls;

		begin(&s, 100000);
		pass_ms(&s.loop, 100);
		if (i)
			server_stop(&s.house.server, "SIGTERM", ERR_LOST);
		else
			server_enough(&s.house.server);
		calls = kept.calls;
		pass_ms(&s.loop, 0);
		cr_assert(eq(uint, s.house.ended, 1));
		cr_assert(not(s.house.failed));
		pass_ms(&s.loop, 3000);
		cr_assert(eq(uint, kept.calls, calls), "it is not tried again");
		cr_assert(eq(uint, s.house.ended, 1));
		clear_away(&s);
	}
}

Test(server_listen, it_may_be_freed_meanwhile)
{
	struct stand s;

	begin(&s, 100000);
	pass_ms(&s.loop, 100);
	clear_away(&s);
}

/* ---- ready ---- */

static struct {
	unsigned calls, announced;
	size_t listening, clients;
	bool fails;
	struct peer early;
} ready;

/* A client is there before any is accepted: it waits in the backlog. */
static int on_ready(void *arg, struct err *err)
{
	struct house *h = arg;

	ready.calls++;
	ready.announced = times_in(h->lines.text, "listening on ");
	ready.listening = h->server.listening;
	ready.clients = h->server.clients.open_now;
	if (ready.fails)
		return err_set(err, ERR_RUNTIME, "it cannot be told");
	visit(&ready.early, h);
	return 0;
}

Test(server_listen, ready_is_called_once_when_all_is_announced_and_no_client_accepted)
{
	struct stand s;

	furnish(&s, 3);
	s.house.server.ready = on_ready;
	open_house(&s.house);
	cr_assert(eq(uint, ready.calls, 0), "one address does not listen yet");
	pass_ms(&s.loop, 50);
	cr_assert(eq(uint, ready.calls, 1));
	cr_assert(eq(uint, ready.announced, 2));
	cr_assert(eq(sz, ready.listening, 2));
	cr_assert(eq(sz, ready.clients, 0));
	peer_say(&ready.early, "first");
	TURN_UNTIL(&s.loop, hears(&ready.early, "first"));
	cr_assert(eq(uint, ready.calls, 1));
	peer_leave(&ready.early);
	clear_away(&s);
}

Test(server_listen, where_ready_fails_nothing_is_left_open)
{
	struct stand s;
	struct err err = {0};

	furnish(&s, 0);
	ready.fails = true;
	s.house.server.ready = on_ready;
	cr_assert(eq(int, server_start(&s.house.server, &err), -1));
	cr_assert(eq(int, err.kind, ERR_RUNTIME));
	cr_assert(eq(str, err.what, "it cannot be told"));
	cr_assert(eq(sz, s.house.server.listening, 0));
	cr_assert(eq(uint, s.house.ended, 0));
	clear_away(&s);
}

Test(server_listen, where_ready_fails_in_the_loop_the_server_ends_with_its_error)
{
	struct stand s;

	furnish(&s, 2);
	ready.fails = true;
	s.house.server.ready = on_ready;
	open_house(&s.house);
	pass_ms(&s.loop, 50);
	cr_assert(eq(uint, s.house.ended, 1));
	cr_assert(eq(int, s.house.why.kind, ERR_RUNTIME));
	cr_assert(eq(str, s.house.why.what, "it cannot be told"));
	cr_assert(eq(sz, s.house.server.listening, 0));
	clear_away(&s);
}

/* ---- sockets that listen already ---- */

Test(server_listen, a_socket_that_listens_already_is_served_and_closed_at_the_end)
{
	struct stand s;
	struct peer early, late;
	struct addr at;

	prepare(&s, "echo");
	s.house.server.conf.adopts = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	at = s.house.at[0];
	cr_assert(eq(int, bind(s.house.server.conf.adopts, &at.sa, at.len), 0));
	cr_assert(eq(int, listen(s.house.server.conf.adopts, 5), 0));
	cr_assert(eq(int, getsockname(s.house.server.conf.adopts, &at.sa, &at.len), 0));
	s.house.at[0] = at;
	peer_connect(&early, &at);
	peer_say(&early, "before");
	open_house(&s.house);
	cr_assert(eq(uint, times_in(s.house.lines.text, "listening on 127.0.0.1:"), 1));
	visit(&late, &s.house);
	peer_say(&late, "after");
	TURN_UNTIL(&s.loop, hears(&early, "before") && hears(&late, "after"));
	peer_leave(&early);
	peer_leave(&late);
	clear_away(&s);
}
