#include "core/server.h"

#include <errno.h>
#include <string.h>

#include "core/server_full.h"
#include "os/limits.h"
#include "os/sys_socket.h"

enum {
	ACCEPTS_A_TURN = 64,   /* so that a flood of clients does not starve those who are there */
	ACCEPT_RETRY_MS = 100, /* after descriptors or memory ran out */
	STOP_BUSY_MS = 100, /* how lately a client sent something, and how long it is waited for */
	SPARE_DESCRIPTORS = 4, /* left for a look-up, a file, whatever a mode opens */
	OPENING_MAX = 1024,    /* not open yet, at once */
	SAME_PORT_TRIES = 16,  /* a port that is free in one family may be taken in the other */
	LISTEN_RETRY_MS = 10,  /* while a place cannot be had yet */
	LISTEN_WAIT_MS = 2000, /* ... and when it is given up */
};

/* Those that are opening take no place, so that none is held by one that does not do its part: but
 * there are only so many of them. */
static bool server_is_full(const struct server *s)
{
	return server_open(s) >= s->conf.max_conns || s->clients.opening_now >= OPENING_MAX ||
	       (s->conf.exit_after && s->served + server_open(s) >= s->conf.exit_after);
}

/* The last step: another may have taken the place meanwhile. */
static enum io server_take_place(struct opening *o)
{
	const struct server *s = o->conf;
	struct err why = {0};

	if (!s->stopping && !server_is_full(s))
		return IO_DONE;
	err_set(&why, ERR_RUNTIME, "no place is left for it");
	return link_fail_with(o->link, &why);
}

static const struct step step_place = {.name = "place", .go = server_take_place};

static bool server_has_sessions(const struct server *s)
{
	return s->conf.via->receive;
}

static void server_count_missed(struct server *s, const struct listener *l)
{
	uint32_t missed =
		s->conf.via->missed ? s->conf.via->missed(s->clients.to, l->socket.fd) : 0;

	if (missed)
		report(s->clients.to,
			&(struct report){
				.kind = s->conf.keeps_all ? REPORT_DATAGRAMS_LOST : REPORT_DROPPED,
				.at = &l->at,
				.reason = "they came too fast",
				.count = missed});
	s->missed += missed;
}

static void server_close_listeners(struct server *s)
{
	timer_clear(s->clients.loop, &s->listen_again);
	s->tried = 0;
	while (s->listening > 0) {
		struct listener *l = &s->listeners[--s->listening];

		server_count_missed(s, l);
		loop_unwatch(s->clients.loop, &l->watch);
		s->conf.via->unlisten(s->clients.to, &l->socket);
	}
}

/* Its last clients are here, and each of them counts, for a byte has moved: no other is let in, to
 * find no place. What waits in the backlog is reset by the kernel. */
static void server_close_if_complete(struct server *s)
{
	if (s->conf.exit_after && s->served + s->counting >= s->conf.exit_after &&
		!server_has_sessions(s))
		server_close_listeners(s);
}

/* Poll the listeners, or leave the clients in the backlog. Known peers are heard even where there
 * is no place for new ones. */
static void server_update_accepting(struct server *s)
{
	bool held = server_has_sessions(s) ? sessions_blocked(&s->sessions) : server_is_full(s);
	uint32_t wanted = s->stopping || s->starved || held ? 0 : EPOLLIN;

	server_close_if_complete(s);
	for (size_t i = 0; i < s->listening; i++)
		if (loop_watch(s->clients.loop, &s->listeners[i].watch, wanted) < 0)
			timer_set_in(s->clients.loop, &s->retry, ACCEPT_RETRY_MS);
	server_full_review(s);
}

static void server_free_own(struct server *s)
{
	sessions_free(&s->sessions);
	peers_free(&s->peers);
	server_full_free(s);
	timer_free(s->clients.loop, &s->listen_again);
	timer_free(s->clients.loop, &s->retry);
	timer_free(s->clients.loop, &s->stop_limit);
}

/* What was lost counts against the whole, where the whole is to be vouched for. */
static void server_judge_losses(struct server *s)
{
	uint64_t unsent = s->sessions.drops[DROP_UNANSWERED] + s->sessions.drops[DROP_NO_ROOM];

	if (s->conf.exit_after && !s->verdict.kind && unsent) {
		err_set(&s->verdict, ERR_LOST, "%ju datagrams were not sent", (uintmax_t)unsent);
		err_fact(&s->verdict, FACT_DATAGRAMS_UNSENT, NULL);
	}
	if (s->conf.exit_after && !s->verdict.kind && s->missed)
		missed_error(&s->verdict, s->missed);
	if (s->cut_short && !s->dropped) {
		err_set(&s->verdict, s->stop_kind, "stopped with %ju answers cut short",
			(uintmax_t)s->cut_short);
		err_hint(&s->verdict, "they were not written within %d ms", SERVER_STOP_MS);
	}
	if (s->dropped) {
		err_set(&s->verdict, s->stop_kind,
			"stopped with %ju bytes that clients had not taken", (uintmax_t)s->dropped);
		err_hint(&s->verdict, "they did not read them within %d ms", SERVER_STOP_MS);
	}
}

/* The first one has been reported. */
static void server_tell_turned_away(const struct server *s)
{
	uint64_t count = s->sessions.drops[DROP_TURNED_AWAY];

	if (s->conf.exclusive && count > 1)
		report(s->clients.to,
			&(struct report){.kind = REPORT_TURNED_AWAY_IN_ALL, .count = count});
}

/* Those that are opening are not waited for. */
static void server_drop_opening(struct server *s)
{
	struct list *node;

	for (node = s->clients.conns.next; node != &s->clients.conns; node = node->next)
		if (conn_is_opening(conn_of_node(node)))
			conn_abort(conn_of_node(node));
}

/* True once nothing is left, and ended has been called: then s may be gone. */
static bool server_end_if_done(struct server *s)
{
	bool complete = s->enough || (s->conf.exit_after && s->served >= s->conf.exit_after);

	if (server_open(s) > 0 || !(s->stopping || complete))
		return false;
	if (s->clients.opening_now) {
		server_drop_opening(s);
		return false;
	}
	server_close_listeners(s);
	server_tell_turned_away(s);
	server_judge_losses(s);
	server_free_own(s);
	s->ended(s->arg, s->verdict.kind ? &s->verdict : NULL);
	return true;
}

/* One that was lost before a byte moved, by its fault or by a shortage of ours, does not use up a
 * one-shot server, nor does a silent one whose place another took. */
static bool server_counts(const struct conn *c, const struct err *why)
{
	if (conn_gave_place(c))
		return false;
	return !why || conn_moved(c) || (why->kind != ERR_LOST && !err_is_shortage(why->sys));
}

/* Something happened at an address: of connection number conn, if not 0. */
static void server_tell(const struct server *s, enum report_kind kind, const struct addr *at,
	uint64_t conn, const char *reason)
{
	if (report_shown(s->clients.to, kind)) /* else it is not even filled in */
		report(s->clients.to,
			&(struct report){.kind = kind, .conn = conn, .at = at, .reason = reason});
}

/* A client that speaks TLS, to a server that does not: it begins with a handshake record (RFC 8446
 * section 5.1). */
static void server_on_first(struct conn_owner *owner, struct conn *c, struct span in)
{
	const struct server *s = container_of(owner, struct server, clients);
	const struct addr peer = conn_address(c);

	if (!s->conf.layer && in.len > 2 && in.data[0] == 0x16 && in.data[1] == 3)
		server_tell(s, REPORT_CLIENT_HAS_TLS, &peer, conn_id(c), NULL);
}

static void server_on_moved(struct conn_owner *owner, struct conn *c)
{
	struct server *s = container_of(owner, struct server, clients);

	(void)c;
	s->counting++;
	server_close_if_complete(s);
}

/* For a person that asked for detail; 0: for no other. */
static uint64_t server_pace_ms(const struct server *s, const struct conn *c)
{
	int64_t ms = s->clients.loop->now_ms - conn_began_ms(c);

	if (!report_shown(s->clients.to, REPORT_DONE))
		return 0;
	return ms > 0 ? (uint64_t)ms : 1;
}

/* How one ended whose connection says so, or does not. */
static enum report_ending server_ending(const struct server *s, enum report_ending end)
{
	bool stopped = end == END_NONE || end == END_SIGNAL || s->conf.via->connectionless;

	if (s->stopping && stopped)
		return s->stop_kind == ERR_TIMEOUT ? END_LIMIT : END_SIGNAL;
	return end == END_NONE ? END_LIMIT : end; /* its place is another's now */
}

static void server_report_gone(struct server *s, struct conn *c, const struct err *why)
{
	const struct addr peer = conn_address(c);
	const int64_t began_ms = conn_began_ms(c);
	struct report what = {
		.kind = why ? REPORT_LOST : REPORT_CLOSED,
		.conn = conn_id(c),
		.at = &peer,
		.why = why,
		.received = conn_received(c),
		.sent = conn_sent(c),
		.in_ms = server_pace_ms(s, c),
		.duration_ms = {true, (uint64_t)(s->clients.loop->now_ms - began_ms)},
	};

	conn_tell(c, began_ms, &s->path, &what);
	what.end = server_ending(s, what.end);
	report(s->clients.to, &what);
}

static void server_report_unopened(struct server *s, const struct conn *c, const struct err *why)
{
	const struct addr peer = conn_address(c);

	report(s->clients.to,
		&(struct report){
			.kind = REPORT_NOT_OPENED, .conn = conn_id(c), .at = &peer, .why = why});
}

/* How a client's end counts: a server that vouches for its clients fails with the first that was
 * lost, and when it is stopped, with one that had not ended. */
static void server_judge_end(struct server *s, const struct conn *c, const struct err *why)
{
	bool vouches = s->conf.exit_after || (s->stopping && s->conf.exclusive);

	if (!why || !vouches || s->verdict.kind || !(s->stopping || server_counts(c, why)))
		return;
	s->verdict = *why;
	if (s->stopping && why->kind == ERR_LOST)
		s->verdict.kind = s->stop_kind;
}

static void server_leave(struct server *s, const struct conn *c)
{
	const struct addr peer = conn_address(c);

	peers_leave(&s->peers, &peer);
}

static void server_on_gone(struct conn_owner *owner, struct conn *c, const struct err *why)
{
	struct server *s = container_of(owner, struct server, clients);

	s->received += conn_received(c);
	s->sent += conn_sent(c);
	if (report_shown(owner->to, REPORT_LOST))
		server_report_gone(s, c, why);
	s->counting -= conn_moved(c);
	if (server_counts(c, why))
		s->served++;
	server_judge_end(s, c, why);
	server_leave(s, c);
	s->starved = false; /* its descriptor is free now */
	if (!server_end_if_done(s))
		server_update_accepting(s);
}

/* An opening that failed holds none of the places that are counted. */
static void server_on_unopened(
	struct conn_owner *owner, struct conn *c, const struct step *at, const struct err *why)
{
	struct server *s = container_of(owner, struct server, clients);
	const struct addr peer = conn_address(c);

	if (at == &step_not_reset)
		server_tell(s, REPORT_RESET_EARLY, &peer, conn_id(c), NULL);
	else if (why)
		server_report_unopened(s, c, why);
	server_leave(s, c);
	s->starved = false;
	timer_set_in(owner->loop, &s->retry, 0); /* accept again, or end */
}

static void server_pause_accepting(struct server *s, const struct listener *l, int error)
{
	server_full_lack(s, &l->at, error);
	s->starved = true;
	server_update_accepting(s);
	timer_set_in(s->clients.loop, &s->retry, ACCEPT_RETRY_MS);
}

static void server_on_retry(struct timer *t)
{
	struct server *s = container_of(t, struct server, retry);

	s->starved = false;
	if (!server_end_if_done(s))
		server_update_accepting(s);
}

/* Make a client of a link, which is closed where memory is out. Returns whether it is one. */
static bool server_welcome(struct server *s, struct link *link, const struct addr *peer)
{
	struct conn *c = conn_new(&s->clients, link, peer, CONN_BOTH);

	if (!c) {
		link_close(link);
		return false;
	}
	server_tell(s, REPORT_OPENED, peer, conn_id(c), NULL);
	conn_begin(c);
	return true;
}

static void server_refuse(
	struct server *s, struct link *link, const struct addr *peer, uint64_t refused)
{
	struct err why = {0};

	if (link->via->reset)
		link->via->reset(link);
	else
		link_close(link);
	/* As with datagrams that are dropped: a flood must not become a flood of lines. */
	if ((refused & (refused - 1)) || !report_shown(s->clients.to, REPORT_REFUSED))
		return;
	err_set(&why, ERR_NONE, "it has %zu connections", s->conf.max_per_peer);
	err_fact(&why, FACT_PER_PEER_LIMIT, peer);
	report(s->clients.to, &(struct report){.kind = REPORT_REFUSED,
				      .at = peer,
				      .why = &why,
				      .count = refused,
				      .end = END_DENIED});
}

/* A client was accepted: serve it, unless its host has too many. */
static void server_admit(struct server *s, struct link *link, const struct addr *peer)
{
	uint64_t refused;
	int verdict = peers_join(&s->peers, peer, &refused);

	if (verdict > 0)
		server_refuse(s, link, peer, refused);
	else if (verdict < 0)
		link_close(link);
	else if (!server_welcome(s, link, peer))
		peers_leave(&s->peers, peer);
}

/* Take one client. Returns false where there is none, or none can be taken now. */
static bool server_take_client(struct server *s, const struct listener *l)
{
	struct link link = link_of(s->conf.via, s->clients.to);
	struct addr peer;

	switch (s->conf.via->accept(s->clients.to, &l->socket, &link, &peer)) {
	case IO_DONE: server_admit(s, &link, &peer); return true;
	case IO_FAIL: break;
	case IO_EOF:
	case IO_AGAIN: return false;
	}
	if (err_is_shortage(link.error)) {
		server_pause_accepting(s, l, link.error);
		return false;
	}
	server_tell(s, REPORT_ACCEPT_FAILED, &l->at, 0, strerror(link.error));
	return true;
}

static struct conn *server_welcome_session(
	void *arg, const struct link *link, const struct addr *peer)
{
	struct server *s = arg;
	struct conn *c;

	if (s->stopping || (s->conf.exit_after && server_is_full(s)))
		return NULL;
	c = conn_new(&s->clients, link, peer, CONN_BOTH);
	if (!c)
		return NULL;
	server_tell(s, REPORT_OPENED, peer, conn_id(c), NULL);
	conn_open(c);
	return c;
}

static void server_on_sessions_changed(void *arg)
{
	server_update_accepting(arg);
}

static void server_on_datagrams(struct watch *w, uint32_t events)
{
	struct listener *l = container_of(w, struct listener, watch);
	int lack = sessions_receive(&l->of->sessions, &l->socket, &l->at, events);

	if (lack)
		server_pause_accepting(l->of, l, lack);
	else
		server_update_accepting(l->of);
}

static void server_on_client(struct watch *w, uint32_t events)
{
	struct listener *l = container_of(w, struct listener, watch);
	struct server *s = l->of;

	(void)events;
	for (int i = 0; i < ACCEPTS_A_TURN && !server_is_full(s) && server_take_client(s, l); i++)
		;
	server_update_accepting(s);
}

static enum io server_get_socket(
	struct server *s, const struct addr *at, struct listening *out, struct err *err)
{
	if (s->conf.adopts)
		return s->conf.via->adopt(s->clients.to, s->conf.adopts + (int)s->tried, at,
			&s->conf.listen, out, err);
	return s->conf.via->listen(s->clients.to, at, &s->conf.listen, out, err);
}

static enum io server_listen_one(struct server *s, const struct addr *at, struct err *err)
{
	struct listener *l = &s->listeners[s->listening];
	struct addr bound;
	enum io verdict;

	*l = (struct listener){.of = s, .at = *at};
	verdict = server_get_socket(s, at, &l->socket, err);
	if (verdict != IO_DONE)
		return verdict;
	l->watch = (struct watch){.fd = l->socket.fd,
		.ready = server_has_sessions(s) ? server_on_datagrams : server_on_client};
	s->listening++;
	bound.len = sizeof(bound.room);
	if (sys_getsockname(s->clients.to, l->socket.fd, &bound.sa, &bound.len) < 0) {
		err_sys(err, ERR_LISTEN, errno, "cannot listen on %s: getsockname",
			addr_text(at).text);
		return IO_FAIL;
	}
	l->at = bound;
	if (loop_watch(s->clients.loop, &l->watch, 0) < 0) {
		err_sys(err, ERR_LISTEN, errno, "cannot listen on %s: epoll", addr_text(at).text);
		return IO_FAIL;
	}
	return IO_DONE;
}

/* Of all addresses, one that this machine does not have is not missed. */
static bool server_not_missed(const struct server *s, const struct addr *at, const struct err *why)
{
	return s->conf.any && at->sa.sa_family == AF_INET6 &&
	       (why->sys == EAFNOSUPPORT || why->sys == EADDRNOTAVAIL);
}

/* Listen at the addresses that are left, all on the port that the first one got. IO_AGAIN: one
 * cannot be had yet, for the reason in err. IO_FAIL: no listener is left; err->sys is EADDRINUSE
 * where another free port may do. */
static enum io server_listen_at_rest(struct server *s, struct err *err)
{
	for (; s->tried < s->conf.at_count; s->tried++) {
		struct addr at = s->conf.at[s->tried];
		enum io verdict;

		if (s->listening && addr_port(&at) == 0)
			addr_set_port(&at, addr_port(&s->listeners[0].at));
		verdict = server_listen_one(s, &at, err);
		if (verdict == IO_AGAIN)
			return IO_AGAIN;
		if (verdict != IO_DONE && !server_not_missed(s, &at, err)) {
			server_close_listeners(s);
			return IO_FAIL;
		}
	}
	return s->listening ? IO_DONE : IO_FAIL;
}

/* Whether a port that is taken may be another one next time. */
static bool server_takes_any_port(const struct server *s)
{
	return s->conf.at[0].sa.sa_family != AF_UNIX && addr_port(&s->conf.at[0]) == 0;
}

/* As listen_at_rest, with another free port where one is taken in the other family. */
static enum io server_listen_everywhere(struct server *s, struct err *err)
{
	enum io verdict = IO_FAIL;

	for (int i = 0; i < SAME_PORT_TRIES && verdict == IO_FAIL; i++) {
		verdict = server_listen_at_rest(s, err);
		if (verdict == IO_FAIL && (err->sys != EADDRINUSE || !server_takes_any_port(s)))
			break;
	}
	return verdict;
}

/* How many clients so many descriptors are enough for: at least one is tried. */
static size_t server_clients_of(const struct server *s, size_t descriptors)
{
	size_t spare = descriptors > SPARE_DESCRIPTORS ? descriptors - SPARE_DESCRIPTORS : 0;
	size_t clients = spare / (1 + s->conf.client_descriptors);

	return clients ? clients : 1;
}

/* How many peers without a connection: each costs only what its mode opens for it. */
static size_t server_sessions_max(const struct server *s)
{
	const int fd = s->listeners[0].socket.fd;
	size_t descriptors, most;

	if (!s->conf.client_descriptors)
		return SERVER_SESSIONS_MAX;
	descriptors = limits_descriptors(s->clients.to, fd);
	if (descriptors <= SPARE_DESCRIPTORS)
		return 1;
	most = (descriptors - SPARE_DESCRIPTORS) / s->conf.client_descriptors;
	return most < SERVER_SESSIONS_MAX ? most : SERVER_SESSIONS_MAX;
}

/* How many clients there may be at once: by default as many as there can be descriptors.
 * Returns 0, or -1 if not even one can ever be taken. */
static int server_find_room(struct server *s, struct err *err)
{
	size_t most;

	if (server_has_sessions(s)) {
		if (!s->conf.max_conns)
			s->conf.max_conns = server_sessions_max(s);
		s->sessions.conf.max = s->conf.max_conns;
		return 0;
	}
	most = limits_descriptors(s->clients.to, s->listeners[0].socket.fd);
	if (most == 0) {
		err_set(err, ERR_LISTEN, "cannot serve: no descriptor is left for a client");
		return err_hint(
			err, "start it where 'ulimit -n' allows more than %d", limits_open_files());
	}
	s->most_by_descriptors = s->conf.max_conns == 0;
	if (!s->conf.max_conns)
		s->conf.max_conns = server_clients_of(s, most);
	return 0;
}

static void server_announce(const struct server *s)
{
	for (size_t i = 0; i < s->listening; i++) {
		const struct report what = {
			.kind = s->conf.pin ? REPORT_LISTENING_PIN : REPORT_LISTENING,
			.at = &s->listeners[i].at,
			.transport = s->conf.layer ? s->conf.layer : s->conf.via->name,
			.mode = s->conf.mode,
			.pin = s->conf.pin,
		};

		report(s->clients.to, &what);
	}
}

/* All addresses listen: tell, and accept clients. */
static int server_open_doors(struct server *s, struct err *err)
{
	if (server_find_room(s, err) < 0)
		return -1;
	server_announce(s);
	if (s->ready && s->ready(s->arg, err) < 0)
		return -1;
	server_update_accepting(s);
	return 0;
}

/* Listen, and serve once that is done everywhere: at once, or later where a place cannot be had
 * yet. Returns 0, or -1 with err, and no listener. */
static int server_listen(struct server *s, struct err *err)
{
	enum io verdict = server_listen_everywhere(s, err);

	if (verdict == IO_AGAIN && s->clients.loop->now_ms < s->listen_until_ms) {
		timer_set_in(s->clients.loop, &s->listen_again, LISTEN_RETRY_MS);
	} else if (verdict != IO_DONE || server_open_doors(s, err) < 0) {
		server_close_listeners(s);
		return -1;
	}
	*err = (struct err){0};
	return 0;
}

static void server_on_listen_again(struct timer *t)
{
	struct server *s = container_of(t, struct server, listen_again);

	if (server_listen(s, &s->verdict) == 0)
		return;
	s->enough = true;
	server_end_if_done(s);
}

/* Past the time for what was queued: the rest is dropped, and counted. */
static void server_on_stop_limit(struct timer *t)
{
	struct server *s = container_of(t, struct server, stop_limit);
	struct list *node = s->clients.conns.next;

	for (; node != &s->clients.conns; node = node->next) {
		struct conn *c = conn_of_node(node);

		s->dropped += conn_queued(c) + (s->conf.via->unsent_is_unread ? 0 : conn_unsent(c));
		s->cut_short += conn_answering(c);
		conn_abort(c);
	}
}

/* What the server itself needs. Returns 0, or -1 when memory is out. */
static int server_make_own(struct server *s)
{
	const struct sessions_conf conf = {.via = s->conf.via,
		.owner = &s->clients,
		.max = s->conf.max_conns ? s->conf.max_conns : SERVER_SESSIONS_MAX,
		.replaces = !s->conf.exclusive && !s->conf.exit_after,
		.waits = s->conf.exclusive,
		.welcome = server_welcome_session,
		.changed = server_on_sessions_changed,
		.arg = s};

	if (server_full_init(s) == 0 && peers_init(&s->peers, s->conf.max_per_peer) == 0 &&
		timer_init(s->clients.loop, &s->listen_again, server_on_listen_again) == 0 &&
		timer_init(s->clients.loop, &s->retry, server_on_retry) == 0 &&
		timer_init(s->clients.loop, &s->stop_limit, server_on_stop_limit) == 0 &&
		(!server_has_sessions(s) || sessions_init(&s->sessions, &conf) == 0))
		return 0;
	server_free_own(s);
	return -1;
}

/* What each client does before it is served. */
static void server_list_steps(struct server *s)
{
	size_t count = 0;

	if (!s->conf.untouched)
		s->steps[count++] = (struct step_entry){&step_not_reset, NULL};
	for (size_t i = 0; i < SERVER_STEPS_MAX && s->conf.steps[i].step; i++)
		s->steps[count++] = s->conf.steps[i];
	s->steps[count++] = (struct step_entry){&step_place, s};
	s->steps[count] = (struct step_entry){0};
	s->clients.steps = s->steps;
}

int server_start(struct server *s, struct err *err)
{
	conn_owner_init(&s->clients);
	s->clients.gone = server_on_gone;
	if (report_shown(s->clients.to, REPORT_CLIENT_HAS_TLS))
		s->clients.first = server_on_first;
	s->clients.moved = server_on_moved;
	s->clients.unopened = server_on_unopened;
	server_list_steps(s);
	if (report_is_full(s->clients.to) && report_shown(s->clients.to, REPORT_LOST))
		s->clients.path = &s->path;
	s->clients.opening_ms = SERVER_OPENING_MS;
	if (server_make_own(s) < 0)
		return err_set(err, ERR_RUNTIME, "cannot serve: out of memory");
	s->listen_until_ms = s->clients.loop->now_ms + LISTEN_WAIT_MS;
	if (server_listen(s, err) == 0)
		return 0;
	server_free_own(s);
	return -1;
}

void server_count(const struct server *s, uint64_t *received, uint64_t *sent)
{
	struct list *node = s->clients.conns.next;

	*received = s->received;
	*sent = s->sent;
	for (; node != &s->clients.conns; node = node->next) {
		*received += conn_received(conn_of_node(node));
		*sent += conn_sent(conn_of_node(node));
	}
}

void server_enough(struct server *s)
{
	s->enough = true;
	server_close_listeners(s);
	timer_set_in(s->clients.loop, &s->retry, 0); /* if there is none, that is all */
}

/* A client that was sending a moment ago is in the middle of something: closing on its input would
 * reset it, so it is given a moment to see our end. A silent one is not waited for. */
static void server_say_goodbye(struct server *s, struct conn *c)
{
	bool busy;

	if (conn_is_opening(c))
		return;
	if (conn_answering(c))
		return; /* its handler closes it */
	busy = s->clients.loop->now_ms - conn_active_ms(c) < STOP_BUSY_MS;

	if (s->conf.via->connectionless)
		conn_close(c, 0);
	else
		conn_cut(c, busy ? STOP_BUSY_MS : 0);
}

void server_stop(struct server *s, const char *reason, enum err_kind kind)
{
	struct list *node;

	if (s->stopping)
		return;
	s->stopping = true;
	s->stop_kind = kind;
	report(s->clients.to, &(struct report){.kind = REPORT_STOPPING, .reason = reason});
	server_close_listeners(s);
	/* Those with nothing queued end as soon as their kernel has what we wrote. */
	s->clients.see_off |= !s->conf.via->unsent_is_unread;
	for (node = s->clients.conns.next; node != &s->clients.conns; node = node->next)
		server_say_goodbye(s, conn_of_node(node));
	timer_set_in(s->clients.loop, &s->stop_limit, SERVER_STOP_MS);
	timer_set_in(s->clients.loop, &s->retry, 0); /* if there is none, that is all */
}

void server_free(struct server *s)
{
	server_close_listeners(s);
	conn_owner_free(&s->clients);
	server_free_own(s);
}
