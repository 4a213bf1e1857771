#include "report/explain.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "check.h"
#include "memory.h"
#include "script.h"

TestSuite(explain, .timeout = 20);

struct shown {
	struct lines lines;
	struct reporter to;
	struct trace trace;
	struct explain explain;
};

static int some_holder(struct buf *out, int type, const struct addr *at)
{
	(void)type;
	(void)at;
	return buf_puts(out, "process 12 (ng\ninx)");
}

static int no_holder(struct buf *out, int type, const struct addr *at)
{
	(void)out;
	(void)type;
	(void)at;
	return 0;
}

static int some_addresses(struct buf *out)
{
	return buf_puts(out, "127.0.0.1, ::1");
}

static const struct explain_facts some_facts = {some_holder, some_addresses},
				  no_facts = {no_holder, some_addresses};

static void begin(struct shown *t, const struct explain_facts *facts)
{
	t->to = lines_reporter(&t->lines);
	t->explain = (struct explain){.facts = facts};
	trace_begin(&t->trace, &t->to);
	trace_add(&t->trace, &trace_explain, &t->explain);
}

static void forget(struct shown *t)
{
	t->lines.len = 0;
	t->lines.text[0] = '\0';
}

static void made(struct shown *t, struct call call)
{
	trace_call(&t->trace, &call);
}

/* The text in one row, without what begins rows. */
static const char *said(struct shown *t)
{
	static char text[16384];
	size_t len = 0;
	bool blank = false;

	for (const char *c = t->lines.text; *c; c++) {
		if (*c == ' ' || *c == '\n') {
			blank = len > 0;
			continue;
		}
		if (blank)
			text[len++] = ' ';
		blank = false;
		text[len++] = *c;
	}
	text[len] = '\0';
	return text;
}

#define SAYS(t, words)                                                                         \
	do {                                                                                   \
		cr_expect(ne(ptr, strstr(said(t), words), NULL), "'%s' is not in '%s'", words, \
			said(t));                                                              \
		forget(t);                                                                     \
	} while (0)

#define SAYS_NOTHING(t) cr_expect(eq(str, (t)->lines.text, ""))

static void a_socket(struct shown *t, int fd, int family, int type)
{
	made(t, call_of_socket(fd, family, type));
}

static void a_connect(struct shown *t, int fd, const struct addr *to, int error, int tcp)
{
	const struct call call = call_at(CALL_CONNECT, "connect", fd, to, tcp);

	made(t, error ? call_failed(call, error, "") : call);
}

static void fails(struct shown *t, enum call_kind kind, int fd, int error)
{
	made(t, call_failed((struct call){.kind = kind, .name = "x", .fd = fd}, error, ""));
}

static void closes(struct shown *t, int fd, bool unread)
{
	struct call call = call_of_close(fd);

	call.unread = unread;
	made(t, call);
}

Test(explain, each_idea_is_explained_once)
{
	static struct shown t;

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	SAYS(&t, "# socket makes an endpoint and returns its descriptor");
	a_socket(&t, 6, AF_INET, SOCK_STREAM);
	SAYS_NOTHING(&t);
	a_socket(&t, 7, AF_INET6, SOCK_DGRAM);
	SAYS(&t, "SOCK_DGRAM over IP is UDP");
	a_socket(&t, 8, AF_UNIX, SOCK_SEQPACKET);
	SAYS(&t, "AF_UNIX connects programs of one machine: its address is a path, and no network "
		 "is "
		 "involved. [unix(7)] # SOCK_SEQPACKET is a connection that keeps messages whole. "
		 "[socket(2)]");
	trace_end(&t.trace);
}

static void sets(struct shown *t, int fd, int level, int option)
{
	made(t, call_of_option(fd, level, option, NULL, 0));
}

/* IPPROTO_IP is 0. */
Test(explain, an_option_is_explained_where_it_is_set)
{
	static struct shown t;

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_DGRAM);
	forget(&t);
	sets(&t, 5, SOL_SOCKET, SO_BROADCAST);
	SAYS_NOTHING(&t);
	sets(&t, 5, SOL_SOCKET, SO_REUSEADDR);
	cr_expect(eq(ptr, strstr(said(&t), "IP_"), NULL));
	SAYS(&t, "Without SO_REUSEADDR, bind may fail");
	sets(&t, 5, IPPROTO_IP, IP_PKTINFO);
	SAYS(&t, "With IP_PKTINFO each datagram comes with the address");
	trace_end(&t.trace);
}

Test(explain, lines_are_wrapped_within_100_columns)
{
	static struct shown t;

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	for (const char *row = t.lines.text, *end; (end = strchr(row, '\n')); row = end + 1) {
		cr_expect(le(sz, (size_t)(end - row), 100));
		cr_expect(eq(int, strncmp(row, "              ", 14), 0));
	}
	trace_end(&t.trace);
}

Test(explain, a_clients_life)
{
	static struct shown t;
	const struct addr server = addr_loopback(AF_INET6, 80),
			  own = addr_loopback(AF_INET6, 40000);

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET6, SOCK_STREAM);
	forget(&t);
	a_connect(&t, 5, &server, EINPROGRESS, TCP_SYN_SENT);
	SAYS(&t, "localhost has ::1 (IPv6)");
	made(&t, call_failed(call_of_peek(5, "", 0), EAGAIN, ""));
	SAYS(&t, "MSG_PEEK looks at what has come");
	made(&t, call_at(CALL_LOOK, "getsockname", 5, &own, TCP_ESTABLISHED));
	SAYS(&t, "The program never called bind");
	trace_number(&t.trace, 5, 1);
	made(&t, call_of_send(5, "hello", TCP_ESTABLISHED));
	SAYS(&t, "send hands bytes to the kernel.");
	fails(&t, CALL_RECEIVE, 5, EAGAIN);
	SAYS(&t, "Nothing has arrived.");
	made(&t, call_of_recv(5, "h\xc3", TCP_ESTABLISHED));
	SAYS(&t, "# The last letter is not whole");
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT2));
	SAYS(&t, "[shutdown(2)] # FIN_WAIT_2: the peer's kernel has acknowledged our end");
	made(&t, call_of_recv(5, "", TCP_CLOSE));
	SAYS(&t, "[recv(2)] # TIME_WAIT: the side that ended first");
	closes(&t, 5, false);
	SAYS(&t, "Summary: connection 1, from [::1]:40000 to [::1]:80: 2 bytes received, 5 sent, "
		 "in");
	trace_end(&t.trace);
	SAYS(&t, "10 calls are shown; the run took ");
}

Test(explain, bytes_that_are_only_looked_at_are_counted_once)
{
	static struct shown t;

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	made(&t, call_of_peek(5, "h", TCP_ESTABLISHED));
	made(&t, call_of_recv(5, "hello", TCP_ESTABLISHED));
	forget(&t);
	closes(&t, 5, false);
	SAYS(&t, " 5 bytes received, 0 sent, in ");
	trace_end(&t.trace);
}

/* Its end may have come before any recv has returned 0. */
Test(explain, a_peer_has_ended_first_where_the_state_says_so)
{
	static struct shown t;
	const struct addr server = addr_loopback(AF_INET, 80);

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &server, EINPROGRESS, TCP_CLOSE_WAIT);
	made(&t, call_of_shutdown(5, TCP_LAST_ACK));
	made(&t, call_of_recv(5, "hello", TCP_CLOSE));
	forget(&t);
	closes(&t, 5, false);
	SAYS(&t, "; the peer ended first.");
	trace_end(&t.trace);
}

/* Records of TLS, say. */
Test(explain, only_of_text_is_the_last_letter_looked_at)
{
	static struct shown t;

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	made(&t, call_of_recv(5, "first", TCP_ESTABLISHED));
	forget(&t);
	made(&t, call_of_recv(5, "\x14\x03\x03\xc3", TCP_ESTABLISHED));
	made(&t, call_of_recv(5, "a\xff\xc3", TCP_ESTABLISHED));
	SAYS_NOTHING(&t);
	made(&t, call_of_recv(5, "a line\nand \xe2\x82", TCP_ESTABLISHED));
	SAYS(&t, "# The last letter is not whole");
	trace_end(&t.trace);
}

/* A Unix server reads by recvmsg, for what may come with the bytes. */
Test(explain, the_end_of_a_stream_may_come_by_recvmsg)
{
	static struct shown t;
	const struct call received_0 = {.kind = CALL_RECEIVE,
		.name = "recvmsg",
		.fd = 5,
		.data = span_of(""),
		.asked = 10,
		.whole = true};

	begin(&t, &some_facts);
	a_socket(&t, 4, AF_UNIX, SOCK_STREAM);
	made(&t, call_of_accept(4, 5, &(struct addr){0}, 0));
	made(&t, call_of_send(5, "hello", 0));
	made(&t, received_0);
	made(&t, call_of_shutdown(5, 0));
	forget(&t);
	closes(&t, 5, false);
	SAYS(&t, "; the peer ended first.");
	trace_end(&t.trace);
}

Test(explain, a_servers_life)
{
	static struct shown t;
	struct call less;
	const struct addr any = addr_any(AF_INET, 0), got = addr_any(AF_INET, 4000),
			  peer = addr_loopback(AF_INET, 5000);

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	forget(&t);
	made(&t, call_at(CALL_BIND, "bind", 5, &any, 0));
	SAYS(&t, "0.0.0.0, and :: for IPv6, stand for all addresses of this machine");
	made(&t, call_with_queue(call_of_listen(5, TCP_LISTEN), 0, 1));
	SAYS(&t, "From listen on, the kernel answers clients by itself");
	made(&t, call_with_queue(call_at(CALL_LOOK, "getsockname", 5, &got, TCP_LISTEN), 1, 1));
	SAYS(&t,
		"The port was 0: the kernel chose a free one, and getsockname tells which. [ip(7)] "
		"# The queue holds clients that the kernel has connected already.");
	made(&t, call_with_queue(call_of_accept(5, 6, &peer, TCP_ESTABLISHED), 2, 1));
	SAYS(&t, "accept makes a new socket, for this client alone. The listening socket stays as "
		 "it is, for the next. [accept(2)] # The new socket has most options of the "
		 "listening one. On this line the state is that of the new socket, the queue that "
		 "of the listening one. [tcp(7)] # The queue is full");
	less = call_of_send(6, "0123456789", TCP_ESTABLISHED);
	less.asked = 20;
	made(&t, less);
	SAYS(&t, "send took less than it was given");
	made(&t, call_of_recv(6, "", TCP_CLOSE_WAIT));
	SAYS(&t, "CLOSE_WAIT: the peer has ended");
	closes(&t, 6, false);
	SAYS(&t, "LAST_ACK: both have ended");
	trace_end(&t.trace);
}

Test(explain, how_the_lines_of_calls_are_read_is_said_before_the_first)
{
	static struct shown t;

	begin(&t, &some_facts);
	t.explain.beside_text = true;
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	cr_assert(eq(int, strncmp(said(&t), "# Each line: ", 13), 0), "%s", said(&t));
	SAYS(&t, "in epoll_wait, which is not shown. [epoll(7)] # socket makes an endpoint");
	a_socket(&t, 6, AF_INET, SOCK_STREAM);
	SAYS_NOTHING(&t);
	trace_end(&t.trace);
	SAYS(&t, "# 2 calls are shown; the run took ");
}

Test(explain, a_run_without_calls_has_nothing_to_be_explained)
{
	static struct shown t;

	begin(&t, &some_facts);
	t.explain.beside_text = true;
	trace_end(&t.trace);
	SAYS_NOTHING(&t);
}

Test(explain, calls_that_do_nothing_to_a_socket_are_explained_by_name)
{
	static struct shown t;

	begin(&t, &some_facts);
	made(&t, (struct call){.name = "preadv2", .fd = 0, .data = span_of("")});
	SAYS(&t, "# Descriptor 0 is standard input.");
	made(&t, (struct call){.name = "write", .fd = 6, .data = span_of("abc")});
	SAYS_NOTHING(&t);
	made(&t, (struct call){.name = "write", .fd = 1, .data = span_of("abc")});
	SAYS(&t, "# Descriptor 1 is standard output.");
	made(&t, (struct call){.name = "fsync", .fd = 1});
	SAYS_NOTHING(&t);
	a_socket(&t, 5, AF_UNIX, SOCK_STREAM);
	forget(&t);
	made(&t, call_failed(call_of_dup(5, -1), EMFILE, ""));
	SAYS_NOTHING(&t);
	made(&t, call_of_dup(5, 6));
	SAYS(&t, "dup makes a second descriptor");
	made(&t, (struct call){.name = "ioctl", .fd = 5, .args = "SIOCOUTQ, 0"});
	SAYS(&t, "SIOCOUTQ asks whether the peer has read all that we sent");
	trace_end(&t.trace);
}

Test(explain, the_second_end_is_no_half_close)
{
	static struct shown t;
	const struct addr server = addr_loopback(AF_INET, 80);

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &server, EINPROGRESS, TCP_CLOSE_WAIT);
	forget(&t);
	made(&t, call_of_shutdown(5, TCP_CLOSE));
	SAYS(&t, "# The peer has ended before: now neither side sends more. What is under way "
		 "still arrives. "
		 "[shutdown(2)] # The peer's kernel confirmed our end before the state was read");
	a_socket(&t, 6, AF_UNIX, SOCK_STREAM);
	forget(&t);
	made(&t, call_of_shutdown(6, 0));
	SAYS(&t, "# shutdown with SHUT_WR ends one direction (half-close)");
	trace_end(&t.trace);
}

Test(explain, a_state_that_came_and_went_is_named)
{
	static struct shown t;
	const struct addr server = addr_loopback(AF_INET, 80);

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &server, EINPROGRESS, TCP_ESTABLISHED);
	SAYS(&t, "SYN_SENT was over by then.");
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT1));
	SAYS(&t, "FIN_WAIT_1: our end (FIN) is on its way, and not acknowledged yet.");
	made(&t, call_of_recv(5, "", TCP_CLOSE));
	SAYS(&t, "FIN_WAIT_2 lay between");
	trace_end(&t.trace);
}

Test(explain, what_a_reset_destroys)
{
	static struct shown t;
	const struct addr server = addr_loopback(AF_INET, 80);

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &server, 0, TCP_ESTABLISHED);
	forget(&t);
	closes(&t, 5, true);
	SAYS(&t, "Bytes that came were not read, so close sends a reset.");
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &server, 0, TCP_ESTABLISHED);
	forget(&t);
	fails(&t, CALL_RECEIVE, 5, ECONNRESET);
	SAYS(&t, "The peer has sent a reset");
	closes(&t, 5, false);
	SAYS(&t, "; a reset ended it.");
	trace_end(&t.trace);
}

Test(explain, why_a_connect_fails)
{
	static struct shown t;
	const struct addr server = addr_loopback(AF_INET, 80);
	struct addr far = server;

	far.in.sin_addr.s_addr = htonl(0xc0000207); /* 192.0.2.7 */

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &server, ECONNREFUSED, TCP_CLOSE);
	SAYS(&t, "The machine answered, and at once: it is up, and nothing listens on that port.");
	closes(&t, 5, false);
	SAYS_NOTHING(&t);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &server, EINPROGRESS, TCP_SYN_SENT);
	forget(&t);
	closes(&t, 5, false);
	SAYS(&t, "No answer came until this attempt was given up. Most likely a server on this "
		 "machine");
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	a_connect(&t, 5, &far, EINPROGRESS, TCP_SYN_SENT);
	forget(&t);
	closes(&t, 5, false);
	SAYS(&t, "No answer came until this attempt was given up. No machine may have that "
		 "address");
	a_socket(&t, 5, AF_INET, SOCK_DGRAM);
	a_connect(&t, 5, &server, 0, 0);
	SAYS(&t, "Over UDP, connect sends nothing.");
	fails(&t, CALL_RECEIVE, 5, ECONNREFUSED);
	SAYS(&t, "An ICMP message (port unreachable) has come for an earlier datagram");
	a_socket(&t, 6, AF_UNIX, SOCK_STREAM);
	forget(&t);
	fails(&t, CALL_CONNECT, 6, ENOENT);
	SAYS(&t, "Nothing is at that path");
	fails(&t, CALL_CONNECT, 6, ECONNREFUSED);
	SAYS(&t, "The path is a socket, but no program listens on it");
	trace_end(&t.trace);
}

static void bind_fails(struct shown *t, const struct explain_facts *facts, int error)
{
	const struct addr at = addr_any(AF_INET, 80);

	begin(t, facts);
	a_socket(t, 5, AF_INET, SOCK_STREAM);
	forget(t);
	made(t, call_failed(call_at(CALL_BIND, "bind", 5, &at, 0), error, ""));
}

Test(explain, why_a_bind_fails_from_facts)
{
	static struct shown t;

	bind_fails(&t, &some_facts, EADDRINUSE);
	SAYS(&t, "[bind(2)] # It is in process 12 (ng\\ninx).");
	trace_end(&t.trace);
	bind_fails(&t, &no_facts, EADDRINUSE);
	SAYS(&t, "[bind(2)] # Root sees whose it is: ss -anp 'sport = :80'.");
	trace_end(&t.trace);
	bind_fails(&t, &some_facts, EADDRNOTAVAIL);
	SAYS(&t, "This machine has 127.0.0.1, ::1.");
	trace_end(&t.trace);
	bind_fails(&t, &some_facts, EACCES);
	SAYS(&t, "Ports below 1024 need a privilege");
	trace_end(&t.trace);
}

Test(explain, datagrams)
{
	static struct shown t;
	const struct addr at = addr_loopback(AF_INET, 80);

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_DGRAM);
	forget(&t);
	made(&t, call_at(CALL_BIND, "bind", 5, &at, 0));
	SAYS(&t, "A UDP server has no listen and no accept");
	made(&t, call_of_recv(5, "x", 0));
	SAYS(&t, "One call returns one datagram.");
	made(&t, call_of_recv(5, "", 0));
	SAYS(&t, "0 is an empty datagram here, and no end");
	made(&t, call_of_send(5, "x", 0));
	SAYS(&t, "One send is one datagram.");
	closes(&t, 5, false);
	SAYS(&t, "Summary: 1 bytes received, 1 sent, in 6 calls; it lasted");
	trace_end(&t.trace);
}

static void message(struct shown *t, const char *name, const char *detail)
{
	trace_happened(&t->trace, &(struct trace_event){.fd = 5, .name = name, .detail = detail});
}

Test(explain, each_message_is_explained_once)
{
	static struct shown t;

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	forget(&t);
	message(&t, "ClientHello", NULL);
	SAYS(&t, "# ClientHello asks for TLS");
	message(&t, "ClientHello", NULL);
	message(&t, "unheard of", NULL);
	SAYS_NOTHING(&t);
	message(&t, "alert", "warning, close_notify");
	SAYS(&t, "# close_notify is TLS's own end.");
	message(&t, "alert", "fatal, unknown_ca");
	SAYS(&t, "# A fatal alert is the last message: its sender gives up, and says why in one "
		 "word, for people and logs. [RFC "
		 "8446 section 6.2] # unknown_ca: the certificate");
	message(&t, "alert", "fatal, internal_error");
	SAYS_NOTHING(&t);
	trace_end(&t.trace);
}

Test(explain, a_remark_is_shown_harmless)
{
	static struct shown t;

	begin(&t, &some_facts);
	cr_assert(trace_takes_remarks(&t.trace));
	trace_remark(&t.trace, 5, span_of("It is for a\nb\033[31m."));
	SAYS(&t, "# It is for a\\nb\\x1b[31m.");
	fail_allocation(1);
	trace_remark(&t.trace, 5, span_of("So."));
	fail_allocation(0);
	SAYS_NOTHING(&t);
	cr_assert(eq(u64, t.to.dropped, 1));
	trace_end(&t.trace);
}

Test(explain, objects)
{
	static struct shown t;

	begin(&t, &some_facts);
	t.to.json = true;
	a_socket(&t, 5, AF_UNIX, SOCK_STREAM);
	SAYS(&t, "\"event\":\"explained\",\"at_ms\":");
	made(&t, call_of_listen(5, 0));
	trace_number(&t.trace, 5, 3);
	forget(&t);
	fails(&t, CALL_SEND, 5, EPIPE);
	SAYS(&t, "\"conn\":3,\"text\":\"The connection takes no more");
	trace_end(&t.trace);
}

Test(explain, the_table_is_well_formed)
{
	cr_assert(le(sz, explain_idea_count, (size_t)EXPLAIN_IDEAS_MAX));
	for (size_t i = 0; i < explain_idea_count; i++) {
		const struct explain_idea *idea = &explain_ideas[i];
		const size_t len = strlen(idea->text);

		cr_expect(eq(chr, idea->text[len - 1], '.'), "%s", idea->text);
		cr_expect(le(sz, len, (size_t)260), "%s", idea->text);
		for (size_t k = 0; k < i; k++)
			cr_expect(ne(str, (char *)idea->text, (char *)explain_ideas[k].text));
	}
}

Test(explain, without_memory_a_sentence_is_dropped_and_counted)
{
	static struct shown t;

	begin(&t, &some_facts);
	a_socket(&t, 5, AF_INET, SOCK_STREAM);
	forget(&t);
	fail_allocation(1);
	fails(&t, CALL_SEND, 5, EPIPE);
	fail_allocation(0);
	SAYS_NOTHING(&t);
	cr_assert(eq(u64, t.to.dropped, 1));
	trace_end(&t.trace);
}
