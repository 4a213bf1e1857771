#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/utf8.h"
#include "report/explain.h"

/* The table of what --explain says, in the order of a connection's life. A sentence is for a reader
 * who sees the call for the first time: what it does here, and what it is often taken for. */

/* ---- when ---- */

static bool binds_any(const struct call *call, const struct trace_socket *s)
{
	return addr_is_any(&s->local) && call->at;
}

static bool binds_loopback(const struct call *call, const struct trace_socket *s)
{
	return addr_is_loopback(&s->local) && call->at;
}

static bool is_ip(const struct trace_socket *s)
{
	return s->family == AF_INET || s->family == AF_INET6;
}

static bool is_over_ip(const struct call *call, const struct trace_socket *s)
{
	(void)call;
	return is_ip(s);
}

static bool asks_own_address(const struct call *call)
{
	return strcmp(call->name, "getsockname") == 0;
}

static bool chooses_port(const struct call *call, const struct trace_socket *s)
{
	return asks_own_address(call) && s->bound_to_any_port && is_ip(s) && !s->peer.len;
}

static bool was_not_bound(const struct call *call, const struct trace_socket *s)
{
	return asks_own_address(call) && !s->bound && s->peer.len && s->type && is_ip(s);
}

static bool goes_to_ipv6_loopback(const struct call *call, const struct trace_socket *s)
{
	return call->kind == CALL_CONNECT && s->family == AF_INET6 && addr_is_loopback(&s->peer);
}

static bool goes_over_tcp(const struct call *call, const struct trace_socket *s)
{
	(void)call;
	return is_ip(s) && s->type == SOCK_STREAM;
}

static bool goes_over_udp(const struct call *call, const struct trace_socket *s)
{
	(void)call;
	return is_ip(s) && s->type == SOCK_DGRAM;
}

static bool is_whole(const struct call *call, const struct trace_socket *s)
{
	return goes_over_udp(call, s) && call->data.data;
}

static bool is_empty_datagram(const struct call *call, const struct trace_socket *s)
{
	return s->type == SOCK_DGRAM && call->data.data && !call->data.len;
}

static bool has_queue(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return call->queue.waiting > 0 && call->queue.waiting <= call->queue.most;
}

static bool has_full_queue(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return call->queue.most > 0 && call->queue.waiting > call->queue.most;
}

/* Of a letter at the end, the first bytes are there and the last ones are not; all before it is
 * text. */
static bool ends_within_letter(const struct call *call, const struct trace_socket *s)
{
	struct span left = call->data;
	uint32_t code;

	if (s->type != SOCK_STREAM)
		return false;
	while (left.len) {
		const int len = utf8_decode(left, &code);

		if (len == UTF8_SHORT)
			return true;
		if (len < 0 || (code < ' ' && !strchr("\t\n\r", (int)code)) || !code)
			return false;
		left = span_from(left, (size_t)len);
	}
	return false;
}

static bool peeks(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return trace_peeks(call);
}

static bool waits_for_bytes(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return !trace_peeks(call) && !trace_is_about_errors(call);
}

static bool took_less(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return (uint64_t)call->rc < call->asked;
}

static bool is_stream(const struct call *call, const struct trace_socket *s)
{
	(void)call;
	return s->type != SOCK_DGRAM;
}

static bool is_hung_up(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return call->args && strcmp(call->args, "POLLHUP") == 0;
}

static bool is_standard_input(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return call->fd == 0;
}

static bool is_standard_output(const struct call *call, const struct trace_socket *s)
{
	(void)s;
	return call->fd == 1;
}

static bool leaves_unread(const struct call *call, const struct trace_socket *s)
{
	return call->unread && s->names <= 1 && call->before.tcp;
}

static bool gives_up_here(const struct call *call, const struct trace_socket *s)
{
	return call->before.tcp == TCP_SYN_SENT && addr_is_loopback(&s->peer);
}

static bool gives_up_far(const struct call *call, const struct trace_socket *s)
{
	return call->before.tcp == TCP_SYN_SENT && !addr_is_loopback(&s->peer);
}

static bool ends_second_half(const struct call *call, const struct trace_socket *s)
{
	return s->ended || call->before.tcp == TCP_CLOSE_WAIT;
}

static bool ends_first_half(const struct call *call, const struct trace_socket *s)
{
	return !ends_second_half(call, s);
}

static bool privileged(const struct call *call, const struct trace_socket *s)
{
	(void)call;
	return is_ip(s);
}

/* A row has the number of its condition. With a pointer the whole table, 60 KB, would be written to
 * when the program starts, to put its addresses in place. */
#define CONDITIONS(X)                                                                            \
	X(binds_any), X(binds_loopback), X(is_over_ip), X(chooses_port), X(was_not_bound),       \
		X(goes_to_ipv6_loopback), X(goes_over_tcp), X(goes_over_udp), X(is_whole),       \
		X(is_empty_datagram), X(has_queue), X(has_full_queue), X(ends_within_letter),    \
		X(peeks), X(waits_for_bytes), X(took_less), X(is_stream), X(is_hung_up),         \
		X(is_standard_input), X(is_standard_output), X(leaves_unread), X(gives_up_here), \
		X(gives_up_far), X(ends_second_half), X(ends_first_half), X(privileged)
#define WHEN(NAME) WHEN_##NAME
#define AT(NAME)   NAME
enum { ALWAYS, CONDITIONS(WHEN) };

bool explain_idea_holds(
	const struct explain_idea *i, const struct call *call, const struct trace_socket *s)
{
	static bool (*const conditions[])(const struct call *, const struct trace_socket *) = {
		NULL, CONDITIONS(AT)};

	return i->when == ALWAYS || conditions[i->when](call, s);
}

/* ---- what ---- */

const struct explain_idea explain_ideas[] = {
	{.kind = CALL_SOCKET,
		.text = "socket makes an endpoint and returns its descriptor: a small number that "
			"stands for it in later calls, as for an open file.",
		.page = "socket(2)"},
	{.kind = CALL_SOCKET,
		.type = SOCK_STREAM,
		.when = WHEN(is_over_ip),
		.text = "SOCK_STREAM over IP is TCP: bytes come in order and without gaps, but "
			"nothing marks where one send ended and the next began.",
		.page = "tcp(7)"},
	{.kind = CALL_SOCKET,
		.type = SOCK_DGRAM,
		.when = WHEN(is_over_ip),
		.text = "SOCK_DGRAM over IP is UDP: each send is one message, a datagram. It "
			"comes whole or not at all, perhaps twice, and may overtake another.",
		.page = "udp(7)"},
	{.kind = CALL_SOCKET,
		.family = AF_UNIX,
		.text = "AF_UNIX connects programs of one machine: its address is a path, and no "
			"network is involved.",
		.page = "unix(7)"},
	{.kind = CALL_SOCKET,
		.family = AF_UNIX,
		.type = SOCK_STREAM,
		.text = "SOCK_STREAM is a stream of bytes here, too: nothing marks where one send "
			"ended and the next began.",
		.page = "unix(7)"},
	{.kind = CALL_SOCKET,
		.type = SOCK_SEQPACKET,
		.text = "SOCK_SEQPACKET is a connection that keeps messages whole.",
		.page = "socket(2)"},
	{.kind = CALL_OPTION,
		.level = SOL_SOCKET,
		.option = SO_REUSEADDR,
		.text = "Without SO_REUSEADDR, bind may fail with EADDRINUSE for a minute after a "
			"server has closed a connection before its client did (TIME_WAIT). Against "
			"a server that still runs it does nothing.",
		.page = "ip(7)"},
	{.kind = CALL_OPTION,
		.level = IPPROTO_TCP,
		.option = TCP_NODELAY,
		.text = "TCP_NODELAY sends small pieces at once. Without it, a piece waits while "
			"earlier bytes are not acknowledged (Nagle's algorithm).",
		.page = "tcp(7)"},
	{.kind = CALL_OPTION,
		.level = SOL_SOCKET,
		.option = SO_KEEPALIVE,
		.text = "SO_KEEPALIVE has the kernel ask a silent peer whether it is still there, "
			"by default after two hours. Without it, a connection on which we send "
			"nothing never notices that its peer has lost power.",
		.page = "tcp(7)"},
	{.kind = CALL_OPTION,
		.level = IPPROTO_IPV6,
		.option = IPV6_V6ONLY,
		.text = "IPV6_V6ONLY keeps IPv4 out of this socket; IPv4 has one of its own here.",
		.page = "ipv6(7)"},
	{.kind = CALL_OPTION,
		.level = SOL_SOCKET,
		.option = SO_LINGER,
		.text = "With SO_LINGER and no time, close sends a reset in place of an end. What "
			"is on its way is lost, in both directions.",
		.page = "socket(7)"},
	{.kind = CALL_OPTION,
		.level = SOL_SOCKET,
		.option = SO_OOBINLINE,
		.text = "SO_OOBINLINE leaves urgent bytes, which few programs send, in their "
			"place among the others.",
		.page = "socket(7)"},
	{.kind = CALL_OPTION,
		.level = SOL_SOCKET,
		.option = SO_SNDBUF,
		.text = "SO_SNDBUF asks for a larger buffer for what we send; net.core.wmem_max "
			"is the most.",
		.page = "socket(7)"},
	{.kind = CALL_OPTION,
		.level = SOL_SOCKET,
		.option = SO_RCVBUFFORCE,
		.text = "SO_RCVBUFFORCE asks for a larger buffer, so that fewer datagrams of a "
			"burst are lost. It needs CAP_NET_ADMIN; without it SO_RCVBUF gets "
			"net.core.rmem_max at most.",
		.page = "socket(7)"},
	{.kind = CALL_OPTION,
		.level = SOL_SOCKET,
		.option = SO_RCVBUF,
		.text = "SO_RCVBUF asks for a larger buffer, so that fewer datagrams of a burst "
			"are lost; net.core.rmem_max is the most.",
		.page = "socket(7)"},
	{.kind = CALL_OPTION,
		.level = IPPROTO_IP,
		.option = IP_RECVERR,
		.text = "IP_RECVERR keeps each ICMP error, such as 'port unreachable', with what "
			"it quotes of the datagram. A later call fails, and the program can ask "
			"for all of it.",
		.page = "ip(7)"},
	{.kind = CALL_OPTION,
		.level = IPPROTO_IP,
		.option = IP_RECVTTL,
		.text = "With IP_RECVTTL each datagram comes with its TTL, the routers that it may "
			"still pass. An answer gets a lower one, so that two servers that answer "
			"each other come to an end.",
		.page = "ip(7)"},
	{.kind = CALL_OPTION,
		.level = IPPROTO_IP,
		.option = IP_PKTINFO,
		.text = "With IP_PKTINFO each datagram comes with the address of ours that it was "
			"sent to: the answer goes out from there.",
		.page = "ip(7)"},
	{.kind = CALL_LOOK,
		.level = SOL_SOCKET,
		.option = SO_ERROR,
		.text = "SO_ERROR takes the error that has come for this socket since the last "
			"call; 0 is none.",
		.page = "socket(7)"},
	{.kind = CALL_LOOK,
		.level = SOL_SOCKET,
		.option = SO_MEMINFO,
		.text = "SO_MEMINFO has counters, among them the datagrams that the kernel "
			"dropped, mostly because the program did not read them in time."},
	{.name = "fchmod",
		.text = "bind makes a file with these permissions, less those of the umask: who "
			"may write to it may connect.",
		.page = "unix(7)"},
	{.name = "flock",
		.text = "This descriptor is the directory, opened before. It is locked: a second "
			"server locks it, too, before it takes a path.",
		.page = "flock(2)"},
	{.kind = CALL_BIND,
		.when = WHEN(binds_any),
		.text = "bind gives the socket its address. 0.0.0.0, and :: for IPv6, stand for "
			"all addresses of this machine: every machine that can reach it can "
			"connect.",
		.page = "ip(7)"},
	{.kind = CALL_BIND,
		.when = WHEN(binds_loopback),
		.text = "bind gives the socket its address. A loopback address (127.0.0.1 or ::1) "
			"is reached from this machine alone.",
		.page = "ip(7)"},
	{.kind = CALL_BIND,
		.family = AF_UNIX,
		.text = "bind makes a file of type socket at the path. The kernel does not remove "
			"it: until a program does, the next bind to that path fails.",
		.page = "unix(7)"},
	{.kind = CALL_BIND,
		.type = SOCK_DGRAM,
		.when = WHEN(goes_over_udp),
		.text = "A UDP server has no listen and no accept: one socket receives from all "
			"clients, and each datagram comes with its sender's address.",
		.page = "udp(7)"},
	{.kind = CALL_LISTEN,
		.text = "From listen on, the kernel answers clients by itself and puts their "
			"connections into a queue. The number is how many may wait there, but no "
			"more than net.core.somaxconn.",
		.page = "listen(2)"},
	{.kind = CALL_LOOK,
		.when = WHEN(chooses_port),
		.text = "The port was 0: the kernel chose a free one, and getsockname tells which.",
		.page = "ip(7)"},
	{.when = WHEN(goes_to_ipv6_loopback),
		.text = "A name can have several addresses. localhost has ::1 (IPv6) and "
			"127.0.0.1 (IPv4); ::1 is tried first, the other one if it fails.",
		.page = "RFC 8305"},
	{.kind = CALL_CONNECT,
		.error = EINPROGRESS,
		.text = "connect asks for a connection with a first segment (SYN). A blocking "
			"socket would wait for the answer here; this one does not, and "
			"EINPROGRESS says that it is under way.",
		.page = "connect(2)"},
	{.kind = CALL_CONNECT,
		.after = TCP_ESTABLISHED,
		.error = EINPROGRESS,
		.text = "The answer came before the state was read: SYN_SENT was over by then.",
		.page = "RFC 9293 section 3.5"},
	{.after = TCP_SYN_SENT,
		.text = "SYN_SENT: we have asked, and have no answer yet. The kernel asks again "
			"after a second, and then more and more seldom.",
		.page = "tcp(7)"},
	{.kind = CALL_CONNECT,
		.type = SOCK_DGRAM,
		.when = WHEN(goes_over_udp),
		.text = "Over UDP, connect sends nothing. It notes the peer: send needs no "
			"address, what others send is left out, and a refusal comes back as the "
			"error of a later call.",
		.page = "udp(7)"},
	{.kind = CALL_CONNECT,
		.family = AF_UNIX,
		.text = "A blocking connect to a Unix socket waits only while the server's queue "
			"is full. That it succeeds does not mean that the server has called "
			"accept.",
		.page = "connect(2)"},
	{.kind = CALL_LOOK,
		.when = WHEN(was_not_bound),
		.text = "getsockname shows our own address. The program never called bind: "
			"connect chose it, with a free port.",
		.page = "ip(7)"},
	{.name = "getpeername",
		.result = RESULT_ZERO,
		.text = "getpeername has an answer, so the connection is there.",
		.page = "getpeername(2)"},
	{.kind = CALL_ACCEPT,
		.text = "accept makes a new socket, for this client alone. The listening socket "
			"stays as it is, for the next.",
		.page = "accept(2)"},
	{.kind = CALL_ACCEPT,
		.when = WHEN(goes_over_tcp),
		.text = "The new socket has most options of the listening one. On this line the "
			"state is that of the new socket, the queue that of the listening one.",
		.page = "tcp(7)"},
	{.kind = CALL_ACCEPT,
		.family = AF_UNIX,
		.text = "A client of a Unix socket has no path, unless it calls bind as well.",
		.page = "unix(7)"},
	{.kind = CALL_ACCEPT,
		.error = EAGAIN,
		.text = "The queue is empty. A blocking socket would wait here for the next "
			"client.",
		.page = "accept(2)"},
	{.when = WHEN(has_queue),
		.text = "The queue holds clients that the kernel has connected already. They can "
			"send; the program does not know of them until it calls accept.",
		.page = "listen(2)"},
	{.when = WHEN(has_full_queue),
		.text = "The queue is full: the kernel takes no further client. Each of them "
			"tries again by itself, after 1 s, 2 s, 4 s, and sees only that connect "
			"takes long.",
		.page = "listen(2)"},
	{.kind = CALL_SEND,
		.result = RESULT_SOME,
		.when = WHEN(goes_over_tcp),
		.text = "send hands bytes to the kernel. That it returns does not mean that they "
			"have arrived, still less that the peer has read them.",
		.page = "send(2)"},
	{.kind = CALL_SEND,
		.family = AF_UNIX,
		.result = RESULT_SOME,
		.text = "send puts bytes into the peer's queue. That it returns does not mean "
			"that the peer has read them.",
		.page = "send(2)"},
	{.kind = CALL_SEND,
		.result = RESULT_SOME,
		.when = WHEN(took_less),
		.text = "send took less than it was given: the buffers between the two programs "
			"are full, for the peer reads too slowly. The program has to send the rest "
			"later.",
		.page = "send(2)"},
	{.kind = CALL_SEND,
		.error = EAGAIN,
		.text = "There is no room for more: the peer does not read. A blocking socket "
			"would wait here.",
		.page = "send(2)"},
	{.kind = CALL_SEND,
		.result = RESULT_SOME,
		.when = WHEN(is_whole),
		.text = "One send is one datagram. Nothing says that it has arrived.",
		.page = "udp(7)"},
	{.kind = CALL_RECEIVE,
		.type = SOCK_STREAM,
		.result = RESULT_SOME,
		.text = "recv returns what has arrived, not a message: two sends may come as one, "
			"and one send in pieces.",
		.page = "recv(2)"},
	{.name = "recv",
		.kind = CALL_RECEIVE,
		.type = SOCK_STREAM,
		.result = RESULT_SOME,
		.text = "The number in the call is the room for bytes, not how many are expected.",
		.page = "recv(2)"},
	{.kind = CALL_RECEIVE,
		.result = RESULT_SOME,
		.when = WHEN(ends_within_letter),
		.text = "The last letter is not whole: UTF-8 has up to four bytes a letter, and "
			"the rest of this one comes with the next recv. A program that decodes "
			"each piece by itself breaks it.",
		.page = "utf-8(7)"},
	{.kind = CALL_RECEIVE,
		.result = RESULT_SOME,
		.when = WHEN(is_whole),
		.text = "One call returns one datagram. What is longer than the room for it is "
			"lost.",
		.page = "udp(7)"},
	{.name = "recvmsg",
		.result = RESULT_SOME,
		.when = WHEN(is_whole),
		.text = "recvmsg gives the sender's address, too, and the answer goes there.",
		.page = "recv(2)"},
	{.kind = CALL_RECEIVE,
		.result = RESULT_ZERO,
		.when = WHEN(is_empty_datagram),
		.text = "0 is an empty datagram here, and no end: UDP has none.",
		.page = "recv(2)"},
	{.kind = CALL_RECEIVE,
		.error = EAGAIN,
		.when = WHEN(peeks),
		.text = "MSG_PEEK looks at what has come and leaves it there. EAGAIN: nothing "
			"has, and no error either.",
		.page = "recv(2)"},
	{.kind = CALL_RECEIVE,
		.error = EAGAIN,
		.when = WHEN(waits_for_bytes),
		.text = "Nothing has arrived. A blocking socket would wait here, and its program "
			"could do nothing else meanwhile.",
		.page = "recv(2)"},
	{.kind = CALL_RECEIVE,
		.result = RESULT_ZERO,
		.when = WHEN(is_stream),
		.text = "0 is the end, not an empty message: the peer will send no more.",
		.page = "recv(2)"},
	{.kind = CALL_SHUTDOWN,
		.when = WHEN(ends_first_half),
		.text = "shutdown with SHUT_WR ends one direction (half-close): we send no more, "
			"and the peer's recv returns 0 once it has read all. We can still "
			"receive.",
		.page = "shutdown(2)"},
	{.kind = CALL_SHUTDOWN,
		.when = WHEN(ends_second_half),
		.text = "The peer has ended before: now neither side sends more. What is under way "
			"still arrives.",
		.page = "shutdown(2)"},
	{.kind = CALL_SHUTDOWN,
		.after = TCP_CLOSE,
		.when = WHEN(ends_second_half),
		.text = "The peer's kernel confirmed our end before the state was read: LAST_ACK "
			"was over by then.",
		.page = "RFC 9293 section 3.6"},
	{.after = TCP_FIN_WAIT1,
		.text = "FIN_WAIT_1: our end (FIN) is on its way, and not acknowledged yet.",
		.page = "RFC 9293 section 3.3.2"},
	{.after = TCP_FIN_WAIT2,
		.text = "FIN_WAIT_2: the peer's kernel has acknowledged our end, and the peer has "
			"not ended yet.",
		.page = "RFC 9293 section 3.3.2"},
	{.after = TCP_CLOSE_WAIT,
		.text = "CLOSE_WAIT: the peer has ended, we have not. Its end does not say "
			"whether it still reads. A program that forgets to close stays in this "
			"state.",
		.page = "RFC 9293 section 3.6"},
	{.after = TCP_TIME_WAIT,
		.text = "TIME_WAIT: the side that ended first keeps the two addresses for a "
			"minute (on Linux), so that late segments are not taken for those of a "
			"new connection. The other side is free once its end is acknowledged.",
		.page = "RFC 9293 section 3.6.1"},
	{.before = TCP_FIN_WAIT1,
		.after = TCP_TIME_WAIT,
		.text = "FIN_WAIT_2 lay between: the peer's kernel acknowledged our end, then the "
			"peer's end came, both since the state was seen last.",
		.page = "RFC 9293 section 3.6"},
	{.after = TCP_LAST_ACK,
		.text = "LAST_ACK: both have ended; the peer's acknowledgement of our end is all "
			"that is missing.",
		.page = "RFC 9293 section 3.3.2"},
	{.after = TCP_CLOSING,
		.text = "CLOSING: both ended at the same moment.",
		.page = "RFC 9293 section 3.6"},
	{.kind = CALL_CLOSE,
		.when = WHEN(leaves_unread),
		.text = "Bytes that came were not read, so close sends a reset. The peer learns "
			"that they were lost, and may lose what we sent before.",
		.page = "RFC 2525"},
	{.kind = CALL_CLOSE,
		.after = TCP_FIN_WAIT1,
		.text = "close gives the descriptor back. The kernel still tries to deliver what "
			"was sent, then our end (FIN).",
		.page = "RFC 9293 section 3.6"},
	{.kind = CALL_CLOSE,
		.when = WHEN(gives_up_far),
		.text = "No answer came until this attempt was given up. No machine may have that "
			"address; or a firewall drops what we send or what comes back; or the "
			"server's queue is full.",
		.page = "connect(2)"},
	{.kind = CALL_CLOSE,
		.when = WHEN(gives_up_here),
		.text = "No answer came until this attempt was given up. Most likely a server on "
			"this machine does not call accept, and its queue is full ('ss -ltn' shows "
			"it: Recv-Q); or a firewall drops what we send.",
		.page = "listen(2)"},
	{.kind = CALL_RECEIVE,
		.error = ECONNREFUSED,
		.when = WHEN(goes_over_tcp),
		.text = "connect had not waited: the answer to it is the error of a later call.",
		.page = "connect(2)"},
	{.error = ECONNREFUSED,
		.when = WHEN(goes_over_tcp),
		.text = "The machine answered, and at once: it is up, and nothing listens on that "
			"port.",
		.page = "connect(2)"},
	{.error = ECONNREFUSED,
		.when = WHEN(goes_over_udp),
		.text = "An ICMP message (port unreachable) has come for an earlier datagram: "
			"nothing hears on that port. UDP learns of it only at a later call.",
		.page = "udp(7)"},
	{.error = ECONNREFUSED,
		.family = AF_UNIX,
		.text = "The path is a socket, but no program listens on it: its server has ended "
			"without removing it.",
		.page = "unix(7)"},
	{.error = ENOENT,
		.family = AF_UNIX,
		.text = "Nothing is at that path: no server has made it, or another directory is "
			"meant.",
		.page = "unix(7)"},
	{.error = ECONNRESET,
		.text = "The peer has sent a reset: it has gone, or did not want what came. Bytes "
			"that were on their way are lost, those that had arrived as well.",
		.page = "tcp(7)"},
	{.error = EPIPE,
		.text = "The connection takes no more: the peer has closed it. Without "
			"MSG_NOSIGNAL the program would have been ended by SIGPIPE.",
		.page = "send(2)"},
	{.error = ETIMEDOUT,
		.text = "Nothing has answered for so long that the kernel has given up.",
		.page = "tcp(7)"},
	{.error = EHOSTUNREACH,
		.text = "A router, or our own kernel, says that there is no way to that machine.",
		.page = "ip(7)"},
	{.error = ENETUNREACH,
		.text = "This machine has no route to that network, or no address of that family.",
		.page = "ip(7)"},
	{.kind = CALL_BIND,
		.error = EACCES,
		.when = WHEN(privileged),
		.text = "Ports below 1024 need a privilege (CAP_NET_BIND_SERVICE).",
		.page = "ip(7)"},
	{.kind = CALL_BIND,
		.error = EADDRINUSE,
		.text = "Another socket has that port, on this address or on all of them.",
		.page = "bind(2)"},
	{.kind = CALL_BIND,
		.error = EADDRNOTAVAIL,
		.text = "No interface of this machine has that address.",
		.page = "bind(2)"},
	{.kind = CALL_SEND,
		.error = EMSGSIZE,
		.text = "The datagram is longer than one can be: 65507 bytes over IPv4.",
		.page = "udp(7)"},
	{.name = "dup",
		.text = "dup makes a second descriptor for the same socket: it stays open until "
			"both are closed.",
		.page = "dup(2)"},
	{.name = "preadv2",
		.when = WHEN(is_standard_input),
		.text = "Descriptor 0 is standard input. RWF_NOWAIT: "
			"it returns rather than wait.",
		.page = "readv(2)"},
	{.name = "write",
		.when = WHEN(is_standard_output),
		.text = "Descriptor 1 is standard output.",
		.page = "stdin(3)"},
	{.name = "ioctl",
		.when = WHEN(goes_over_tcp),
		.text = "SIOCOUTQ asks how many of our bytes the peer's kernel has not "
			"acknowledged. 0: it has them all, though the peer may not have read "
			"them."},
	{.name = "ioctl",
		.family = AF_UNIX,
		.text = "SIOCOUTQ asks whether the peer has read all that we sent: then it is 0."},
	{.name = "poll",
		.result = RESULT_SOME,
		.when = WHEN(is_hung_up),
		.text = "poll asks what the socket is ready for, without waiting. POLLHUP: both "
			"directions have ended, without an error.",
		.page = "poll(2)"},
	{.name = "unlinkat",
		.text = "The program removes the file of its socket.",
		.page = "unlink(2)"},
	/* Messages of TLS, in the order in which they come. */
	{.event = "ClientHello",
		.text = "ClientHello asks for TLS: it has the versions and ciphers that the "
			"client knows, its key share, and the name of the server that it wants "
			"(SNI, RFC 6066). All of it goes in the clear: the network sees the name.",
		.page = "RFC 8446 section 4.1.2"},
	{.event = "HelloRetryRequest",
		.text = "HelloRetryRequest: the server has no use for the client's key "
			"share, and names the group that it takes. The client begins again.",
		.page = "RFC 8446 section 4.1.4"},
	{.event = "ServerHello",
		.text = "ServerHello is the choice: one version, one cipher. In TLS 1.3 it has the "
			"server's key share, too: from two shares that all may see, both sides "
			"derive a secret that they alone have, and soon encrypt with it.",
		.page = "RFC 8446 section 4.1.3"},
	{.event = "ChangeCipherSpec",
		.text = "ChangeCipherSpec: in TLS 1.2 its sender encrypts from here on. In TLS "
			"1.3 it means nothing, and is sent so that old devices on the way take "
			"all this for TLS 1.2.",
		.page = "RFC 8446 appendix D.4"},
	{.event = "EncryptedExtensions",
		.text = "EncryptedExtensions is the server's answer to the rest of what was "
			"asked for, such as the protocol (ALPN). Others cannot read it.",
		.page = "RFC 8446 section 4.3.1"},
	{.event = "CertificateRequest",
		.text = "CertificateRequest: the client is to show a certificate, too. Most "
			"servers let their clients be anonymous here.",
		.page = "RFC 8446 section 4.3.2"},
	{.event = "Certificate",
		.text = "Certificate binds names to a public key; its issuer has signed it. The "
			"issuer's own certificate may follow, and so on, up to one that the other "
			"side trusts already. Anyone can show it: its sender has yet to prove that "
			"it has the private key.",
		.page = "RFC 8446 section 4.4.2"},
	{.event = "CertificateStatus",
		.text = "CertificateStatus is the issuer's word, hours or days old, that "
			"the certificate has not been revoked (OCSP).",
		.page = "RFC 6066 section 8"},
	{.event = "CertificateVerify",
		.text = "CertificateVerify is a signature over all messages so far. Only "
			"the owner of the private key can make it: this proves that the "
			"certificate is its own, and not a copy.",
		.page = "RFC 8446 section 4.4.3"},
	{.event = "ServerKeyExchange",
		.text = "ServerKeyExchange is the server's key share in TLS 1.2, signed "
			"with the key of its certificate: this proves that the certificate "
			"is its own.",
		.page = "RFC 5246 section 7.4.3"},
	{.event = "ServerHelloDone",
		.text = "ServerHelloDone: the server waits for the client now. This is the "
			"round trip that TLS 1.3 saves.",
		.page = "RFC 5246 section 7.4.5"},
	{.event = "ClientKeyExchange",
		.text = "ClientKeyExchange is the client's key share in TLS 1.2. Both sides "
			"have the secret now.",
		.page = "RFC 5246 section 7.4.7"},
	{.event = "Finished",
		.text = "Finished is a code over all messages, made with the new keys. It "
			"fits only if both sides saw the same: none was changed on the "
			"way, to weaken the cipher or otherwise.",
		.page = "RFC 8446 section 4.4.4"},
	{.event = "NewSessionTicket",
		.text = "NewSessionTicket: with it the client can resume this session "
			"later, in a shorter handshake without certificates. It may come at "
			"any time, also between data.",
		.page = "RFC 8446 section 4.6.1"},
	{.event = "KeyUpdate",
		.text = "KeyUpdate: this side encrypts with new keys from here on.",
		.page = "RFC 8446 section 4.6.3"},
	{.event = "HelloRequest",
		.text = "HelloRequest: the server wants a new handshake on the same "
			"connection (renegotiation). It is refused here.",
		.page = "RFC 5246 section 7.4.1.1"},
	{.event = "alert",
		.detail = "warning, close_notify",
		.text = "close_notify is TLS's own end. The end of TCP below it (FIN) or a "
			"reset can be forged by any machine on the way; this one is "
			"encrypted and cannot, so the other side knows that it has got all.",
		.page = "RFC 8446 section 6.1"},
	{.event = "alert",
		.detail = "fatal",
		.text = "A fatal alert is the last message: its sender gives up, and says why in "
			"one word, for people and logs.",
		.page = "RFC 8446 section 6.2"},
	{.event = "alert",
		.detail = "fatal, unknown_ca",
		.text = "unknown_ca: the certificate leads to no authority that the sender "
			"of the alert trusts.",
		.page = "RFC 8446 section 6.2"},
	{.event = "alert",
		.detail = "fatal, certificate_expired",
		.text = "certificate_expired: by the clock of the alert's sender the certificate "
			"is out of its dates.",
		.page = "RFC 8446 section 6.2"},
	{.event = "alert",
		.detail = "fatal, bad_certificate",
		.text = "bad_certificate: the certificate is not for the name that was "
			"asked for, or is no valid one.",
		.page = "RFC 8446 section 6.2"},
	{.event = "alert",
		.detail = "fatal, handshake_failure",
		.text = "handshake_failure: the two have no cipher, group or kind of key in "
			"common.",
		.page = "RFC 8446 section 6.2"},
	{.event = "alert",
		.detail = "fatal, protocol_version",
		.text = "protocol_version: the two have no version of TLS in common, or "
			"what came is no TLS.",
		.page = "RFC 8446 section 6.2"},
	{.event = "alert",
		.detail = "fatal, certificate_required",
		.text = "certificate_required: the server lets in only clients that show a "
			"certificate.",
		.page = "RFC 8446 section 6.2"},
	{.event = "alert",
		.detail = "fatal, no_application_protocol",
		.text = "no_application_protocol: the two have no protocol in common for "
			"what is inside (ALPN).",
		.page = "RFC 7301 section 3.2"},
};

const size_t explain_idea_count = sizeof(explain_ideas) / sizeof(explain_ideas[0]);
