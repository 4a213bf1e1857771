/* What a connection tells of itself, and a report of it beside its bytes. */
#include <errno.h>

#include "core/conn_state.h"
#include "report/dump.h"
#include "report/trace.h"

int64_t conn_idle_ms(const struct conn *c)
{
	return c->owner->idle_ms;
}

int64_t conn_began_ms(const struct conn *c)
{
	return c->began_ms;
}

int64_t conn_active_ms(const struct conn *c)
{
	return c->active_ms;
}

bool conn_moved(const struct conn *c)
{
	return c->moved;
}

uint64_t conn_received(const struct conn *c)
{
	return c->received;
}

uint64_t conn_sent(const struct conn *c)
{
	return c->sent;
}

/* END_NONE: its owner ended it, or it is not over. */
static enum report_ending conn_ended_by(const struct conn *c)
{
	switch ((enum ending)c->ending) {
	case ENDED_IDLE: return END_IDLE;
	case ENDED_REFUSED:
	case ENDED_TOO_LONG: return END_LIMIT;
	case ENDED_CUT: return END_SIGNAL;
	case ENDED_LOST:
		return c->link.error == ECONNRESET || c->link.error == EPIPE ? END_RESET
		                                                             : END_ERROR;
	case ENDED_UNACKNOWLEDGED:
	case ENDED_MISSED: return END_ERROR;
	case ENDED_IN_ORDER: break;
	}
	if (c->idled)
		return END_IDLE;
	if (c->failed)
		return END_ERROR;
	return c->in_over && c->out_over ? END_FIN : END_NONE;
}

static void conn_add_to(struct report_fact *sum, uint64_t more)
{
	sum->known = true;
	sum->value += more;
}

/* The earliest one is kept. */
static void conn_tell_first_byte(const struct conn *c, int64_t since_ms, struct report_fact *out)
{
	const int64_t first_ms = c->began_ms + c->first_ms;
	const uint64_t ms = first_ms > since_ms ? (uint64_t)(first_ms - since_ms) : 0;

	if (c->heard && (!out->known || ms < out->value))
		*out = (struct report_fact){true, ms};
}

static void conn_tell_path(const struct link_path *path, struct report *what)
{
	if (!path->known)
		return;
	what->rtt_us = (struct report_fact){true, path->rtt_us};
	what->retransmits = (struct report_fact){true, path->retransmits};
	what->cwnd = (struct report_fact){true, path->cwnd};
}

void conn_dump(const struct conn *c, bool sent, struct span bytes)
{
	const bool whole = c->link.message_max;
	const uint64_t all = sent ? c->sent : c->received;
	const struct dump_piece piece = {.conn = c->id,
		.onward = c->owner->onward,
		.sent = sent,
		.whole = whole,
		.at = whole ? 0 : all - bytes.len,
		.bytes = bytes};

	c->owner->to->dump->show(c->owner->to->dump, &piece);
}

void conn_note_written(struct conn *c, struct span out)
{
	if (c->dumps)
		conn_dump(c, true, out);
	conn_note_moved(c, out.len);
	c->notes_out = c->dumps || !c->moved;
}

void conn_tell(struct conn *c, int64_t since_ms, const struct link_path *path, struct report *what)
{
	const struct link_path now = path ? *path : link_look(&c->link);

	what->end = conn_ended_by(c);
	conn_tell_first_byte(c, since_ms, &what->first_byte_ms);
	conn_tell_path(&now, what);
	if (!c->counts_at)
		return;
	conn_add_to(&what->messages_in, conn_counts_of(c)->in);
	conn_add_to(&what->messages_out, conn_counts_of(c)->out);
}

void conn_explain(const struct conn *c, const char *format, ...)
{
	va_list rest;

	va_start(rest, format);
	trace_say_with(c->link.to, c->link.fd, format, rest);
	va_end(rest);
}
