/* A connection before it is open: its steps, one after the other, and the time that they have. */
#include "core/conn_state.h"
#include "core/step.h"

#include <errno.h>

/* The step that is next; NULL: there is none. */
static const struct step *opening_step_of(const struct conn *c)
{
	return c->steps ? c->steps[c->step].step : NULL;
}

static void opening_leave_step(struct conn *c)
{
	const struct step *step = opening_step_of(c);

	if (step && step->release && c->step_state)
		step->release(c->step_state);
	c->step_state = NULL;
}

void conn_opening_over(struct conn *c)
{
	if (!c->opening)
		return;
	opening_leave_step(c);
	c->owner->opening_now--;
	c->opening = false;
	c->holds = 0; /* where its steps were */
}

/* c will not be open. c->link still has its story. */
static void opening_give_up(struct conn *c, const struct step *at, const struct err *why)
{
	struct conn_owner *owner = c->owner;

	conn_drop(c);
	if (owner->unopened)
		owner->unopened(owner, c, at, why);
}

void conn_opening_ended(struct conn *c)
{
	opening_give_up(c, NULL, NULL);
}

static void opening_failed(struct conn *c, const struct step *at, int error)
{
	const struct addr peer = conn_address(c);
	struct err why = {0};

	if (link_story(&c->link))
		why = *link_story(&c->link);
	else
		err_sys(&why, ERR_LOST, error, "connection with %s lost before it was open",
			addr_text(&peer).text);
	opening_give_up(c, at, &why);
}

void conn_opening_late(struct conn *c)
{
	const struct addr peer = conn_address(c);
	const struct step *at = opening_step_of(c);
	struct err why = {0};

	err_set(&why, ERR_TIMEOUT, "connection with %s: not open within %jd ms (%s)",
		addr_text(&peer).text, (intmax_t)c->owner->opening_ms, at ? at->name : "no step");
	err_cause(&why, "not open within");
	if (at && at->late)
		err_fact(&why, at->late, &peer);
	else
		err_hint(&why, "the peer is connected, but did not do its part in time");
	opening_give_up(c, at, &why);
}

int opening_give_back(struct opening *o)
{
	enum io ahead = o->ahead;

	o->ahead = IO_AGAIN;
	if (ahead == IO_FAIL)
		return o->link->error;
	if (ahead != IO_DONE)
		return 0; /* an end is read again */
	return link_unread(o->link, (struct span){o->room, o->ahead_len}) < 0 ? ENOMEM : 0;
}

enum io opening_read(struct opening *o, size_t size, size_t *got)
{
	int error = opening_give_back(o);

	if (!error)
		return link_read(o->link, o->room, size, got);
	o->link->error = error;
	return IO_FAIL;
}

/* The step cannot go on: be called again when it can. */
static void opening_wait_for(struct conn *c, struct opening *o)
{
	uint32_t waits = o->waits;
	int64_t ms = c->owner->opening_ms;
	int error = opening_give_back(o);

	if (!c->waited && ms > 0)
		timer_set_in(c->owner->loop, &c->timer, ms);
	c->waited = true;
	if (c->link.via->wants)
		waits = c->link.via->wants(&c->link, waits);
	if (!error && loop_watch(c->owner->loop, &c->watch, waits) < 0)
		error = errno;
	if (error)
		opening_failed(c, NULL, error);
}

/* All steps are done. An edge that came meanwhile is not reported again. */
static void opening_open_now(struct conn *c, const struct opening *o)
{
	if (c->waited) {
		timer_clear(c->owner->loop, &c->timer);
		if (loop_look_again(c->owner->loop, &c->watch) < 0) {
			opening_failed(c, NULL, errno);
			return;
		}
	}
	conn_open(c);
	if (conn_alive(c) && o->ahead != IO_AGAIN)
		conn_was_read(c, o->ahead, o->ahead_len);
}

void conn_opening_go(struct conn *c)
{
	struct opening o = {.conn = c,
		.link = &c->link,
		.room = c->owner->scratch->room,
		.state = c->step_state,
		.ahead = IO_AGAIN};
	const struct step *step;
	enum io verdict;

	for (step = opening_step_of(c); step; step = opening_step_of(c)) {
		o.conf = c->steps[c->step].conf;
		o.waits = EPOLLIN;
		verdict = step->go(&o);
		c->step_state = o.state;
		if (verdict == IO_AGAIN) {
			opening_wait_for(c, &o);
			return;
		}
		if (verdict != IO_DONE) {
			opening_failed(c, step, verdict == IO_EOF ? ECONNRESET : c->link.error);
			return;
		}
		opening_leave_step(c);
		o.state = NULL;
		c->step++;
	}
	opening_open_now(c, &o);
}

void conn_begin(struct conn *c)
{
	conn_begin_with(c, c->owner->steps);
}

void conn_begin_with(struct conn *c, const struct step_entry *steps)
{
	c->steps = steps;
	if (!opening_step_of(c)) {
		c->holds = 0;
		conn_open(c);
		return;
	}
	c->owner->opening_now++;
	c->opening = true;
	if (loop_watch(c->owner->loop, &c->watch, EPOLLIN) < 0)
		opening_failed(c, NULL, errno);
	else
		conn_opening_go(c);
}

/* ---- was it reset before it was accepted? ---- */

/* Read first: SO_ERROR would clear what reading is to tell; what a reset left to read is of no use.
 */
static enum io opening_look_for_reset(struct opening *o)
{
	struct link *link = o->link;

	o->ahead = link_read(link, o->room, CONN_READ_BYTES, &o->ahead_len);
	if (o->ahead == IO_FAIL && link->error != EOVERFLOW)
		return IO_FAIL; /* a message too long was sent, and is lost: reported later */
	if (o->ahead != IO_DONE || !link->via->pending)
		return IO_DONE;
	link->error = link->via->pending(link);
	return link->error ? IO_FAIL : IO_DONE;
}

const struct step step_not_reset = {.name = "accept", .go = opening_look_for_reset};
