#include "report/trace_mermaid.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "calls.h"
#include "check.h"
#include "memory.h"
#include "script.h"

/* Calls as os/sys_trace.c hands them over: nothing here asks the kernel. That mermaid draws such
 * texts, whatever a peer sends, was seen by hand with its version 11. */

TestSuite(trace_mermaid, .timeout = 20);

struct drawn {
	struct lines lines;
	struct reporter to;
	struct trace trace;
	struct trace_mermaid mermaid;
};

static void forget(struct drawn *t)
{
	t->lines.len = 0;
	t->lines.text[0] = '\0';
}

static void begin(struct drawn *t)
{
	t->to = lines_reporter(&t->lines);
	forget(t);
	trace_begin(&t->trace, &t->to);
	trace_mermaid_begin(&t->mermaid, &t->trace, "sockx test");
}

static void made(struct drawn *t, struct call call)
{
	trace_call(&t->trace, &call);
}

static void failed(struct drawn *t, int error, const char *name, struct call call)
{
	made(t, call_failed(call, error, name));
}

static void made_socket(struct drawn *t, int fd, int family, int type)
{
	made(t, call_of_socket(fd, family, type));
}

static void received(struct drawn *t, int fd, const char *text, int tcp)
{
	made(t, call_of_recv(fd, text, tcp));
}

static void sent(struct drawn *t, int fd, const char *text, int tcp)
{
	made(t, call_of_send(fd, text, tcp));
}

/* A TCP client that is connected, and nothing drawn yet. */
static void connected(struct drawn *t, int fd)
{
	const struct addr peer = addr_loopback(AF_INET, 7000);

	begin(t);
	made_socket(t, fd, AF_INET, SOCK_STREAM);
	trace_saw(&t->trace, fd, call_state_of(TCP_CLOSE), false);
	failed(t, EINPROGRESS, "EINPROGRESS",
		call_at(CALL_CONNECT, "connect", fd, &peer, TCP_ESTABLISHED));
	forget(t);
}

Test(trace_mermaid, a_server_and_its_client)
{
	static struct drawn t;
	const struct addr here = addr_loopback(AF_INET, 0), bound = addr_loopback(AF_INET, 7000),
			  peer = addr_loopback(AF_INET, 4000);

	begin(&t);
	made_socket(&t, 5, AF_INET, SOCK_STREAM);
	made(&t, call_of_option(
			 5, IPPROTO_TCP, TCP_NODELAY, "IPPROTO_TCP, TCP_NODELAY, 1", TCP_CLOSE));
	made(&t, call_of_option(
			 5, SOL_SOCKET, SO_REUSEADDR, "SOL_SOCKET, SO_REUSEADDR, 1", TCP_CLOSE));
	made(&t, call_at(CALL_BIND, "bind", 5, &here, TCP_CLOSE));
	made(&t, call_of_listen(5, TCP_LISTEN));
	made(&t, call_at(CALL_LOOK, "getsockname", 5, &bound, TCP_LISTEN));
	made(&t, call_at(CALL_LOOK, "getsockname", 5, &bound, TCP_LISTEN));
	report(&t.to, &(struct report){.kind = REPORT_LISTENING,
			      .address = "127.0.0.1:7000",
			      .transport = "tcp",
			      .mode = "echo"});
	made(&t, call_of_accept(5, 6, &peer, TCP_ESTABLISHED));
	failed(&t, EAGAIN, "EAGAIN",
		call_at(CALL_ACCEPT, "accept", 5, &(struct addr){0}, TCP_LISTEN));
	received(&t, 6, "hello\n", TCP_ESTABLISHED);
	sent(&t, 6, "hello\n", TCP_ESTABLISHED);
	received(&t, 6, "", TCP_CLOSE_WAIT);
	made(&t, call_of_close(6));
	made(&t, call_of_close(5));
	cr_assert(eq(str, t.lines.text,
		"sequenceDiagram\n"
		"    participant S as sockx test\n"
		"    Note over S: socket(FAMILY, TYPE) = 5\n"
		"    Note over S: setsockopt(5, SOL_SOCKET, SO_REUSEADDR, 1)\n"
		"    Note over S: bind(5, ADDRESS)\n"
		"    Note over S: listen(5, 2), CLOSED -> LISTEN\n"
		"    Note over S: getsockname(5, ADDRESS)\n"
		"%% listening on 127.0.0.1:7000 (tcp, echo)\n"
		"    participant P1 as 127.0.0.1:4000\n"
		"    P1->>S: TCP handshake: accept(5) = 6, ESTABLISHED\n"
		"    P1->>S: recv(6, \"hello#92;n\") = 6\n"
		"    S->>P1: send(6, \"hello#92;n\") = 6\n"
		"    P1->>S: FIN: recv(6, \"\") = 0, ESTABLISHED -> CLOSE_WAIT\n"
		"    S->>P1: FIN: close(6), CLOSE_WAIT -> [LAST_ACK]\n"
		"    Note over S: close(5), LISTEN -> [CLOSED]\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, a_client_whose_peer_turns_out_to_have_another_address)
{
	static struct drawn t;
	const struct addr any = addr_any(AF_INET, 7000), peer = addr_loopback(AF_INET, 7000);

	begin(&t);
	forget(&t);
	made_socket(&t, 5, AF_INET, SOCK_STREAM);
	trace_saw(&t.trace, 5, call_state_of(TCP_CLOSE), false);
	failed(&t, EINPROGRESS, "EINPROGRESS",
		call_at(CALL_CONNECT, "connect", 5, &any, TCP_SYN_SENT));
	made(&t, call_at(CALL_LOOK, "getpeername", 5, &peer, TCP_ESTABLISHED));
	sent(&t, 5, "hi", TCP_ESTABLISHED);
	failed(&t, EAGAIN, "EAGAIN", call_of_recv(5, "", TCP_CLOSE_WAIT));
	made(&t, call_of_shutdown(5, TCP_LAST_ACK));
	made(&t, call_of_close(5));
	cr_assert(eq(str, t.lines.text,
		"    Note over S: socket(FAMILY, TYPE) = 5\n"
		"    participant P1 as 0.0.0.0:7000\n"
		"    S->>P1: SYN: connect(5, ADDRESS) = -1 EINPROGRESS, CLOSED -> SYN_SENT\n"
		"    P1-->>S: SYN, ACK: SYN_SENT -> ESTABLISHED\n"
		"    S->>P1: send(5, \"hi\") = 2\n"
		"    Note over S,P1: ESTABLISHED -> CLOSE_WAIT\n"
		"    S->>P1: FIN: shutdown(5, SHUT_WR), CLOSE_WAIT -> LAST_ACK\n"
		"    Note over S,P1: close(5), [LAST_ACK]\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, resets_of_either_side)
{
	static struct drawn t;
	struct call unread = call_of_close(5);

	connected(&t, 5);
	failed(&t, ECONNRESET, "ECONNRESET", call_of_recv(5, "", TCP_CLOSE));
	cr_expect(eq(str, t.lines.text,
		"    P1-xS: RST: recv(5, 100) = -1 ECONNRESET, ESTABLISHED -> CLOSED\n"));
	trace_end(&t.trace);
	connected(&t, 5);
	unread.unread = true;
	made(&t, unread);
	cr_expect(eq(str, t.lines.text, "    S-xP1: RST: close(5), ESTABLISHED -> [CLOSED]\n"));
	trace_end(&t.trace);
	connected(&t, 5);
	failed(&t, EPIPE, "EPIPE", call_of_send(5, "", TCP_ESTABLISHED));
	cr_expect(eq(str, t.lines.text, "    Note over S,P1: send(5, \"\", 100) = -1 EPIPE\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, an_error_that_getsockopt_brings)
{
	static struct drawn t;
	struct call look = {.kind = CALL_LOOK,
		.name = "getsockopt",
		.fd = 5,
		.args = "SOL_SOCKET, SO_ERROR, ECONNREFUSED",
		.level = SOL_SOCKET,
		.option = SO_ERROR};

	connected(&t, 5);
	made(&t, look);
	cr_expect(eq(str, t.lines.text,
		"    P1-xS: RST: getsockopt(5, SOL_SOCKET, SO_ERROR, ECONNREFUSED)\n"));
	forget(&t);
	look.args = "SOL_SOCKET, SO_ERROR, 0";
	made(&t, look);
	cr_expect(eq(str, t.lines.text, ""));
	trace_end(&t.trace);
}

Test(trace_mermaid, datagrams)
{
	static struct drawn t;
	const struct addr one = addr_loopback(AF_INET, 4000), other = addr_loopback(AF_INET, 4001);
	struct call call;

	begin(&t);
	made_socket(&t, 5, AF_INET, SOCK_DGRAM);
	forget(&t);
	for (int i = 0; i < 3; i++) {
		call = i == 2 ? call_of_send(5, "hi", 0) : call_of_recv(5, i == 1 ? "" : "hi", 0);
		call.at = i == 1 ? &other.sa : &one.sa;
		call.at_len = one.len;
		call.whole = true;
		made(&t, call);
	}
	failed(&t, ECONNREFUSED, "ECONNREFUSED", call);
	made(&t, call_of_close(5));
	cr_expect(eq(str, t.lines.text,
		"    participant P1 as 127.0.0.1:4000\n"
		"    P1-)S: recv(5, \"hi\") = 2\n"
		"    participant P2 as 127.0.0.1:4001\n"
		"    P2-)S: recv(5, \"\") = 0\n"
		"    S-)P1: send(5, \"hi\") = 2\n"
		"    P1-xS: ICMP port unreachable: send(5, \"hi\", 100) = -1 ECONNREFUSED\n"
		"    Note over S: close(5)\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, datagrams_to_one_peer)
{
	static struct drawn t;
	const struct addr peer = addr_loopback(AF_INET, 4000);
	struct call call;

	begin(&t);
	made_socket(&t, 5, AF_INET, SOCK_DGRAM);
	forget(&t);
	made(&t, call_at(CALL_CONNECT, "connect", 5, &peer, 0));
	sent(&t, 5, "hi", 0);
	call = call_of_recv(5, "", 0);
	call.args = "100, MSG_ERRQUEUE";
	made(&t, call);
	made(&t, call_of_shutdown(5, 0));
	cr_expect(eq(str, t.lines.text,
		"    participant P1 as 127.0.0.1:4000\n"
		"    Note over S,P1: connect(5, ADDRESS)\n"
		"    S-)P1: send(5, \"hi\") = 2\n"
		"    Note over S,P1: recv(5, \"\", 100, MSG_ERRQUEUE) = 0\n"
		"    Note over S,P1: shutdown(5, SHUT_WR)\n"));
	trace_end(&t.trace);
}

/* What it is, its addresses say. */
Test(trace_mermaid, a_socket_that_another_program_has_opened)
{
	static struct drawn t;
	const struct addr peer = addr_loopback(AF_INET6, 4000), own = addr_loopback(AF_INET6, 7000);

	begin(&t);
	forget(&t);
	made(&t, call_at(CALL_LOOK, "getsockname", 0, &own, TCP_ESTABLISHED));
	received(&t, 0, "hi", TCP_ESTABLISHED);
	made(&t, call_at(CALL_LOOK, "getpeername", 0, &peer, TCP_ESTABLISHED));
	received(&t, 0, "", TCP_CLOSE_WAIT);
	cr_expect(eq(str, t.lines.text,
		"    Note over S: recv(0, \"hi\") = 2\n"
		"    participant P1 as [::1]:4000\n"
		"    P1->>S: FIN: recv(0, \"\") = 0, ESTABLISHED -> CLOSE_WAIT\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, a_datagram_of_a_peer_without_a_name)
{
	static struct drawn t;
	const struct addr unnamed = {.len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX};
	struct call call = call_of_recv(5, "hi", 0);

	begin(&t);
	made_socket(&t, 5, AF_UNIX, SOCK_DGRAM);
	forget(&t);
	call.at = &unnamed.sa;
	call.at_len = unnamed.len;
	call.whole = true;
	made(&t, call);
	made(&t, call);
	cr_expect(eq(str, t.lines.text,
		"    participant P1 as peer\n"
		"    P1-)S: recv(5, \"hi\") = 2\n"
		"    P1-)S: recv(5, \"hi\") = 2\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, unix_sockets_and_clients_without_a_name)
{
	static struct drawn t;
	struct addr path;
	const struct addr unnamed = {.len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX};

	cr_assert(eq(int, addr_from_path(&path, "/tmp/a;b"), 0));
	begin(&t);
	forget(&t);
	made_socket(&t, 5, AF_UNIX, SOCK_STREAM);
	made(&t, call_at(CALL_BIND, "bind", 5, &path, 0));
	made(&t, call_of_listen(5, 0));
	made(&t, call_of_accept(5, 6, &unnamed, 0));
	made(&t, call_of_accept(5, 7, &unnamed, 0));
	received(&t, 6, "", 0);
	made(&t, call_of_close(7));
	made_socket(&t, 8, AF_UNIX, SOCK_STREAM);
	made(&t, call_at(CALL_CONNECT, "connect", 8, &path, 0));
	failed(&t, EMFILE, "EMFILE", call_at(CALL_ACCEPT, "accept", 5, &(struct addr){0}, 0));
	cr_expect(eq(str, t.lines.text,
		"    Note over S: socket(FAMILY, TYPE) = 5\n"
		"    Note over S: bind(5, ADDRESS)\n"
		"    Note over S: listen(5, 2)\n"
		"    participant P1 as peer\n"
		"    P1->>S: accept(5) = 6\n"
		"    participant P2 as peer\n"
		"    P2->>S: accept(5) = 7\n"
		"    P1->>S: end: recv(6, \"\") = 0\n"
		"    S->>P2: close(7)\n"
		"    Note over S: socket(FAMILY, TYPE) = 8\n"
		"    participant P3 as unix:/tmp/a#59;b\n"
		"    S->>P3: connect(8, ADDRESS)\n"
		"    Note over S: accept(5) = -1 EMFILE\n"));
	trace_end(&t.trace);
}

/* A Unix stream is read by recvmsg. */
Test(trace_mermaid, an_end_may_come_by_recvmsg)
{
	static struct drawn t;
	const struct addr unnamed = {.len = sizeof(sa_family_t), .sa.sa_family = AF_UNIX};
	struct call end = call_of_recv(6, "", 0);

	end.whole = true;
	begin(&t);
	made_socket(&t, 5, AF_UNIX, SOCK_STREAM);
	made(&t, call_of_accept(5, 6, &unnamed, 0));
	forget(&t);
	made(&t, end);
	cr_expect(eq(str, t.lines.text, "    P1->>S: end: recv(6, \"\") = 0\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, a_message_of_tls_is_a_note)
{
	static struct drawn t;

	begin(&t);
	made_socket(&t, 5, AF_INET, SOCK_STREAM);
	forget(&t);
	trace_happened(&t.trace, &(struct trace_event){.fd = 5,
					 .sent = true,
					 .name = "ClientHello",
					 .detail = "TLS 1.3, for a;b",
					 .len = 302});
	cr_expect(eq(str, t.lines.text,
		"    Note over S: > ClientHello, 302 bytes: TLS 1.3, for a#59;b\n"));
	fail_allocation(1);
	trace_happened(&t.trace, &(struct trace_event){.fd = 5, .name = "Finished", .len = 36});
	fail_allocation(0);
	cr_expect(eq(u64, t.to.dropped, 1));
	trace_end(&t.trace);
}

Test(trace_mermaid, what_is_no_socket_and_what_only_asks_is_left_out)
{
	static struct drawn t;

	connected(&t, 5);
	made(&t, (struct call){
			 .rc = 3, .name = "read", .fd = 0, .data = span_of("abc"), .args = "100"});
	made(&t, call_of_dup(5, 6));
	made(&t, call_of_close(6));
	made(&t, call_of_dup(1, 7));
	made(&t, call_of_close(7));
	failed(&t, EAGAIN, "EAGAIN", call_of_recv(5, "", TCP_ESTABLISHED));
	made(&t, call_of_peek(5, "x", TCP_ESTABLISHED));
	cr_expect(eq(str, t.lines.text, ""));
	trace_end(&t.trace);
}

/* What a peer sends, and what stands in the diagram. */
static const struct {
	const char *bytes, *shown;
} hostile[] = {
	{"a\nS->>P1: b", "a#92;nS->>P1: b"},
	{"a;b#c", "a#59;b#35;c"},
	{"#59;", "#35;59#59;"},
	{"%%{init: {}}%%", "#37;#37;#123;init: #123;#125;#125;#37;#37;"},
	{"<br/>&lt;", "#60;br/>#38;lt#59;"},
	{"style:x#1;", "#115;tyle:x#35;1#59;"},
	{"classDef:x#1;", "#99;lassDef:x#35;1#59;"},
	{"$$x$$ `", "#36;#36;x#36;#36; #96;"},
	{"end \"wrap:\"", "end \"wrap:\""},
	{"\xef\xac\x82\xc2\xb0x\xc2\xb6\xc3\x9f", "#64258;\xc2\xb0x#182;\xc3\x9f"},
	{"\033[31m\xff", "#92;x1b[31m#92;xff"},
	{"P@{x}", "P#64;#123;x#125;"},
};

Test(trace_mermaid, a_peers_bytes_end_no_statement)
{
	static struct drawn t;
	char want[160];

	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		connected(&t, 5);
		received(&t, 5, hostile[i].bytes, TCP_ESTABLISHED);
		snprintf(want, sizeof(want), "    P1->>S: recv(5, \"%s\") = %zu\n",
			hostile[i].shown, strlen(hostile[i].bytes));
		cr_expect(eq(str, t.lines.text, want));
		trace_end(&t.trace);
	}
}

Test(trace_mermaid, lines_for_a_person_are_comments_and_no_directives)
{
	static struct drawn t;
	struct err err;

	begin(&t);
	forget(&t);
	err_set(&err, ERR_RUNTIME, "no %%%%{init}");
	err_hint(&err, "this");
	trace_end(&t.trace);
	report_end(&t.to, &err);
	cr_assert(eq(str, t.lines.text, "%% sockx: no %% {init}\n%% hint: this\n"));
}

Test(trace_mermaid, many_peers_share_the_last_lifeline)
{
	static struct drawn t;
	struct addr peer;
	struct call call;

	begin(&t);
	made_socket(&t, 5, AF_INET, SOCK_DGRAM);
	for (int i = 0; i < TRACE_MERMAID_PEERS + 2; i++) {
		forget(&t);
		peer = addr_loopback(AF_INET, (uint16_t)(4000 + i));
		call = call_of_recv(5, "x", 0);
		call.at = &peer.sa;
		call.at_len = peer.len;
		made(&t, call);
		if (i == TRACE_MERMAID_PEERS)
			cr_expect(eq(str, t.lines.text,
				"    participant P51 as other peers\n"
				"    P51-)S: recv(5, \"x\") = 1\n"));
	}
	cr_expect(eq(str, t.lines.text, "    P51-)S: recv(5, \"x\") = 1\n"));
	trace_end(&t.trace);
}

Test(trace_mermaid, without_memory_a_line_is_dropped_and_counted)
{
	static struct drawn t;

	connected(&t, 5);
	fail_allocation(1);
	received(&t, 5, "x", TCP_ESTABLISHED);
	fail_allocation(1);
	report(&t.to, &(struct report){.kind = REPORT_LISTENING, .address = "a"});
	fail_allocation(0);
	cr_assert(eq(u64, t.to.dropped, 2));
	trace_end(&t.trace);
}
