/* How a connection ends: in order, or not; lingering, seen off; and what is said of it. */
#include "core/conn_state.h"

#include <errno.h>
#include <stdio.h>

enum {
	SEE_OFF_FIRST_MS = 1, /* how soon to look again; doubled up to ... */
	SEE_OFF_LAST_MS = 64,
};

void conn_end_soon(struct conn *c, enum ending ending, int error)
{
	if (c->stage == STAGE_OVER)
		return;
	c->stage = STAGE_OVER;
	c->ending = (uint8_t)ending;
	c->link.error = error;
	loop_unwatch(c->owner->loop, &c->watch);
	timer_set(c->owner->loop, &c->timer, c->owner->loop->now_ms);
}

void conn_fail(struct conn *c)
{
	if (!conn_alive(c) || c->failed)
		return;
	if (!c->opened) {
		conn_abort(c);
		return;
	}
	c->failed = c->closing = c->finishing = c->paused = true;
	c->wants_drained = false;
	c->stage = STAGE_FAILING;
	c->active_ms = c->owner->loop->now_ms;
	timer_set_in(c->owner->loop, &c->timer, CONN_SEE_OFF_MS);
	conn_review(c);
}

void conn_fail_with(struct conn *c, const struct err *why)
{
	if (conn_alive(c) && !c->failed)
		link_fail_with(&c->link, why);
	conn_fail(c);
}

static void conn_refuse_within(struct conn *c, const char *why, int64_t linger_ms)
{
	struct buf line = {0};

	if (conn_closing(c))
		return;
	c->refused = why;
	if (buf_printf(&line, "error: %s\n", why) == 0)
		conn_write(c, buf_span(&line));
	buf_free(&line);
	conn_close(c, linger_ms);
}

void conn_refuse(struct conn *c, const char *why)
{
	conn_refuse_within(c, why, CONN_LINGER_MS);
}

void conn_cut(struct conn *c, int64_t linger_ms)
{
	if (!conn_closing(c) && (!c->in_over || !c->finishing))
		c->cut = true;
	conn_close(c, linger_ms);
}

void conn_expel(struct conn *c, const char *why)
{
	if (c->stage == STAGE_OVER)
		return;
	c->refused = why;
	c->failed = true;
	conn_end_soon(c, ENDED_REFUSED, 0);
}

bool conn_limit_input(struct conn *c, struct span *in)
{
	uint64_t max = c->owner->receive_max;

	if (!max || c->closing || in->len <= max - c->received)
		return true;
	in->len = (size_t)(max - c->received);
	conn_end_soon(c, ENDED_TOO_LONG, 0);
	return in->len > 0;
}

static void conn_begin_to_see_off(struct conn *c)
{
	c->stage = STAGE_SEEING_OFF;
	c->active_ms = c->owner->loop->now_ms;
	c->unsent = UINT32_MAX;
	c->look_ms = SEE_OFF_FIRST_MS;
	loop_unwatch(c->owner->loop, &c->watch);
	timer_set(c->owner->loop, &c->timer, c->owner->loop->now_ms);
}

/* Both sides have ended. */
static void conn_see_off_or_end(struct conn *c)
{
	if (c->write_error || c->gave_place || !c->owner->see_off || !c->link.via->unsent)
		conn_end_soon(c, c->write_error ? ENDED_LOST : ENDED_IN_ORDER, c->write_error);
	else
		conn_begin_to_see_off(c);
}

/* What is in the peer's socket already can be read there after our end, too. */
void conn_review_failing(struct conn *c)
{
	if (c->write_error)
		conn_end_soon(c, ENDED_LOST, c->write_error);
	else if (conn_waits(c))
		return;
	else if (c->link.via->unsent && !c->link.via->unsent_is_unread)
		conn_begin_to_see_off(c);
	else
		conn_end_soon(c, ENDED_IN_ORDER, 0);
}

void conn_review_stage(struct conn *c)
{
	bool waits = c->closing || c->write_error; /* for the peer's end alone */

	if (c->stage == STAGE_LIVE && waits && c->out_over && !c->in_over) {
		if (c->linger_ms == 0 || c->link.connectionless) {
			c->in_over = true;
		} else {
			c->stage = STAGE_LINGERING;
			timer_set_in(c->owner->loop, &c->timer, c->linger_ms);
		}
	}
	if (conn_alive(c) && c->stage != STAGE_FAILING && c->in_over && c->out_over)
		conn_see_off_or_end(c);
}

void conn_throw_away(struct conn *c, size_t bytes)
{
	if (c->stage != STAGE_LINGERING)
		return;
	c->thrown_away += (uint32_t)bytes;
	if (c->thrown_away > CONN_LINGER_BYTES)
		c->in_over = true;
}

struct conn *conn_of_node(struct list *node)
{
	return container_of(node, struct conn, node);
}

/* Free c when the turn ends. Its link has been closed. */
static void conn_forget(struct conn *c)
{
	conn_opening_over(c);
	c->stage = STAGE_OVER; /* a callback it is in may still touch it */
	if (c->on->release)
		c->on->release(c);
	list_remove(&c->node);
	c->owner->open_now--;
	timer_free(c->owner->loop, &c->timer);
	loop_unwatch(c->owner->loop, &c->watch);
	buf_free(&c->queue);
	c->holds = 0;
	c->link.holds = false;
	conn_count(c);
	loop_bury(c->owner->loop, &c->node);
}

/* The kernel's overhead may be counted with it: there is never more than was sent. */
static size_t conn_at_most_sent(const struct conn *c, size_t unsent)
{
	return unsent < c->sent ? unsent : (size_t)c->sent;
}

size_t conn_unsent(struct conn *c)
{
	int unsent = c->link.via->unsent ? c->link.via->unsent(&c->link) : 0;

	return unsent > 0 ? conn_at_most_sent(c, (size_t)unsent) : 0;
}

/* How long without progress is too long. A peer that has to read, and that we are done with at
 * once, gets less: unlike the way to it, it can be idle for ever. */
static int64_t conn_see_off_ms(const struct conn *c)
{
	bool leaves = c->closing && c->linger_ms == 0;

	return leaves && c->link.via->unsent_is_unread ? CONN_READ_OFF_MS : CONN_SEE_OFF_MS;
}

/* Is all of it there? Ask the kernel, a little later each time, as long as there is progress. A
 * peer that closes leaves nothing unsent, and an error for what it had not read: so that is asked
 * for last. */
static void conn_see_off(struct conn *c)
{
	int64_t now_ms = c->owner->loop->now_ms;
	int unsent = c->link.via->unsent(&c->link);
	int error = c->link.via->pending ? c->link.via->pending(&c->link) : 0;

	if (error || unsent <= 0) {
		conn_end_soon(c, error ? ENDED_LOST : ENDED_IN_ORDER, error);
		return;
	}
	if ((uint32_t)unsent < c->unsent) {
		c->unsent = (uint32_t)unsent;
		c->active_ms = now_ms;
	}
	if (now_ms - c->active_ms >= conn_see_off_ms(c)) {
		conn_end_soon(c, ENDED_UNACKNOWLEDGED, 0);
		return;
	}
	timer_set(c->owner->loop, &c->timer, now_ms + c->look_ms);
	if (c->look_ms < SEE_OFF_LAST_MS)
		c->look_ms = (uint16_t)(c->look_ms * 2);
}

void missed_error(struct err *err, uint64_t count)
{
	err_set(err, ERR_LOST, "%ju datagrams were lost: they came too fast", (uintmax_t)count);
	err_hint(err, "a larger net.core.rmem_max lets more of them wait (sysctl(8))");
}

/* How standard input or output failed. */
static void conn_local_ending(const struct conn *c, struct err *err)
{
	int error = c->link.error;
	enum err_kind kind = error == EPIPE ? ERR_SIGPIPE : ERR_RUNTIME;

	if (c->reads_only)
		err_sys(err, kind, error, "cannot read %s", c->owner->local);
	else
		err_sys(err, kind, error, "cannot write to %s", c->owner->local);
	if (error == EBADF)
		err_hint(err, "it is closed, or open the other way; redirect it %s a file",
			c->reads_only ? "from" : "to");
	else if (error == ENOSPC || error == EDQUOT)
		err_hint(err, "make room on its disk; what was received is lost");
	else if (error == EFBIG)
		err_hint(err, "the file has reached 'ulimit -f'; what was received is lost");
	else if (error == EISDIR)
		err_hint(err, "redirect it from a file, not a directory");
}

/* Whether what was written is longer than the transport or the peer can take. */
static bool conn_is_too_long(const struct conn *c)
{
	return c->link.error == EMSGSIZE && c->link.message_max;
}

static void conn_lost_ending(const struct conn *c, const struct addr *peer, struct err *err)
{
	const struct addr_shown at = addr_text(peer);

	if (err->kind)
		return; /* the link's own story */
	if (c->link.error == EOVERFLOW && c->link.message_max) {
		err_set(err, ERR_RUNTIME, "a message from %s is too long to receive", at.text);
		err_hint(err, "at most %d bytes; it is lost", CONN_READ_BYTES);
	} else if (conn_is_too_long(c)) {
		err_sys(err, ERR_RUNTIME, c->link.error, "cannot send to %s", at.text);
		err_hint(err, "a datagram that passes everywhere has at most %u bytes",
			c->link.message_max);
	} else if (c->link.connectionless && !c->answered) {
		err_sys(err, ERR_REFUSED, c->link.error, "cannot reach %s", at.text);
		if (!err_note_shortage(err) && c->link.via->advise)
			c->link.via->advise(c->link.to, err, c->link.error, peer);
	} else {
		err_sys(err, ERR_LOST, c->link.error,
			"connection with %s lost after %ju bytes received, %ju sent", at.text,
			(uintmax_t)c->received, (uintmax_t)c->sent);
		if (!err_note_shortage(err))
			err_hint(err,
				"the peer gave up before the end; its own messages may say why");
	}
}

static void conn_unacknowledged_ending(
	const struct conn *c, const struct addr *peer, struct err *err)
{
	bool unread = c->link.via->unsent_is_unread;
	size_t left = conn_at_most_sent(c, c->unsent);
	char cause[40];

	err_set(err, ERR_LOST, "connection with %s: %s%zu bytes were not %s in %jd ms",
		addr_text(peer).text, unread ? "up to " : "", left,
		unread ? "read" : "acknowledged", (intmax_t)conn_see_off_ms(c));
	snprintf(cause, sizeof(cause), "%s%zu bytes", unread ? "up to " : "", left);
	err_cause(err, cause);
	err_hint(err, unread ? "the peer has stopped reading"
			     : "the peer has stopped reading, or the network path is down");
}

static void conn_peer_ending(const struct conn *c, struct err *err)
{
	const struct addr peer = conn_address(c);

	switch ((enum ending)c->ending) {
	case ENDED_MISSED: missed_error(err, c->missed); break;
	case ENDED_IDLE:
		err_set(err, ERR_TIMEOUT, "connection with %s: silent for %jd ms",
			addr_text(&peer).text, (intmax_t)c->owner->idle_ms);
		err_cause(err, "silent for");
		err_fact(err, FACT_IDLE_LIMIT, &peer);
		break;
	case ENDED_UNACKNOWLEDGED: conn_unacknowledged_ending(c, &peer, err); break;
	case ENDED_REFUSED:
		err_set(err, ERR_RUNTIME, "%s was sent away: %s", addr_text(&peer).text,
			c->refused);
		err_cause(err, "sent away: ");
		break;
	case ENDED_TOO_LONG:
		err_set(err, ERR_WRONG, "connection with %s: more than %ju bytes came",
			addr_text(&peer).text, (uintmax_t)c->owner->receive_max);
		err_cause(err, "more than");
		err_fact(err, FACT_ANSWER_LIMIT, &peer);
		break;
	case ENDED_CUT:
		err_set(err, ERR_LOST,
			"connection with %s cut off after %ju bytes received, %ju sent: we stop",
			addr_text(&peer).text, (uintmax_t)c->received, (uintmax_t)c->sent);
		err_cause(err, "we stop");
		err_hint(err, "the client had not ended; what it still had to send is lost");
		break;
	case ENDED_IN_ORDER:
	case ENDED_LOST: conn_lost_ending(c, &peer, err); break;
	}
}

/* Whether the peer must not take our end for the end of all there was. */
static bool conn_resets(const struct conn *c)
{
	bool lacking = c->ending == ENDED_LOST && err_is_shortage(c->link.error);

	return c->link.via->reset && c->link.fd >= 0 && (c->failed || lacking);
}

/* Returns as transport.close. */
static int conn_leave_link(struct conn *c)
{
	conn_note_address(c);
	conn_drop_pipe(c);
	if (!conn_resets(c))
		return link_close(&c->link);
	link_forget(&c->link);
	c->link.via->reset(&c->link);
	return 0;
}

/* Close the link; the last things that only the kernel knows can still spoil the end. */
static void conn_close_link(struct conn *c)
{
	uint32_t missed = c->link.via->missed ? c->link.via->missed(c->link.to, c->link.fd) : 0;
	int error;

	error = conn_leave_link(c);
	if (c->ending != ENDED_IN_ORDER)
		return;
	if (error) {
		c->ending = ENDED_LOST;
		c->link.error = error;
	} else if (missed) {
		c->missed = missed;
		c->ending = ENDED_MISSED;
	} else if (c->refused) {
		c->ending = ENDED_REFUSED;
	} else if (c->cut) {
		c->ending = ENDED_CUT;
	}
}

static void conn_end_now(struct conn *c)
{
	struct conn_owner *owner = c->owner;
	struct err err = {0};
	const struct err *why = link_story(&c->link);
	bool failed_with = c->failed && why;
	bool failed_silently = c->failed && !why && !c->refused; /* the caller knows why */

	if (why)
		err = *why;
	if (c->cut_short && c->ending == ENDED_IN_ORDER)
		c->ending = ENDED_LOST;
	if (owner->path)
		*owner->path = link_look(&c->link);
	conn_close_link(c);
	why = failed_silently || (c->ending == ENDED_IN_ORDER && !failed_with) ? NULL : &err;
	if (why && owner->local)
		conn_local_ending(c, &err);
	else if (why)
		conn_peer_ending(c, &err);
	if (c->on->closed)
		c->on->closed(c, why);
	conn_forget(c);
	if (owner->gone)
		owner->gone(owner, c, why);
}

/* A peer without a connection never says that it is done: silence does, once something has come. */
static void conn_check_idle(struct conn *c)
{
	bool heard = c->link.connectionless && (c->link.fd < 0 || c->answered);
	enum ending ending = heard ? ENDED_IN_ORDER : ENDED_IDLE;
	int64_t idle_ms = c->owner->idle_ms;

	if (idle_ms > 0 && c->active_ms + idle_ms <= c->owner->loop->now_ms)
		c->idled = true;
	if (c->idled)
		conn_end_soon(c, ending, 0);
}

void conn_review_timer(struct conn *c)
{
	int64_t idle_ms = c->owner->idle_ms, due_ms = c->later_ms;

	c->retime = false;
	if (c->stage != STAGE_LIVE)
		return;
	if (idle_ms > 0 && (!due_ms || c->active_ms + idle_ms < due_ms))
		due_ms = c->active_ms + idle_ms;
	if (c->owed_ms && !c->closing && (!due_ms || c->owed_ms < due_ms))
		due_ms = c->owed_ms;
	if (due_ms)
		timer_set(c->owner->loop, &c->timer, due_ms);
	else
		timer_clear(c->owner->loop, &c->timer);
}

void conn_await(struct conn *c, int64_t ms)
{
	if (c->stage != STAGE_LIVE)
		return;
	c->owes = true;
	c->owed_ms = ms > 0 ? c->owner->loop->now_ms + ms : 0;
	c->retime = true;
	conn_review(c);
}

void conn_got(struct conn *c)
{
	c->retime |= c->owed_ms > 0;
	c->owes = false;
	c->owed_ms = 0;
	conn_review(c);
}

/* The peer does not get to say what it owes: refuse it. */
static void conn_give_up(struct conn *c, const char *why, int64_t linger_ms)
{
	conn_got(c);
	if (c->on->let_go)
		c->on->let_go(c);
	conn_refuse_within(c, why, linger_ms);
}

static struct conn *conn_longest_silent(struct conn_owner *owner)
{
	struct conn *silent = NULL;

	for (struct list *node = owner->conns.next; node != &owner->conns; node = node->next) {
		struct conn *c = conn_of_node(node);

		if (c->owes && c->stage == STAGE_LIVE && !c->closing &&
			(!silent || c->active_ms < silent->active_ms))
			silent = c;
	}
	return silent;
}

bool conn_refuse_silent(struct conn_owner *owner, int64_t ms, const char *why, int64_t *next_ms)
{
	struct conn *c = conn_longest_silent(owner);

	*next_ms = c ? c->active_ms + ms - owner->loop->now_ms : ms;
	if (!c || *next_ms > 0)
		return false;
	c->gave_place = true;
	conn_give_up(c, why, 0);
	return true;
}

bool conn_gave_place(const struct conn *c)
{
	return c->gave_place;
}

/* A byte now and then keeps idleness away, but does not make a message. */
static void conn_check_owed(struct conn *c)
{
	if (!c->owed_ms || c->closing || c->owed_ms > c->owner->loop->now_ms)
		return;
	conn_give_up(c, "the request took too long", CONN_LINGER_MS);
}

/* What a live connection has waited for: handler.later, a message, or that nothing happens. */
static void conn_check_live(struct conn *c)
{
	if (c->later_ms && c->later_ms <= c->owner->loop->now_ms) {
		c->later_ms = 0;
		if (c->on->later)
			c->on->later(c);
	}
	if (c->stage == STAGE_LIVE)
		conn_check_owed(c);
	if (c->stage == STAGE_LIVE)
		conn_check_idle(c);
	c->retime = true;
}

/* After a failed write, what still comes is not thrown away: it counts as long as it goes on. */
static void conn_check_linger(struct conn *c)
{
	int64_t due_ms = c->active_ms + c->linger_ms;

	if (c->write_error && !c->closing && due_ms > c->owner->loop->now_ms)
		timer_set(c->owner->loop, &c->timer, due_ms);
	else
		c->in_over = true;
}

/* What waits is written as long as the peer takes any of it. */
static void conn_check_failing(struct conn *c)
{
	int64_t due_ms = c->active_ms + CONN_SEE_OFF_MS;

	if (due_ms > c->owner->loop->now_ms)
		timer_set(c->owner->loop, &c->timer, due_ms);
	else
		conn_end_soon(c, ENDED_IN_ORDER, 0);
}

void conn_on_timer(struct timer *t)
{
	struct conn *c = container_of(t, struct conn, timer);

	if (c->opening) {
		if (c->stage == STAGE_OVER)
			conn_opening_ended(c);
		else
			conn_opening_late(c);
		return;
	}
	c->told_now = true;
	switch ((enum stage)c->stage) {
	case STAGE_LIVE: conn_check_live(c); break;
	case STAGE_FAILING: conn_check_failing(c); break;
	case STAGE_LINGERING: conn_check_linger(c); break;
	case STAGE_SEEING_OFF: conn_see_off(c); break;
	case STAGE_OVER: break;
	}
	c->told_now = false;
	conn_review(c);
	if (c->stage == STAGE_OVER)
		conn_end_now(c);
}

void conn_drop(struct conn *c)
{
	loop_unwatch(c->owner->loop, &c->watch);
	conn_leave_link(c);
	conn_forget(c);
}

void conn_owner_free(struct conn_owner *owner)
{
	while (!list_empty(&owner->conns))
		conn_drop(conn_of_node(owner->conns.next));
}
