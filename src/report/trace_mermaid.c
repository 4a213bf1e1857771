#include "report/trace_mermaid.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

/*
 *     S->>P1: SYN: connect(5, 127.0.0.1:7777) = -1 EINPROGRESS
 *     P1-->>S: SYN, ACK: CLOSED -> ESTABLISHED
 *     S->>P1: send(5, "hello\n") = 6
 *     P1->>S: FIN: recv(5, "") = 0, ESTABLISHED -> CLOSE_WAIT
 *     S->>P1: FIN: close(5), CLOSE_WAIT -> [LAST_ACK]
 *
 * Left out: calls that are not about a socket, those that only ask, that would have had to wait,
 * and the options that sockx sets on every socket. Where one of them sees another state, a note
 * says so.
 */

enum { DATA_MOST = 24 };

/* Numbers of lifelines. Peers are 1 and up. */
enum { LIFELINE_NONE, LIFELINE_OTHERS = TRACE_MERMAID_PEERS + 1 };

/* A line that is being made, and what it is made for. */
struct mermaid_line {
	struct trace *t;
	struct trace_mermaid *m;
	const struct call *call;
	const struct trace_socket *socket;
	unsigned peer; /* its lifeline; LIFELINE_NONE: there is none */
	bool stated;   /* the change of the state was shown */
};

/* ---- text ---- */

/* What of any text could end a statement, begin a comment, an entity, a tag or a formula; and the
 * letters that mermaid writes for "&" and ";" while it reads (U+FB02, U+00B6). "style" and
 * "classDef" are words that it looks for in every line, whatever the diagram: it takes the next ";"
 * after them. */
static const struct {
	const char *text;
	size_t len; /* so much of text is replaced */
	const char *entity;
} mermaid_traps[] = {
	{"#", 1, "#35;"},
	{";", 1, "#59;"},
	{"%", 1, "#37;"},
	{"<", 1, "#60;"},
	{"&", 1, "#38;"},
	{"$", 1, "#36;"},
	{"`", 1, "#96;"},
	{"@", 1, "#64;"},
	{"{", 1, "#123;"},
	{"}", 1, "#125;"},
	{"\\", 1, "#92;"},
	{"\n", 1, " "},
	{"\r", 1, " "},
	{"style", 1, "#115;"},
	{"classDef", 1, "#99;"},
	{"\xef\xac\x82", 3, "#64258;"},
	{"\xc2\xb6", 2, "#182;"},
};

static int mermaid_add_text(struct buf *out, struct span text)
{
	const size_t count = sizeof(mermaid_traps) / sizeof(mermaid_traps[0]);
	int rc = 0;

	while (text.len && rc == 0) {
		size_t i = 0;

		while (i < count && !span_starts_with(text, span_of(mermaid_traps[i].text)))
			i++;
		rc = i < count ? buf_puts(out, mermaid_traps[i].entity)
		               : buf_add(out, (struct span){text.data, 1});
		text = span_from(text, i < count ? mermaid_traps[i].len : 1);
	}
	return rc;
}

/* "%%{" begins a directive (it can change how the whole diagram looks), in a comment, too. */
static int mermaid_add_comment(struct buf *out, struct span line)
{
	int rc = buf_puts(out, "%% ");

	for (size_t i = 0; i < line.len && rc == 0; i++) {
		if (i > 0 && line.data[i] == '{' && line.data[i - 1] == '%')
			rc = buf_puts(out, " ");
		if (rc == 0)
			rc = buf_add(out, (struct span){line.data + i, 1});
	}
	return rc < 0 ? -1 : buf_puts(out, "\n");
}

int trace_mermaid_comment(struct span lines, struct buf *out)
{
	while (lines.len) {
		const uint8_t *end = memchr(lines.data, '\n', lines.len);
		size_t len = end ? (size_t)(end - lines.data) : lines.len;

		if (mermaid_add_comment(out, (struct span){lines.data, len}) < 0)
			return -1;
		lines = span_from(lines, end ? len + 1 : len);
	}
	return 0;
}

/* A statement on a line of its own: what it begins with, and a text of any bytes. */
static void mermaid_send(struct trace *t, const char *head, struct span text)
{
	struct buf line = {0};

	if (buf_printf(&line, "    %s", head) < 0 || mermaid_add_text(&line, text) < 0 ||
		buf_puts(&line, "\n") < 0)
		t->to->dropped++;
	else
		report_line(t->to, buf_span(&line));
	buf_free(&line);
}

/* ---- lifelines ---- */

struct mermaid_lifeline {
	char text[12];
};

static struct mermaid_lifeline mermaid_name(unsigned peer)
{
	struct mermaid_lifeline name;

	snprintf(name.text, sizeof(name.text), "P%u", peer);
	return name;
}

static void mermaid_declare(struct trace *t, unsigned peer, const char *label)
{
	char head[40];

	snprintf(head, sizeof(head), "participant %s as ", mermaid_name(peer).text);
	mermaid_send(t, head, span_of(label));
}

static unsigned mermaid_others(struct trace *t, struct trace_mermaid *m)
{
	if (!m->others)
		mermaid_declare(t, LIFELINE_OTHERS, "other peers");
	m->others = true;
	return LIFELINE_OTHERS;
}

static unsigned mermaid_new_peer(struct trace *t, struct trace_mermaid *m, const struct addr *at,
	const struct trace_socket *socket)
{
	if (m->count == TRACE_MERMAID_PEERS)
		return mermaid_others(t, m);
	m->peers[m->count++] = (struct trace_mermaid_peer){*at, socket};
	mermaid_declare(t, m->count, addr_is_named(at) ? addr_text(at).text : "peer");
	return m->count;
}

/* By its address; or by the socket that leads to it, whose peer may turn out to have another
 * address than the one it was connected to (0.0.0.0). begins: that socket is new, and the one that
 * was known by its pointer is no more. */
static unsigned mermaid_known(const struct trace_mermaid *m, const struct addr *at,
	const struct trace_socket *socket, bool begins)
{
	const bool named = addr_is_named(at);
	unsigned i;

	for (i = m->count; named && i > 0; i--)
		if (addr_equal(&m->peers[i - 1].at, at))
			return i;
	if (begins || (named && socket->type == SOCK_DGRAM))
		return LIFELINE_NONE;
	for (i = m->count; i > 0; i--)
		if (m->peers[i - 1].socket == socket)
			return i;
	return LIFELINE_NONE;
}

static unsigned mermaid_peer(struct trace *t, struct trace_mermaid *m, const struct addr *at,
	const struct trace_socket *socket, bool begins)
{
	unsigned peer = mermaid_known(m, at, socket, begins);

	if (!peer)
		return mermaid_new_peer(t, m, at, socket);
	m->peers[peer - 1].socket = socket;
	return peer;
}

static struct addr mermaid_address(const struct call *call, const struct trace_socket *socket)
{
	const struct addr at = trace_address(call);
	const bool peers = call->kind == CALL_ACCEPT || call->kind == CALL_CONNECT ||
	                   call->kind == CALL_SEND || call->kind == CALL_RECEIVE;

	return peers && at.len ? at : socket->peer;
}

/* ---- what a socket is ---- */

static int mermaid_family(const struct trace_socket *socket)
{
	if (socket->family)
		return socket->family;
	return socket->peer.len ? socket->peer.sa.sa_family : socket->local.sa.sa_family;
}

static bool mermaid_is_ip(const struct mermaid_line *l)
{
	int family = mermaid_family(l->socket);

	return family == AF_INET || family == AF_INET6;
}

/* Its data has an end, and only one peer. */
static bool mermaid_is_stream(const struct mermaid_line *l)
{
	return trace_is_stream(l->socket, l->call);
}

static bool mermaid_is_tcp(const struct mermaid_line *l)
{
	return mermaid_is_ip(l) && mermaid_is_stream(l);
}

static bool mermaid_is_socket(const struct trace_socket *socket)
{
	return socket->family || socket->listens || socket->peer.len || socket->local.len;
}

static bool mermaid_has_peer(const struct call *call, const struct trace_socket *socket)
{
	if (call->kind == CALL_ACCEPT)
		return call->rc >= 0;
	if (call->kind == CALL_CONNECT)
		return true;
	return !socket->listens && mermaid_address(call, socket).len > 0;
}

/* ---- statements ---- */

/* "ESTABLISHED -> FIN_WAIT_1"; the state alone where it is the same, and always is to be shown. */
static int mermaid_add_state(struct mermaid_line *l, struct buf *out, const char *before_it)
{
	const struct call *call = l->call;
	const bool changed = call->before.tcp && call->before.tcp != call->after.tcp;
	const bool shown = (call->kind == CALL_ACCEPT && call->rc >= 0) || call->kind == CALL_CLOSE;

	if (!call->after.tcp || l->stated || !(changed || shown))
		return 0;
	l->stated = true;
	if (buf_puts(out, before_it) < 0)
		return -1;
	if (changed && buf_printf(out, "%s -> ", trace_state_text(call->before).text) < 0)
		return -1;
	return buf_puts(out, trace_state_text(call->after).text);
}

/* The call, what it returned unless it is 0 for having worked, and the state. */
static int mermaid_add_call(struct mermaid_line *l, struct buf *out)
{
	const bool counts = l->call->kind == CALL_SEND || l->call->kind == CALL_RECEIVE;
	struct call call = *l->call;

	if ((counts && call.rc >= 0 && !trace_is_about_errors(&call)) || call.kind == CALL_ACCEPT)
		call.args = NULL;
	if (trace_add_call(out, &call, DATA_MOST) < 0)
		return -1;
	if (call.rc < 0)
		return buf_printf(out, " = -1 %s", call.error_name);
	if (call.rc > 0 || counts)
		return buf_printf(out, " = %jd", (intmax_t)call.rc);
	return 0;
}

/* word: what it means to the peer, or "". */
static void mermaid_say(struct mermaid_line *l, const char *head, const char *word)
{
	struct buf text = {0};

	if (buf_printf(&text, "%s%s", word, word[0] ? ": " : "") < 0 ||
		mermaid_add_call(l, &text) < 0 || mermaid_add_state(l, &text, ", ") < 0)
		l->t->to->dropped++;
	else
		mermaid_send(l->t, head, buf_span(&text));
	buf_free(&text);
}

struct mermaid_head {
	char text[48];
};

/* From us to the peer, or from it; arrow: as mermaid draws it. */
static struct mermaid_head mermaid_arrow(const struct mermaid_line *l, bool ours, const char *arrow)
{
	struct mermaid_head head;
	const struct mermaid_lifeline peer = mermaid_name(l->peer);

	snprintf(head.text, sizeof(head.text), "%s%s%s: ", ours ? "S" : peer.text, arrow,
		ours ? peer.text : "S");
	return head;
}

/* Over our lifeline, and over that of the peer that it is about. */
static struct mermaid_head mermaid_over(const struct mermaid_line *l)
{
	struct mermaid_head head;

	if (l->peer)
		snprintf(head.text, sizeof(head.text),
			"Note over S,%s: ", mermaid_name(l->peer).text);
	else
		snprintf(head.text, sizeof(head.text), "Note over S: ");
	return head;
}

static void mermaid_note(struct mermaid_line *l)
{
	mermaid_say(l, mermaid_over(l).text, "");
}

static void mermaid_from_us(struct mermaid_line *l, const char *word)
{
	mermaid_say(l, mermaid_arrow(l, true, "->>").text, word);
}

static void mermaid_from_peer(struct mermaid_line *l, const char *word)
{
	mermaid_say(l, mermaid_arrow(l, false, "->>").text, word);
}

/* The state alone, if it is another. */
static void mermaid_state(struct mermaid_line *l, const char *head, const char *word)
{
	struct buf text = {0};

	if (mermaid_add_state(l, &text, word) < 0)
		l->t->to->dropped++;
	else if (text.len)
		mermaid_send(l->t, head, buf_span(&text));
	buf_free(&text);
}

/* ---- calls ---- */

/* The peer has taken our connection: seen in whatever call comes next. */
static bool mermaid_has_connected(const struct call *call)
{
	return call->kind != CALL_ACCEPT && call->after.tcp == TCP_ESTABLISHED &&
	       (call->before.tcp == TCP_SYN_SENT || call->before.tcp == TCP_CLOSE);
}

static void mermaid_connected(struct mermaid_line *l)
{
	if (l->peer && mermaid_has_connected(l->call))
		mermaid_state(l, mermaid_arrow(l, false, "-->>").text, "SYN, ACK: ");
}

/* The error means only that the call would have had to wait. */
static bool mermaid_would_wait(const struct call *call)
{
	return call->rc < 0 &&
	       (call->error == EAGAIN || call->error == EINPROGRESS || call->error == EALREADY);
}

static void mermaid_failed(struct mermaid_line *l, const char *error)
{
	const bool refused = strcmp(error, "ECONNREFUSED") == 0;
	const bool reset = strcmp(error, "ECONNRESET") == 0;
	const char *word = reset || mermaid_is_stream(l) ? "RST" : "ICMP port unreachable";

	if (!l->peer || !(reset || refused) || (refused && !mermaid_is_ip(l)))
		mermaid_note(l);
	else
		mermaid_say(l, mermaid_arrow(l, false, "-x").text, mermaid_is_ip(l) ? word : "");
}

static void mermaid_connect(struct mermaid_line *l)
{
	const bool at_once = mermaid_has_connected(l->call);

	if (!mermaid_is_stream(l)) {
		mermaid_note(l); /* nothing is sent */
		return;
	}
	if (!mermaid_is_tcp(l)) {
		mermaid_from_us(l, "");
		return;
	}
	l->stated = at_once; /* the answer's arrow shows it */
	mermaid_from_us(l, "SYN");
	if (at_once) {
		l->stated = false;
		mermaid_connected(l);
	}
}

static void mermaid_moved(struct mermaid_line *l)
{
	const struct call *call = l->call;
	const bool ours = call->kind == CALL_SEND;
	const bool ends = trace_is_end(l->socket, call);
	const char *word = !ends ? "" : mermaid_is_tcp(l) ? "FIN" : "end";

	if (!l->peer || trace_is_about_errors(call))
		mermaid_note(l);
	else if (!mermaid_is_stream(l))
		mermaid_say(l, mermaid_arrow(l, ours, "-)").text, "");
	else if (ours)
		mermaid_from_us(l, "");
	else
		mermaid_from_peer(l, word);
}

static void mermaid_shutdown(struct mermaid_line *l)
{
	if (l->peer && mermaid_is_stream(l))
		mermaid_from_us(l, mermaid_is_tcp(l) ? "FIN" : "end");
	else
		mermaid_note(l);
}

/* What the peer sees of it: the state tells over TCP. */
static void mermaid_close(struct mermaid_line *l)
{
	const uint8_t before = l->call->before.tcp, after = l->call->after.tcp;
	const bool changed = l->peer && after != before && before != TCP_SYN_SENT;

	if (changed && (after == TCP_FIN_WAIT1 || after == TCP_LAST_ACK))
		mermaid_from_us(l, "FIN");
	else if (changed && after == TCP_CLOSE)
		mermaid_say(l, mermaid_arrow(l, true, "-x").text, "RST");
	else if (l->peer && mermaid_is_stream(l) && !mermaid_is_tcp(l))
		mermaid_from_us(l, "");
	else
		mermaid_note(l);
}

/* Options that sockx sets on every socket: with 0, a user has asked for it. */
static bool mermaid_is_usual(const struct call *call)
{
	static const struct {
		int level, option;
	} usual[] = {
		{IPPROTO_TCP, TCP_NODELAY},
		{SOL_SOCKET, SO_KEEPALIVE},
		{SOL_SOCKET, SO_OOBINLINE},
		{SOL_SOCKET, SO_RCVBUFFORCE},
		{SOL_SOCKET, SO_SNDBUF},
		{SOL_SOCKET, SO_RCVBUF},
		{SOL_SOCKET, SO_LINGER},
		{IPPROTO_IP, IP_RECVERR},
		{IPPROTO_IP, IP_RECVTTL},
		{IPPROTO_IP, IP_PKTINFO},
		{IPPROTO_IP, IP_TTL},
		{IPPROTO_IPV6, IPV6_RECVERR},
		{IPPROTO_IPV6, IPV6_RECVHOPLIMIT},
		{IPPROTO_IPV6, IPV6_UNICAST_HOPS},
		{IPPROTO_IPV6, IPV6_RECVPKTINFO},
		{IPPROTO_IPV6, IPV6_V6ONLY},
	};
	const char *value = call->args ? strrchr(call->args, ' ') : NULL;

	for (size_t i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		if (usual[i].level == call->level && usual[i].option == call->option)
			return call->rc == 0 && value && strcmp(value, " 0") != 0;
	return false;
}

/* Which port the kernel has chosen; what else is asked is left out. */
static void mermaid_look(struct mermaid_line *l)
{
	const struct call *call = l->call;

	if (call->fd == l->m->port_unknown && strcmp(call->name, "getsockname") == 0) {
		mermaid_note(l);
		l->m->port_unknown = -1;
	}
}

static void mermaid_bind(struct mermaid_line *l)
{
	const struct sockaddr *at = l->call->at;

	if (l->call->rc == 0 && at && at->sa_family != AF_UNIX && !addr_port(&l->socket->local))
		l->m->port_unknown = l->call->fd;
	mermaid_note(l);
}

static void mermaid_worked(struct mermaid_line *l)
{
	const struct call *call = l->call;

	switch (call->kind) {
	case CALL_OTHER:
	case CALL_COPY: break;
	case CALL_SOCKET:
	case CALL_LISTEN: mermaid_note(l); break;
	case CALL_BIND: mermaid_bind(l); break;
	case CALL_ACCEPT: mermaid_from_peer(l, mermaid_is_tcp(l) ? "TCP handshake" : ""); break;
	case CALL_CONNECT: mermaid_connect(l); break;
	case CALL_SEND:
	case CALL_RECEIVE:
		if (!trace_peeks(call))
			mermaid_moved(l);
		break;
	case CALL_SHUTDOWN: mermaid_shutdown(l); break;
	case CALL_CLOSE: mermaid_close(l); break;
	case CALL_OPTION:
		if (!mermaid_is_usual(call))
			mermaid_note(l);
		break;
	case CALL_LOOK: mermaid_look(l); break;
	}
}

static void mermaid_show(struct mermaid_line *l)
{
	const char *error = trace_error(l->call);

	const bool waits = mermaid_would_wait(l->call);

	if (l->call->kind != CALL_CONNECT)
		mermaid_connected(l);
	if (!error[0] || (waits && l->call->kind == CALL_CONNECT))
		mermaid_worked(l);
	else if (!waits)
		mermaid_failed(l, error);
	mermaid_state(l, mermaid_over(l).text, "");
}

static void trace_mermaid_call(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	struct trace_mermaid *m = arg;
	static const struct trace_socket none;
	struct mermaid_line l = {.t = t, .m = m, .call = call, .socket = socket ? socket : &none};
	const bool begins = call->kind == CALL_ACCEPT || call->kind == CALL_CONNECT;
	struct addr at;

	if (call->kind == CALL_OTHER || call->kind == CALL_COPY)
		return;
	if (!mermaid_is_socket(l.socket) && call->kind != CALL_SOCKET)
		return;
	if (call->kind == CALL_CLOSE && l.socket->names > 1)
		return;
	at = mermaid_address(call, l.socket);
	if (mermaid_has_peer(call, l.socket))
		l.peer = mermaid_peer(t, m, &at, l.socket, begins);
	mermaid_show(&l);
}

/* It goes with the calls beside it, which have the arrows. */
static void trace_mermaid_event(struct trace *t, void *arg, const struct trace_event *event,
	const struct trace_socket *socket)
{
	struct buf text = {0};

	(void)arg;
	(void)socket;
	if (trace_add_event(&text, event) < 0)
		t->to->dropped++;
	else
		mermaid_send(t, "Note over S: ", buf_span(&text));
	buf_free(&text);
}

static const struct trace_form trace_mermaid = {
	.call = trace_mermaid_call, .event = trace_mermaid_event};

void trace_mermaid_begin(struct trace_mermaid *m, struct trace *t, const char *we)
{
	*m = (struct trace_mermaid){.port_unknown = -1};
	t->to->comment = trace_mermaid_comment;
	t->to->colour = false;
	report_line(t->to, span_of("sequenceDiagram\n"));
	mermaid_send(t, "participant S as ", span_of(we));
	trace_add(t, &trace_mermaid, m);
}
