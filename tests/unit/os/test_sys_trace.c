#include "os/sys_trace.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/addr.h"
#include "check.h"
#include "os/sys_file.h"
#include "os/sys_socket.h"
#include "report/trace.h"
#include "script.h"

/* What a trace is handed of a call, with real sockets. */

TestSuite(sys_trace, .timeout = 20);

/* The last call that was shown. */
struct seen {
	struct lines lines;
	struct reporter to;
	struct trace trace;
	struct call call;
	char args[200], error_name[32]; /* copies: a call's are its own */
	int count;
	struct call_ends ends; /* all zero: not looked up */
};

static void seen_call(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	struct seen *s = arg;

	(void)t;
	(void)socket;
	s->call = *call;
	snprintf(s->args, sizeof(s->args), "%s", call->args ? call->args : "");
	snprintf(s->error_name, sizeof(s->error_name), "%s", call->error_name);
	s->ends = call->ends ? *call->ends : (struct call_ends){0};
	s->count++;
}

static const struct trace_form form_seen = {.call = seen_call};

static void begin(struct seen *s)
{
	s->to = lines_reporter(&s->lines);
	trace_begin(&s->trace, &s->to);
	trace_add(&s->trace, &form_seen, s);
}

/* The last call was this one, and left fd's connection in this state. */
static bool seen_is(const struct seen *s, const char *name, int fd, int before, int after)
{
	return strcmp(s->call.name, name) == 0 && s->call.fd == fd &&
	       s->call.before.tcp == before && s->call.after.tcp == after &&
	       !s->call.after.inferred;
}

/* ... and it follows from what was seen before. */
static bool seen_inferred(const struct seen *s, int before, int after)
{
	return s->call.before.tcp == before && s->call.after.tcp == after && s->call.after.inferred;
}

static int seen_listener(struct seen *s, struct addr *at, int backlog)
{
	int fd = sys_socket(&s->to, AF_INET, SOCK_STREAM, 0);

	*at = addr_loopback(AF_INET, 0);
	cr_assert(eq(int, sys_bind(&s->to, fd, &at->sa, at->len), 0));
	cr_assert(eq(int, sys_listen(&s->to, fd, backlog), 0));
	at->len = sizeof(at->room);
	cr_assert(eq(int, sys_getsockname(&s->to, fd, &at->sa, &at->len), 0));
	return fd;
}

static void seen_await(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	cr_assert(eq(int, poll(&one, 1, 10000), 1));
}

/* ends[0] has connected and ends[1] was accepted. */
static void seen_pair(struct seen *s, int ends[2])
{
	struct addr at, peer = {.len = sizeof(peer.room)};
	int listener = seen_listener(s, &at, 1);

	ends[0] = sys_socket(&s->to, AF_INET, SOCK_STREAM, 0);
	sys_connect(&s->to, ends[0], &at.sa, at.len);
	seen_await(ends[0], POLLOUT);
	seen_await(listener, POLLIN);
	ends[1] = sys_accept(&s->to, listener, &peer.sa, &peer.len);
	cr_assert(ge(int, ends[1], 0));
	sys_close(&s->to, listener);
}

Test(sys_trace, connect_is_seen_before_and_after)
{
	static struct seen s;
	struct addr at;
	int listener, fd;

	begin(&s);
	listener = seen_listener(&s, &at, 1);
	fd = sys_socket(&s.to, AF_INET, SOCK_STREAM, 0);
	cr_expect(eq(int, s.call.kind, CALL_SOCKET));
	cr_expect(eq(int, s.call.after.tcp, TCP_CLOSE));
	cr_assert(eq(int, sys_connect(&s.to, fd, &at.sa, at.len), -1));
	cr_expect(eq(int, s.call.kind, CALL_CONNECT));
	cr_expect(eq(int, s.call.error, EINPROGRESS));
	cr_expect(eq(str, s.error_name, "EINPROGRESS"));
	cr_expect(eq(str, s.args, addr_text(&at).text));
	cr_expect(seen_is(&s, "connect", fd, TCP_CLOSE, TCP_ESTABLISHED));
	sys_close(&s.to, listener);
	cr_expect(seen_inferred(&s, TCP_LISTEN, TCP_CLOSE));
	sys_close(&s.to, fd);
	trace_end(&s.trace);
}

Test(sys_trace, a_refusal_is_an_error_that_so_error_takes)
{
	static struct seen s;
	struct addr at;
	int fd;

	begin(&s);
	fd = seen_listener(&s, &at, 1);
	sys_close(&s.to, fd);
	fd = sys_socket(&s.to, AF_INET, SOCK_STREAM, 0);
	sys_connect(&s.to, fd, &at.sa, at.len);
	cr_expect(eq(int, s.call.broken, true));
	cr_assert(eq(int, sys_so_error(&s.to, fd), ECONNREFUSED));
	cr_expect(eq(str, s.args, "SOL_SOCKET, SO_ERROR, ECONNREFUSED"));
	cr_expect(eq(int, s.call.broken, true), "it was there before this call");
	sys_getsockopt(&s.to, fd, SOL_SOCKET, SO_TYPE);
	cr_expect(eq(int, s.call.broken, false), "and is no more");
	sys_close(&s.to, fd);
	trace_end(&s.trace);
}

Test(sys_trace, a_listener_has_its_queue)
{
	static struct seen s;
	struct addr at, peer = {.len = sizeof(peer.room)};
	int listener, clients[2], fd;

	begin(&s);
	listener = seen_listener(&s, &at, 3);
	cr_expect(eq(uint, s.call.queue.waiting, 0));
	cr_expect(eq(uint, s.call.queue.most, 3));
	for (size_t i = 0; i < 2; i++) {
		clients[i] = sys_socket(&s.to, AF_INET, SOCK_STREAM, 0);
		sys_connect(&s.to, clients[i], &at.sa, at.len);
		seen_await(clients[i], POLLOUT);
	}
	cr_expect(eq(uint, s.call.queue.most, 0), "that is no listener");
	seen_await(listener, POLLIN);
	fd = sys_accept(&s.to, listener, &peer.sa, &peer.len);
	cr_expect(eq(i64, s.call.rc, fd));
	cr_expect(eq(str, s.args, addr_text(&peer).text));
	cr_expect(seen_is(&s, "accept", listener, 0, TCP_ESTABLISHED));
	cr_expect(eq(uint, s.call.queue.waiting, 1));
	sys_close(&s.to, fd);
	for (size_t i = 0; i < 2; i++)
		sys_close(&s.to, clients[i]);
	sys_close(&s.to, listener);
	trace_end(&s.trace);
}

Test(sys_trace, ends_are_seen_on_both_sides)
{
	static struct seen s;
	char byte;
	int ends[2];

	begin(&s);
	seen_pair(&s, ends);
	cr_assert(eq(long, sys_send(&s.to, ends[0], "x", 1), 1));
	cr_expect(seen_is(&s, "send", ends[0], TCP_ESTABLISHED, TCP_ESTABLISHED));
	cr_expect(eq(span, s.call.data, span_of("x")));
	sys_shutdown(&s.to, ends[0], SHUT_WR);
	cr_expect(eq(int, s.call.kind, CALL_SHUTDOWN));
	cr_expect(eq(int, s.call.how, SHUT_WR));
	cr_expect(eq(int, s.call.before.tcp, TCP_ESTABLISHED));
	cr_expect(s.call.after.tcp == TCP_FIN_WAIT1 || s.call.after.tcp == TCP_FIN_WAIT2);
	seen_await(ends[1], POLLRDHUP);
	cr_assert(eq(long, sys_recv(&s.to, ends[1], &byte, 1, 0), 1));
	cr_expect(seen_is(&s, "recv", ends[1], TCP_ESTABLISHED, TCP_CLOSE_WAIT));
	cr_assert(eq(long, sys_recv(&s.to, ends[1], &byte, 1, 0), 0));
	cr_expect(ne(ptr, s.call.data.data, NULL), "an end is no bytes");
	sys_close(&s.to, ends[1]);
	cr_expect(seen_inferred(&s, TCP_CLOSE_WAIT, TCP_LAST_ACK));
	seen_await(ends[0], POLLRDHUP);
	sys_close(&s.to, ends[0]);
	cr_expect(seen_inferred(&s, TCP_TIME_WAIT, TCP_TIME_WAIT), "found by close");
	trace_end(&s.trace);
}

Test(sys_trace, close_with_bytes_unread_resets)
{
	static struct seen s;
	char byte;
	int ends[2];

	begin(&s);
	seen_pair(&s, ends);
	sys_send(&s.to, ends[0], "x", 1);
	seen_await(ends[1], POLLIN);
	sys_close(&s.to, ends[1]);
	cr_expect(eq(int, s.call.unread, true));
	cr_expect(seen_inferred(&s, TCP_ESTABLISHED, TCP_CLOSE));
	seen_await(ends[0], POLLRDHUP);
	cr_assert(eq(long, sys_recv(&s.to, ends[0], &byte, 1, 0), -1));
	cr_expect(eq(int, s.call.error, ECONNRESET));
	cr_expect(seen_is(&s, "recv", ends[0], TCP_ESTABLISHED, TCP_CLOSE));
	sys_close(&s.to, ends[0]);
	trace_end(&s.trace);
}

Test(sys_trace, so_linger_without_time_resets)
{
	static struct seen s;
	int ends[2];

	begin(&s);
	seen_pair(&s, ends);
	sys_reset_on_close(&s.to, ends[1]);
	cr_expect(eq(str, s.args, "SOL_SOCKET, SO_LINGER, {1, 0}"));
	sys_close(&s.to, ends[1]);
	cr_expect(eq(int, s.call.unread, false));
	cr_expect(seen_inferred(&s, TCP_ESTABLISHED, TCP_CLOSE));
	seen_await(ends[0], POLLRDHUP);
	cr_assert(eq(int, sys_so_error(&s.to, ends[0]), ECONNRESET));
	cr_expect(seen_is(&s, "getsockopt", ends[0], TCP_ESTABLISHED, TCP_CLOSE));
	sys_close(&s.to, ends[0]);
	cr_expect(seen_inferred(&s, TCP_CLOSE, TCP_CLOSE));
	trace_end(&s.trace);
}

Test(sys_trace, a_reset_after_our_end_is_no_time_wait_though_so_error_has_taken_it)
{
	static struct seen s;
	int ends[2];

	begin(&s);
	seen_pair(&s, ends);
	sys_shutdown(&s.to, ends[0], SHUT_WR);
	seen_await(ends[1], POLLRDHUP);
	sys_reset_on_close(&s.to, ends[1]);
	sys_close(&s.to, ends[1]);
	seen_await(ends[0], POLLERR);
	cr_assert(eq(int, sys_so_error(&s.to, ends[0]), ECONNRESET));
	cr_expect(eq(int, s.call.after.tcp, TCP_CLOSE));
	cr_expect(eq(int, s.call.after.inferred, false));
	sys_close(&s.to, ends[0]);
	cr_expect(seen_inferred(&s, TCP_CLOSE, TCP_CLOSE));
	trace_end(&s.trace);
}

Test(sys_trace, datagrams_have_no_state_and_their_address)
{
	static struct seen s;
	struct addr at = addr_loopback(AF_INET, 0), from;
	char room[8];
	struct iovec part = {"hello", 5}, into = {room, sizeof(room)};
	struct msghdr out = {.msg_name = &at.room, .msg_iov = &part, .msg_iovlen = 1};
	struct msghdr in = {.msg_name = &from.room,
		.msg_namelen = sizeof(from.room),
		.msg_iov = &into,
		.msg_iovlen = 1};
	int fd;

	begin(&s);
	fd = sys_socket(&s.to, AF_INET, SOCK_DGRAM, 0);
	cr_expect(eq(str, s.args, "AF_INET, SOCK_DGRAM"));
	sys_bind(&s.to, fd, &at.sa, at.len);
	at.len = sizeof(at.room);
	sys_getsockname(&s.to, fd, &at.sa, &at.len);
	out.msg_namelen = at.len;
	cr_assert(eq(long, sys_sendmsg(&s.to, fd, &out), 5));
	cr_expect(seen_is(&s, "sendmsg", fd, 0, 0));
	cr_expect(eq(str, s.args, addr_text(&at).text));
	cr_assert(eq(long, sys_recvmsg(&s.to, fd, &in, 0), 5));
	cr_expect(seen_is(&s, "recvmsg", fd, 0, 0));
	cr_expect(eq(span, s.call.data, span_of("hello")));
	cr_expect(eq(sz, s.call.asked, sizeof(room)));
	cr_expect(eq(str, s.args, addr_text(&at).text));
	sys_close(&s.to, fd);
	cr_expect(seen_is(&s, "close", fd, 0, 0));
	trace_end(&s.trace);
}

Test(sys_trace, of_a_datagram_that_was_cut_the_room_has_all_there_is)
{
	static struct seen s;
	char room[4];
	int ends[2];

	begin(&s);
	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0));
	cr_assert(eq(long, write(ends[0], "0123456789", 10), 10));
	cr_assert(eq(long, sys_recv(&s.to, ends[1], room, sizeof(room), MSG_TRUNC), 10));
	cr_expect(eq(long, s.call.rc, 10));
	cr_expect(eq(sz, s.call.data.len, sizeof(room)));
	trace_end(&s.trace);
	close(ends[0]);
	close(ends[1]);
}

static void expect_ends(const struct seen *s, const struct addr *local, const struct addr *peer)
{
	cr_expect(eq(str, addr_text(&s->ends.local).text, addr_text(local).text));
	cr_expect(eq(str, addr_text(&s->ends.peer).text, addr_text(peer).text));
	cr_expect(eq(int, s->ends.type, SOCK_STREAM));
}

Test(sys_trace, both_ends_are_looked_up_where_a_form_wants_them)
{
	static struct seen s;
	struct addr at, here = {.len = sizeof(here.room)}, peer = {.len = sizeof(peer.room)};
	int listener, fd, accepted;

	begin(&s);
	s.trace.wants_ends = true;
	listener = seen_listener(&s, &at, 1);
	fd = sys_socket(&s.to, AF_INET, SOCK_STREAM, 0);
	cr_expect(eq(int, s.ends.type, 0));
	cr_assert(eq(int, sys_connect(&s.to, fd, &at.sa, at.len), -1));
	cr_expect(eq(int, errno, EINPROGRESS));
	cr_assert(eq(int, getsockname(fd, &here.sa, &here.len), 0));
	expect_ends(&s, &here, &at);
	cr_assert(eq(long, sys_send(&s.to, fd, "x", 1), 1));
	cr_expect(eq(int, s.ends.type, 0), "they are known");
	seen_await(listener, POLLIN);
	accepted = sys_accept(&s.to, listener, &peer.sa, &peer.len);
	cr_assert(ge(int, accepted, 0));
	expect_ends(&s, &at, &here);
	s.trace.wants_ends = false;
	cr_assert(eq(int, sys_connect(&s.to, fd, &at.sa, at.len), 0));
	cr_expect(eq(int, s.ends.type, 0), "nothing wants them");
	sys_close(&s.to, accepted);
	sys_close(&s.to, listener);
	sys_close(&s.to, fd);
	trace_end(&s.trace);
}

/* Receives one datagram on fd that was sent to itself, from `here`. */
static void seen_datagram(struct seen *s, int fd, struct addr *at, const struct cmsghdr *here)
{
	union {
		struct cmsghdr first;
		char room[256];
	} control;
	char room[8];
	struct addr from;
	struct iovec part = {"hello", 5}, into = {room, sizeof(room)};
	struct msghdr out = {.msg_name = &at->room,
		.msg_namelen = at->len,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = here->cmsg_len};
	struct msghdr in = {.msg_name = &from.room,
		.msg_namelen = sizeof(from.room),
		.msg_iov = &into,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	memcpy(&control, here, here->cmsg_len);
	cr_assert(eq(long, sys_sendmsg(&s->to, fd, &out), 5));
	cr_expect(addr_is_loopback(&s->call.here));
	cr_assert(eq(long, sys_recvmsg(&s->to, fd, &in, 0), 5));
	cr_expect(addr_is_loopback(&s->call.here));
	cr_expect(eq(int, s->call.here.sa.sa_family, at->sa.sa_family));
}

static int seen_datagram_socket(struct seen *s, struct addr *at, int level, int option)
{
	int fd = sys_socket(&s->to, at->sa.sa_family, SOCK_DGRAM, 0);

	cr_assert(eq(int, sys_setsockopt(&s->to, fd, level, option, 1), 0));
	cr_assert(eq(int, sys_bind(&s->to, fd, &at->sa, at->len), 0));
	at->len = sizeof(at->room);
	cr_assert(eq(int, sys_getsockname(&s->to, fd, &at->sa, &at->len), 0));
	return fd;
}

Test(sys_trace, the_address_of_ours_that_a_datagram_came_to_is_known)
{
	static struct seen s;
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(struct in6_pktinfo))];
	} c = {.head = {.cmsg_level = IPPROTO_IP, .cmsg_type = IP_PKTINFO}};
	struct in_pktinfo four = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK)};
	struct in6_pktinfo six = {.ipi6_addr = in6addr_loopback};
	struct addr at = addr_loopback(AF_INET, 0);
	int fd;

	begin(&s);
	s.trace.wants_ends = true;
	c.head.cmsg_len = CMSG_LEN(sizeof(four));
	memcpy(CMSG_DATA(&c.head), &four, sizeof(four));
	fd = seen_datagram_socket(&s, &at, IPPROTO_IP, IP_PKTINFO);
	seen_datagram(&s, fd, &at, &c.head);
	sys_close(&s.to, fd);
	at = addr_loopback(AF_INET6, 0);
	c.head = (struct cmsghdr){.cmsg_level = IPPROTO_IPV6,
		.cmsg_type = IPV6_PKTINFO,
		.cmsg_len = CMSG_LEN(sizeof(six))};
	memcpy(CMSG_DATA(&c.head), &six, sizeof(six));
	fd = seen_datagram_socket(&s, &at, IPPROTO_IPV6, IPV6_RECVPKTINFO);
	seen_datagram(&s, fd, &at, &c.head);
	sys_close(&s.to, fd);
	trace_end(&s.trace);
}

Test(sys_trace, errno_is_as_the_call_left_it)
{
	static struct seen s;
	char byte;
	int ends[2];

	begin(&s);
	seen_pair(&s, ends);
	cr_assert(eq(long, sys_recv(&s.to, ends[0], &byte, 1, 0), -1));
	cr_expect(eq(int, errno, EAGAIN));
	cr_expect(eq(int, s.call.error, EAGAIN));
	cr_expect(eq(ptr, s.call.data.data, NULL), "what failed moved nothing");
	cr_assert(eq(int, sys_shutdown(&s.to, STDIN_FILENO, SHUT_WR), -1));
	cr_expect(eq(int, errno, ENOTSOCK));
	cr_assert(eq(int, sys_close(&s.to, 1000), -1));
	cr_expect(eq(int, errno, EBADF));
	sys_close(&s.to, ends[0]);
	sys_close(&s.to, ends[1]);
	trace_end(&s.trace);
}

Test(sys_trace, a_message_may_have_no_part)
{
	static struct seen s;
	struct msghdr none = {0};
	int ends[2];

	cr_assert(eq(int, socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0));
	begin(&s);
	cr_assert(eq(long, sys_sendmsg(&s.to, ends[0], &none), 0));
	cr_expect(eq(str, s.call.name, "sendmsg"));
	cr_expect(eq(ptr, s.call.data.data, NULL));
	cr_assert(eq(long, sys_recvmsg(&s.to, ends[1], &none, 0), 0));
	cr_expect(eq(str, s.call.name, "recvmsg"));
	cr_expect(eq(ptr, s.call.data.data, NULL));
	cr_expect(eq(sz, s.call.asked, 0));
	cr_expect(eq(int, s.count, 2));
	trace_end(&s.trace);
	close(ends[0]);
	close(ends[1]);
}
