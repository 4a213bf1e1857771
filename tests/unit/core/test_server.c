#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "check.h"
#include "cmd/advice.h"
#include "core/resolve.h"
#include "core/server.h"
#include "house.h"
#include "mode/mode.h"
#include "os/timer.h"
#include "peer.h"
#include "script.h"
#include "transport/stream.h"
#include "transport/tcp.h"

TestSuite(server, .timeout = 20);

/* ---- serving ---- */

Test(server, two_of_them_run_in_one_process_and_serve_at_once)
{
	struct house echo, source;
	struct loop loop;
	struct peer a, b, c;
	size_t already;
	void *run;

	begin_loop(&loop);
	build(&echo, &loop, "echo");
	build(&source, &loop, "source");
	run = begin_mode(&source);
	open_house(&echo);
	open_house(&source);
	visit(&a, &echo);
	visit(&b, &source);
	visit(&c, &echo);
	peer_say(&a, "first");
	peer_say(&c, "second");
	TURN_UNTIL(&loop, hears(&a, "first") && hears(&c, "second"));
	TURN_UNTIL(&loop, (peer_hear(&b), b.heard_len > 20000));
	server_stop(&echo.server, "test", ERR_LOST);
	TURN_UNTIL(&loop, echo.ended);
	cr_assert(eq(uint, source.ended, 0), "the end of one is not the other's");
	already = b.heard_len;
	TURN_UNTIL(&loop, (peer_hear(&b), b.heard_len > already + 20000));
	raze(&echo);
	raze(&source);
	free(run);
	peer_leave(&a);
	peer_leave(&b);
	peer_leave(&c);
	end_loop(&loop);
}

static void count_answers(void *arg, const struct resolved *answer, const struct err *why)
{
	unsigned *answers = arg;

	cr_assert(eq(ptr, (void *)why, NULL));
	cr_assert(eq(sz, answer->count, 1));
	++*answers;
}

Test(server, names_are_looked_up_while_it_serves)
{
	enum { NAMES = 20 };
	const struct resolve_query query = {.host = "127.1", .port = 80};
	unsigned answers = 0;
	struct stand s;
	struct peer p;
	struct err err;

	prepare(&s, "echo");
	open_house(&s.house);
	visit(&p, &s.house);
	for (unsigned i = 0; i < NAMES; i++)
		cr_assert(resolve_start(&s.loop, &query, count_answers, &answers, &err) != NULL);
	peer_say(&p, "meanwhile");
	TURN_UNTIL(&s.loop, hears(&p, "meanwhile") && answers == NAMES);
	peer_leave(&p);
	/* A helper thread that has answered may not be quite through. */
	TURN_UNTIL(&s.loop,
		s.house.server.clients.open_now == 0 && open_descriptors() == s.descriptors + 2);
	clear_away(&s);
}

Test(server, is_announced_with_its_real_port_transport_and_mode)
{
	struct stand s;
	char expected[100];

	prepare(&s, "echo");
	open_house(&s.house);
	cr_assert(gt(int, addr_port(&s.house.server.listeners[0].at), 0));
	snprintf(expected, sizeof(expected), "listening on 127.0.0.1:%u (tcp, echo)\n",
		addr_port(&s.house.server.listeners[0].at));
	cr_assert(eq(str, s.house.lines.text, expected));
	clear_away(&s);
}

Test(server, listens_on_both_families_on_the_one_port_that_was_free)
{
	struct stand s;
	struct peer four, six;

	needs_ipv6();
	prepare(&s, "echo");
	s.house.server.conf.at_count = 2;
	open_house(&s.house);
	cr_assert(eq(sz, s.house.server.listening, 2));
	cr_assert(eq(int, addr_port(&s.house.server.listeners[0].at),
		addr_port(&s.house.server.listeners[1].at)));
	peer_connect(&four, &s.house.server.listeners[0].at);
	peer_connect(&six, &s.house.server.listeners[1].at);
	peer_say(&four, "4");
	peer_say(&six, "6");
	TURN_UNTIL(&s.loop, hears(&four, "4") && hears(&six, "6"));
	peer_leave(&four);
	peer_leave(&six);
	clear_away(&s);
}

Test(server, many_clients_at_once_each_get_their_own_bytes)
{
	enum { MANY = 90 };
	struct peer *peers = calloc(MANY, sizeof(*peers));
	struct stand s;
	char text[40];

	cr_assert(ne(ptr, peers, NULL));
	prepare(&s, "echo");
	open_house(&s.house);
	for (int i = 0; i < MANY; i++) {
		visit(&peers[i], &s.house);
		snprintf(text, sizeof(text), "I am %d", i);
		peer_say(&peers[i], text);
	}
	for (int i = 0; i < MANY; i++) {
		snprintf(text, sizeof(text), "I am %d", i);
		TURN_UNTIL(&s.loop, hears(&peers[i], text));
		peer_leave(&peers[i]);
	}
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 0);
	cr_assert(eq(u64, s.house.server.served, MANY));
	free(peers);
	clear_away(&s);
}

Test(server, a_client_that_is_reset_does_not_affect_others)
{
	struct stand s;
	struct peer bad, good;

	prepare(&s, "echo");
	open_house(&s.house);
	visit(&good, &s.house);
	visit(&bad, &s.house);
	peer_say(&bad, "x");
	TURN_UNTIL(&s.loop, hears(&bad, "x"));
	peer_reset(&bad);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	cr_assert(strstr(s.house.lines.text, "lost after 1 bytes received, 1 sent") != NULL);
	peer_say(&good, "still here");
	TURN_UNTIL(&s.loop, hears(&good, "still here"));
	cr_assert(eq(uint, s.house.ended, 0));
	peer_leave(&good);
	clear_away(&s);
}

/* ---- limits ---- */

Test(server, no_more_than_max_conns_are_served_at_once_and_the_others_wait)
{
	struct stand s;
	struct peer p[3];

	prepare(&s, "echo");
	s.house.server.conf.max_conns = 2;
	open_house(&s.house);
	for (int i = 0; i < 3; i++) {
		visit(&p[i], &s.house);
		peer_say(&p[i], "hello");
	}
	TURN_UNTIL(&s.loop, hears(&p[0], "hello") && hears(&p[1], "hello"));
	cr_assert(le(uint, turn_for_ms(&s.loop, 30), 4), "and nothing spins");
	cr_assert(eq(sz, s.house.server.clients.open_now, 2));
	cr_assert(not(hears(&p[2], "hello")));
	peer_leave(&p[0]);
	TURN_UNTIL(&s.loop, hears(&p[2], "hello"));
	cr_assert(eq(sz, s.house.server.clients.open_now, 2));
	peer_leave(&p[1]);
	peer_leave(&p[2]);
	clear_away(&s);
}

Test(server, without_max_conns_the_descriptor_limit_says_how_many)
{
	struct rlimit limit;
	struct stand s;

	prepare(&s, "echo");
	s.house.server.conf.max_conns = 0;
	open_house(&s.house);
	cr_assert(eq(int, getrlimit(RLIMIT_NOFILE, &limit), 0));
	cr_assert(eq(u64, limit.rlim_cur, limit.rlim_max), "the soft limit is raised");
	cr_assert(gt(sz, s.house.server.conf.max_conns, 0));
	cr_assert(lt(u64, s.house.server.conf.max_conns, limit.rlim_max));
	clear_away(&s);
}

Test(server, a_client_that_costs_descriptors_of_its_own_takes_their_room_too)
{
	size_t most[2];

	for (size_t i = 0; i < 2; i++) {
		struct stand s;

		prepare(&s, "echo");
		s.house.server.conf.max_conns = 0;
		s.house.server.conf.client_descriptors = i * 3;
		open_house(&s.house);
		most[i] = s.house.server.conf.max_conns;
		clear_away(&s);
	}
	cr_assert(gt(sz, most[1], 1));
	cr_assert(eq(sz, most[1], most[0] / 4), "%zu of %zu", most[1], most[0]);
}

Test(server, ends_after_as_many_clients_as_it_was_configured_for)
{
	struct stand s;
	struct peer p[2];

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 2;
	open_house(&s.house);
	for (int i = 0; i < 2; i++) {
		visit(&p[i], &s.house);
		peer_say(&p[i], "hello");
		TURN_UNTIL(&s.loop, hears(&p[i], "hello"));
	}
	cr_assert(eq(uint, s.house.ended, 0));
	for (int i = 0; i < 2; i++) {
		cr_assert(eq(uint, s.house.ended, 0));
		peer_leave(&p[i]);
		TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1 - (size_t)i);
	}
	cr_assert(eq(uint, s.house.ended, 1));
	cr_assert(not(s.house.failed));
	cr_assert(eq(sz, s.house.server.listening, 0));
	clear_away(&s);
}

Test(server, takes_no_more_than_its_last_clients_while_they_are_there)
{
	struct stand s;
	struct peer served, waiting;

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 1;
	open_house(&s.house);
	visit(&served, &s.house);
	visit(&waiting, &s.house);
	peer_say(&served, "1");
	peer_say(&waiting, "2");
	TURN_UNTIL(&s.loop, hears(&served, "1"));
	turn_for_ms(&s.loop, 10);
	cr_assert(eq(u64, s.house.server.clients.opened, 1));
	peer_leave(&served);
	TURN_UNTIL(&s.loop, s.house.ended);
	peer_hear(&waiting);
	cr_assert(eq(sz, waiting.heard_len, 0));
	cr_assert(sees_the_end(&waiting));
	peer_leave(&waiting);
	clear_away(&s);
}

Test(server, a_one_shot_server_ends_as_its_client_did)
{
	struct stand s;
	struct peer p;

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 1;
	open_house(&s.house);
	visit(&p, &s.house);
	peer_say(&p, "x");
	TURN_UNTIL(&s.loop, hears(&p, "x"));
	peer_reset(&p);
	TURN_UNTIL(&s.loop, s.house.ended);
	cr_assert(s.house.failed);
	cr_assert(eq(int, s.house.why.kind, ERR_LOST));
	clear_away(&s);
}

Test(server, a_silent_client_that_times_out_does_use_up_a_one_shot_server)
{
	struct stand s;
	struct peer p;

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 1;
	s.house.server.clients.idle_ms = 30;
	open_house(&s.house);
	visit(&p, &s.house);
	TURN_UNTIL(&s.loop, s.house.ended);
	cr_assert(eq(int, s.house.why.kind, ERR_TIMEOUT));
	peer_leave(&p);
	clear_away(&s);
}

Test(server, a_client_reset_before_its_first_byte_does_not_use_up_a_one_shot_server)
{
	struct stand s;
	struct peer p;

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 1;
	open_house(&s.house);
	visit(&p, &s.house);
	peer_reset(&p); /* before it is accepted */
	visit(&p, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	peer_reset(&p); /* after that, but still before a byte */
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 0);
	cr_assert(eq(uint, s.house.ended, 0));
	visit(&p, &s.house);
	peer_say(&p, "at last");
	TURN_UNTIL(&s.loop, hears(&p, "at last"));
	peer_leave(&p);
	TURN_UNTIL(&s.loop, s.house.ended);
	cr_assert(not(s.house.failed));
	clear_away(&s);
}

/* ---- when it no longer listens ---- */

static bool is_refused(const struct addr *at)
{
	int fd = socket(at->sa.sa_family, SOCK_STREAM, 0);
	bool refused = connect(fd, &at->sa, at->len) < 0 && errno == ECONNREFUSED;

	close(fd);
	return refused;
}

Test(server, a_one_shot_server_listens_until_its_client_counts)
{
	struct stand s;
	struct peer p, late;
	struct addr at;

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 1;
	open_house(&s.house);
	at = s.house.server.listeners[0].at;
	visit(&p, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	cr_assert(eq(sz, s.house.server.listening, 1), "it may be reset before its first byte");
	visit(&late, &s.house);
	peer_say(&late, "lost?");
	peer_say(&p, "x");
	TURN_UNTIL(&s.loop, hears(&p, "x"));
	cr_assert(is_refused(&at));
	peer_hear(&late);
	cr_assert(eq(int, late.error, ECONNRESET), "it knows that it was not served");
	peer_leave(&late);
	peer_leave(&p);
	TURN_UNTIL(&s.loop, s.house.ended);
	cr_assert(not(s.house.failed));
	clear_away(&s);
}

Test(server, clients_that_went_and_those_that_are_here_count_together)
{
	struct stand s;
	struct peer p[3];

	prepare(&s, "echo");
	s.house.server.conf.exit_after = 3;
	open_house(&s.house);
	for (int i = 0; i < 3; i++)
		visit(&p[i], &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 3);
	peer_finish(&p[0]); /* in order, without a byte */
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 2);
	peer_say(&p[1], "1");
	TURN_UNTIL(&s.loop, hears(&p[1], "1"));
	cr_assert(eq(sz, s.house.server.listening, 1));
	peer_say(&p[2], "2");
	TURN_UNTIL(&s.loop, hears(&p[2], "2"));
	cr_assert(eq(sz, s.house.server.listening, 0));
	for (int i = 0; i < 3; i++)
		peer_leave(&p[i]);
	TURN_UNTIL(&s.loop, s.house.ended);
	clear_away(&s);
}

Test(server, what_the_server_sends_counts_as_well)
{
	struct stand s;
	struct peer p;
	void *run;

	prepare(&s, "source");
	run = begin_mode(&s.house);
	s.house.server.conf.exit_after = 1;
	open_house(&s.house);
	visit(&p, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	TURN_UNTIL(&s.loop, s.house.server.listening == 0);
	peer_leave(&p);
	TURN_UNTIL(&s.loop, s.house.ended);
	clear_away(&s);
	free(run);
}

/* ---- shortage ---- */

Test(server, out_of_descriptors_it_says_so_once_waits_without_spinning_and_recovers)
{
	struct stand s;
	struct peer there, waiting;
	struct rlimit before;
	unsigned turns;

	prepare(&s, "echo");
	open_house(&s.house);
	visit(&there, &s.house);
	peer_say(&there, "x");
	TURN_UNTIL(&s.loop, hears(&there, "x"));
	visit(&waiting, &s.house);
	peer_say(&waiting, "me too");
	before = allow_no_more_descriptors();
	turns = turn_for_ms(&s.loop, 250);
	peer_say(&there, "y");
	TURN_UNTIL(&s.loop, hears(&there, "xy"));
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &before), 0));
	cr_assert(le(uint, turns, 12));
	cr_assert(eq(uint, times_in(s.house.lines.text, "cannot accept: Too many open files"), 1));
	cr_assert(eq(sz, s.house.server.clients.open_now, 1));
	TURN_UNTIL(&s.loop, hears(&waiting, "me too"));
	peer_leave(&there);
	peer_leave(&waiting);
	clear_away(&s);
}

Test(server, out_of_descriptors_it_goes_on_as_soon_as_a_client_leaves)
{
	struct stand s;
	struct peer there, waiting;
	struct rlimit before;
	int64_t left_ms;

	prepare(&s, "echo");
	open_house(&s.house);
	visit(&there, &s.house);
	visit(&waiting, &s.house);
	s.house.server.conf.max_conns = 1;
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	s.house.server.conf.max_conns = 100;
	loop_watch(&s.loop, &s.house.server.listeners[0].watch, EPOLLIN);
	before = allow_no_more_descriptors();
	TURN_UNTIL(&s.loop, s.house.server.starved);
	peer_finish(&there);
	left_ms = clock_ms();
	TURN_UNTIL(&s.loop, s.house.server.clients.opened == 2);
	cr_assert(eq(int, setrlimit(RLIMIT_NOFILE, &before), 0));
	cr_assert(lt(i64, clock_ms() - left_ms, 90));
	peer_leave(&there);
	peer_leave(&waiting);
	clear_away(&s);
}

/* How often a transport that is TCP otherwise is yet to fail. */
static unsigned faults_left;

static enum io accept_fails_at_first(
	struct reporter *to, const struct listening *listener, struct link *link, struct addr *peer)
{
	static const int errors[] = {ENOMEM, EPROTO, ECONNABORTED, EPERM, ENFILE, ENOBUFS};

	if (faults_left == 0)
		return stream_accept(to, listener, link, peer);
	link->error = errors[--faults_left];
	return IO_FAIL;
}

static struct transport faulty_tcp(unsigned faults)
{
	faults_left = faults;
	return transport_tcp;
}

Test(server, no_failure_of_accept_ends_it)
{
	struct transport faulty = faulty_tcp(6);
	struct stand s;
	struct peer p;

	faulty.accept = accept_fails_at_first;
	prepare(&s, "echo");
	s.house.server.conf.via = &faulty;
	open_house(&s.house);
	visit(&p, &s.house);
	peer_say(&p, "patience");
	TURN_UNTIL(&s.loop, hears(&p, "patience"));
	cr_assert(eq(uint, faults_left, 0));
	peer_leave(&p);
	clear_away(&s);
}

/* ---- listening ---- */

static enum io no_ipv6(struct reporter *to, const struct addr *at, const struct listen_conf *conf,
	struct listening *out, struct err *err)
{
	if (at->sa.sa_family != AF_INET6)
		return transport_tcp.listen(to, at, conf, out, err);
	err_sys(err, ERR_LISTEN, EAFNOSUPPORT, "no IPv6");
	return IO_FAIL;
}

static enum io taken_in_ipv6(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	if (at->sa.sa_family != AF_INET6 || !faults_left)
		return transport_tcp.listen(to, at, conf, out, err);
	faults_left--;
	err_sys(err, ERR_LISTEN, EADDRINUSE, "taken");
	return IO_FAIL;
}

static int listens(struct stand *s, struct transport *via, bool any, struct err *err)
{
	prepare(s, "echo");
	s->house.server.conf.via = via;
	s->house.server.conf.at_count = 2;
	s->house.server.conf.any = any;
	return server_start(&s->house.server, err);
}

Test(server, a_machine_without_ipv6_is_served_without_unless_it_was_asked_for)
{
	struct transport faulty = faulty_tcp(0);
	struct stand s;
	struct err err;

	faulty.listen = no_ipv6;
	cr_assert(eq(int, listens(&s, &faulty, true, &err), 0));
	cr_assert(eq(sz, s.house.server.listening, 1));
	cr_assert(strstr(s.house.lines.text, "[") == NULL, "missing IPv6 is silent");
	clear_away(&s);
	cr_assert(eq(int, listens(&s, &faulty, false, &err), -1));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(eq(str, s.house.lines.text, ""), "nothing is announced before all is bound");
	clear_away(&s);
}

Test(server, a_free_port_that_is_taken_in_the_other_family_is_tried_anew)
{
	struct transport faulty = faulty_tcp(5);
	struct stand s;
	struct err err;

	needs_ipv6();
	faulty.listen = taken_in_ipv6;
	cr_assert(eq(int, listens(&s, &faulty, true, &err), 0));
	cr_assert(eq(sz, s.house.server.listening, 2));
	clear_away(&s);
	faults_left = 1000;
	cr_assert(eq(int, listens(&s, &faulty, true, &err), -1), "but not for ever");
	cr_assert(eq(int, err.sys, EADDRINUSE));
	clear_away(&s);
}

Test(server, a_port_that_is_taken_is_refused_and_nothing_is_left_open)
{
	struct addr at;
	int fd = bound_socket(AF_INET, 5, &at);
	struct stand s;
	struct err err;

	prepare(&s, "echo");
	s.house.at[0] = at;
	cr_assert(eq(int, server_start(&s.house.server, &err), -1));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(eq(int, err.sys, EADDRINUSE));
	advise(&err);
	cr_assert(err.hint[0] != '\0');
	cr_assert(eq(uint, s.house.ended, 0));
	clear_away(&s);
	close(fd);
}

/* ---- stopping ---- */

Test(server, stopped_without_clients_it_ends_at_once)
{
	struct stand s;

	prepare(&s, "echo");
	open_house(&s.house);
	server_stop(&s.house.server, "SIGTERM", ERR_LOST);
	server_stop(&s.house.server, "SIGTERM", ERR_LOST);
	cr_assert(eq(uint, s.house.ended, 0), "told by the loop, not within the call");
	turn_for_ms(&s.loop, 0);
	cr_assert(eq(uint, s.house.ended, 1));
	cr_assert(not(s.house.failed));
	cr_assert(eq(uint, times_in(s.house.lines.text, "stopping: SIGTERM\n"), 1));
	clear_away(&s);
}

Test(server, stopped_it_ends_clients_that_lack_nothing_at_once_and_takes_no_more)
{
	struct stand s;
	struct peer p;
	struct addr at;
	int fd;

	prepare(&s, "echo");
	open_house(&s.house);
	at = s.house.server.listeners[0].at;
	visit(&p, &s.house);
	peer_say(&p, "x");
	TURN_UNTIL(&s.loop, hears(&p, "x"));
	server_stop(&s.house.server, "test", ERR_LOST);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	cr_assert(eq(int, connect(fd, &at.sa, at.len), -1));
	cr_assert(eq(int, errno, ECONNREFUSED));
	close(fd);
	TURN_UNTIL(&s.loop, s.house.ended);
	cr_assert(not(s.house.failed));
	peer_hear(&p);
	cr_assert(p.ended, "in order, not by a reset");
	peer_leave(&p);
	clear_away(&s);
}

static size_t queued(struct stand *s)
{
	return conn_queued(conn_of_node(s->house.server.clients.conns.next));
}

/* A client of `echo` that talks and does not listen: bytes wait for it. */
static void let_bytes_wait(struct stand *s, struct peer *p)
{
	prepare(s, "echo");
	open_house(&s->house);
	visit(p, &s->house);
	TURN_UNTIL(&s->loop, s->house.server.clients.open_now == 1);
	TURN_UNTIL(&s->loop, (peer_push(p), queued(s) > 0));
}

/* Something that is ready in the same batch as a listener is. */
struct stopper {
	struct watch watch;
	struct house *house;
};

static void stop_it(struct watch *w, uint32_t events)
{
	struct stopper *s = container_of(w, struct stopper, watch);

	(void)events;
	loop_unwatch(s->house->server.clients.loop, w);
	server_stop(&s->house->server, "test", ERR_LOST);
}

static void free_it(void *arg, const struct err *why)
{
	struct house *h = arg;

	(void)why;
	raze(h);
	free(h);
}

Test(server, may_be_freed_once_it_has_ended_though_a_client_comes_in_the_same_batch)
{
	struct house *h = malloc(sizeof(*h));
	struct stopper stopper = {.house = h};
	struct loop loop;
	struct peer p;

	begin_loop(&loop);
	build(h, &loop, "echo");
	h->server.ended = free_it;
	stopper.watch = (struct watch){.fd = eventfd(1, EFD_CLOEXEC), .ready = stop_it};
	loop_watch(&loop, &stopper.watch, EPOLLIN);
	open_house(h);
	visit(&p, h);
	turn_for_ms(&loop, 0);
	turn_for_ms(&loop, 0);
	cr_assert(sees_the_end(&p));
	peer_leave(&p);
	close(stopper.watch.fd);
	end_loop(&loop);
}

Test(server, stopped_it_gives_what_is_queued_its_time)
{
	static struct peer p;
	struct stand s;

	let_bytes_wait(&s, &p);
	server_stop(&s.house.server, "test", ERR_LOST);
	turn_for_ms(&s.loop, 20);
	cr_assert(eq(uint, s.house.ended, 0));
	TURN_UNTIL(&s.loop, (peer_hear(&p), s.house.ended));
	cr_assert(not(s.house.failed));
	TURN_UNTIL(&s.loop, sees_the_end(&p));
	cr_assert(p.ended, "in order: %s", strerror(p.error));
	peer_leave(&p);
	clear_away(&s);
}

Test(server, stopped_it_drops_what_is_not_taken_in_time_and_counts_it)
{
	static struct peer p;
	struct stand s;
	size_t waiting, dropped = 0;

	let_bytes_wait(&s, &p);
	server_stop(&s.house.server, "test", ERR_LOST);
	turn_for_ms(&s.loop, 20);
	waiting = queued(&s);
	cr_assert(gt(sz, waiting, 0));
	s.loop.now_ms += SERVER_STOP_MS;
	timers_run(&s.loop);
	timers_run(&s.loop);
	cr_assert(eq(uint, s.house.ended, 1));
	cr_assert(eq(int, s.house.why.kind, ERR_LOST));
	cr_assert(eq(int, sscanf(s.house.why.what, "stopped with %zu bytes", &dropped), 1));
	cr_assert(ge(sz, dropped, waiting), "those in our queue, and those in the kernel's");
	peer_leave(&p);
	clear_away(&s);
}

static bool always(struct conn *c)
{
	(void)c;
	return true;
}

Test(server, stopped_it_lets_an_answer_go_on_and_counts_one_that_is_too_slow)
{
	struct handler slow = {.answering = always};
	struct stand s;
	struct peer p;

	prepare(&s, "discard");
	s.house.server.clients.on = &slow;
	open_house(&s.house);
	visit(&p, &s.house);
	TURN_UNTIL(&s.loop, s.house.server.clients.open_now == 1);
	server_stop(&s.house.server, "test", ERR_LOST);
	turn_for_ms(&s.loop, 20);
	cr_assert(eq(uint, s.house.ended, 0));
	s.loop.now_ms += SERVER_STOP_MS;
	timers_run(&s.loop);
	timers_run(&s.loop);
	cr_assert(eq(uint, s.house.ended, 1));
	cr_assert(eq(int, s.house.why.kind, ERR_LOST));
	cr_assert(eq(str, s.house.why.what, "stopped with 1 answers cut short"));
	peer_leave(&p);
	clear_away(&s);
}

Test(server, may_be_freed_with_clients_in_the_middle_of_things)
{
	static struct peer p;
	struct stand s;

	let_bytes_wait(&s, &p);
	server_free(&s.house.server);
	TURN_UNTIL(&s.loop, sees_the_end(&p));
	cr_assert(eq(uint, s.house.ended, 0));
	peer_leave(&p);
	clear_away(&s);
}
