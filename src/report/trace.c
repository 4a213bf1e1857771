#include "report/trace.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/escape.h"

void trace_begin(struct trace *t, struct reporter *to)
{
	*t = (struct trace){.to = to, .began_ns = clock_ns()};
	to->trace = t;
}

void trace_add(struct trace *t, const struct trace_form *form, void *arg)
{
	t->forms[t->form_count].form = form;
	t->forms[t->form_count++].arg = arg;
}

int64_t trace_now_ns(const struct trace *t)
{
	return clock_ns() - t->began_ns;
}

/* ---- what is known of each socket ---- */

static void trace_forget(struct trace *t, int fd)
{
	struct trace_socket *s = t->sockets[fd];

	t->sockets[fd] = NULL;
	if (s && --s->names == 0)
		free(s);
}

void trace_end(struct trace *t)
{
	for (size_t i = 0; i < t->form_count; i++)
		if (t->forms[i].form->end)
			t->forms[i].form->end(t, t->forms[i].arg);
	for (size_t fd = 0; fd < t->room; fd++)
		trace_forget(t, (int)fd);
	free(t->sockets);
	if (t->to)
		t->to->trace = NULL;
	*t = (struct trace){0};
}

/* Returns whether there is a place for fd. */
static bool trace_reach(struct trace *t, int fd)
{
	struct trace_socket **grown;
	size_t room = t->room ? t->room : 16;

	if (fd < 0)
		return false;
	if ((size_t)fd < t->room)
		return true;
	while (room <= (size_t)fd)
		room *= 2;
	grown = realloc(t->sockets, room * sizeof(struct trace_socket *));
	if (!grown)
		return false;
	memset(grown + t->room, 0, (room - t->room) * sizeof(struct trace_socket *));
	t->sockets = grown;
	t->room = room;
	return true;
}

struct trace_socket *trace_socket_of(struct trace *t, int fd)
{
	if (!trace_reach(t, fd))
		return NULL;
	if (!t->sockets[fd]) {
		t->sockets[fd] = calloc(1, sizeof(struct trace_socket));
		if (t->sockets[fd])
			t->sockets[fd]->names = 1;
	}
	return t->sockets[fd];
}

/* What fd was before, it is no more. */
static struct trace_socket *trace_socket_new(struct trace *t, int fd, int family, int type)
{
	struct trace_socket *s;

	if (trace_reach(t, fd))
		trace_forget(t, fd);
	s = trace_socket_of(t, fd);
	if (s) {
		s->family = family;
		s->type = type;
		s->since_ns = trace_now_ns(t);
	}
	return s;
}

static void trace_copy(struct trace *t, int fd, int64_t copy)
{
	struct trace_socket *s = trace_reach(t, fd) ? t->sockets[fd] : NULL;

	if (!s || copy == fd || !trace_reach(t, (int)copy))
		return;
	trace_forget(t, (int)copy);
	t->sockets[copy] = s;
	s->names++;
}

void trace_number(struct trace *t, int fd, uint64_t conn)
{
	struct trace_socket *s = trace_socket_of(t, fd);

	if (s)
		s->conn = conn;
}

struct addr trace_address(const struct call *call)
{
	struct addr at = {0};

	if (call->at && call->at_len <= sizeof(at.room))
		addr_of_bytes(&at, (struct span){(const uint8_t *)call->at, call->at_len});
	return at;
}

static void trace_note_address(struct addr *out, const struct call *call)
{
	const struct addr at = trace_address(call);

	if (at.len)
		*out = at;
}

bool trace_peeks(const struct call *call)
{
	return call->kind == CALL_RECEIVE && call->args && strstr(call->args, "MSG_PEEK");
}

bool trace_is_stream(const struct trace_socket *s, const struct call *call)
{
	return s->type ? s->type != SOCK_DGRAM : !call->whole;
}

bool trace_is_end(const struct trace_socket *s, const struct call *call)
{
	return call->kind == CALL_RECEIVE && call->rc == 0 && trace_is_stream(s, call);
}

const char *trace_error(const struct call *call)
{
	const char *value;

	if (call->rc < 0)
		return call->error_name;
	if (call->kind != CALL_LOOK || call->level != SOL_SOCKET || call->option != SO_ERROR)
		return "";
	value = call->args ? strrchr(call->args, ' ') : NULL;
	return value && strcmp(value, " 0") != 0 ? value + 1 : "";
}

bool trace_is_about_errors(const struct call *call)
{
	return call->args && strstr(call->args, "MSG_ERRQUEUE");
}

static void trace_note_bytes(struct trace_socket *s, const struct call *call)
{
	if (call->rc > 0 && trace_peeks(call))
		return;
	if (call->rc > 0 && call->kind == CALL_SEND)
		s->sent += (uint64_t)call->rc;
	else if (call->rc > 0)
		s->received += (uint64_t)call->rc;
	else if (trace_is_end(s, call))
		s->ended = true;
}

static bool trace_is(const struct call *call, const char *name)
{
	return strcmp(call->name, name) == 0;
}

/* A call that has done what it is for. */
static void trace_note(struct trace_socket *s, const struct call *call)
{
	switch (call->kind) {
	case CALL_BIND:
		trace_note_address(&s->local, call);
		s->bound = true;
		s->bound_to_any_port = s->local.sa.sa_family != AF_UNIX && !addr_port(&s->local);
		break;
	case CALL_LISTEN: s->listens = true; break;
	case CALL_OPTION:
		if (call->level == SOL_SOCKET && call->option == SO_LINGER)
			s->resets = true;
		break;
	case CALL_LOOK:
		if (trace_is(call, "getsockname"))
			trace_note_address(&s->local, call);
		else if (trace_is(call, "getpeername"))
			trace_note_address(&s->peer, call);
		break;
	case CALL_SEND:
	case CALL_RECEIVE: trace_note_bytes(s, call); break;
	case CALL_OTHER:
	case CALL_SOCKET:
	case CALL_ACCEPT:
	case CALL_CONNECT:
	case CALL_SHUTDOWN:
	case CALL_CLOSE:
	case CALL_COPY: break;
	}
}

bool trace_wants_ends(const struct trace *t, const struct call *call)
{
	const bool accepted = call->kind == CALL_ACCEPT && call->rc >= 0;
	const bool moves = call->kind == CALL_SEND || call->kind == CALL_RECEIVE ||
	                   call->kind == CALL_SHUTDOWN || call->kind == CALL_OPTION ||
	                   call->kind == CALL_LOOK;
	const bool known = call->fd >= 0 && (size_t)call->fd < t->room && t->sockets[call->fd] &&
	                   t->sockets[call->fd]->flow.located;

	return t->wants_ends && (accepted || call->kind == CALL_CONNECT || (moves && !known));
}

static bool trace_has_port(const struct addr *a)
{
	return a->len && a->sa.sa_family != AF_UNIX && addr_port(a);
}

static void trace_note_ends(struct trace_flow *f, const struct call *call)
{
	const struct call_ends *ends = call->ends;

	if (!ends)
		return;
	if (trace_has_port(&ends->local) || !trace_has_port(&f->ends.local))
		f->ends.local = ends->local;
	if (ends->peer.len || call->kind == CALL_CONNECT)
		f->ends.peer = ends->peer;
	f->ends.type = ends->type;
	f->located = ends->local.sa.sa_family == AF_UNIX ||
	             (trace_has_port(&ends->local) && (ends->peer.len || ends->type == SOCK_DGRAM));
}

static struct trace_socket *trace_accepted(
	struct trace *t, struct trace_socket *listener, const struct call *call)
{
	struct trace_socket *s;

	if (call->rc < 0)
		return listener;
	s = trace_socket_new(
		t, (int)call->rc, listener ? listener->family : 0, listener ? listener->type : 0);
	if (s)
		trace_note_address(&s->peer, call);
	return s;
}

/* Our end is on its way, or has come. */
static bool trace_has_ended(uint8_t state)
{
	return state == TCP_FIN_WAIT1 || state == TCP_FIN_WAIT2 || state == TCP_CLOSING ||
	       state == TCP_TIME_WAIT || state == TCP_LAST_ACK;
}

/* EPIPE after our own end says no more than that. */
static bool trace_has_failed(const struct trace_socket *s, const struct call *call)
{
	return call->broken || call->error == ECONNRESET || call->error == ETIMEDOUT ||
	       (call->error == EPIPE && !trace_has_ended(s->last.tcp));
}

/* The socket that a call was about, with what the call says of it. */
static struct trace_socket *trace_learn(struct trace *t, const struct call *call)
{
	struct trace_socket *s;

	if (call->kind == CALL_SOCKET)
		return call->rc < 0 ? NULL
		                    : trace_socket_new(t, (int)call->rc, call->family, call->type);
	if (call->kind == CALL_OTHER)
		return trace_reach(t, call->fd) ? t->sockets[call->fd] : NULL;
	s = trace_socket_of(t, call->fd);
	if (call->kind == CALL_ACCEPT)
		return trace_accepted(t, s, call);
	if (s && call->kind == CALL_CONNECT && (call->rc == 0 || call->error == EINPROGRESS))
		trace_note_address(&s->peer, call);
	if (s && call->rc >= 0)
		trace_note(s, call);
	if (s && trace_has_failed(s, call))
		s->failed = true;
	return s;
}

/* Whose end came first. */
static void trace_note_end(struct trace_socket *s, const struct call *call)
{
	s->calls++;
	if (call->after.tcp == TCP_ESTABLISHED || call->kind == CALL_ACCEPT ||
		(call->kind == CALL_CONNECT && call->rc == 0))
		s->connected = true;
	if (s->ended_by || s->listens)
		return;
	if (s->failed || (call->kind == CALL_CLOSE && call->unread && s->names == 1))
		s->ended_by = ENDED_BY_RESET;
	else if (s->ended || call->before.tcp == TCP_CLOSE_WAIT)
		s->ended_by = ENDED_BY_PEER;
	else if ((call->kind == CALL_SHUTDOWN && call->rc == 0) ||
		 (call->kind == CALL_CLOSE && s->names == 1 && s->peer.len))
		s->ended_by = ENDED_BY_US;
}

/* ---- states ---- */

struct trace_state_shown trace_state_text(struct call_state state)
{
	static const char *const names[] = {"", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT_1",
		"FIN_WAIT_2", "TIME_WAIT", "CLOSED", "CLOSE_WAIT", "LAST_ACK", "LISTEN", "CLOSING"};
	const char *name = state.tcp < sizeof(names) / sizeof(names[0]) ? names[state.tcp] : "?";
	struct trace_state_shown shown;

	snprintf(shown.text, sizeof(shown.text), state.inferred ? "[%s]" : "%s", name);
	return shown;
}

/* Close takes the descriptor, and with it the way to see what becomes of the connection. */
static struct call_state trace_closed(const struct trace_socket *s, const struct call *call)
{
	struct call_state after = {.tcp = call->before.tcp, .inferred = true};
	bool resets = s->resets || call->unread;

	switch (call->before.tcp) {
	case 0: after.inferred = false; break;
	case TCP_ESTABLISHED:
	case TCP_SYN_RECV: after.tcp = resets ? TCP_CLOSE : TCP_FIN_WAIT1; break;
	case TCP_CLOSE_WAIT: after.tcp = resets ? TCP_CLOSE : TCP_LAST_ACK; break;
	case TCP_LISTEN:
		if (!s->listens) { /* it was made elsewhere, and may be open there */
			after.inferred = false;
			break;
		}
		after.tcp = TCP_CLOSE;
		break;
	case TCP_SYN_SENT: after.tcp = TCP_CLOSE; break;
	case TCP_TIME_WAIT: break; /* not the socket's any more */
	default:
		if (resets)
			after.tcp = TCP_CLOSE;
		break;
	}
	return after;
}

/* What a socket whose state was `before` is in, where its state reads now: after both ends have
 * come, TIME_WAIT is kept by the kernel alone, and the socket reads CLOSED. */
static struct call_state trace_now(
	const struct trace_socket *s, uint8_t before, struct call_state now)
{
	if (now.tcp == TCP_CLOSE && !s->failed && trace_has_ended(before) && before != TCP_LAST_ACK)
		return (struct call_state){.tcp = TCP_TIME_WAIT, .inferred = true};
	return now;
}

static void trace_infer(struct trace_socket *s, struct call *call)
{
	uint8_t before = s->last.tcp;

	if (call->kind != CALL_ACCEPT)
		call->before = s->last;
	if (call->kind == CALL_SHUTDOWN && before == TCP_ESTABLISHED)
		before = TCP_FIN_WAIT1; /* and the rest came before the look */
	if (call->kind == CALL_CLOSE)
		call->after = s->names > 1 ? s->last : trace_closed(s, call);
	else
		call->after = trace_now(s, before, call->after);
	if (call->after.tcp)
		s->last = call->after;
}

void trace_saw(struct trace *t, int fd, struct call_state state, bool broken)
{
	struct trace_socket *s = trace_socket_of(t, fd);

	if (!s || !state.tcp)
		return;
	if (broken)
		s->failed = true;
	s->last = trace_now(s, s->last.tcp, state);
}

static void trace_show(struct trace *t, const struct call *call, struct trace_socket *s)
{
	for (size_t i = 0; i < t->form_count && !t->began; i++)
		if (t->forms[i].form->begin)
			t->forms[i].form->begin(t, t->forms[i].arg);
	t->began = true;
	for (size_t i = 0; i < t->form_count; i++)
		t->forms[i].form->call(t, t->forms[i].arg, call, s);
}

void trace_call(struct trace *t, struct call *call)
{
	struct trace_socket *s = trace_learn(t, call);

	if (s && call->kind != CALL_OTHER)
		trace_infer(s, call);
	if (s)
		trace_note_end(s, call);
	if (s && call->kind != CALL_OTHER)
		trace_note_ends(&s->flow, call);
	if (!call->aside)
		trace_show(t, call, s);
	if (call->kind == CALL_CLOSE && trace_reach(t, call->fd))
		trace_forget(t, call->fd);
	else if (call->kind == CALL_COPY && call->rc >= 0)
		trace_copy(t, call->fd, call->rc);
}

void trace_happened(struct trace *t, const struct trace_event *event)
{
	const struct trace_socket *s = trace_socket_of(t, event->fd);

	for (size_t i = 0; i < t->form_count; i++)
		if (t->forms[i].form->event)
			t->forms[i].form->event(t, t->forms[i].arg, event, s);
}

bool trace_takes_remarks(const struct trace *t)
{
	for (size_t i = 0; t && i < t->form_count; i++)
		if (t->forms[i].form->remark)
			return true;
	return false;
}

void trace_remark(struct trace *t, int fd, struct span text)
{
	const struct trace_socket *s = trace_socket_of(t, fd);

	for (size_t i = 0; i < t->form_count; i++)
		if (t->forms[i].form->remark)
			t->forms[i].form->remark(t, t->forms[i].arg, s, text);
}

void trace_say_with(struct reporter *to, int fd, const char *format, va_list rest)
{
	char text[256];

	if (!trace_takes_remarks(to->trace))
		return;
	vsnprintf(text, sizeof(text), format, rest);
	trace_remark(to->trace, fd, span_of(text));
}

void trace_say(struct reporter *to, int fd, const char *format, ...)
{
	va_list rest;

	va_start(rest, format);
	trace_say_with(to, fd, format, rest);
	va_end(rest);
}

/* ---- text ---- */

struct trace_time_shown trace_time_text(int64_t ns)
{
	const intmax_t us = ns / 1000;
	struct trace_time_shown shown;

	snprintf(shown.text, sizeof(shown.text), "%3jd.%06jd", us / 1000000, us % 1000000);
	return shown;
}

/* The first of the bytes, on one line, in double quotes, "..." where there are more. */
static int trace_add_data(struct buf *out, struct span data, size_t most)
{
	struct escaper e = {.one_line = true};
	bool cut = data.len > most;

	if (cut)
		data.len = most;
	if (buf_puts(out, "\"") < 0 || escape_add(&e, data, out) < 0 || escape_end(&e, out) < 0)
		return -1;
	return buf_puts(out, cut ? "\"..." : "\"");
}

int trace_add_call(struct buf *out, const struct call *call, size_t data_most)
{
	const char *comma = "";
	struct escaper e = {.one_line = true};

	if (buf_printf(out, "%s(", call->name) < 0)
		return -1;
	if (call->fd != CALL_NO_FD) {
		if (call->fd == AT_FDCWD ? buf_puts(out, "AT_FDCWD") < 0
					 : buf_printf(out, "%d", call->fd) < 0)
			return -1;
		comma = ", ";
	}
	if (call->data.data &&
		(buf_puts(out, comma) < 0 || trace_add_data(out, call->data, data_most) < 0))
		return -1;
	if (call->data.data)
		comma = ", ";
	if (call->args &&
		(buf_puts(out, comma) < 0 || escape_add(&e, span_of(call->args), out) < 0 ||
			escape_end(&e, out) < 0))
		return -1;
	return buf_puts(out, ")");
}

int trace_add_event(struct buf *out, const struct trace_event *event)
{
	struct escaper e = {.one_line = true};

	if (buf_printf(out, "%c %s, %zu byte%s", event->sent ? '>' : '<', event->name, event->len,
		    event->len == 1 ? "" : "s") < 0)
		return -1;
	if (!event->detail)
		return 0;
	if (buf_puts(out, ": ") < 0 || escape_add(&e, span_of(event->detail), out) < 0)
		return -1;
	return escape_end(&e, out);
}
