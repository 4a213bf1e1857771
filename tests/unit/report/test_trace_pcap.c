#include "report/trace_pcap.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "memory.h"
#include "script.h"

/* Calls as os/sys_trace.c hands them over: nothing here asks the kernel. That tshark reads what
 * comes of them without a warning was seen by hand, with its version 4.0. */

TestSuite(trace_pcap, .timeout = 20);

/* Of a first connection: how trace_pcap numbers them. */
enum { OUR_FIRST = 64000, THEIR_FIRST = 128000 };

struct captured {
	struct lines lines;
	struct reporter to;
	struct trace trace;
	struct trace_pcap pcap;
	struct buf file; /* all blocks */
	size_t shown;    /* so many bytes of it are in text */
	struct buf text;
	const char *lacks;
	unsigned lacked;
	bool lost;
};

static void take_blocks(void *arg, struct span blocks)
{
	struct captured *c = arg;

	cr_assert(eq(int, buf_add(&c->file, blocks), 0));
}

static void take_lack(void *arg, const char *why, bool lost)
{
	struct captured *c = arg;

	c->lacks = why;
	c->lacked++;
	c->lost = lost;
}

static void begin(struct captured *c)
{
	*c = (struct captured){.pcap = {.write = take_blocks, .lacks = take_lack, .arg = c}};
	c->to = lines_reporter(&c->lines);
	trace_begin(&c->trace, &c->to);
	trace_pcap_begin(&c->pcap, &c->trace, "sockx test");
	c->shown = c->file.len;
}

static void end(struct captured *c)
{
	trace_end(&c->trace);
	cr_expect(eq(sz, c->lines.len, 0));
	cr_expect(eq(sz, c->pcap.blocks.len, 0));
	buf_free(&c->file);
	buf_free(&c->text);
}

/* ---- what was written, as text ---- */

static uint32_t here_u32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, 4);
	return value;
}

static uint16_t here_u16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, 2);
	return value;
}

static uint32_t net_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static unsigned net_u16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static void show_tcp(struct buf *out, const uint8_t *at, size_t len, size_t all, bool ours)
{
	static const char names[] = "FSRPA";
	const size_t head = (size_t)(at[12] >> 4) * 4;
	const uint32_t seq = net_u32(at + 4), ack = net_u32(at + 8);
	const uint32_t from = ours ? OUR_FIRST : THEIR_FIRST, to = ours ? THEIR_FIRST : OUR_FIRST;

	for (size_t i = 0; names[i]; i++)
		if (at[13] & 1U << i)
			buf_printf(out, "%c", names[i]);
	buf_printf(out, " %u", seq ? seq - from : 0);
	if (at[13] & 0x10)
		buf_printf(out, " %u", ack - to);
	if (all > head)
		buf_printf(out, " \"%.*s\"", len - head < 20 ? (int)(len - head) : 20, at + head);
	if (len - head >= 20 || all > len)
		buf_printf(out, " of %zu", all - head);
}

static void show_ip(struct buf *out, const uint8_t *at, size_t len, size_t all, bool ours)
{
	const bool ipv6 = at[0] >> 4 == 6;
	const size_t head = ipv6 ? 40 : 20;
	const uint8_t protocol = at[ipv6 ? 6 : 9];
	const uint8_t *in = at + head;

	cr_expect(eq(sz, net_u16(at + (ipv6 ? 4 : 2)) + (ipv6 ? head : 0), all));
	if (ipv6)
		buf_puts(out, "6 ");
	if (protocol == IPPROTO_TCP || protocol == IPPROTO_UDP)
		buf_printf(out, "%u>%u ", net_u16(in), net_u16(in + 2));
	if (protocol == IPPROTO_TCP)
		show_tcp(out, in, len - head, all - head, ours);
	else if (protocol == IPPROTO_UDP)
		buf_printf(out, "UDP %d>%d \"%.*s\" of %u", at[head - 8 + 3], at[head - 1],
			(int)(len - head - 8), in + 8, net_u16(in + 4) - 8);
	else
		buf_printf(out, "ICMP %u %u", in[0], in[1]);
}

static void show_block(struct captured *c, const uint8_t *at)
{
	const size_t len = here_u32(at + 20), all = here_u32(at + 24);
	const uint8_t *options = at + 28 + ((len + 3) & ~(size_t)3);
	const size_t comment = here_u16(options + 2);
	const bool ours = here_u32(options + 4 + ((comment + 3) & ~(size_t)3) + 4) == 2;

	cr_assert(eq(uint, here_u32(at), 6));
	buf_puts(&c->text, ours ? "> " : "< ");
	show_ip(&c->text, at + 28, len, all, ours);
	buf_printf(&c->text, " | %.*s\n", (int)comment, options + 4);
}

/* The packets that have come since the last time. */
static const char *packets(struct captured *c)
{
	const struct span file = buf_span(&c->file);

	buf_free(&c->text);
	while (c->shown < file.len) {
		show_block(c, file.data + c->shown);
		c->shown += here_u32(file.data + c->shown + 4);
	}
	cr_assert(eq(sz, c->shown, file.len));
	buf_add(&c->text, (struct span){(const uint8_t *)"", 1});
	return (const char *)buf_span(&c->text).data;
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* ---- calls ---- */

static void made(struct captured *c, int64_t rc, struct call call)
{
	call.rc = rc;
	if (!call.error_name)
		call.error_name = "";
	trace_call(&c->trace, &call);
}

static void failed(struct captured *c, int error, const char *name, struct call call)
{
	call.error = error;
	call.error_name = name;
	made(c, -1, call);
}

static struct call_state state(int tcp)
{
	return (struct call_state){.tcp = (uint8_t)tcp};
}

static struct call_ends ends_of(int family, int type)
{
	return (struct call_ends){addr_loopback(family, 4000), addr_loopback(family, 7000), type};
}

static void made_socket(struct captured *c, int fd, int family, int type)
{
	made(c, fd,
		(struct call){.kind = CALL_SOCKET,
			.name = "socket",
			.fd = CALL_NO_FD,
			.family = family,
			.type = type,
			.after = state(type == SOCK_STREAM ? TCP_CLOSE : 0)});
}

static struct call connects(int fd, const struct call_ends *ends, int tcp)
{
	return (struct call){.kind = CALL_CONNECT,
		.name = "connect",
		.fd = fd,
		.at = &ends->peer.sa,
		.at_len = ends->peer.len,
		.ends = ends,
		.after = state(tcp)};
}

static struct call moves(enum call_kind kind, int fd, const char *text, int tcp)
{
	return (struct call){.kind = kind,
		.name = kind == CALL_SEND ? "send" : "recv",
		.fd = fd,
		.data = span_of(text),
		.asked = 100,
		.after = state(tcp)};
}

static void received(struct captured *c, int fd, const char *text, int tcp)
{
	made(c, (int64_t)strlen(text), moves(CALL_RECEIVE, fd, text, tcp));
}

static void sent(struct captured *c, int fd, const char *text, int tcp)
{
	made(c, (int64_t)strlen(text), moves(CALL_SEND, fd, text, tcp));
}

static struct call shuts(int fd, int how, int tcp)
{
	return (struct call){.kind = CALL_SHUTDOWN,
		.name = "shutdown",
		.fd = fd,
		.how = how,
		.after = state(tcp)};
}

static void closed(struct captured *c, int fd, bool unread)
{
	made(c, 0, (struct call){.kind = CALL_CLOSE, .name = "close", .fd = fd, .unread = unread});
}

/* SYN, and nothing shown yet. */
static void connecting(struct captured *c, int family)
{
	const struct call_ends ends = ends_of(family, SOCK_STREAM);

	begin(c);
	made_socket(c, 5, family, SOCK_STREAM);
	trace_saw(&c->trace, 5, state(TCP_CLOSE), false);
	failed(c, EINPROGRESS, "EINPROGRESS", connects(5, &ends, TCP_SYN_SENT));
}

/* A client, connected, and nothing to be shown. */
static void connected(struct captured *c)
{
	const struct call_ends ends = ends_of(AF_INET, SOCK_STREAM);

	begin(c);
	made_socket(c, 5, AF_INET, SOCK_STREAM);
	failed(c, EINPROGRESS, "EINPROGRESS", connects(5, &ends, TCP_ESTABLISHED));
	packets(c);
}

Test(trace_pcap, a_connection_of_a_client)
{
	struct captured c;

	connecting(&c, AF_INET);
	cr_expect(eq(str, packets(&c), "> 4000>7000 S 0 | connect(5) = -1 EINPROGRESS\n"));
	sent(&c, 5, "hello", TCP_ESTABLISHED);
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 SA 0 1 | send(5, \"hello\") = 5\n"
		"> 4000>7000 A 1 1 | follows from send(5, \"hello\") = 5\n"
		"> 4000>7000 PA 1 1 \"hello\" | follows from send(5, \"hello\") = 5\n"
		"< 7000>4000 A 1 6 | follows from send(5, \"hello\") = 5\n"));
	received(&c, 5, "HI", TCP_ESTABLISHED);
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 PA 1 6 \"HI\" | recv(5, \"HI\") = 2\n"
		"> 4000>7000 A 6 3 | follows from recv(5, \"HI\") = 2\n"));
	failed(&c, EAGAIN, "EAGAIN", moves(CALL_RECEIVE, 5, "", TCP_ESTABLISHED));
	cr_expect(eq(str, packets(&c), ""));
	made(&c, 0, shuts(5, SHUT_WR, TCP_FIN_WAIT2));
	cr_expect(eq(str, packets(&c),
		"> 4000>7000 FA 6 3 | shutdown(5) = 0\n"
		"< 7000>4000 A 3 7 | follows from shutdown(5) = 0\n"));
	received(&c, 5, "", TCP_CLOSE);
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 FA 3 7 | recv(5, \"\") = 0\n"
		"> 4000>7000 A 7 4 | follows from recv(5, \"\") = 0\n"));
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

Test(trace_pcap, a_connection_that_is_there_at_once_and_ipv6)
{
	struct captured c;
	const struct call_ends ends = ends_of(AF_INET6, SOCK_STREAM);

	begin(&c);
	made_socket(&c, 5, AF_INET6, SOCK_STREAM);
	failed(&c, EINPROGRESS, "EINPROGRESS", connects(5, &ends, TCP_ESTABLISHED));
	cr_expect(eq(str, packets(&c),
		"> 6 4000>7000 S 0 | connect(5) = -1 EINPROGRESS\n"
		"< 6 7000>4000 SA 0 1 | follows from connect(5) = -1 EINPROGRESS\n"
		"> 6 4000>7000 A 1 1 | follows from connect(5) = -1 EINPROGRESS\n"));
	end(&c);
}

static void accepts(struct captured *c, int fd)
{
	const struct call_ends ends = {
		addr_loopback(AF_INET, 7000), addr_loopback(AF_INET, 4000), SOCK_STREAM};

	made(c, fd,
		(struct call){.kind = CALL_ACCEPT,
			.name = "accept",
			.fd = 3,
			.at = &ends.peer.sa,
			.at_len = ends.peer.len,
			.ends = &ends,
			.after = state(TCP_ESTABLISHED)});
}

Test(trace_pcap, a_connection_of_a_server_whose_client_ends_first)
{
	struct captured c;

	begin(&c);
	made_socket(&c, 3, AF_INET, SOCK_STREAM);
	made(&c, 0, (struct call){.kind = CALL_LISTEN, .name = "listen", .fd = 3});
	failed(&c, EAGAIN, "EAGAIN", (struct call){.kind = CALL_ACCEPT, .name = "accept", .fd = 3});
	cr_expect(eq(str, packets(&c), ""));
	accepts(&c, 5);
	cr_expect(eq(str, packets(&c),
		"< 4000>7000 S 0 | accept(3) = 5\n"
		"> 7000>4000 SA 0 1 | follows from accept(3) = 5\n"
		"< 4000>7000 A 1 1 | follows from accept(3) = 5\n"));
	received(&c, 5, "", TCP_CLOSE_WAIT);
	packets(&c);
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c),
		"> 7000>4000 FA 1 2 | close(5) = 0\n"
		"< 4000>7000 A 2 2 | follows from close(5) = 0\n"));
	closed(&c, 3, false);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

/* Its end had come before our close, and no call has read it. */
Test(trace_pcap, an_end_that_only_the_state_tells)
{
	struct captured c;

	connected(&c);
	trace_saw(&c.trace, 5, state(TCP_CLOSE_WAIT), false);
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 FA 1 1 | close(5) = 0\n"
		"> 4000>7000 A 1 2 | follows from close(5) = 0\n"
		"> 4000>7000 FA 1 2 | follows from close(5) = 0\n"
		"< 7000>4000 A 2 2 | follows from close(5) = 0\n"));
	end(&c);
}

Test(trace_pcap, a_connection_that_is_up_when_it_is_closed)
{
	struct captured c;

	connecting(&c, AF_INET);
	packets(&c);
	trace_saw(&c.trace, 5, state(TCP_ESTABLISHED), false);
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 SA 0 1 | close(5) = 0\n"
		"> 4000>7000 A 1 1 | follows from close(5) = 0\n"
		"> 4000>7000 FA 1 1 | follows from close(5) = 0\n"
		"< 7000>4000 A 1 2 | follows from close(5) = 0\n"));
	end(&c);
}

Test(trace_pcap, an_attempt_without_an_answer_is_a_syn_alone)
{
	struct captured c;

	connecting(&c, AF_INET);
	packets(&c);
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

Test(trace_pcap, a_refusal_is_a_reset_of_the_syn)
{
	struct captured c;
	const struct call_ends ends = ends_of(AF_INET, SOCK_STREAM);
	const struct call look = {.kind = CALL_LOOK,
		.name = "getsockopt",
		.fd = 5,
		.args = "SO_ERROR, ECONNREFUSED",
		.level = SOL_SOCKET,
		.option = SO_ERROR,
		.after = {.tcp = TCP_CLOSE}};

	connecting(&c, AF_INET);
	packets(&c);
	made(&c, 0, look);
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 RA 0 1 | getsockopt(5, SO_ERROR, ECONNREFUSED) = 0\n"));
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
	begin(&c);
	made_socket(&c, 5, AF_INET, SOCK_STREAM);
	failed(&c, ECONNREFUSED, "ECONNREFUSED", connects(5, &ends, TCP_CLOSE));
	cr_expect(eq(str, packets(&c),
		"> 4000>7000 S 0 | connect(5) = -1 ECONNREFUSED\n"
		"< 7000>4000 RA 0 1 | follows from connect(5) = -1 ECONNREFUSED\n"));
	end(&c);
}

/* As a scan does, which keeps its socket. */
Test(trace_pcap, a_socket_that_was_refused_connects_again)
{
	struct captured c;
	const struct call_ends first = ends_of(AF_INET, SOCK_STREAM);
	struct call_ends second = {addr_loopback(AF_INET, 4001), {0}, SOCK_STREAM};
	const struct addr peer = addr_loopback(AF_INET, 7001);
	struct call again = connects(5, &first, TCP_SYN_SENT);

	begin(&c);
	made_socket(&c, 5, AF_INET, SOCK_STREAM);
	failed(&c, EINPROGRESS, "EINPROGRESS", again);
	failed(&c, ECONNREFUSED, "ECONNREFUSED", again);
	packets(&c);
	again.ends = &second;
	again.at = &peer.sa;
	failed(&c, EINPROGRESS, "EINPROGRESS", again);
	cr_expect(has(packets(&c), "> 4001>7001 S "));
	second.local = addr_any(AF_INET, 0);
	failed(&c, ECONNREFUSED, "ECONNREFUSED", again);
	cr_expect(has(packets(&c), "< 7001>4001 RA 0 "));
	end(&c);
}

Test(trace_pcap, where_there_was_no_way_nothing_was_sent)
{
	struct captured c;
	const struct call_ends ends = ends_of(AF_INET, SOCK_STREAM);

	begin(&c);
	made_socket(&c, 5, AF_INET, SOCK_STREAM);
	failed(&c, ENETUNREACH, "ENETUNREACH", connects(5, &ends, TCP_CLOSE));
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

Test(trace_pcap, resets_of_either_side)
{
	struct captured c;

	connected(&c);
	failed(&c, ECONNRESET, "ECONNRESET", moves(CALL_RECEIVE, 5, "", TCP_CLOSE));
	cr_expect(eq(str, packets(&c), "< 7000>4000 RA 1 1 | recv(5, \"\") = -1 ECONNRESET\n"));
	failed(&c, EPIPE, "EPIPE", moves(CALL_SEND, 5, "", TCP_CLOSE));
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
	connected(&c);
	closed(&c, 5, true);
	cr_expect(eq(str, packets(&c), "> 4000>7000 RA 1 1 | close(5) = 0\n"));
	end(&c);
	connected(&c);
	failed(&c, EPIPE, "EPIPE", moves(CALL_SEND, 5, "", TCP_CLOSE));
	cr_expect(eq(str, packets(&c), "< 7000>4000 RA 1 1 | send(5, \"\") = -1 EPIPE\n"));
	end(&c);
}

/* After our own end EPIPE says no more than that. */
Test(trace_pcap, epipe_after_our_end_is_no_reset)
{
	struct captured c;

	connected(&c);
	made(&c, 0, shuts(5, SHUT_WR, TCP_FIN_WAIT2));
	packets(&c);
	failed(&c, EPIPE, "EPIPE", moves(CALL_SEND, 5, "", TCP_FIN_WAIT2));
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

Test(trace_pcap, only_the_end_that_we_send_is_shown_of_a_shutdown)
{
	struct captured c;

	connected(&c);
	made(&c, 0, shuts(5, SHUT_RD, TCP_ESTABLISHED));
	cr_expect(eq(str, packets(&c), ""));
	made(&c, 0, shuts(5, SHUT_RDWR, TCP_FIN_WAIT2));
	cr_expect(has(packets(&c), "> 4000>7000 FA 1 1 |"));
	made(&c, 0, shuts(5, SHUT_RDWR, TCP_FIN_WAIT2));
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

Test(trace_pcap, a_look_at_bytes_is_not_shown)
{
	struct captured c;
	struct call peek = moves(CALL_RECEIVE, 5, "h", TCP_ESTABLISHED);

	connected(&c);
	peek.args = "1, MSG_PEEK";
	made(&c, 1, peek);
	peek.data.len = 0;
	made(&c, 0, peek);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

Test(trace_pcap, a_copy_of_the_descriptor_that_is_closed_ends_nothing)
{
	struct captured c;

	connected(&c);
	made(&c, 6, (struct call){.kind = CALL_COPY, .name = "dup", .fd = 5});
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c), ""));
	closed(&c, 6, false);
	cr_expect(has(packets(&c), "> 4000>7000 FA 1 1 | close(6) = 0\n"));
	end(&c);
}

Test(trace_pcap, much_data_is_cut_into_segments)
{
	struct captured c;
	enum { BYTES = 140000 };
	char *text = malloc(BYTES + 1);

	cr_assert(text != NULL);
	memset(text, 'x', BYTES);
	text[BYTES] = '\0';
	connected(&c);
	sent(&c, 5, text, TCP_ESTABLISHED);
#define COMMENT "send(5, \"xxxxxxxxxxxxxxxxxxxxxxxx\"...) = 140000\n"
#define X20     "\"xxxxxxxxxxxxxxxxxxxx\""
	cr_expect(eq(str, packets(&c),
		"> 4000>7000 A 1 1 " X20 " of 65475 | " COMMENT "> 4000>7000 A 65476 1 " X20
		" of 65475 | follows from " COMMENT "> 4000>7000 PA 130951 1 " X20
		" of 9050 | follows from " COMMENT
		"< 7000>4000 A 1 140001 | follows from " COMMENT));
	end(&c);
	free(text);
}

/* Such a reader of it has no scale of the window: no more is on its way than fits without. */
Test(trace_pcap, a_connection_of_another_program_is_seen_from_where_it_is_ours)
{
	struct captured c;
	const struct call_ends ends = ends_of(AF_INET, SOCK_STREAM);
	struct call call = moves(CALL_RECEIVE, 5, "hello", TCP_ESTABLISHED);

	begin(&c);
	call.ends = &ends;
	made(&c, 5, call);
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 PA 0 0 \"hello\" | recv(5, \"hello\") = 5\n"
		"> 4000>7000 A 0 5 | follows from recv(5, \"hello\") = 5\n"));
	end(&c);
}

Test(trace_pcap, bytes_that_are_not_known_have_their_length)
{
	struct captured c;

	connected(&c);
	made(&c, 1000,
		(struct call){.kind = CALL_RECEIVE,
			.name = "recv",
			.fd = 5,
			.asked = 1000,
			.args = "1000, MSG_TRUNC",
			.after = state(TCP_ESTABLISHED)});
	cr_expect(eq(str, packets(&c),
		"< 7000>4000 PA 1 1 \"\" of 1000 | recv(5, 1000, MSG_TRUNC) = 1000\n"
		"> 4000>7000 A 1 1001 | follows from recv(5, 1000, MSG_TRUNC) = 1000\n"));
	end(&c);
}

/* ---- datagrams ---- */

static struct call datagram(enum call_kind kind, int fd, const char *text)
{
	struct call call = moves(kind, fd, text, 0);

	call.whole = true;
	return call;
}

Test(trace_pcap, a_client_of_datagrams)
{
	struct captured c;
	const struct call_ends ends = ends_of(AF_INET, SOCK_DGRAM);
	struct call cut = moves(CALL_RECEIVE, 5, "abc", 0);

	begin(&c);
	made_socket(&c, 5, AF_INET, SOCK_DGRAM);
	made(&c, 0, connects(5, &ends, 0));
	cr_expect(eq(str, packets(&c), ""));
	sent(&c, 5, "hi", 0);
	sent(&c, 5, "", 0);
	cut.args = "3, MSG_TRUNC";
	made(&c, 9, cut);
	cr_expect(eq(str, packets(&c),
		"> 4000>7000 UDP 1>1 \"hi\" of 2 | send(5, \"hi\") = 2\n"
		"> 4000>7000 UDP 1>1 \"\" of 0 | send(5, \"\") = 0\n"
		"< 7000>4000 UDP 1>1 \"abc\" of 9 | recv(5, \"abc\", 3, MSG_TRUNC) = 9\n"));
	failed(&c, ECONNREFUSED, "ECONNREFUSED", moves(CALL_RECEIVE, 5, "", 0));
	cr_expect(eq(str, packets(&c), "< ICMP 3 3 | recv(5, \"\") = -1 ECONNREFUSED\n"));
	failed(&c, EAGAIN, "EAGAIN", moves(CALL_SEND, 5, "more", 0));
	closed(&c, 5, false);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

/* Its socket has no peer of its own, and its address is that of all. */
Test(trace_pcap, a_server_of_datagrams_has_the_addresses_of_each)
{
	struct captured c;
	const struct call_ends ends = {addr_any(AF_INET, 7000), {0}, SOCK_DGRAM};
	struct call in = datagram(CALL_RECEIVE, 5, "hi"), out = datagram(CALL_SEND, 5, "HI");
	struct addr peer = addr_loopback(AF_INET, 4001);

	peer.in.sin_addr.s_addr = htonl(0xc0000209);
	begin(&c);
	made_socket(&c, 5, AF_INET, SOCK_DGRAM);
	in.at = out.at = &peer.sa;
	in.at_len = out.at_len = peer.len;
	in.ends = &ends;
	in.here = out.here = addr_loopback(AF_INET, 0);
	in.here.in.sin_addr.s_addr = out.here.in.sin_addr.s_addr = htonl(0xc0000201);
	made(&c, 2, in);
	made(&c, 2, out);
	cr_expect(eq(str, packets(&c),
		"< 4001>7000 UDP 9>1 \"hi\" of 2 | recv(5, \"hi\") = 2\n"
		"> 7000>4001 UDP 1>9 \"HI\" of 2 | send(5, \"HI\") = 2\n"));
	in.args = "MSG_ERRQUEUE";
	made(&c, 2, in);
	cr_expect(eq(str, packets(&c), ""));
	end(&c);
}

/* ---- what is missing ---- */

Test(trace_pcap, unix_sockets_are_left_out_and_that_is_told_once)
{
	struct captured c;
	struct call_ends ends = {.type = SOCK_STREAM};
	struct call call = moves(CALL_RECEIVE, 5, "hello", 0);

	cr_assert(eq(int, addr_from_path(&ends.local, "/run/x"), 0));
	begin(&c);
	made_socket(&c, 5, AF_UNIX, SOCK_STREAM);
	call.ends = &ends;
	cr_expect(eq(uint, c.lacked, 0));
	made(&c, 5, call);
	made(&c, 5, call);
	cr_expect(eq(str, packets(&c), ""));
	cr_expect(eq(uint, c.lacked, 1));
	cr_expect(has(c.lacks, "Unix"));
	cr_expect(not(c.lost));
	end(&c);
}

Test(trace_pcap, without_memory_it_says_that_packets_are_lost)
{
	struct captured c;
	const struct call call = {.kind = CALL_SEND,
		.name = "send",
		.fd = 5,
		.data = span_of("hello"),
		.asked = 5,
		.rc = 5,
		.error_name = "",
		.after = {.tcp = TCP_ESTABLISHED}};
	unsigned n = 0;
	bool one_failed = true;

	while (one_failed) {
		struct call again = call;

		connected(&c);
		cr_assert(eq(int, buf_reserve(&c.file, 4096), 0));
		fail_allocation(++n);
		trace_call(&c.trace, &again);
		one_failed = fail_allocation(0);
		cr_expect(eq(int, c.lost, one_failed), "allocation %u", n);
		packets(&c);
		end(&c);
	}
	cr_expect(gt(uint, n, 2));
}

Test(trace_pcap, ends_are_looked_up_where_a_form_wants_them_and_they_are_not_known)
{
	struct captured c;
	struct call call = moves(CALL_SEND, 5, "x", TCP_ESTABLISHED);
	const struct call_ends nothing = {.type = SOCK_STREAM};

	connected(&c);
	cr_expect(not(trace_wants_ends(&c.trace, &call)));
	call.fd = 6;
	cr_expect(trace_wants_ends(&c.trace, &call));
	cr_expect(trace_wants_ends(&c.trace, &(struct call){.kind = CALL_ACCEPT, .rc = 7}));
	cr_expect(not(trace_wants_ends(&c.trace, &(struct call){.kind = CALL_ACCEPT, .rc = -1})));
	cr_expect(not(trace_wants_ends(&c.trace, &(struct call){.kind = CALL_OTHER, .fd = 6})));
	/* What was known is not forgotten when a connection has failed. */
	call = moves(CALL_RECEIVE, 5, "", TCP_CLOSE);
	call.ends = &nothing;
	failed(&c, ECONNRESET, "ECONNRESET", call);
	cr_expect(has(packets(&c), "< 7000>4000 RA"));
	c.trace.wants_ends = false;
	call.fd = 6;
	cr_expect(not(trace_wants_ends(&c.trace, &call)));
	end(&c);
}
