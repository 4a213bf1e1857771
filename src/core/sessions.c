#include "core/sessions.h"

#include <errno.h>
#include <stdlib.h>

#include "core/conn_state.h"
#include "report/report.h"

enum {
	CHAINS_FIRST = 64,
	IN_ROOM_BYTES = 4 << 20, /* for all datagrams of a turn; untouched pages cost nothing */
	RECEIVE_TRIES = 4,
	OUT_ROOM_BYTES = 512 << 10, /* answers collected before they are sent */
};

/* What stands for a peer. It is its link's, by link.held. There may be many: its addresses are kept
 * as short as they are. */
struct session {
	struct list chain; /* first: freeing is by it */
	struct list heard;
	struct sessions *of;
	struct conn *conn;     /* NULL while it is being made */
	const char *forbidden; /* why its last datagram must not be answered, or NULL */
	int fd;                /* the socket its last datagram came to */
	int hops;              /* as struct datagram has it, for answers */
	bool unwilling;        /* its connection wants no input */
	uint8_t local_len, peer_len;
	uint8_t local[sizeof(struct sockaddr_in6)]; /* the address it asked last */
	uint8_t peer[];
};

static struct span peer_of(const struct session *s)
{
	return (struct span){s->peer, s->peer_len};
}

/* ---- what is dropped ---- */

static void drop(
	struct sessions *ss, enum session_drop kind, const struct addr *peer, const char *why)
{
	uint64_t count = ++ss->drops[kind];
	struct addr_text address;

	/* A flood must not become a flood of lines: the 1st, 2nd, 4th, 8th... is told. */
	if ((count & (count - 1)) || !report_shown(ss->conf.owner->to, REPORT_DROPPED))
		return;
	address = addr_text(peer);
	report(ss->conf.owner->to, &(struct report){.kind = REPORT_DROPPED,
					   .address = address.text,
					   .reason = why,
					   .count = count});
}

/* ---- the table ---- */

static struct list *chain_of(const struct sessions *ss, struct span peer)
{
	return &ss->chains[hash_siphash(&ss->key, peer) & (ss->chain_count - 1)];
}

static struct session *find(const struct sessions *ss, const struct addr *peer)
{
	const struct span key = addr_bytes(peer);
	struct list *chain = chain_of(ss, key), *node;

	for (node = chain->next; node != chain; node = node->next) {
		struct session *s = container_of(node, struct session, chain);

		if (s->peer_len == key.len && span_starts_with(peer_of(s), key))
			return s;
	}
	return NULL;
}

static struct list *make_chains(size_t count)
{
	struct list *chains = calloc(count, sizeof(*chains));

	for (size_t i = 0; chains && i < count; i++)
		list_init(&chains[i]);
	return chains;
}

/* Keep the chains short. Where memory is out they grow longer, and that is all. */
static void grow(struct sessions *ss)
{
	struct list *old = ss->chains, *grown = make_chains(ss->chain_count * 2);
	struct list *node;

	if (!grown)
		return;
	ss->chains = grown;
	ss->chain_count *= 2;
	for (node = ss->heard.next; node != &ss->heard; node = node->next) {
		struct session *s = container_of(node, struct session, heard);

		list_remove(&s->chain);
		list_push(chain_of(ss, peer_of(s)), &s->chain);
	}
	free(old);
}

bool sessions_blocked(const struct sessions *ss)
{
	return !ss->conf.replaces && ss->unwilling > 0 && ss->unwilling == ss->count;
}

/* What was counted has changed. */
static void tell_change(struct sessions *ss, bool was_blocked)
{
	if (sessions_blocked(ss) != was_blocked)
		ss->conf.changed(ss->conf.arg);
}

static void set_unwilling(struct session *s, bool unwilling)
{
	bool was_blocked = sessions_blocked(s->of);

	if (s->unwilling == unwilling)
		return;
	s->unwilling = unwilling;
	if (unwilling)
		s->of->unwilling++;
	else
		s->of->unwilling--;
	tell_change(s->of, was_blocked);
}

static void insert(struct sessions *ss, struct session *s)
{
	bool was_blocked = sessions_blocked(ss);

	if (ss->count >= ss->chain_count)
		grow(ss);
	list_push(chain_of(ss, peer_of(s)), &s->chain);
	list_push(&ss->heard, &s->heard);
	ss->count++;
	tell_change(ss, was_blocked);
}

/* Out of the table: the next datagram of this peer begins anew. */
static void remove_session(struct session *s)
{
	struct sessions *ss = s->of;
	bool was_blocked = sessions_blocked(ss);

	if (list_empty(&s->heard))
		return;
	if (s->unwilling)
		ss->unwilling--;
	s->unwilling = false;
	list_remove(&s->chain);
	list_remove(&s->heard);
	ss->count--;
	tell_change(ss, was_blocked);
}

/* ---- answers ---- */

/* The kernel refused an answer, for good or for now. */
static void refused(struct sessions *ss, const struct addr *peer, int error)
{
	struct session *s;

	switch (error) {
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM: drop(ss, DROP_NO_ROOM, peer, "no room for an answer"); break;
	case EMSGSIZE: drop(ss, DROP_NO_ROOM, peer, "an answer is too long"); break;
	default:
		s = find(ss, peer);
		if (s && s->conn)
			conn_lost(s->conn, error);
		break;
	}
}

/* Errors that befell what was sent before. Each concerns one peer. */
static void take_failures(struct sessions *ss, int fd)
{
	struct addr peer;
	int error;

	for (int i = 0; i < SESSIONS_BATCH && ss->conf.via->failure; i++) {
		error = ss->conf.via->failure(ss->conf.owner->to, fd, &peer);
		if (!error)
			return;
		refused(ss, &peer, error);
	}
}

/* Send all answers that wait. A refusal may tell of an earlier datagram to another peer (ip(7),
 * IP_RECVERR): it is cleared by that, so the same one is tried once more. */
static void flush(struct sessions *ss)
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
			take_failures(ss, ss->out_fd);
			again = true;
		} else {
			refused(ss, &ss->out[at++].peer, error);
			again = false;
		}
	}
	ss->out_count = 0;
	ss->out_used = 0;
}

static void collect(struct session *s, struct span answer)
{
	struct sessions *ss = s->of;
	uint8_t *copy;

	if (ss->out_count == SESSIONS_BATCH || ss->out_used + answer.len > OUT_ROOM_BYTES ||
		ss->out_fd != s->fd)
		flush(ss);
	copy = ss->out_room + ss->out_used;
	if (answer.len)
		memcpy(copy, answer.data, answer.len);
	ss->out_used += answer.len;
	ss->out_fd = s->fd;
	ss->out[ss->out_count++] = (struct datagram){.peer = addr_of_bytes(peer_of(s)),
		.local = addr_of_bytes((struct span){s->local, s->local_len}),
		.hops = s->hops,
		.data = copy,
		.len = answer.len};
	if (!ss->in_turn)
		flush(ss);
}

static void drop_answer(struct session *s, enum session_drop kind, const char *why)
{
	const struct addr peer = addr_of_bytes(peer_of(s));

	drop(s->of, kind, &peer, why);
}

/* What is not sent is dropped: nobody waits for room that another peer has taken. */
static enum io session_write(struct link *link, struct span out, size_t *taken)
{
	struct session *s = link->held;

	*taken = out.len;
	if (s->forbidden)
		drop_answer(s, DROP_UNANSWERED, s->forbidden);
	else if (out.len > OUT_ROOM_BYTES)
		drop_answer(s, DROP_NO_ROOM, "an answer is too long");
	else
		collect(s, out);
	return IO_DONE;
}

static void session_wants(struct link *link, uint32_t events)
{
	struct session *s = link->held;

	if (!list_empty(&s->heard))
		set_unwilling(s, !(events & EPOLLIN));
}

static int session_close(struct link *link)
{
	struct session *s = link->held;

	remove_session(s);
	free(s);
	return 0;
}

/* ---- what comes ---- */

/* sessions_init adds what the transport says of itself. */
static const struct transport session_row = {
	.connectionless = true,
	.write = session_write,
	.wants = session_wants,
	.close = session_close,
};

/* Answers go by the circumstances of the last datagram. */
static void note(struct session *s, int fd, const struct datagram *in)
{
	s->fd = fd;
	s->forbidden = in->forbidden;
	s->local_len = in->local.len <= sizeof(s->local) ? (uint8_t)in->local.len : 0;
	memcpy(s->local, addr_bytes(&in->local).data, s->local_len);
	s->hops = in->hops;
	list_remove(&s->heard);
	list_push(&s->of->heard, &s->heard);
}

static struct session *make_session(struct sessions *ss, int fd, const struct datagram *first)
{
	struct session *s = calloc(1, sizeof(*s) + first->peer.len);
	struct link link = {
		.via = &ss->row, .to = ss->conf.owner->to, .held = s, .fd = -1, .origin = -1};

	if (!s)
		return NULL;
	s->of = ss;
	s->peer_len = (uint8_t)first->peer.len;
	memcpy(s->peer, addr_bytes(&first->peer).data, first->peer.len);
	insert(ss, s);
	note(s, fd, first);
	s->conn = ss->conf.welcome(ss->conf.arg, &link, &first->peer);
	if (s->conn)
		return s;
	session_close(&link);
	return NULL;
}

static void replace_oldest(struct sessions *ss)
{
	struct session *oldest = container_of(ss->heard.next, struct session, heard);

	remove_session(oldest);
	conn_abort(oldest->conn);
}

static void deliver(struct sessions *ss, int fd, const struct datagram *in)
{
	struct session *s = in->cut ? NULL : find(ss, &in->peer);

	if (in->cut) {
		drop(ss, DROP_CUT, &in->peer, "longer than can be taken");
		return;
	}
	if (s) {
		note(s, fd, in);
	} else if (ss->count < ss->conf.max || ss->conf.replaces) {
		if (ss->count >= ss->conf.max)
			replace_oldest(ss);
		s = make_session(ss, fd, in);
	}
	if (!s)
		drop(ss, DROP_TURNED_AWAY, &in->peer, "turned away: there is no place for it");
	else if (s->unwilling)
		drop(ss, DROP_TURNED_AWAY, &in->peer, "it sends more than is taken");
	else
		conn_deliver(s->conn, (struct span){in->data, in->len});
}

/* Give each datagram its room. */
static void prepare(struct sessions *ss)
{
	for (size_t i = 0; i < ss->in_count; i++) {
		ss->in[i].data = ss->in_room + i * ss->conf.via->datagram_max;
		ss->in[i].len = ss->conf.via->datagram_max;
	}
}

/* Take what there is. An error that is told in place of it befell something sent before. */
static int receive(struct sessions *ss, int fd, const struct addr *own)
{
	struct reporter *to = ss->conf.owner->to;
	int came = -1;

	for (int i = 0; i < RECEIVE_TRIES && came < 0; i++) {
		came = ss->conf.via->receive(to, fd, own, ss->in, ss->in_count);
		if (came < 0 && (errno == EAGAIN || errno == ENOMEM || errno == ENOBUFS))
			break;
	}
	return came;
}

int sessions_receive(struct sessions *ss, int fd, const struct addr *own, uint32_t events)
{
	int came;

	if (events & EPOLLERR)
		take_failures(ss, fd);
	prepare(ss);
	came = receive(ss, fd, own);
	if (came < 0)
		return errno == ENOMEM || errno == ENOBUFS ? errno : 0;
	ss->in_turn = true;
	for (int i = 0; i < came; i++)
		deliver(ss, fd, &ss->in[i]);
	ss->in_turn = false;
	flush(ss);
	return 0;
}

int sessions_init(struct sessions *ss, const struct sessions_conf *conf)
{
	*ss = (struct sessions){.conf = *conf,
		.key = hash_key_random(),
		.chains = make_chains(CHAINS_FIRST),
		.chain_count = CHAINS_FIRST,
		.row = session_row,
		.in_count = IN_ROOM_BYTES / conf->via->datagram_max,
		.in_room = malloc(IN_ROOM_BYTES),
		.out_room = malloc(OUT_ROOM_BYTES),
		.out_fd = -1};
	ss->row.name = conf->via->name;
	ss->row.message_max = conf->via->message_max;
	if (ss->in_count > SESSIONS_BATCH)
		ss->in_count = SESSIONS_BATCH;
	list_init(&ss->heard);
	if (ss->chains && ss->in_room && ss->out_room)
		return 0;
	sessions_free(ss);
	return -1;
}

void sessions_free(struct sessions *ss)
{
	free(ss->chains);
	free(ss->in_room);
	free(ss->out_room);
	*ss = (struct sessions){0};
}
