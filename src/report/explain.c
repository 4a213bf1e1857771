#include "report/explain.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/escape.h"
#include "base/json.h"

enum {
	INDENT = 14, /* as trace_text has its calls */
	COLUMNS = 100,
};

/* ---- lines ---- */

static int explain_begin_row(struct buf *out, bool first)
{
	return buf_printf(out, "%*s%s", INDENT, "", first ? "# " : "  ");
}

/* The bytes up to the next blank. */
static struct span explain_word(struct span text)
{
	size_t len = 0;

	while (len < text.len && text.data[len] != ' ')
		len++;
	return (struct span){text.data, len};
}

/* Words that fit in what is left of COLUMNS, and the next row where they do not. */
static int explain_wrap(struct buf *out, struct span text)
{
	size_t column = COLUMNS;
	bool first = true;

	while (text.len) {
		const struct span word = explain_word(text);
		const bool fits = column + 1 + word.len <= COLUMNS;

		if (fits ? buf_puts(out, " ") < 0
			 : (!first && buf_puts(out, "\n") < 0) || explain_begin_row(out, first) < 0)
			return -1;
		if (buf_add(out, word) < 0)
			return -1;
		column = (fits ? column + 1 : INDENT + 2) + word.len;
		first = false;
		text.data += word.len;
		text.len -= word.len;
		if (text.len) {
			text.data++;
			text.len--;
		}
	}
	return buf_puts(out, "\n");
}

static void explain_say_json(
	struct trace *t, const struct trace_socket *s, struct span text, const char *page)
{
	struct json j;

	report_json_open(&j, "explained");
	json_num(&j, "at_ms", (double)trace_now_ns(t) / 1e6);
	if (s && s->conn)
		json_int(&j, "conn", (int64_t)s->conn);
	json_str(&j, "text", text);
	if (page)
		json_str(&j, "see", span_of(page));
	report_json_send(t->to, &j);
}

/* Among objects, its sentences are some. */
static bool explain_is_json(const struct trace *t)
{
	for (size_t i = 0; i < t->form_count; i++)
		if (t->forms[i].form == &trace_json)
			return true;
	return t->to->json;
}

/* page NULL: it comes from what was seen. */
static void explain_say(
	struct trace *t, const struct trace_socket *s, struct span text, const char *page)
{
	struct buf whole = {0}, lines = {0};

	if (explain_is_json(t)) {
		explain_say_json(t, s, text, page);
		return;
	}
	if (buf_add(&whole, text) == 0 && (!page || buf_printf(&whole, " [%s]", page) == 0) &&
		explain_wrap(&lines, buf_span(&whole)) == 0)
		report_words(t->to, buf_span(&lines));
	else
		t->to->dropped++;
	buf_free(&whole);
	buf_free(&lines);
}

/* A text that is made here; it may have a peer's bytes. */
static void explain_say_made(struct trace *t, const struct trace_socket *s, struct buf *text)
{
	struct escaper e = {.one_line = true};
	struct buf shown = {0};

	if (escape_add(&e, buf_span(text), &shown) == 0 && escape_end(&e, &shown) == 0)
		explain_say(t, s, buf_span(&shown), NULL);
	else
		t->to->dropped++;
	buf_free(&shown);
	buf_free(text);
}

/* ---- ideas ---- */

/* Calls that do nothing to a socket are asked for by name. */
static bool explain_is_call(const struct explain_idea *i, const struct call *call)
{
	if (*i->event || (i->kind && i->kind != call->kind))
		return false;
	if (*i->name ? strcmp(i->name, call->name) != 0
		     : call->kind == CALL_OTHER || call->kind == CALL_COPY)
		return false;
	return i->error ? i->error == call->error : !call->error || (!*i->name && !i->kind);
}

static bool explain_is(
	const struct explain_idea *i, const struct call *call, const struct trace_socket *s)
{
	if (!explain_is_call(i, call))
		return false;
	if ((i->family && i->family != s->family) || (i->type && i->type != s->type))
		return false;
	if (i->option && (i->level != call->level || i->option != call->option))
		return false;
	if (i->result && (i->result == RESULT_ZERO ? call->rc != 0 : call->rc <= 0))
		return false;
	if (i->before && i->before != call->before.tcp)
		return false;
	if (i->after && (i->after != call->after.tcp || i->after == call->before.tcp))
		return false;
	return explain_idea_holds(i, call, s);
}

static bool explain_is_event(const struct explain_idea *i, const struct trace_event *event)
{
	if (!*i->event || strcmp(i->event, event->name) != 0)
		return false;
	return !*i->detail ||
	       (event->detail && strncmp(i->detail, event->detail, strlen(i->detail)) == 0);
}

/* Say this one, and never again. */
static void explain_tell(struct trace *t, struct explain *e, size_t i, const struct trace_socket *s)
{
	e->told[i] = true;
	explain_say(t, s, span_of(explain_ideas[i].text),
		*explain_ideas[i].page ? explain_ideas[i].page : NULL);
}

static void explain_ideas_of(
	struct trace *t, struct explain *e, const struct call *call, const struct trace_socket *s)
{
	for (size_t i = 0; i < explain_idea_count && i < EXPLAIN_IDEAS_MAX; i++)
		if (!e->told[i] && explain_is(&explain_ideas[i], call, s))
			explain_tell(t, e, i, s);
}

static void explain_event(
	struct trace *t, void *arg, const struct trace_event *event, const struct trace_socket *s)
{
	struct explain *e = arg;

	for (size_t i = 0; i < explain_idea_count && i < EXPLAIN_IDEAS_MAX; i++)
		if (!e->told[i] && explain_is_event(&explain_ideas[i], event))
			explain_tell(t, e, i, s);
}

/* ---- causes ---- */

/* An address that cannot be had: who has it, or which there are. */
static void explain_bind(struct trace *t, const struct explain *e, const struct call *call,
	const struct trace_socket *s)
{
	const struct addr at = trace_address(call);
	struct buf text = {0}, fact = {0};

	if (call->error == EADDRINUSE && e->facts->holder(&fact, s->type, &at) == 0 && fact.len)
		(void)buf_printf(
			&text, "It is in %.*s.", (int)fact.len, (const char *)buf_span(&fact).data);
	else if (call->error == EADDRINUSE && s->family != AF_UNIX)
		(void)buf_printf(&text, "Root sees whose it is: ss -anp 'sport = :%u'.",
			(unsigned)addr_port(&at));
	else if (call->error == EADDRNOTAVAIL && e->facts->addresses(&fact) == 0 && fact.len)
		(void)buf_printf(&text, "This machine has %.*s.", (int)fact.len,
			(const char *)buf_span(&fact).data);
	if (text.len)
		explain_say_made(t, s, &text);
	buf_free(&fact);
	buf_free(&text);
}

/* ---- what there was ---- */

static const char *const enders[] = {[ENDED_BY_NONE] = "",
	[ENDED_BY_US] = "; we ended first",
	[ENDED_BY_PEER] = "; the peer ended first",
	[ENDED_BY_RESET] = "; a reset ended it"};

/* A connection, or a datagram socket that had bytes: its life in a line. */
static void explain_life(struct trace *t, const struct trace_socket *s)
{
	struct buf text = {0};
	const double ms = (double)(trace_now_ns(t) - s->since_ns) / 1e6;
	const bool over_stream = s->type != SOCK_DGRAM;

	if (!s->received && !s->sent && !(s->connected && s->ended_by))
		return;
	(void)buf_printf(&text, "Summary: ");
	if (s->conn)
		(void)buf_printf(&text, "connection %" PRIu64 ", ", s->conn);
	if (s->local.len && s->peer.len)
		(void)buf_printf(&text, "from %s to %s: ", addr_text(&s->local).text,
			addr_text(&s->peer).text);
	else if (s->peer.len)
		(void)buf_printf(&text, "with %s: ", addr_text(&s->peer).text);
	(void)buf_printf(&text,
		"%" PRIu64 " bytes received, %" PRIu64 " sent, in %" PRIu64
		" calls; it lasted %.3f ms%s.",
		s->received, s->sent, s->calls, ms, over_stream ? enders[s->ended_by] : "");
	explain_say_made(t, s, &text);
}

/* ---- what is seen ---- */

static void explain_begin(struct trace *t, void *arg)
{
	const struct explain *e = arg;

	if (!e->beside_text)
		return;
	explain_say(t, NULL,
		span_of("Each line: seconds since the start, the number of the connection (-: of "
			"none), "
			"the call, what it returned. With TCP also the state that the socket was "
			"seen in last -> the one just after the call, which what the peer sent may "
			"have changed; in [] where it is inferred, for the kernel shows it no "
			"more."),
		NULL);
	explain_say(t, NULL,
		span_of("The peer is the program at the other end. Calls do not wait for it: they "
			"return EAGAIN (connect: EINPROGRESS), and the program waits for all "
			"descriptors at once, in epoll_wait, which is not shown."),
		"epoll(7)");
}

static void explain_call(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *s)
{
	static const struct trace_socket none = {0};
	struct explain *e = arg;

	e->calls++;
	explain_ideas_of(t, e, call, s ? s : &none);
	if (!s)
		return;
	if (call->kind == CALL_BIND && call->rc < 0 && call->at)
		explain_bind(t, e, call, s);
	if (call->kind == CALL_CLOSE && s->names == 1 && !s->listens)
		explain_life(t, s);
}

static void explain_remark(
	struct trace *t, void *arg, const struct trace_socket *s, struct span text)
{
	struct buf copy = {0};

	(void)arg;
	if (buf_add(&copy, text) < 0)
		t->to->dropped++;
	else
		explain_say_made(t, s, &copy);
}

static void explain_end(struct trace *t, void *arg)
{
	struct explain *e = arg;
	struct buf text = {0};

	if (!e->calls)
		return;
	(void)buf_printf(&text, "%" PRIu64 " calls are shown; the run took %.3f ms.", e->calls,
		(double)trace_now_ns(t) / 1e6);
	explain_say_made(t, NULL, &text);
}

const struct trace_form trace_explain = {.begin = explain_begin,
	.call = explain_call,
	.event = explain_event,
	.remark = explain_remark,
	.end = explain_end};
