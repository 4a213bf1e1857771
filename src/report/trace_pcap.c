#include "report/trace_pcap.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>

#include "base/clock.h"
#include "base/packet.h"
#include "base/pcapng.h"

enum {
	COMMENT_DATA_MOST = 24,
	FIRST_STEP = 64000, /* between initial sequence numbers, as 4.2BSD had them */
};

/* A call that becomes packets. */
struct pcap_call {
	struct trace_pcap *p;
	const struct call *call;
	const struct trace_socket *socket;
	struct trace_flow *flow;
	struct packet_path out, in; /* from us, and to us */
	struct buf comment;
	bool named;  /* a packet has the comment: those after it follow from the call */
	bool failed; /* memory is out */
};

static const bool FROM_US = true, FROM_PEER = false;

/* ---- packets ---- */

/* "send(5, "hello\n", 6) = 6"; "connect(5, 127.0.0.1:80) = -1 EINPROGRESS" */
static int pcap_add_comment(struct pcap_call *l)
{
	const struct call *call = l->call;

	if (buf_puts(&l->comment, "follows from ") < 0 ||
		trace_add_call(&l->comment, call, COMMENT_DATA_MOST) < 0)
		return -1;
	if (call->rc < 0)
		return buf_printf(&l->comment, " = -1 %s", call->error_name);
	return buf_printf(&l->comment, " = %jd", (intmax_t)call->rc);
}

static struct span pcap_comment(struct pcap_call *l)
{
	const size_t follows = strlen("follows from ");
	struct span text;

	if (!l->comment.len && pcap_add_comment(l) < 0) {
		l->failed = true;
		return (struct span){0};
	}
	text = buf_span(&l->comment);
	return l->named ? text : span_from(text, follows);
}

static void pcap_put(struct pcap_call *l, bool ours, const struct packet_head *head,
	struct span data, size_t missing)
{
	const struct pcapng_packet packet = {
		.ns = l->p->began_ns + trace_now_ns(l->p->trace),
		.way = ours ? PCAPNG_OUT : PCAPNG_IN,
		.head = {head->bytes, head->len},
		.data = data,
		.missing = missing,
		.comment = pcap_comment(l),
	};

	if (!l->failed && pcapng_add(&l->p->blocks, &packet) < 0)
		l->failed = true;
	l->named = true;
}

/* Each one acknowledges all that has come: only a SYN that begins cannot. */
static void pcap_tcp(
	struct pcap_call *l, bool ours, uint8_t flags, struct span data, size_t missing)
{
	struct trace_flow *f = l->flow;
	uint32_t *seq = ours ? &f->ours : &f->theirs;
	const struct packet_segment tcp = {.seq = *seq,
		.ack = !(flags & PACKET_ACK) ? 0
	               : ours                ? f->theirs
	                                     : f->ours,
		.flags = flags};
	struct packet_head head = {0};

	packet_tcp(&head, ours ? &l->out : &l->in, &tcp, data, missing);
	pcap_put(l, ours, &head, data, missing);
	*seq += (uint32_t)(data.len + missing) + ((flags & (PACKET_SYN | PACKET_FIN)) != 0);
}

static void pcap_flags(struct pcap_call *l, bool ours, uint8_t flags)
{
	pcap_tcp(l, ours, flags, (struct span){0}, 0);
}

/* ---- a connection ---- */

static void pcap_first(struct pcap_call *l)
{
	l->p->first += FIRST_STEP;
	l->flow->ours = l->p->first;
	l->p->first += FIRST_STEP;
	l->flow->theirs = l->p->first;
	l->flow->we_ended = l->flow->peer_ended = l->flow->unscaled = false;
}

static void pcap_syn(struct pcap_call *l, bool ours)
{
	pcap_first(l);
	pcap_flags(l, ours, PACKET_SYN);
	l->flow->stage = FLOW_OPENING;
}

/* ours: we began. */
static void pcap_established(struct pcap_call *l, bool ours)
{
	pcap_flags(l, !ours, PACKET_SYN | PACKET_ACK);
	pcap_flags(l, ours, PACKET_ACK);
	l->flow->stage = FLOW_OPEN;
}

static void pcap_data(struct pcap_call *l, bool ours)
{
	struct span data = l->call->data;
	size_t left = (size_t)l->call->rc;

	while (left) {
		const size_t now = left < PACKET_TCP_MOST ? left : PACKET_TCP_MOST;
		const size_t here = now < data.len ? now : data.len;

		left -= now;
		pcap_tcp(l, ours, left ? PACKET_ACK : PACKET_ACK | PACKET_PSH,
			(struct span){data.data, here}, now - here);
		data = span_from(data, here);
		if (l->flow->stage != FLOW_OVER && (!left || l->flow->unscaled))
			pcap_flags(l, !ours, PACKET_ACK);
	}
}

static void pcap_end(struct pcap_call *l, bool ours)
{
	bool *ended = ours ? &l->flow->we_ended : &l->flow->peer_ended;

	if (*ended || l->flow->stage != FLOW_OPEN)
		return;
	*ended = true;
	pcap_flags(l, ours, PACKET_FIN | PACKET_ACK);
	pcap_flags(l, !ours, PACKET_ACK);
}

static void pcap_reset(struct pcap_call *l, bool ours)
{
	pcap_flags(l, ours, PACKET_RST | PACKET_ACK);
	l->flow->stage = FLOW_OVER;
}

static bool pcap_is_up(uint8_t state)
{
	return state && state != TCP_CLOSE && state != TCP_SYN_SENT && state != TCP_SYN_RECV &&
	       state != TCP_LISTEN;
}

static bool pcap_moves(const struct call *call)
{
	return (call->kind == CALL_SEND || call->kind == CALL_RECEIVE) && call->rc >= 0 &&
	       !trace_is_about_errors(call);
}

static bool pcap_failed_with(const struct pcap_call *l, const char *error)
{
	return strcmp(trace_error(l->call), error) == 0;
}

/* Only what was sent is shown: with another error the connect has found no way. */
static void pcap_connect(struct pcap_call *l)
{
	const struct call *call = l->call;

	if (call->rc == 0 || call->error == EINPROGRESS || call->error == ECONNREFUSED)
		pcap_syn(l, FROM_US);
}

/* It was opened before, by another program: what of it is seen is not its beginning. */
static void pcap_found(struct pcap_call *l)
{
	pcap_first(l);
	l->flow->unscaled = true;
	l->flow->stage = FLOW_OPEN;
}

/* What has become of the connection since the last call. */
static void pcap_catch_up(struct pcap_call *l)
{
	const struct call *call = l->call;
	const bool up = pcap_is_up(call->before.tcp) || pcap_is_up(call->after.tcp) ||
	                pcap_moves(call) || pcap_failed_with(l, "ECONNRESET");

	if (l->flow->stage == FLOW_OPENING && up)
		pcap_established(l, FROM_US);
	else if (l->flow->stage == FLOW_NEW && up && call->kind != CALL_CLOSE)
		pcap_found(l);
}

/* Returns whether it was ended by that. */
static bool pcap_was_ended(struct pcap_call *l)
{
	const bool opening = l->flow->stage == FLOW_OPENING;

	if (l->flow->stage != FLOW_OPEN && !opening)
		return false;
	if (!pcap_failed_with(l, "ECONNRESET") &&
		!(opening && pcap_failed_with(l, "ECONNREFUSED")) &&
		!(l->socket->failed && pcap_failed_with(l, "EPIPE")))
		return false;
	if (opening)
		l->flow->theirs = 0;
	pcap_reset(l, FROM_PEER);
	return true;
}

/* What the peer sees of it: the states tell. */
static void pcap_close(struct pcap_call *l)
{
	const uint8_t before = l->call->before.tcp, after = l->call->after.tcp;
	const bool resets = after == TCP_CLOSE && before != TCP_CLOSE;

	if (l->socket->names > 1 || l->flow->stage != FLOW_OPEN)
		return;
	if (before == TCP_CLOSE_WAIT || before == TCP_LAST_ACK || before == TCP_CLOSING ||
		before == TCP_TIME_WAIT)
		if (!l->call->unread)
			pcap_end(l, FROM_PEER);
	if (resets)
		pcap_reset(l, FROM_US);
	else if (pcap_is_up(before))
		pcap_end(l, FROM_US);
}

static void pcap_worked(struct pcap_call *l)
{
	const struct call *call = l->call;

	if (call->kind == CALL_CLOSE)
		pcap_close(l);
	else if (call->kind == CALL_SHUTDOWN && call->rc == 0 && call->how != SHUT_RD)
		pcap_end(l, FROM_US);
	else if (pcap_moves(call) && call->rc > 0 && !trace_peeks(call))
		pcap_data(l, call->kind == CALL_SEND);
	else if (pcap_moves(call) && trace_is_end(l->socket, call) && !trace_peeks(call) &&
		 call->asked)
		pcap_end(l, FROM_PEER);
}

static void pcap_connection(struct pcap_call *l)
{
	if (l->call->kind == CALL_ACCEPT) {
		pcap_syn(l, FROM_PEER);
		pcap_established(l, FROM_PEER);
		return;
	}
	if (l->call->kind == CALL_CONNECT &&
		(l->flow->stage == FLOW_NEW || l->flow->stage == FLOW_OVER))
		pcap_connect(l);
	pcap_catch_up(l);
	if (!pcap_was_ended(l))
		pcap_worked(l);
}

/* ---- datagrams ---- */

static void pcap_datagram(struct pcap_call *l)
{
	const struct call *call = l->call;
	const bool ours = call->kind == CALL_SEND;
	struct span data = call->data;
	struct packet_head head = {0};
	size_t missing;

	if (pcap_failed_with(l, "ECONNREFUSED")) {
		packet_unreachable(&head, &l->in);
		pcap_put(l, FROM_PEER, &head, (struct span){0}, 0);
		return;
	}
	if (!pcap_moves(call) || trace_peeks(call) || call->rc > PACKET_UDP_MOST)
		return;
	missing = (size_t)call->rc - data.len;
	packet_udp(&head, ours ? &l->out : &l->in, data, missing);
	pcap_put(l, ours, &head, data, missing);
}

/* ---- calls ---- */

static bool pcap_is_connection(const struct pcap_call *l)
{
	const int type = l->flow->ends.type ? l->flow->ends.type : l->socket->type;

	return type == SOCK_STREAM;
}

static bool pcap_is_ip(const struct addr *a)
{
	return a->len && (a->sa.sa_family == AF_INET || a->sa.sa_family == AF_INET6);
}

/* Between which addresses it is. Returns whether they are known, and of IP. */
static bool pcap_find_path(struct pcap_call *l)
{
	const bool one = l->call->kind == CALL_SEND || l->call->kind == CALL_RECEIVE ||
	                 l->call->kind == CALL_CONNECT;
	struct addr here = l->flow->ends.local, peer = l->flow->ends.peer;
	const struct addr at = one ? trace_address(l->call) : (struct addr){0};

	if (at.len && (!peer.len || !pcap_is_connection(l)))
		peer = at;
	if (!peer.len)
		peer = l->socket->peer;
	if (!here.len && pcap_is_ip(&peer))
		here = addr_any(peer.sa.sa_family, 0);
	if (l->call->here.len && !addr_is_any(&l->call->here)) {
		const uint16_t port = addr_port(&here);

		here = l->call->here;
		addr_set_port(&here, port);
	}
	/* An attempt that failed has left no address; the one that leads to ourselves is clear. */
	if (pcap_is_ip(&here) && pcap_is_ip(&peer) && addr_is_any(&here) && addr_is_loopback(&peer))
		here = addr_loopback(peer.sa.sa_family, addr_port(&here));
	return packet_path_of(&l->out, &here, &peer) == 0;
}

static void pcap_flush(struct trace_pcap *p)
{
	if (p->blocks.len)
		p->write(p->arg, buf_span(&p->blocks));
	buf_free(&p->blocks);
}

static void pcap_lacks_others(struct pcap_call *l)
{
	const struct call *call = l->call;
	const bool unix_socket = l->flow->ends.local.sa.sa_family == AF_UNIX;

	if (!unix_socket || l->p->lacks_told || !(pcap_moves(call) || call->kind == CALL_ACCEPT))
		return;
	l->p->lacks_told = true;
	l->p->lacks(l->p->arg, "Unix sockets have no packets", false);
}

static bool pcap_is_shown(const struct call *call)
{
	return call->kind != CALL_OTHER && call->kind != CALL_COPY && call->kind != CALL_SOCKET &&
	       call->kind != CALL_BIND && call->kind != CALL_LISTEN &&
	       !(call->kind == CALL_ACCEPT && call->rc < 0);
}

static void trace_pcap_call(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	struct pcap_call l = {.p = arg, .call = call, .socket = socket};

	(void)t;
	if (!socket || !pcap_is_shown(call) || (socket->listens && call->kind != CALL_ACCEPT))
		return;
	l.flow = &socket->flow;
	if (!pcap_find_path(&l)) {
		pcap_lacks_others(&l);
		return;
	}
	l.in = packet_path_back(&l.out);
	if (pcap_is_connection(&l))
		pcap_connection(&l);
	else if (call->kind != CALL_CLOSE && call->kind != CALL_CONNECT)
		pcap_datagram(&l);
	buf_free(&l.comment);
	if (l.failed)
		l.p->lacks(l.p->arg, "out of memory", true);
	pcap_flush(l.p);
}

static const struct trace_form trace_pcap = {.call = trace_pcap_call};

void trace_pcap_begin(struct trace_pcap *p, struct trace *t, const char *program)
{
	p->trace = t;
	p->began_ns = clock_real_ns() - trace_now_ns(t);
	t->wants_ends = true;
	trace_add(t, &trace_pcap, p);
	if (pcapng_begin(&p->blocks, program) < 0)
		p->lacks(p->arg, "out of memory", true);
	pcap_flush(p);
}
