#include "core/conn_state.h"

#include <errno.h>
#include <stdlib.h>

#include "report/trace.h"

/* Behind the struct: the handler's peer_size bytes, then the address, then struct conn_counts. */
struct stored_addr {
	uint16_t len;
	uint16_t kept; /* of them: the rest is 0 */
	uint8_t bytes[];
};

static size_t conn_peer_room(const struct conn_owner *owner)
{
	return (owner->on->peer_size + 15) & ~(size_t)15;
}

static const struct stored_addr *conn_stored_addr(const struct conn *c)
{
	return (const void *)((const char *)(c + 1) + conn_peer_room(c->owner));
}

static void conn_on_ready(struct watch *w, uint32_t events);

static void conn_set_watch(struct conn *c)
{
	const struct link *link = &c->link;

	c->watch = (struct watch){
		.fd = link->fd, .ready = conn_on_ready, .edges = link->via->edges && !c->on->move};
}

/* IPv4's ends in zeros (ip(7), sin_zero). */
static size_t conn_address_bytes(const struct addr *at)
{
	bool ends_in_zeros = at->len && at->sa.sa_family == AF_INET;

	return ends_in_zeros ? offsetof(struct sockaddr_in, sin_zero) : at->len;
}

/* How much of an address has room after c: any, where it can change. */
static size_t conn_address_room(const struct link *link, const struct addr *peer)
{
	if (!peer)
		return 0;
	return link->via->address ? sizeof(peer->room) : conn_address_bytes(peer);
}

static void conn_store_address(struct conn *c, const struct addr *at)
{
	struct stored_addr *stored = (void *)((char *)(c + 1) + conn_peer_room(c->owner));

	stored->len = (uint16_t)at->len;
	stored->kept = (uint16_t)conn_address_bytes(at);
	memcpy(stored->bytes, addr_bytes(at).data, stored->kept);
}

static void conn_set_link(struct conn *c, const struct link *link, const struct addr *peer)
{
	c->link = *link;
	conn_set_watch(c);
	if (peer)
		conn_store_address(c, peer);
}

void conn_note_address(struct conn *c)
{
	struct addr at;

	if (!c->link.moved)
		return;
	at = c->link.via->address(&c->link);
	conn_store_address(c, &at);
	c->link.moved = false;
}

void conn_owner_init(struct conn_owner *owner)
{
	list_init(&owner->conns);
	owner->opened = 0;
	owner->open_now = owner->opening_now = 0;
}

/* A handler may limit what is read at a time, but not messages that are kept whole. */
static void conn_limit_as_told(struct conn *c)
{
	conn_limit_reads(c, c->link.message_max ? 0 : c->on->read_max);
}

struct conn *conn_new(struct conn_owner *owner, const struct link *link, const struct addr *peer,
	enum conn_sides sides)
{
	const size_t size = sizeof(struct conn) + conn_peer_room(owner) +
	                    sizeof(struct stored_addr) + conn_address_room(link, peer);
	const size_t counts_at = (size + 7) & ~(size_t)7;
	const bool counts = link->message_max && counts_at <= UINT16_MAX;
	struct conn *c = calloc(1, counts ? counts_at + sizeof(struct conn_counts) : size);

	if (!c)
		return NULL;
	if (timer_init(owner->loop, &c->timer, conn_on_timer) < 0) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	c->counts_at = counts ? (uint16_t)counts_at : 0;
	c->notes = c->notes_out = true;
	c->dumps = owner->to->dump && !owner->local;
	c->owner = owner;
	c->on = owner->on;
	c->ctx = owner->ctx;
	c->reads_a_turn = 1;
	c->began_ms = owner->loop->now_ms;
	c->id = ++owner->opened;
	c->in_over = sides == CONN_WRITES;
	c->reads_only = c->out_over = c->finishing = sides == CONN_READS;
	conn_set_link(c, link, peer);
	if (c->dumps)
		c->link.bulk = BULK_NONE;
	conn_limit_as_told(c);
	if (link->to->trace && link->via->kind != SOCKET_OTHER)
		trace_number(link->to->trace, link->fd, c->id);
	list_push(&owner->conns, &c->node);
	owner->open_now++;
	return c;
}

/* What c waits for: to read, to write, both, or nothing. */
static inline uint32_t conn_asked_of(const struct conn *c)
{
	uint32_t asked = 0;

	if (!conn_alive(c) || !c->opened)
		return 0;
	if (!c->in_over && !c->paused)
		asked |= EPOLLIN;
	if (conn_waits(c) || c->wants_drained || c->finish_waits)
		asked |= EPOLLOUT;
	return asked;
}

/* The link has another descriptor: the old one is closed, and the kernel has forgotten it. Rare,
 * and its frame is large: conn_review, where each message passes, is quicker without it. */
static __attribute__((noinline)) void conn_follow_link(struct conn *c)
{
	loop_unwatch(c->owner->loop, &c->watch);
	conn_set_watch(c);
	conn_note_address(c);
}

static void conn_review_interest(struct conn *c)
{
	uint32_t wanted = conn_asked_of(c);

	if (c->link.moved)
		conn_follow_link(c);
	if (c->link.via->wants)
		wanted = c->link.via->wants(&c->link, wanted);
	if (c->link.fd < 0 || loop_is_watching(&c->watch, wanted))
		return;
	if (loop_watch(c->owner->loop, &c->watch, wanted) < 0)
		conn_end_soon(c, ENDED_LOST, errno);
}

/* epoll does not report bytes that wait in the link. */
static void conn_note_bytes_inside(struct conn *c)
{
	uint32_t here = link_has_bytes(&c->link) ? EPOLLIN : 0;

	if (c->watch.here != here && !c->watch.unpollable &&
		loop_ready(c->owner->loop, &c->watch, here) < 0)
		conn_end_soon(c, ENDED_LOST, errno);
}

/* Nothing more can be written. What the peer had sent before it refused us is still worth reading:
 * it may say why. If it lives all the same, it gets the end: nothing more will come, and what it
 * sends is waited for only so long. Where we lack something it gets a reset instead: it must not
 * take what it has for all. */
static void conn_writing_failed(struct conn *c, int error)
{
	c->write_error = error;
	c->finishing = c->out_over = true;
	c->wants_drained = c->finish_waits = false;
	buf_free(&c->queue);
	conn_drop_pipe(c);
	conn_count(c);
	c->paused = false;
	if (c->link.via->finish && !err_is_shortage(error))
		(void)c->link.via->finish(&c->link);
	if (!c->closing)
		c->linger_ms = CONN_LINGER_MS;
}

void conn_write_failed(struct conn *c, int error)
{
	if (c->link.connectionless)
		conn_lost(c, error);
	else
		conn_writing_failed(c, error);
}

/* Whether a refusal is on its way back that no read or write has met yet: what was sent did not
 * arrive. */
static bool conn_was_refused(struct conn *c)
{
	int error = 0;

	if (c->link.connectionless && c->link.via->pending)
		error = c->link.via->pending(&c->link);
	if (error)
		conn_lost(c, error);
	return error && (!conn_alive(c) || c->queue.len);
}

/* The queue is empty and nothing follows: pass our end on. */
static void conn_pass_end_on(struct conn *c)
{
	enum io verdict = IO_DONE;

	if (conn_was_refused(c))
		return;
	if (c->link.via->finish)
		verdict = c->link.via->finish(&c->link);
	c->finish_waits = verdict == IO_AGAIN;
	c->out_over = verdict == IO_DONE;
	if (verdict == IO_FAIL)
		conn_writing_failed(c, c->link.error);
}

/* Nothing more will be written: has what was written gone? */
static void conn_review_our_end(struct conn *c)
{
	if (c->stage == STAGE_FAILING)
		conn_review_failing(c);
	else if (conn_alive(c) && !c->out_over && !c->finish_waits && !conn_waits(c))
		conn_pass_end_on(c);
}

void conn_review(struct conn *c)
{
	if (c->told_now)
		return;
	if (c->finishing)
		conn_review_our_end(c);
	if (c->in_over || c->out_over)
		conn_review_stage(c);
	if (!conn_alive(c) || !c->opened)
		return;
	conn_review_interest(c);
	if (c->retime)
		conn_review_timer(c);
}

void conn_finish(struct conn *c)
{
	if (!conn_alive(c) || c->finishing)
		return;
	c->finishing = true;
	conn_review(c);
}

void conn_close(struct conn *c, int64_t linger_ms)
{
	if (!conn_alive(c) || c->closing)
		return;
	if (c->opening) {
		conn_abort(c);
		return;
	}
	c->closing = c->finishing = c->link.unheard = true;
	c->linger_ms = (int32_t)linger_ms;
	c->paused = false;
	if (c->stage == STAGE_LINGERING)
		c->stage = STAGE_LIVE; /* it lingers anew, for another time */
	conn_review(c);
}

void conn_after(struct conn *c, int64_t ms)
{
	if (c->stage != STAGE_LIVE || (ms < 0 && !c->later_ms))
		return;
	c->later_ms = ms < 0 ? 0 : c->owner->loop->now_ms + ms;
	c->retime = true;
	conn_review(c);
}

void conn_abort(struct conn *c)
{
	conn_end_soon(c, ENDED_IN_ORDER, 0);
}

void conn_pause(struct conn *c)
{
	if (c->closing)
		return;
	c->paused = true;
	conn_review(c);
}

void conn_resume(struct conn *c)
{
	c->paused = c->failed;
	conn_review(c);
}

void conn_want_drained(struct conn *c)
{
	c->wants_drained = !c->write_error; /* for then there is no room any more */
	conn_review(c);
}

static inline size_t conn_write_bytes(struct conn *c, struct span out)
{
	size_t taken = 0;
	enum io verdict = c->link.via->write(&c->link, out, &taken);

	if (verdict == IO_FAIL) {
		conn_write_failed(c, c->link.error);
		return 0;
	}
	if (taken) {
		c->sent += taken;
		c->active_ms = c->owner->loop->now_ms;
	}
	return taken;
}

static size_t conn_write_and_note(struct conn *c, struct span out)
{
	const size_t taken = conn_write_bytes(c, out);

	if (taken)
		conn_note_written(c, (struct span){out.data, taken});
	return taken;
}

/* One write: how much of out the kernel took. A failure ends our side. */
static size_t conn_write_some(struct conn *c, struct span out)
{
	return c->notes_out ? conn_write_and_note(c, out) : conn_write_bytes(c, out);
}

/* Whether out is worth the room that it lies in, as the queue: else a copy takes less. */
static bool conn_may_keep_room(const struct conn *c, struct span out)
{
	const uint8_t *room = c->owner->scratch->room;

	return !c->queue.len && out.len >= CONN_QUEUE_MAX_BYTES && out.data >= room &&
	       out.data + out.len <= room + CONN_READ_BYTES;
}

/* Put what was not taken into the queue: a copy, or the room that it was read into. Returns 0, or
 * -1 when memory is out. */
static int conn_add_to_queue(struct conn *c, struct span out, bool room_too)
{
	uint8_t *room = c->owner->scratch->room;

	if (!room_too || !conn_may_keep_room(c, out) || scratch_renew_room(c->owner->scratch) < 0)
		return buf_add(&c->queue, out);
	buf_free(&c->queue);
	c->queue = (struct buf){.data = room,
		.start = (size_t)(out.data - room),
		.len = out.len,
		.cap = CONN_READ_BYTES};
	return 0;
}

static void conn_keep(struct conn *c, struct span out, bool room_too)
{
	if (c->write_error || !conn_alive(c))
		return;
	if (conn_add_to_queue(c, out, room_too) < 0)
		conn_end_soon(c, ENDED_LOST, ENOMEM);
	else
		conn_count(c);
}

static inline void conn_put(struct conn *c, struct span out, bool room_too)
{
	if (!conn_waits(c) && out.len)
		out = span_from(out, conn_write_some(c, out));
	if (out.len)
		conn_keep(c, out, room_too);
	else if (c->link.holds)
		conn_count(c);
}

void conn_write_or_keep(struct conn *c, struct span out)
{
	conn_put(c, out, false);
}

static inline int conn_put_out(struct conn *c, struct span out, bool room_too)
{
	if (!conn_alive(c) || c->finishing)
		return 0;
	if (c->link.message_max)
		conn_write_message(c, out);
	else
		conn_put(c, out, room_too);
	conn_review(c);
	return c->piped || c->queue.len >= CONN_QUEUE_MAX_BYTES ? -1 : 0;
}

int conn_write(struct conn *c, struct span out)
{
	return conn_put_out(c, out, false);
}

int conn_pass(struct conn *c, struct span in)
{
	return conn_put_out(c, in, true);
}

size_t conn_offer(struct conn *c, struct span out)
{
	size_t taken;

	if (!conn_alive(c) || c->finishing || conn_waits(c) || !out.len)
		return 0;
	taken = conn_write_some(c, out);
	conn_review(c);
	return taken;
}

/* Write what waits, as far as there is room. */
static void conn_write_queue(struct conn *c)
{
	size_t taken;

	if ((c->piped && !conn_flush_pipe(c)) || (!c->queue.len && !c->link.holds))
		return;
	if (c->link.message_max) {
		conn_flush_messages(c);
		return;
	}
	taken = conn_write_some(c, buf_span(&c->queue));
	if (!c->write_error)
		buf_take(&c->queue, taken);
}

static void conn_flush_queue(struct conn *c)
{
	conn_write_queue(c);
	conn_count(c);
	c->finish_waits = false; /* to be tried again */
	if (conn_waits(c) || c->write_error || !conn_alive(c))
		return;
	c->wants_drained = false;
	if (c->on->drained && !c->closing)
		c->on->drained(c);
}

void conn_note_first(struct conn *c, size_t bytes)
{
	c->answered = true;
	c->heard = bytes > 0;
	c->notes = !c->heard || c->counts_at || c->dumps;
	if (bytes)
		c->first_ms = (uint32_t)(c->owner->loop->now_ms - c->began_ms);
	conn_note_moved(c, bytes);
}

static __attribute__((noinline)) void conn_note_in(struct conn *c, struct span in)
{
	if (c->dumps)
		conn_dump(c, false, in);
	if (c->counts_at)
		conn_counts_of(c)->in++;
	if (c->heard)
		return;
	conn_note_first(c, in.len);
	if (c->owner->first)
		c->owner->first(c->owner, c, in);
}

void conn_take_in(struct conn *c, struct span in)
{
	if (!conn_limit_input(c, &in))
		return;
	c->received += in.len;
	c->active_ms = c->owner->loop->now_ms;
	if (c->notes)
		conn_note_in(c, in);
	if (c->closing)
		conn_throw_away(c, in.len);
	else if (c->on->data)
		c->on->data(c, in);
}

static void conn_hear_end(struct conn *c)
{
	c->in_over = true;
	c->active_ms = c->owner->loop->now_ms;
	if (c->on->eof && !c->closing)
		c->on->eof(c);
	else
		c->finishing = true;
}

/* Where the peer only ended, and not in order, the handler may go on with what it writes. */
static void conn_hear_failure(struct conn *c)
{
	if (!c->link.cut || !c->on->cut || c->closing) {
		conn_lost(c, c->link.error);
		return;
	}
	c->in_over = true;
	c->active_ms = c->owner->loop->now_ms;
	c->cut_short = c->on->cut(c);
}

void conn_writable(struct conn *c)
{
	c->told_now = true;
	if (conn_alive(c))
		conn_flush_queue(c);
	c->told_now = false;
	conn_review(c); /* what still waits is to be tried again */
}

static void conn_act_on_read(struct conn *c, enum io verdict, size_t got)
{
	/* The write that met a reset took the error with it, and what is read is an end (TCP: had
	 * the peer ended before, it would have been EPIPE). */
	if (verdict == IO_EOF && c->write_error == ECONNRESET) {
		conn_lost(c, ECONNRESET);
		return;
	}
	switch (verdict) {
	case IO_DONE: conn_take_in(c, (struct span){c->owner->scratch->room, got}); break;
	case IO_EOF: conn_hear_end(c); break;
	case IO_FAIL: conn_hear_failure(c); break;
	case IO_AGAIN: break;
	}
}

void conn_was_read(struct conn *c, enum io verdict, size_t got)
{
	c->told_now = true;
	conn_act_on_read(c, verdict, got);
	c->told_now = false;
	conn_review(c);
}

/* Whether a read may have left something that no edge will tell of. */
static bool conn_may_be_more(struct conn *c, enum io verdict, size_t got, uint32_t events)
{
	bool left = c->link.left;

	c->link.left = false;
	if (verdict == IO_AGAIN)
		return events & EPOLLIN;
	return left || got == c->read_max ||
	       (events & (EPOLLRDHUP | EPOLLPRI | EPOLLHUP | EPOLLERR));
}

/* What is read is handed to no handler, so that its bytes need not be seen. */
static enum io conn_read_or_drop(struct conn *c, size_t *got)
{
	uint8_t *room = c->owner->scratch->room;

	if ((c->on->data && !c->closing) || c->dumps)
		return link_read(&c->link, room, c->read_max, got);
	return link_drop(&c->link, room, c->read_max, got);
}

/* Returns whether something came. */
static bool conn_read_once(struct conn *c, uint32_t events)
{
	size_t got = 0;
	enum io verdict;
	bool more;

	if (c->on->move && !c->closing && c->on->move(c))
		return false;
	verdict = conn_read_or_drop(c, &got);
	more = c->watch.edges && conn_may_be_more(c, verdict, got, events);
	conn_note_bytes_inside(c);
	conn_act_on_read(c, verdict, got);
	if (more && conn_alive(c) && !c->in_over && loop_look_again(c->owner->loop, &c->watch) < 0)
		conn_end_soon(c, ENDED_LOST, errno);
	return verdict == IO_DONE;
}

/* One read a turn, unless more are expected: as fair as it is fast, without a second call just to
 * get EAGAIN. */
static void conn_read_some(struct conn *c, uint32_t events)
{
	int left = c->reads_a_turn;

	while (conn_read_once(c, events) && --left > 0 && (conn_asked_of(c) & EPOLLIN))
		;
}

/* The kernel tells of an error or a hang-up while nothing was to be read or written. Where reading
 * is only paused, the next read will meet it, after what came before it. A hang-up without an error
 * is a Unix peer that has read all and closed both ways: nothing is lost unless we still write,
 * which then fails. */
static void conn_hung_up(struct conn *c)
{
	int error;

	if (c->on->hung_up && !c->finishing)
		c->on->hung_up(c);
	if ((!c->in_over && !c->failed) || !c->link.via->pending)
		return;
	error = c->link.via->pending(&c->link);
	if (error)
		conn_end_soon(c, ENDED_LOST, error);
}

/* What of it events let c try. Where the link has its own mind what to wait for, that is all. */
static uint32_t conn_can_try(const struct conn *c, uint32_t asked, uint32_t events)
{
	if ((c->link.via->wants && !c->link.via->straight) || (events & (EPOLLERR | EPOLLHUP)))
		return asked;
	return asked & events;
}

static void conn_on_ready(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, watch);
	uint32_t asked = conn_asked_of(c), may = conn_can_try(c, asked, events);

	if (c->opening) {
		conn_opening_go(c);
		return;
	}
	c->told_now = true;
	if (may & EPOLLOUT) {
		conn_flush_queue(c);
		may = conn_can_try(c, conn_asked_of(c), events);
	}
	if (may & EPOLLIN)
		conn_read_some(c, events);
	else if (!asked && !conn_asked_of(c))
		conn_hung_up(c);
	c->told_now = false;
	conn_review(c);
}

/* The kernel reports an error or a hang-up of each descriptor that it watches, and of no other. */
static void conn_watch_for_hang_up(struct conn *c)
{
	if (!c->on->hung_up || c->link.fd < 0 || !conn_alive(c))
		return;
	if (loop_watch(c->owner->loop, &c->watch, 0) < 0)
		conn_end_soon(c, ENDED_LOST, errno);
}

void conn_open(struct conn *c)
{
	conn_opening_over(c);
	c->owed_ms = 0;
	c->opened = c->told_now = c->retime = true;
	c->active_ms = c->owner->loop->now_ms;
	if (c->on->open)
		c->on->open(c);
	conn_note_bytes_inside(c);
	conn_watch_for_hang_up(c);
	c->told_now = false;
	conn_review(c);
}

int conn_hand_over(struct conn *c, const struct handler *on, void *ctx)
{
	bool told_now = c->told_now;

	if (!conn_alive(c) || on->peer_size > conn_peer_room(c->owner))
		return -1;
	if (c->on->release)
		c->on->release(c);
	memset(conn_peer(c), 0, conn_peer_room(c->owner));
	conn_after(c, -1);
	conn_got(c);
	c->on = on;
	c->ctx = ctx;
	conn_limit_as_told(c);
	c->told_now = true;
	if (c->opened && on->open)
		on->open(c);
	c->told_now = told_now;
	conn_review(c);
	return 0;
}

int conn_unread(struct conn *c, struct span bytes)
{
	if (link_unread(&c->link, bytes) < 0)
		return -1;
	c->received -= bytes.len;
	if (c->counts_at)
		conn_counts_of(c)->in--;
	conn_note_bytes_inside(c);
	conn_review(c);
	return 0;
}

void conn_limit_reads(struct conn *c, size_t bytes)
{
	c->read_max = bytes && bytes < CONN_READ_BYTES ? (uint32_t)bytes : CONN_READ_BYTES;
}

bool conn_is_opening(const struct conn *c)
{
	return c->opening;
}

struct reporter *conn_trace_to(struct conn *c, struct reporter *to)
{
	struct reporter *was = c->link.to;

	c->link.to = to;
	return was;
}

void *conn_ctx(const struct conn *c)
{
	return c->ctx;
}

void *conn_peer(struct conn *c)
{
	return c + 1;
}

uint64_t conn_id(const struct conn *c)
{
	return c->id;
}

struct addr conn_address(const struct conn *c)
{
	const struct stored_addr *stored = conn_stored_addr(c);
	struct addr a = {0};

	if (c->link.moved)
		return c->link.via->address(&c->link);
	addr_of_bytes(&a, (struct span){stored->bytes, stored->kept});
	a.len = stored->len;
	return a;
}

size_t conn_queued(const struct conn *c)
{
	const struct lent_pipe *pipe = c->piped ? link_held_pipe(&c->link) : NULL;

	return c->queue.len + (pipe ? pipe->held : 0);
}

bool conn_is_terminal(const struct conn *c)
{
	return c->link.terminal;
}

bool conn_peer_ended(const struct conn *c)
{
	return c->in_over;
}

bool conn_end_is_final(const struct conn *c)
{
	return c->link.ends_both;
}

bool conn_judged_late(const struct conn *c)
{
	return c->link.judged_late;
}

bool conn_end_closes(const struct conn *c)
{
	return c->link.end_closes;
}

bool conn_finished(const struct conn *c)
{
	return c->finishing;
}

bool conn_refused_us(const struct conn *c)
{
	return c->write_error;
}

bool conn_answering(struct conn *c)
{
	return c->on->answering && !conn_closing(c) && c->on->answering(c);
}

bool conn_closing(const struct conn *c)
{
	return c->closing || !conn_alive(c);
}
