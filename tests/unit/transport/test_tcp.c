#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "cmd/advice.h"
#include "mode/mode.h"
#include "peer.h"
#include "report/trace.h"
#include "script.h"
#include "transport/options.h"
#include "transport/tcp.h"

TestSuite(tcp, .timeout = 20);

static int option(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	cr_assert(eq(int, getsockopt(fd, level, name, &value, &len), 0));
	return value;
}

static struct addr name_of(int fd)
{
	struct addr at = {.len = sizeof(at.room)};

	cr_assert(eq(int, getsockname(fd, &at.sa, &at.len), 0));
	return at;
}

/* The descriptor of a socket that listens is put in *fd. */
static enum io listen_at(
	struct reporter *to, const struct addr *at, uint64_t backlog, int *fd, struct err *err)
{
	const struct listen_conf conf = {.backlog = backlog};
	struct listening socket = {.fd = -1};
	enum io verdict = transport_tcp.listen(to, at, &conf, &socket, err);

	*fd = socket.fd;
	return verdict;
}

static int listener(struct reporter *to, int family)
{
	struct addr any = addr_loopback(family, 0);
	struct err err;
	int fd;

	cr_assert(eq(int, listen_at(to, &any, 10, &fd, &err), IO_DONE), "%s", err.what);
	return fd;
}

/* A peer and our accepted link to it. */
struct exchange {
	struct reporter to;
	struct link link;
	struct peer peer;
	struct addr from;
	int listener;
};

static void wait_for(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	cr_assert(eq(int, poll(&one, 1, 2000), 1));
}

static void begin(struct exchange *x, int family)
{
	struct addr at;

	x->to = silent_reporter();
	x->listener = listener(&x->to, family);
	at = name_of(x->listener);
	peer_connect(&x->peer, &at);
	wait_for(x->listener, POLLIN);
	x->link = link_of(&transport_tcp, &x->to);
	cr_assert(eq(int,
		transport_tcp.accept(
			&x->to, &(struct listening){.fd = x->listener}, &x->link, &x->from),
		IO_DONE));
}

static void end(struct exchange *x)
{
	cr_assert(eq(int, transport_tcp.close(&x->link), 0));
	close(x->listener);
	if (x->peer.fd >= 0)
		peer_leave(&x->peer);
}

static enum io read_once(struct exchange *x, struct lines *into)
{
	size_t got = 0;
	enum io verdict =
		transport_tcp.read(&x->link, (uint8_t *)into->text, sizeof(into->text) - 1, &got);

	into->len = got;
	into->text[got] = '\0';
	return verdict;
}

static enum io write_once(struct exchange *x, const char *text, size_t *taken)
{
	*taken = 0;
	return transport_tcp.write(&x->link, span_of(text), taken);
}

Test(tcp, what_it_accepts_does_not_block_is_not_inherited_and_has_no_delay)
{
	struct exchange x;
	struct addr peer;

	begin(&x, AF_INET);
	cr_assert(eq(int, option(x.link.fd, IPPROTO_TCP, TCP_NODELAY), 1));
	cr_assert(eq(int, option(x.link.fd, SOL_SOCKET, SO_KEEPALIVE), 1));
	cr_assert(eq(int, option(x.link.fd, SOL_SOCKET, SO_OOBINLINE), 1));
	peer = name_of(x.peer.fd);
	cr_assert(addr_equal(&x.from, &peer));
	cr_assert(eq(int, x.link.origin, -1));
	cr_assert(not(x.link.terminal));
	end(&x);
}

Test(tcp, no_client_waiting_is_no_failure)
{
	struct reporter to = silent_reporter();
	int fd = listener(&to, AF_INET);
	struct link link = link_of(&transport_tcp, &to);
	struct addr peer;

	cr_assert(eq(int, transport_tcp.accept(&to, &(struct listening){.fd = fd}, &link, &peer),
		IO_AGAIN));
	close(fd);
}

Test(tcp, an_ipv6_listener_leaves_ipv4_to_another_on_the_same_port)
{
	struct reporter to = silent_reporter();
	struct addr six = addr_any(AF_INET6, 0), four;
	struct err err;
	int fds[2];

	needs_ipv6();
	cr_assert(eq(int, listen_at(&to, &six, 1, &fds[0], &err), 0));
	cr_assert(eq(int, option(fds[0], IPPROTO_IPV6, IPV6_V6ONLY), 1));
	six = name_of(fds[0]);
	four = addr_any(AF_INET, addr_port(&six));
	cr_assert(eq(int, listen_at(&to, &four, 1, &fds[1], &err), 0), "%s", err.what);
	close(fds[0]);
	close(fds[1]);
}

static struct err why_not_listen(const struct addr *at)
{
	struct reporter to = silent_reporter();
	unsigned before = open_descriptors();
	struct err err = {0};
	int fd;

	cr_assert(eq(int, listen_at(&to, at, 1, &fd, &err), IO_FAIL));
	cr_assert(eq(int, err.kind, ERR_LISTEN));
	cr_assert(eq(uint, open_descriptors(), before));
	advise(&err);
	return err;
}

Test(tcp, where_it_cannot_listen_it_says_which_call_on_which_address_failed_and_what_to_do)
{
	struct addr at;
	int fd = bound_socket(AF_INET, 1, &at);
	struct err err = why_not_listen(&at);
	char expected[100];

	snprintf(expected, sizeof(expected),
		"cannot listen on 127.0.0.1:%u: bind: Address already in use", addr_port(&at));
	cr_assert(eq(str, err.what, expected));
	cr_assert(strstr(err.hint, "-p 0") != NULL);
	close(fd);
	addr_from_numeric(&at, AF_INET, "192.0.2.1", 0);
	err = why_not_listen(&at);
	cr_assert(eq(int, err.sys, EADDRNOTAVAIL));
	cr_assert(strstr(err.hint, "-H") != NULL);
}

Test(tcp, bytes_go_both_ways_and_so_does_each_sides_end)
{
	struct exchange x;
	struct lines in;
	size_t taken;

	needs_ipv6();
	begin(&x, AF_INET6);
	cr_assert(eq(int, read_once(&x, &in), IO_AGAIN));
	peer_say(&x.peer, "ping");
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, read_once(&x, &in), IO_DONE));
	cr_assert(eq(str, in.text, "ping"));
	peer_finish(&x.peer);
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, read_once(&x, &in), IO_EOF));
	cr_assert(eq(int, write_once(&x, "pong", &taken), IO_DONE));
	cr_assert(eq(sz, taken, 4));
	cr_assert(eq(int, transport_tcp.finish(&x.link), IO_DONE));
	wait_for(x.peer.fd, POLLIN);
	while (!x.peer.ended)
		peer_hear(&x.peer);
	cr_assert(eq(str, x.peer.heard, "pong"));
	end(&x);
}

Test(tcp, a_full_socket_asks_to_wait_and_knows_what_has_not_arrived)
{
	static char much[1 << 16];
	struct exchange x;
	size_t taken, all = 0;
	enum io verdict;

	memset(much, 'x', sizeof(much) - 1);
	begin(&x, AF_INET);
	cr_assert(eq(int, transport_tcp.unsent(&x.link), 0));
	while ((verdict = write_once(&x, much, &taken)) == IO_DONE)
		all += taken;
	cr_assert(eq(int, verdict, IO_AGAIN));
	cr_assert(gt(int, transport_tcp.unsent(&x.link), 0));
	cr_assert(le(sz, (size_t)transport_tcp.unsent(&x.link), all));
	while (x.peer.heard_len < all)
		peer_hear(&x.peer);
	for (int i = 0; i < 1000 && transport_tcp.unsent(&x.link) > 0; i++)
		usleep(1000);
	cr_assert(eq(int, transport_tcp.unsent(&x.link), 0));
	end(&x);
}

Test(tcp, a_reset_fails_the_read)
{
	struct exchange x;
	struct lines in;

	begin(&x, AF_INET);
	peer_reset(&x.peer);
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, read_once(&x, &in), IO_FAIL));
	cr_assert(eq(int, x.link.error, ECONNRESET));
	end(&x);
}

Test(tcp, a_reset_fails_the_write_without_a_signal)
{
	struct exchange x;
	size_t taken;

	begin(&x, AF_INET);
	peer_reset(&x.peer);
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, write_once(&x, "x", &taken), IO_FAIL));
	cr_assert(eq(int, write_once(&x, "x", &taken), IO_FAIL));
	cr_assert(eq(int, x.link.error, EPIPE));
	end(&x);
}

Test(tcp, a_reset_that_no_call_has_met_is_pending_once)
{
	struct exchange x;

	begin(&x, AF_INET);
	cr_assert(eq(int, transport_tcp.pending(&x.link), 0));
	peer_reset(&x.peer);
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, transport_tcp.pending(&x.link), ECONNRESET));
	cr_assert(eq(int, transport_tcp.pending(&x.link), 0));
	end(&x);
}

Test(tcp, our_end_of_a_reset_connection_is_not_connected)
{
	struct exchange x;

	begin(&x, AF_INET);
	peer_reset(&x.peer);
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, transport_tcp.finish(&x.link), IO_FAIL));
	cr_assert(eq(int, x.link.error, ECONNRESET));
	end(&x);
}

static enum io connect_to(
	struct link *link, const struct addr *at, const struct addr *source, bool *source_failed)
{
	const struct dial_conf conf = {.source = *source};
	enum io verdict = transport_tcp.connect(link, at, &conf, source_failed);

	if (verdict != IO_AGAIN)
		return verdict;
	wait_for(link->fd, POLLOUT);
	return transport_tcp.ready(link);
}

Test(tcp, connects_to_a_listener)
{
	struct reporter to = silent_reporter();
	int fd = listener(&to, AF_INET);
	const struct addr at = name_of(fd), none = {0};
	struct link link = link_of(&transport_tcp, &to);
	bool source_failed = true;

	cr_assert(eq(int, connect_to(&link, &at, &none, &source_failed), IO_DONE));
	cr_assert(not(source_failed));
	cr_assert(eq(int, option(link.fd, IPPROTO_TCP, TCP_NODELAY), 1));
	cr_assert(eq(int, option(link.fd, SOL_SOCKET, SO_OOBINLINE), 1));
	transport_tcp.close(&link);
	close(fd);
}

static int error_of_connect(const struct addr *at, const struct addr *source, bool *source_failed)
{
	struct reporter to = silent_reporter();
	unsigned before = open_descriptors();
	struct link link = link_of(&transport_tcp, &to);

	cr_assert(eq(int, connect_to(&link, at, source, source_failed), IO_FAIL));
	if (link.fd >= 0)
		transport_tcp.close(&link);
	cr_assert(eq(uint, open_descriptors(), before));
	return link.error;
}

Test(tcp, a_connect_that_cannot_be_says_whose_fault_it_is)
{
	const struct addr none = {0};
	struct addr at, elsewhere;
	int fd = bound_socket(AF_INET, 0, &at);
	bool source_failed;

	cr_assert(eq(int, error_of_connect(&at, &none, &source_failed), ECONNREFUSED));
	cr_assert(not(source_failed));
	addr_from_numeric(&elsewhere, AF_INET, "192.0.2.1", 0);
	cr_assert(eq(int, error_of_connect(&at, &elsewhere, &source_failed), EADDRNOTAVAIL));
	cr_assert(source_failed);
	close(fd);
	cr_assert(eq(int, error_of_connect(&at, &at, &source_failed), ECONNREFUSED),
		"meeting oneself");
	cr_assert(not(source_failed));
}

Test(tcp, a_connection_reset_while_nothing_is_wanted_of_it_is_lost_without_spinning)
{
	const struct handler patient = {.eof = mode_find("source")->on.eof};
	struct exchange x;
	struct scene sc;
	struct script none = {.closed = 1};
	struct conn *c;

	scene_begin(&sc, &patient);
	begin(&x, AF_INET);
	sc.scripts[0] = &none;
	c = conn_new(&sc.owner, &x.link, &x.from, CONN_BOTH);
	conn_open(c);
	peer_finish(&x.peer);
	scene_turn(&sc, 3);
	cr_assert(eq(str, none.told, "open eof"));
	cr_assert(le(uint, turn_for_ms(&sc.loop, 20), 3));
	peer_reset(&x.peer);
	TURN_UNTIL(&sc.loop, none.ended);
	cr_assert(eq(int, none.why.kind, ERR_LOST));
	close(x.listener);
	scene_end(&sc);
}

/* A link to a listener, whose connect was not looked at yet; and the other end. */
static int half_done(struct reporter *to, struct link *link)
{
	const struct dial_conf none = {0};
	int fd = listener(to, AF_INET), other;
	struct addr at = name_of(fd);
	bool source_failed;

	*link = link_of(&transport_tcp, to);
	transport_tcp.connect(link, &at, &none, &source_failed);
	wait_for(fd, POLLIN);
	other = accept(fd, NULL, NULL);
	close(fd);
	return other;
}

Test(tcp, what_a_server_sent_before_we_looked_proves_the_connection_and_is_kept)
{
	struct reporter to = silent_reporter();
	struct link link;
	int other = half_done(&to, &link);
	char byte;
	size_t got;

	cr_assert(eq(int, (int)write(other, "!", 1), 1));
	close(other);
	wait_for(link.fd, POLLIN);
	cr_assert(eq(int, transport_tcp.ready(&link), IO_DONE));
	cr_assert(eq(int, transport_tcp.read(&link, (uint8_t *)&byte, 1, &got), IO_DONE));
	cr_assert(eq(chr, byte, '!'));
	transport_tcp.close(&link);
}

Test(tcp, a_server_that_took_us_and_reset_before_we_looked_did_not_refuse)
{
	struct reporter to = silent_reporter();
	struct link link;
	struct peer other = {.fd = half_done(&to, &link)};

	peer_reset(&other);
	wait_for(link.fd, POLLIN);
	cr_assert(eq(int, transport_tcp.ready(&link), IO_FAIL));
	cr_assert(eq(int, link.error, ECONNRESET));
	transport_tcp.close(&link);
}

Test(tcp, a_connection_reset_while_it_is_paused_is_met_when_it_is_resumed)
{
	const struct handler nobody = {0};
	struct script told = {.closed = 1};
	struct exchange x;
	struct scene sc;
	struct conn *c;

	scene_begin(&sc, &nobody);
	begin(&x, AF_INET);
	sc.scripts[0] = &told;
	c = conn_new(&sc.owner, &x.link, &x.from, CONN_BOTH);
	conn_open(c);
	conn_pause(c);
	peer_reset(&x.peer);
	cr_assert(le(uint, turn_for_ms(&sc.loop, 20), 4), "and nothing spins");
	cr_assert(eq(uint, told.ended, 0));
	conn_resume(c);
	TURN_UNTIL(&sc.loop, told.ended);
	cr_assert(eq(int, told.why.sys, ECONNRESET));
	close(x.listener);
	scene_end(&sc);
}

Test(tcp, a_trace_shows_every_call)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct addr at = addr_loopback(AF_INET, 0);
	struct trace trace;
	struct err err;
	int fd;

	trace_begin(&trace, &to);
	trace_add(&trace, &trace_text, NULL);
	cr_assert(eq(int, listen_at(&to, &at, 10, &fd, &err), 0));
	cr_assert(strstr(lines.text, " socket(AF_INET, SOCK_STREAM) = ") != NULL);
	cr_assert(strstr(lines.text, "bind(") != NULL);
	cr_assert(strstr(lines.text, ", 127.0.0.1:0) = 0 ") != NULL);
	cr_assert(strstr(lines.text, ", 10) = 0 ") != NULL);
	close(fd);
	trace_end(&trace);
}

Test(tcp, what_the_kernel_knows_of_the_path_is_asked_without_a_trace)
{
	struct lines lines;
	struct reporter to = lines_reporter(&lines);
	struct exchange x;
	struct link_path path;
	struct trace trace;

	begin(&x, AF_INET);
	trace_begin(&trace, &to);
	trace_add(&trace, &trace_text, NULL);
	x.link.to = &to;
	path = link_look(&x.link);
	cr_assert(path.known);
	cr_assert(gt(u32, path.rtt_us, 0));
	cr_assert(gt(u32, path.cwnd, 0));
	cr_assert(eq(u32, path.retransmits, 0));
	cr_assert(eq(str, lines.text, ""));
	peer_reset(&x.peer);
	x.peer.fd = -1;
	wait_for(x.link.fd, POLLIN);
	cr_assert(link_look(&x.link).known, "after a reset it can still be had");
	trace_end(&trace);
	end(&x);
}

Test(tcp, a_reset_is_met_by_dropping_as_well)
{
	struct exchange x;
	size_t got = 0;

	begin(&x, AF_INET);
	peer_say(&x.peer, "dropped");
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, transport_tcp.drop(&x.link, 100, &got), IO_DONE));
	cr_assert(eq(sz, got, strlen("dropped")));
	peer_reset(&x.peer);
	x.peer.fd = -1;
	wait_for(x.link.fd, POLLIN);
	cr_assert(eq(int, transport_tcp.drop(&x.link, 100, &got), IO_FAIL));
	cr_assert(eq(int, x.link.error, ECONNRESET));
	end(&x);
}

/* Another socket that is bound to the port begins to listen between our bind and our listen. */
static void listen_first(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	const int *other = arg;

	(void)t;
	(void)socket;
	if (strcmp(call->name, "bind") == 0)
		cr_assert(eq(int, listen(*other, 1), 0));
}

Test(tcp, a_port_that_is_lost_between_bind_and_listen)
{
	static const struct trace_form form = {.call = listen_first};
	struct reporter to = silent_reporter();
	const unsigned before = open_descriptors();
	struct addr at = addr_loopback(AF_INET, 0);
	struct trace trace;
	struct err err = {0};
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, on = 1;

	cr_assert(eq(int, setsockopt(other, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)), 0));
	cr_assert(eq(int, bind(other, &at.sa, at.len), 0));
	at = name_of(other);
	trace_begin(&trace, &to);
	trace_add(&trace, &form, &other);
	cr_expect(eq(int, listen_at(&to, &at, 1, &fd, &err), IO_FAIL));
	trace_end(&trace);
	close(other);
	cr_expect(eq(int, err.kind, ERR_LISTEN));
	cr_expect(strstr(err.what, ": listen: Address already in use") != NULL, "%s", err.what);
	cr_expect(eq(uint, open_descriptors(), before));
}

Test(tcp, a_socket_that_cannot_have_its_options_is_not_adopted)
{
	const struct socket_options options = {.keepalive_ms = -1, .interface = "no-such-one"};
	const struct listen_conf conf = {.options = &options};
	struct reporter to = silent_reporter();
	const unsigned before = open_descriptors();
	struct listening socket = {.fd = -1};
	struct err err = {0};
	struct addr at;
	int fd = bound_socket(AF_INET, 1, &at);

	cr_expect(eq(int, transport_tcp.adopt(&to, fd, &at, &conf, &socket, &err), IO_FAIL));
	cr_expect(eq(int, err.kind, ERR_LISTEN));
	cr_expect(eq(int, socket.fd, -1));
	cr_expect(eq(uint, open_descriptors(), before));
}

Test(tcp, a_connection_that_is_not_there_yet_is_not_ready)
{
	struct reporter to = silent_reporter();
	struct link link = link_of(&transport_tcp, &to);
	const struct dial_conf conf = {0};
	struct full_listener full;
	struct addr at;
	bool source_failed;

	full_listener_open(&full);
	at = addr_loopback(AF_INET, full.port);
	cr_assert(eq(int, transport_tcp.connect(&link, &at, &conf, &source_failed), IO_AGAIN));
	cr_expect(eq(int, transport_tcp.ready(&link), IO_AGAIN));
	transport_tcp.close(&link);
	full_listener_close(&full);
}

Test(tcp, what_the_kernel_tells_of_a_path)
{
	struct exchange x;
	struct link none = {.fd = -1};

	begin(&x, AF_INET);
	cr_expect(transport_tcp.look(&x.link).known);
	cr_expect(gt(u32, transport_tcp.look(&x.link).cwnd, 0));
	cr_expect(not(transport_tcp.look(&none).known));
	end(&x);
}
