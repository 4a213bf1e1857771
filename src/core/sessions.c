#include "core/sessions.h"

#include <errno.h>
#include <stdlib.h>

#include "core/session.h"

enum {
	IN_ROOM_BYTES = 4 << 20, /* for all datagrams of a turn; untouched pages cost nothing */
	IN_ASK_LEAST = 4,
	RECEIVE_TRIES = 4,
};

/* Answers go by the circumstances of the last datagram. */
static void sessions_note(struct session *s, int fd, const struct datagram *in)
{
	s->fd = fd;
	s->forbidden = in->forbidden;
	s->local_len = in->local.len <= sizeof(s->local) ? (uint8_t)in->local.len : 0;
	memcpy(s->local, addr_bytes(&in->local).data, s->local_len);
	s->hops = in->hops;
	s->onward_hops = in->onward_hops;
	list_remove(&s->heard);
	list_push(&s->of->heard, &s->heard);
}

static struct session *sessions_make_session(
	struct sessions *ss, int fd, const struct datagram *first)
{
	struct session *s = calloc(1, sizeof(*s) + first->peer.len);
	struct link link = link_of(&session_row, ss->conf.owner->to);

	if (!s)
		return NULL;
	link.held = s;
	link.message_max = (uint32_t)ss->conf.via->message_max;
	s->of = ss;
	s->peer_len = (uint8_t)first->peer.len;
	memcpy(s->peer, addr_bytes(&first->peer).data, first->peer.len);
	session_insert(ss, s);
	sessions_note(s, fd, first);
	s->conn = ss->conf.welcome(ss->conf.arg, &link, &first->peer);
	if (s->conn)
		return s;
	link_close(&link);
	return NULL;
}

static void sessions_replace_oldest(struct sessions *ss)
{
	struct session *oldest = container_of(ss->heard.next, struct session, heard);

	session_remove(oldest);
	conn_abort(oldest->conn);
}

static void sessions_deliver(struct sessions *ss, int fd, const struct datagram *in)
{
	struct session *s = in->cut ? NULL : session_find(ss, &in->peer);

	if (in->cut) {
		session_drop(ss, DROP_CUT, &in->peer, "too long to receive");
		return;
	}
	if (s) {
		sessions_note(s, fd, in);
	} else if (ss->count < ss->conf.max || ss->conf.replaces) {
		if (ss->count >= ss->conf.max)
			sessions_replace_oldest(ss);
		s = sessions_make_session(ss, fd, in);
	}
	if (!s)
		session_drop(
			ss, DROP_TURNED_AWAY, &in->peer, "turned away: no place is left for it");
	else if (s->unwilling && ss->conf.replaces)
		session_drop(ss, DROP_TURNED_AWAY, &in->peer, "it sends more than is taken");
	else
		conn_deliver(s->conn, (struct span){in->data, in->len});
}

/* Give each datagram its room. */
static void sessions_prepare(struct sessions *ss)
{
	for (size_t i = 0; i < ss->in_ask; i++) {
		ss->in[i].data = ss->in_room + i * ss->conf.via->datagram_max;
		ss->in[i].len = ss->conf.via->datagram_max;
	}
}

/* A call is prepared for each datagram it may bring: for twice as many as came last. */
static void sessions_ask_for_next(struct sessions *ss, size_t came)
{
	size_t ask = came * 2 < IN_ASK_LEAST ? IN_ASK_LEAST : came * 2;

	ss->in_ask = ask < ss->in_count ? ask : ss->in_count;
}

/* Take what there is. An error that comes instead belongs to something sent before. */
static int sessions_take(
	struct sessions *ss, const struct listening *socket, const struct addr *own)
{
	struct reporter *to = ss->conf.owner->to;
	int came = -1;

	for (int i = 0; i < RECEIVE_TRIES && came < 0; i++) {
		came = ss->conf.via->receive(to, socket, own, ss->in, ss->in_ask);
		if (came < 0 && (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS))
			break;
	}
	return came;
}

int sessions_receive(struct sessions *ss, const struct listening *socket, const struct addr *own,
	uint32_t events)
{
	const int fd = socket->fd;
	int came;

	if (events & EPOLLERR)
		session_take_failures(ss, fd);
	sessions_prepare(ss);
	came = sessions_take(ss, socket, own);
	if (came < 0)
		return errno == ENOMEM || errno == ENOBUFS ? errno : 0;
	sessions_ask_for_next(ss, (size_t)came);
	ss->in_turn = true;
	for (int i = 0; i < came; i++)
		sessions_deliver(ss, fd, &ss->in[i]);
	ss->in_turn = false;
	session_flush(ss);
	return 0;
}

int sessions_init(struct sessions *ss, const struct sessions_conf *conf)
{
	*ss = (struct sessions){.conf = *conf,
		.key = hash_key_random(),
		.in_count = IN_ROOM_BYTES / conf->via->datagram_max,
		.in_room = malloc(IN_ROOM_BYTES),
		.out_room = malloc(SESSION_OUT_BYTES),
		.out_fd = -1,
		.wait_ms = SESSION_WAIT_FIRST_MS};
	if (ss->in_count > SESSIONS_BATCH)
		ss->in_count = SESSIONS_BATCH;
	ss->in_ask = ss->in_count;
	if (session_table_init(ss) == 0 &&
		timer_init(conf->owner->loop, &ss->retry, session_on_retry) == 0 && ss->in_room &&
		ss->out_room)
		return 0;
	sessions_free(ss);
	return -1;
}

void sessions_free(struct sessions *ss)
{
	if (ss->conf.owner)
		timer_free(ss->conf.owner->loop, &ss->retry);
	free(ss->chains);
	free(ss->in_room);
	free(ss->out_room);
	*ss = (struct sessions){0};
}
