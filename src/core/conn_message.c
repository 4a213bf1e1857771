/* Connections that keep messages whole, and those without a connection below: there, nothing but an
 * answer shows that anybody listens, so that all may have to be sent again elsewhere. */
#include "base/messages.h"
#include "core/conn_state.h"

#include <errno.h>

enum {
	MESSAGES_A_TURN = 64,           /* so that one long queue does not hold up the others */
	RESEND_MAX_BYTES = 1024 * 1024, /* kept until the first answer; with more, no second try */
};

static void keep_for_resending(struct conn *c, struct span sent)
{
	struct conn_owner *owner = c->owner;

	if (!owner->elsewhere || c->answered || owner->resend_over)
		return;
	owner->resend_over = owner->resend.len + sent.len > RESEND_MAX_BYTES ||
	                     messages_add(&owner->resend, sent) < 0;
	if (owner->resend_over)
		buf_free(&owner->resend);
}

/* Send one. Returns false if it must wait, for room, or behind what has to be sent again. */
static bool send_message(struct conn *c, struct span out)
{
	size_t taken = 0;

	switch (c->link.via->write(&c->link, out, &taken)) {
	case IO_DONE: break;
	case IO_FAIL: conn_write_failed(c, c->link.error); return !conn_alive(c) || c->out_over;
	case IO_EOF:
	case IO_AGAIN: return false;
	}
	c->sent += out.len;
	c->active_ms = c->owner->loop->now_ms;
	keep_for_resending(c, out);
	return true;
}

void conn_write_message(struct conn *c, struct span out)
{
	if (c->queue.len == 0 && send_message(c, out))
		return;
	if (messages_add(&c->queue, out) < 0)
		conn_end_soon(c, ENDED_LOST, ENOMEM);
	else
		conn_count(c);
}

void conn_flush_messages(struct conn *c)
{
	for (int i = 0; i < MESSAGES_A_TURN && c->queue.len; i++) {
		if (!send_message(c, messages_first(&c->queue)) || !conn_alive(c) || c->out_over)
			return;
		messages_drop_first(&c->queue);
	}
}

/* Go on with another link: all that was sent comes first, then what waited. Returns false if there
 * is none. */
static bool go_elsewhere(struct conn *c, int error)
{
	struct conn_owner *owner = c->owner;
	struct link next;
	struct addr at;

	if (!owner->elsewhere || c->answered || owner->resend_over ||
		buf_add(&owner->resend, buf_span(&c->queue)) < 0 ||
		!owner->elsewhere(owner, error, &next, &at))
		return false;
	loop_unwatch(owner->loop, &c->watch);
	link_close(&c->link);
	conn_set_link(c, &next, &at);
	buf_free(&c->queue);
	c->queue = owner->resend;
	owner->resend = (struct buf){0};
	c->sent = 0;
	conn_review(c);
	return true;
}

void conn_lost(struct conn *c, int error)
{
	if (conn_alive(c) && !go_elsewhere(c, error))
		conn_end_soon(c, ENDED_LOST, error);
}

void conn_deliver(struct conn *c, struct span in)
{
	if (!conn_alive(c) || c->in_over)
		return;
	c->told_now = true;
	conn_take_in(c, in);
	c->told_now = false;
	conn_review(c);
}

void conn_expect_messages(struct conn *c, size_t count)
{
	if (count > MESSAGES_A_TURN)
		count = MESSAGES_A_TURN;
	c->reads_a_turn = count ? (uint8_t)count : 1;
}

size_t conn_message_max(const struct conn *c)
{
	return c->link.message_max;
}

bool conn_connectionless(const struct conn *c)
{
	return c->link.connectionless;
}
