#include "core/conn.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SEE_OFF_FIRST_MS = 1, /* how soon to look again; doubled up to ... */
	SEE_OFF_LAST_MS = 64,
};

/* A connection's life. Each stage is entered once, in this order; some are left out. */
enum stage {
	STAGE_LIVE,
	STAGE_LINGERING,  /* finished by conn_close; its input is thrown away */
	STAGE_SEEING_OFF, /* both sides ended; the peer's kernel has not all of it yet */
	STAGE_OVER,       /* ends in this turn of the loop */
};

enum ending { ENDED_IN_ORDER, ENDED_LOST, ENDED_IDLE, ENDED_UNACKNOWLEDGED };

struct conn {
	struct list node; /* first: loop_bury frees it */
	struct conn_owner *owner;
	struct link link;
	struct watch watch;
	struct timer timer; /* idleness, lingering, seeing off, or the end: as the stage says */
	struct buf queue;
	int64_t active_ms; /* when bytes last moved */
	uint64_t id, received, sent;
	int write_error; /* the errno that ended our side; the peer's is still read to its end */
	int32_t linger_ms;
	uint32_t thrown_away; /* while lingering: bytes */
	uint32_t unsent;      /* while seeing off: bytes at the last look */
	uint16_t look_ms;     /* ... and how long until the next */
	uint8_t stage, ending;
	bool paused : 1;
	bool in_over : 1;   /* the peer will send no more, or we no longer care */
	bool closing : 1;   /* conn_close was called */
	bool finishing : 1; /* conn_finish was called */
	bool out_over : 1;  /* ... and the peer has been told */
	bool wants_drained : 1;
	bool opened : 1; /* handler.open has been called */
	bool reads_only : 1;
};

/* Behind the struct: the handler's peer_size bytes, then the address. */
struct stored_addr {
	socklen_t len;
	uint8_t bytes[];
};

static size_t peer_room(const struct conn_owner *owner)
{
	return (owner->on->peer_size + 15) & ~(size_t)15;
}

static struct stored_addr *stored_addr(const struct conn *c)
{
	return (struct stored_addr *)(void *)((char *)(uintptr_t)(c + 1) + peer_room(c->owner));
}

static bool alive(const struct conn *c)
{
	return c->stage < STAGE_SEEING_OFF;
}

static void on_ready(struct watch *w, uint32_t events);
static void on_timer(struct timer *t);

void conn_owner_init(struct conn_owner *owner)
{
	list_init(&owner->conns);
	owner->opened = 0;
	owner->open_now = 0;
}

struct conn *conn_new(struct conn_owner *owner, const struct link *link, const struct addr *peer,
	enum conn_sides sides)
{
	socklen_t addr_len = peer ? peer->len : 0;
	struct conn *c =
		calloc(1, sizeof(*c) + peer_room(owner) + sizeof(struct stored_addr) + addr_len);

	if (!c)
		return NULL;
	if (timer_init(owner->loop, &c->timer, on_timer) < 0) {
		free(c);
		errno = ENOMEM;
		return NULL;
	}
	c->owner = owner;
	c->link = *link;
	c->watch = (struct watch){.fd = link->fd, .ready = on_ready};
	c->id = ++owner->opened;
	c->in_over = sides == CONN_WRITES;
	c->reads_only = c->out_over = c->finishing = sides == CONN_READS;
	stored_addr(c)->len = addr_len;
	if (addr_len)
		memcpy(stored_addr(c)->bytes, &peer->sa, addr_len);
	list_push(&owner->conns, &c->node);
	owner->open_now++;
	return c;
}

/* Nothing more happens on c; on_timer ends it before this turn of the loop is over. */
static void end_soon(struct conn *c, enum ending ending, int error)
{
	if (c->stage == STAGE_OVER)
		return;
	c->stage = STAGE_OVER;
	c->ending = (uint8_t)ending;
	c->link.error = error;
	loop_unwatch(c->owner->loop, &c->watch);
	timer_set(c->owner->loop, &c->timer, c->owner->loop->now_ms);
}

static void update_interest(struct conn *c)
{
	uint32_t wanted = 0;

	if (!alive(c) || !c->opened)
		return;
	if (!c->in_over && !c->paused)
		wanted |= EPOLLIN;
	if (c->queue.len || c->wants_drained)
		wanted |= EPOLLOUT;
	if (!wanted && !c->watch.known)
		return;
	if (loop_watch(c->owner->loop, &c->watch, wanted) < 0)
		end_soon(c, ENDED_LOST, errno);
}

/* If both sides have ended, so has the connection, but for what the peer's kernel still lacks. */
static void settle(struct conn *c)
{
	if (!alive(c) || !c->in_over || !c->out_over)
		return;
	if (c->write_error || !c->owner->see_off || !c->link.via->unsent) {
		end_soon(c, c->write_error ? ENDED_LOST : ENDED_IN_ORDER, c->write_error);
		return;
	}
	c->stage = STAGE_SEEING_OFF;
	c->active_ms = c->owner->loop->now_ms;
	c->unsent = UINT32_MAX;
	c->look_ms = SEE_OFF_FIRST_MS;
	loop_unwatch(c->owner->loop, &c->watch);
	timer_set(c->owner->loop, &c->timer, c->owner->loop->now_ms);
}

/* The input does not matter any more. */
static void stop_reading(struct conn *c)
{
	c->in_over = true;
	update_interest(c);
	settle(c);
}

/* Our end has been passed on after conn_close: wait for the peer's, or not. */
static void linger(struct conn *c)
{
	if (c->in_over)
		return;
	if (c->linger_ms == 0) {
		stop_reading(c);
		return;
	}
	c->stage = STAGE_LINGERING;
	timer_set_in(c->owner->loop, &c->timer, c->linger_ms);
}

/* Nothing more can be written. What the peer had sent before it refused us is still worth reading:
 * it may say why. */
static void writing_failed(struct conn *c, int error)
{
	c->write_error = error;
	c->finishing = c->out_over = true;
	c->wants_drained = false;
	buf_free(&c->queue);
	c->paused = false;
	update_interest(c);
	settle(c);
}

/* The queue is empty and nothing follows: pass our end on. */
static void pass_end_on(struct conn *c)
{
	c->out_over = true;
	if (c->link.via->finish && c->link.via->finish(&c->link) < 0) {
		/* shutdown(2) says ENOTCONN of a connection that was reset. */
		writing_failed(c, errno == ENOTCONN ? ECONNRESET : errno);
		return;
	}
	if (c->closing)
		linger(c);
	update_interest(c);
	settle(c);
}

void conn_finish(struct conn *c)
{
	if (!alive(c) || c->finishing)
		return;
	c->finishing = true;
	if (c->queue.len == 0)
		pass_end_on(c);
}

void conn_close(struct conn *c, int64_t linger_ms)
{
	if (!alive(c) || c->closing)
		return;
	c->closing = true;
	c->linger_ms = (int32_t)linger_ms;
	if (!c->finishing) {
		conn_finish(c);
	} else if (c->out_over) {
		linger(c);
		settle(c);
	}
	conn_resume(c);
}

void conn_abort(struct conn *c)
{
	end_soon(c, ENDED_IN_ORDER, 0);
}

void conn_pause(struct conn *c)
{
	if (c->closing)
		return;
	c->paused = true;
	update_interest(c);
}

void conn_resume(struct conn *c)
{
	c->paused = false;
	update_interest(c);
}

void conn_want_drained(struct conn *c)
{
	c->wants_drained = true;
	update_interest(c);
}

/* One write: how much of out the kernel took. A failure ends our side. */
static size_t write_some(struct conn *c, struct span out)
{
	size_t taken = 0;
	enum io verdict = c->link.via->write(&c->link, out, &taken);

	if (verdict == IO_FAIL) {
		writing_failed(c, c->link.error);
		return 0;
	}
	if (taken) {
		c->sent += taken;
		c->active_ms = c->owner->loop->now_ms;
	}
	return taken;
}

int conn_write(struct conn *c, struct span out)
{
	if (!alive(c) || c->finishing)
		return 0;
	if (c->queue.len == 0 && out.len)
		out = span_from(out, write_some(c, out));
	if (c->finishing)
		return 0;
	if (out.len) {
		if (buf_add(&c->queue, out) < 0) {
			end_soon(c, ENDED_LOST, ENOMEM);
			return 0;
		}
		update_interest(c);
	}
	return c->queue.len >= CONN_QUEUE_MAX_BYTES ? -1 : 0;
}

static void flush_queue(struct conn *c)
{
	const struct handler *on = c->owner->on;

	if (c->queue.len) {
		size_t taken = write_some(c, buf_span(&c->queue));

		if (c->write_error)
			return;
		buf_take(&c->queue, taken);
	}
	if (c->queue.len)
		return;
	c->wants_drained = false;
	if (on->drained && !c->closing)
		on->drained(c);
	if (alive(c) && c->queue.len == 0 && c->finishing && !c->out_over)
		pass_end_on(c);
	else
		update_interest(c);
}

static void throw_away(struct conn *c, size_t bytes)
{
	if (c->stage != STAGE_LINGERING)
		return;
	c->thrown_away += (uint32_t)bytes;
	if (c->thrown_away > CONN_LINGER_BYTES)
		stop_reading(c);
}

static void received(struct conn *c, struct span in)
{
	c->received += in.len;
	c->active_ms = c->owner->loop->now_ms;
	if (c->closing)
		throw_away(c, in.len);
	else if (c->owner->on->data)
		c->owner->on->data(c, in);
}

static void peer_ended(struct conn *c)
{
	c->in_over = true;
	c->active_ms = c->owner->loop->now_ms;
	if (c->owner->on->eof && !c->closing)
		c->owner->on->eof(c);
	else
		conn_finish(c);
	update_interest(c);
	settle(c);
}

/* Act on what a read gave. */
static void was_read(struct conn *c, enum io verdict, size_t got)
{
	switch (verdict) {
	case IO_DONE: received(c, (struct span){c->owner->room, got}); break;
	case IO_EOF: peer_ended(c); break;
	case IO_FAIL: end_soon(c, ENDED_LOST, c->link.error); break;
	case IO_AGAIN: break;
	}
}

/* One read a turn: as fair as it is fast, without a second call just to be told EAGAIN. */
static void read_some(struct conn *c)
{
	size_t got = 0;
	enum io verdict = c->link.via->read(&c->link, c->owner->room, CONN_READ_BYTES, &got);

	was_read(c, verdict, got);
}

/* The kernel tells of an error while nothing was to be read or written. Where reading is only
 * paused, the next read will meet it, behind what came before it. */
static void hung_up(struct conn *c)
{
	int error;

	if (!c->in_over || !c->link.via->pending)
		return;
	error = c->link.via->pending(&c->link);
	end_soon(c, ENDED_LOST, error ? error : EPIPE);
}

static void on_ready(struct watch *w, uint32_t events)
{
	struct conn *c = container_of(w, struct conn, watch);
	uint32_t wanted = w->wanted;

	if ((wanted & EPOLLOUT) && (events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		flush_queue(c);
	if (!alive(c) || !w->ready)
		return;
	if ((w->wanted & EPOLLIN) && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
		read_some(c);
	else if (!w->wanted && !wanted)
		hung_up(c);
}

static void open_now(struct conn *c)
{
	const struct conn_owner *owner = c->owner;

	c->opened = true;
	c->active_ms = owner->loop->now_ms;
	if (owner->idle_ms > 0)
		timer_set_in(owner->loop, &c->timer, owner->idle_ms);
	if (owner->on->open)
		owner->on->open(c);
	update_interest(c);
}

void conn_open(struct conn *c)
{
	open_now(c);
}

struct conn *conn_of_node(struct list *node)
{
	return container_of(node, struct conn, node);
}

static void forget(struct conn *c)
{
	list_remove(&c->node);
	c->owner->open_now--;
	timer_free(c->owner->loop, &c->timer);
	loop_unwatch(c->owner->loop, &c->watch);
	buf_free(&c->queue);
	loop_bury(c->owner->loop, &c->node);
}

void conn_owner_free(struct conn_owner *owner)
{
	while (!list_empty(&owner->conns)) {
		struct conn *c = conn_of_node(owner->conns.next);

		c->link.via->close(&c->link);
		forget(c);
	}
}

bool conn_open_accepted(struct conn *c)
{
	size_t got = 0;
	enum io verdict = c->link.via->read(&c->link, c->owner->room, CONN_READ_BYTES, &got);

	if (verdict == IO_FAIL) {
		c->link.via->close(&c->link);
		forget(c);
		return false;
	}
	open_now(c);
	if (alive(c))
		was_read(c, verdict, got);
	return true;
}

/* Is all of it there? Ask the kernel, a little later each time, as long as there is progress. */
static void see_off(struct conn *c)
{
	int64_t now_ms = c->owner->loop->now_ms;
	int error = c->link.via->pending ? c->link.via->pending(&c->link) : 0;
	int unsent = error ? 0 : c->link.via->unsent(&c->link);

	if (error || unsent <= 0) {
		end_soon(c, error ? ENDED_LOST : ENDED_IN_ORDER, error);
		return;
	}
	if ((uint32_t)unsent < c->unsent) {
		c->unsent = (uint32_t)unsent;
		c->active_ms = now_ms;
	}
	if (now_ms - c->active_ms >= CONN_SEE_OFF_MS) {
		end_soon(c, ENDED_UNACKNOWLEDGED, 0);
		return;
	}
	timer_set(c->owner->loop, &c->timer, now_ms + c->look_ms);
	if (c->look_ms < SEE_OFF_LAST_MS)
		c->look_ms = (uint16_t)(c->look_ms * 2);
}

/* How it went, in words; in order: NULL. */
static const struct err *ending_of(const struct conn *c, struct err *err)
{
	const struct addr peer = conn_address(c);
	const char *local = c->owner->local;

	if (c->ending == ENDED_IN_ORDER)
		return NULL;
	if (local) {
		err_sys(err, c->link.error == EPIPE ? ERR_SIGPIPE : ERR_RUNTIME, c->link.error,
			"cannot %s %s", c->reads_only ? "read" : "write to", local);
		return err;
	}
	switch ((enum ending)c->ending) {
	case ENDED_IDLE:
		err_set(err, ERR_TIMEOUT, "connection with %s: silent for %jd ms (--idle-timeout)",
			addr_text(&peer).text, (intmax_t)c->owner->idle_ms);
		break;
	case ENDED_UNACKNOWLEDGED:
		err_set(err, ERR_LOST,
			"connection with %s: %u bytes were not acknowledged in %d ms",
			addr_text(&peer).text, c->unsent, CONN_SEE_OFF_MS);
		break;
	case ENDED_IN_ORDER:
	case ENDED_LOST:
		err_sys(err, ERR_LOST, c->link.error,
			"connection with %s lost after %ju bytes received, %ju sent",
			addr_text(&peer).text, (uintmax_t)c->received, (uintmax_t)c->sent);
		break;
	}
	return err;
}

static void end(struct conn *c)
{
	struct conn_owner *owner = c->owner;
	struct err err = {0};
	const struct err *why;
	int error = c->link.via->close(&c->link);

	if (error && c->ending == ENDED_IN_ORDER) {
		c->ending = ENDED_LOST;
		c->link.error = error;
	}
	why = ending_of(c, &err);
	if (owner->on->closed)
		owner->on->closed(c, why);
	forget(c);
	if (owner->gone)
		owner->gone(owner, c, why);
}

static void check_idle(struct conn *c)
{
	int64_t due_ms = c->active_ms + c->owner->idle_ms;

	if (due_ms > c->owner->loop->now_ms)
		timer_set(c->owner->loop, &c->timer, due_ms);
	else
		end_soon(c, ENDED_IDLE, 0);
}

static void on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	switch ((enum stage)c->stage) {
	case STAGE_LIVE: check_idle(c); break;
	case STAGE_LINGERING: stop_reading(c); break;
	case STAGE_SEEING_OFF: see_off(c); break;
	case STAGE_OVER: break;
	}
	if (c->stage == STAGE_OVER)
		end(c);
}

void *conn_ctx(const struct conn *c)
{
	return c->owner->ctx;
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
	const struct stored_addr *stored = stored_addr(c);
	struct addr a = {.len = stored->len};

	memcpy(&a.room, stored->bytes, stored->len);
	return a;
}

uint64_t conn_received(const struct conn *c)
{
	return c->received;
}

uint64_t conn_sent(const struct conn *c)
{
	return c->sent;
}

size_t conn_queued(const struct conn *c)
{
	return c->queue.len;
}

bool conn_is_terminal(const struct conn *c)
{
	return c->link.terminal;
}

bool conn_finished(const struct conn *c)
{
	return c->finishing;
}
