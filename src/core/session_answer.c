/* What goes out: answers are collected in a turn and sent together, or wait where there is one
 * peer. */
#include <errno.h>
#include <stdlib.h>

#include "core/session.h"
#include "report/report.h"

void session_drop(
	struct sessions *ss, enum drop_kind kind, const struct addr *peer, const char *why)
{
	uint64_t count = ++ss->drops[kind];
	enum report_kind report_kind = REPORT_DROPPED;

	if (kind == DROP_TURNED_AWAY && ss->conf.waits && count == 1)
		report_kind = REPORT_TURNED_AWAY; /* that there is another peer may be a surprise */
	/* A flood must not become a flood of lines: the 1st, 2nd, 4th, 8th... is reported. */
	if (count & (count - 1))
		return;
	report(ss->conf.owner->to,
		&(struct report){.kind = report_kind, .at = peer, .reason = why, .count = count});
}

/* Not refused for good: later there may be room. */
static bool session_is_lack_of_room(int error)
{
	return error == EAGAIN || error == ENOBUFS || error == ENOMEM;
}

/* The kernel refused an answer. */
static void session_refused(struct sessions *ss, const struct addr *peer, int error)
{
	struct session *s;

	if (session_is_lack_of_room(error)) {
		session_drop(ss, DROP_NO_ROOM, peer, "no room for an answer");
		return;
	}
	if (error == EMSGSIZE) {
		session_drop(ss, DROP_NO_ROOM, peer, "an answer is too long");
		return;
	}
	s = session_find(ss, peer);
	if (s && s->conn)
		conn_lost(s->conn, error);
}

void session_take_failures(struct sessions *ss, int fd)
{
	struct addr peer;
	int error;

	for (int i = 0; i < SESSIONS_BATCH && ss->conf.via->failure; i++) {
		error = ss->conf.via->failure(ss->conf.owner->to, fd, &peer);
		if (!error)
			return;
		session_refused(ss, &peer, error);
	}
}

/* A refusal may tell of an earlier datagram to another peer (ip(7), IP_RECVERR): it is cleared by
 * that, so the same one is tried once more. */
void session_flush(struct sessions *ss)
{
	struct reporter *to = ss->conf.owner->to;
	size_t at = 0;
	bool again = false;

	while (at < ss->out_count) {
		int sent = ss->conf.via->send(to, ss->out_fd, &ss->out[at], ss->out_count - at);
		int error = errno;

		if (sent > 0) {
			at += (size_t)sent;
			again = false;
		} else if (!again && ss->conf.via->failure && error != EAGAIN) {
			session_take_failures(ss, ss->out_fd);
			again = true;
		} else {
			session_refused(ss, &ss->out[at++].peer, error);
			again = false;
		}
	}
	ss->out_count = 0;
	ss->out_used = 0;
}

/* Each field by itself: most of an address's room is none of anybody's business. */
static void session_fill_in(
	struct datagram *out, const struct session *s, uint8_t *data, size_t len)
{
	addr_of_bytes(&out->peer, session_peer(s));
	addr_of_bytes(&out->local, (struct span){s->local, s->local_len});
	out->hops = s->hops;
	out->data = data;
	out->len = len;
}

/* Send one at once. As in flush, a refusal may be about another. */
static enum io session_send_now(struct link *link, struct span out)
{
	struct session *s = link->held;
	struct sessions *ss = s->of;
	struct datagram *one = &ss->out[0];

	session_fill_in(one, s, ss->out_room, out.len);
	if (out.len)
		memcpy(ss->out_room, out.data, out.len);
	for (int tries = 0; tries < 2; tries++) {
		if (ss->conf.via->send(link->to, s->fd, one, 1) == 1) {
			ss->wait_ms = SESSION_WAIT_FIRST_MS;
			return IO_DONE;
		}
		link->error = errno;
		session_take_failures(ss, s->fd);
	}
	return session_is_lack_of_room(link->error) ? IO_AGAIN : IO_FAIL;
}

static void session_collect(struct session *s, struct span answer)
{
	struct sessions *ss = s->of;
	uint8_t *copy;

	if (ss->out_count == SESSIONS_BATCH || ss->out_used + answer.len > SESSION_OUT_BYTES ||
		ss->out_fd != s->fd)
		session_flush(ss);
	copy = ss->out_room + ss->out_used;
	if (answer.len)
		memcpy(copy, answer.data, answer.len);
	ss->out_used += answer.len;
	ss->out_fd = s->fd;
	session_fill_in(&ss->out[ss->out_count++], s, copy, answer.len);
	if (!ss->in_turn)
		session_flush(ss);
}

static void session_drop_answer(struct session *s, enum drop_kind kind, const char *why)
{
	struct addr peer;

	addr_of_bytes(&peer, session_peer(s));
	session_drop(s->of, kind, &peer, why);
}

static enum io session_write(struct link *link, struct span out, size_t *taken)
{
	struct session *s = link->held;

	*taken = out.len;
	if (s->forbidden)
		session_drop_answer(s, DROP_UNANSWERED, s->forbidden);
	else if (out.len > SESSION_OUT_BYTES)
		session_drop_answer(s, DROP_NO_ROOM, "an answer is too long");
	else if (s->of->conf.waits)
		return session_send_now(link, out);
	else
		session_collect(s, out);
	return IO_DONE;
}

static uint32_t session_wants(struct link *link, uint32_t asked)
{
	struct session *s = link->held;
	struct sessions *ss = s->of;

	if (list_empty(&s->heard))
		return 0;
	session_set_unwilling(s, !(asked & EPOLLIN));
	if (!ss->conf.waits || ss->waiting || !(asked & EPOLLOUT))
		return 0;
	ss->waiting = s;
	timer_set_in(ss->conf.owner->loop, &ss->retry, ss->wait_ms);
	if (ss->wait_ms < SESSION_WAIT_LAST_MS)
		ss->wait_ms *= 2;
	return 0;
}

void session_on_retry(struct timer *t)
{
	struct sessions *ss = container_of(t, struct sessions, retry);
	struct session *s = ss->waiting;

	ss->waiting = NULL;
	if (s)
		conn_writable(s->conn);
}

static int session_close(struct link *link)
{
	struct session *s = link->held;

	session_remove(s);
	free(s);
	return 0;
}

static int session_onward_hops(const struct link *link)
{
	const struct session *s = link->held;

	return s->onward_hops;
}

const struct transport session_row = {
	.name = "session",
	.connectionless = true,
	.write = session_write,
	.wants = session_wants,
	.onward_hops = session_onward_hops,
	.close = session_close,
};
