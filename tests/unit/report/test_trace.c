#include "report/trace.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "calls.h"
#include "check.h"
#include "memory.h"
#include "script.h"

/* Calls as os/sys_trace.c hands them over: nothing here asks the kernel. */

TestSuite(trace, .timeout = 20);

struct shown {
	struct lines lines;
	struct reporter to;
	struct trace trace;
};

static void begin(struct shown *t, const struct trace_form *form)
{
	t->to = lines_reporter(&t->lines);
	trace_begin(&t->trace, &t->to);
	trace_add(&t->trace, form, NULL);
}

/* The line, without its time. */
static const char *last(const struct shown *t)
{
	return t->lines.text + 11;
}

static void made(struct shown *t, struct call call)
{
	t->lines.len = 0;
	t->lines.text[0] = '\0';
	trace_call(&t->trace, &call);
}

static void connected(struct shown *t, int fd)
{
	const struct addr peer = addr_loopback(AF_INET, 80);

	made(t, call_of_socket(fd, AF_INET, SOCK_STREAM));
	made(t, call_at(CALL_CONNECT, "connect", fd, &peer, TCP_ESTABLISHED));
}

static void closed(struct shown *t, int fd, bool unread)
{
	struct call call = call_of_close(fd);

	call.unread = unread;
	made(t, call);
}

Test(trace, a_line_has_columns)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	trace_number(&t.trace, 5, 12);
	made(&t, call_of_recv(5, "hello\n", TCP_ESTABLISHED));
	cr_assert(eq(str, last(&t),
		"12 recv(5, \"hello\\n\", 100) = 6                                "
		"ESTABLISHED\n"));
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT2));
	cr_assert(eq(str, last(&t),
		"12 shutdown(5, SHUT_WR) = 0                                   ESTABLISHED -> "
		"FIN_WAIT_2\n"));
	trace_end(&t.trace);
}

static void happened(struct shown *t, struct trace_event event)
{
	t->lines.len = 0;
	t->lines.text[0] = '\0';
	trace_happened(&t->trace, &event);
}

Test(trace, a_message_has_a_direction_and_no_state)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	trace_number(&t.trace, 5, 12);
	happened(
		&t, (struct trace_event){.fd = 5, .sent = true, .name = "ClientHello", .len = 512});
	cr_assert(eq(str, last(&t), "12 > ClientHello, 512 bytes\n"));
	happened(&t, (struct trace_event){.fd = 5, .name = "x", .len = 1, .detail = "a\n\033b"});
	cr_assert(eq(str, last(&t), "12 < x, 1 byte: a\\n\\x1bb\n"));
	happened(&t, (struct trace_event){.fd = -1, .name = "x", .len = 0});
	cr_assert(eq(str, last(&t), " - < x, 0 bytes\n"));
	trace_end(&t.trace);
}

Test(trace, a_message_as_an_object)
{
	static struct shown t;

	begin(&t, &trace_json);
	connected(&t, 5);
	trace_number(&t.trace, 5, 3);
	happened(&t,
		(struct trace_event){.fd = 5, .name = "alert", .len = 2, .detail = "fatal, x\n"});
	cr_assert(ne(ptr, strstr(t.lines.text, "\"event\":\"tls.message\",\"at_ms\":"), NULL), "%s",
		t.lines.text);
	cr_assert(ne(ptr,
			  strstr(t.lines.text,
				  "\"conn\":3,\"direction\":\"received\",\"name\":\"alert\","
				  "\"detail\":\"fatal, x\\n\",\"length\":2}"),
			  NULL),
		"%s", t.lines.text);
	trace_end(&t.trace);
}

Test(trace, a_form_need_not_show_messages)
{
	static struct shown t;
	static const struct trace_form calls_alone = {0};

	begin(&t, &calls_alone);
	happened(&t, (struct trace_event){.fd = 5, .name = "x"});
	trace_remark(&t.trace, 5, span_of("So."));
	cr_assert(eq(str, t.lines.text, ""));
	cr_assert(not(trace_takes_remarks(&t.trace)));
	cr_assert(not(trace_takes_remarks(NULL)));
	trace_end(&t.trace);
}

Test(trace, what_is_long_is_cut_and_what_is_too_long_has_its_state_below)
{
	static struct shown t;
	char bytes[301];
	struct call call;

	begin(&t, &trace_text);
	connected(&t, 5);
	memset(bytes, '\1', 300);
	bytes[300] = '\0';
	made(&t, call_of_recv(5, bytes, TCP_ESTABLISHED));
	cr_assert(eq(str, last(&t),
		" - recv(5, \"\\x01\\x01\\x01\\x01\\x01\\x01\"..., 100) = 300          "
		"ESTABLISHED\n"));
	memset(bytes, 'x', 300);
	call = call_at(CALL_BIND, "bind", 5, &(struct addr){0}, TCP_CLOSE);
	call.args = bytes;
	made(&t, call);
	cr_assert(ne(ptr, strstr(t.lines.text, "xxx) = 0\n"), NULL));
	trace_end(&t.trace);
}

Test(trace, a_peers_bytes_cannot_steer_a_terminal)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_recv(5, "\033[31m\xff", TCP_ESTABLISHED));
	cr_assert(ne(ptr, strstr(t.lines.text, "recv(5, \"\\x1b[31m\\xff\", 100) = 6"), NULL));
	trace_end(&t.trace);
}

Test(trace, a_call_that_fails_has_the_name_of_its_error_and_no_data)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_failed(call_of_recv(5, "", TCP_ESTABLISHED), EAGAIN, "EAGAIN"));
	cr_assert(ne(ptr, strstr(t.lines.text, " - recv(5, 100) = -1 EAGAIN "), NULL));
	trace_end(&t.trace);
}

/* What a socket ends in: seen before, whether bytes are unread, and what is shown. */
static const struct {
	int before;
	bool unread;
	const char *shown;
} ends[] = {
	{TCP_ESTABLISHED, false, "ESTABLISHED -> [FIN_WAIT_1]\n"},
	{TCP_ESTABLISHED, true, "ESTABLISHED -> [CLOSED]\n"},
	{TCP_SYN_RECV, false, "SYN_RECV -> [FIN_WAIT_1]\n"},
	{TCP_CLOSE_WAIT, false, "CLOSE_WAIT -> [LAST_ACK]\n"},
	{TCP_CLOSE_WAIT, true, "CLOSE_WAIT -> [CLOSED]\n"},
	{TCP_FIN_WAIT2, false, "FIN_WAIT_2 -> [FIN_WAIT_2]\n"},
	{TCP_LAST_ACK, false, "LAST_ACK -> [LAST_ACK]\n"},
	{TCP_CLOSING, true, "CLOSING -> [CLOSED]\n"},
	{TCP_SYN_SENT, false, "SYN_SENT -> [CLOSED]\n"},
	{TCP_LISTEN, false, "LISTEN\n"}, /* it was made elsewhere, and may be open there */
};

Test(trace, after_close_the_state_is_inferred)
{
	static struct shown t;

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		begin(&t, &trace_text);
		connected(&t, 5);
		trace_saw(&t.trace, 5, call_state_of(ends[i].before), false);
		closed(&t, 5, ends[i].unread);
		cr_expect(eq(str, t.lines.text + 73, ends[i].shown));
		trace_end(&t.trace);
	}
}

Test(trace, so_linger_with_no_time_resets)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_option(5, SOL_SOCKET, SO_LINGER, "SOL_SOCKET, SO_LINGER, {1, 0}",
			 TCP_ESTABLISHED));
	closed(&t, 5, false);
	cr_assert(eq(str, t.lines.text + 73, "ESTABLISHED -> [CLOSED]\n"));
	trace_end(&t.trace);
}

Test(trace, the_side_that_ended_first_waits_though_its_socket_reads_closed)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT1));
	made(&t, call_of_recv(5, "", TCP_CLOSE));
	cr_assert(eq(str, t.lines.text + 73, "FIN_WAIT_1 -> [TIME_WAIT]\n"));
	trace_saw(&t.trace, 5, call_state_of(TCP_CLOSE), false);
	closed(&t, 5, false);
	cr_assert(eq(str, t.lines.text + 73, "[TIME_WAIT]\n"));
	trace_end(&t.trace);
}

Test(trace, after_a_reset_nothing_waits)
{
	static struct shown t;
	const struct addr own = addr_loopback(AF_INET, 1);
	struct call look;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT2));
	made(&t, call_failed(call_of_recv(5, "", TCP_CLOSE), ECONNRESET, "ECONNRESET"));
	cr_assert(eq(str, t.lines.text + 73, "FIN_WAIT_2 -> CLOSED\n"));
	trace_end(&t.trace);
	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT2));
	look = call_at(CALL_LOOK, "getsockname", 5, &own, TCP_CLOSE);
	look.broken = true;
	made(&t, look);
	cr_assert(eq(str, t.lines.text + 73, "FIN_WAIT_2 -> CLOSED\n"));
	trace_end(&t.trace);
}

/* Nothing was called between the peer's end and the look that close takes first. */
Test(trace, an_end_that_close_finds_leaves_time_wait_and_unread_bytes_do_not_reset_it)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT2));
	trace_saw(&t.trace, 5, call_state_of(TCP_CLOSE), false);
	closed(&t, 5, true);
	cr_assert(eq(str, t.lines.text + 73, "[TIME_WAIT]\n"));
	trace_end(&t.trace);
}

Test(trace, a_reset_that_close_finds_leaves_nothing)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT2));
	trace_saw(&t.trace, 5, call_state_of(TCP_CLOSE), true);
	closed(&t, 5, false);
	cr_assert(eq(str, t.lines.text + 73, "CLOSED -> [CLOSED]\n"));
	trace_end(&t.trace);
}

Test(trace, epipe_after_our_own_end_is_no_failure)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_shutdown(5, TCP_FIN_WAIT2));
	made(&t, call_failed(call_of_send(5, "x", TCP_FIN_WAIT2), EPIPE, "EPIPE"));
	made(&t, call_of_recv(5, "", TCP_CLOSE));
	cr_assert(eq(str, t.lines.text + 73, "FIN_WAIT_2 -> [TIME_WAIT]\n"));
	trace_end(&t.trace);
}

Test(trace, a_copy_of_a_descriptor_closes_nothing)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	made(&t, call_of_dup(5, 7));
	closed(&t, 7, false);
	cr_assert(eq(str, t.lines.text + 73, "ESTABLISHED\n"));
	made(&t, call_of_dup(5, 6));
	closed(&t, 5, false);
	cr_assert(eq(str, t.lines.text + 73, "ESTABLISHED\n"));
	closed(&t, 6, false);
	cr_assert(eq(str, t.lines.text + 73, "ESTABLISHED -> [FIN_WAIT_1]\n"));
	trace_end(&t.trace);
}

Test(trace, a_listener_shows_its_queue_and_makes_a_socket)
{
	static struct shown t;
	const struct addr peer = addr_loopback(AF_INET, 4000);
	struct trace_socket *s;

	begin(&t, &trace_text);
	made(&t, call_with_queue(call_of_listen(5, TCP_LISTEN), 1, 2));
	cr_assert(eq(str, t.lines.text + 73, "LISTEN, queue 1/2\n"));
	made(&t, call_with_queue(call_of_accept(5, 6, &peer, TCP_ESTABLISHED), 0, 2));
	cr_assert(eq(str, t.lines.text + 73, "ESTABLISHED, queue 0/2\n"));
	s = trace_socket_of(&t.trace, 6);
	cr_assert(addr_equal(&s->peer, &peer));
	closed(&t, 5, false);
	cr_assert(eq(str, t.lines.text + 73, "LISTEN -> [CLOSED]\n"));
	trace_end(&t.trace);
}

Test(trace, on_a_terminal_a_line_is_coloured_and_its_columns_stay)
{
	static struct shown t;

	begin(&t, &trace_text);
	t.to.colour = true;
	connected(&t, 5);
	made(&t, call_of_recv(5, "hello\n", TCP_CLOSE_WAIT));
	cr_expect(eq(int, strncmp(t.lines.text, "\033[2m", 4), 0));
	cr_expect(eq(str, t.lines.text + 14,
		"\033[0m  - recv(5, \"hello\\n\", 100) = 6                                "
		"\033[36mESTABLISHED -> CLOSE_WAIT\033[0m\n"));
	made(&t, call_failed(call_of_recv(5, "", TCP_CLOSE), ECONNRESET, "ECONNRESET"));
	cr_expect(eq(str, t.lines.text + 14,
		"\033[0m  - recv(5, 100) = -1 \033[31mECONNRESET\033[0m                            "
		"   "
		"\033[36mCLOSE_WAIT -> CLOSED\033[0m\n"));
	made(&t, call_failed(call_of_recv(5, "", 0), EAGAIN, "EAGAIN"));
	cr_expect(eq(str, t.lines.text + 14, "\033[0m  - recv(5, 100) = -1 EAGAIN\n"));
	trace_end(&t.trace);
}

Test(trace, an_object_has_the_same_by_name)
{
	static struct shown t;
	struct call accepts;
	static const char *const members[] = {"\"event\":\"call\"", "\"conn\":3",
		"\"call\":\"recv(5, \\\"hi\\\", 100)\"", "\"function\":\"recv\"", "\"fd\":5",
		"\"data\":\"hi\"", "\"result\":2", "\"before\":\"ESTABLISHED\"",
		"\"after\":\"CLOSE_WAIT\"", "\"at_ms\":"};

	begin(&t, &trace_json);
	connected(&t, 5);
	trace_number(&t.trace, 5, 3);
	made(&t, call_of_recv(5, "hi", TCP_CLOSE_WAIT));
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		cr_expect(ne(ptr, strstr(t.lines.text, members[i]), NULL), "%s in %s", members[i],
			t.lines.text);
	accepts = call_at(CALL_ACCEPT, "accept", 7, &(struct addr){0}, TCP_LISTEN);
	made(&t, call_failed(call_with_queue(accepts, 0, 128), EAGAIN, "EAGAIN"));
	cr_expect(ne(ptr, strstr(t.lines.text, "\"errno\":\"EAGAIN\""), NULL));
	cr_expect(ne(ptr, strstr(t.lines.text, "\"error\":\"Resource temporarily"), NULL));
	cr_expect(ne(ptr, strstr(t.lines.text, "\"queue\":0,\"queue_most\":128"), NULL));
	trace_end(&t.trace);
}

Test(trace, without_memory_a_line_is_dropped_and_counted)
{
	static struct shown t;

	begin(&t, &trace_text);
	connected(&t, 5);
	fail_allocation(1);
	made(&t, call_of_recv(5, "x", TCP_ESTABLISHED));
	fail_allocation(0);
	cr_assert(eq(u64, t.to.dropped, 1));
	made(&t, call_of_recv(5, "x", TCP_ESTABLISHED));
	cr_assert(ne(ptr, strstr(t.lines.text, "recv(5, \"x\", 100) = 1"), NULL));
	trace_end(&t.trace);
	begin(&t, &trace_text);
	fail_allocation(1);
	cr_assert(eq(ptr, trace_socket_of(&t.trace, 5), NULL));
	fail_allocation(2);
	cr_assert(eq(ptr, trace_socket_of(&t.trace, 5), NULL));
	fail_allocation(0);
	trace_end(&t.trace);
}
