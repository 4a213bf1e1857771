/* Connections that keep messages whole. */
#include "base/messages.h"
#include "core/conn_state.h"

#include <errno.h>

enum { MESSAGES_A_TURN = 64 }; /* so that one long queue does not hold up the others */

/* Send one. Returns false if it must wait for room. */
static bool conn_send_message(struct conn *c, struct span out)
{
	size_t taken = 0;

	switch (c->link.via->write(&c->link, out, &taken)) {
	case IO_DONE: break;
	case IO_FAIL: conn_write_failed(c, c->link.error); return !conn_alive(c) || c->out_over;
	case IO_EOF:
	case IO_AGAIN: return false;
	}
	c->sent += out.len;
	conn_counts_of(c)->out++;
	conn_note_out(c, out);
	return true;
}

void conn_write_message(struct conn *c, struct span out)
{
	if (c->queue.len == 0 && conn_send_message(c, out))
		return;
	if (messages_add(&c->queue, out) < 0)
		conn_end_soon(c, ENDED_LOST, ENOMEM);
	else
		conn_count(c);
}

void conn_flush_messages(struct conn *c)
{
	for (int i = 0; i < MESSAGES_A_TURN && c->queue.len; i++) {
		if (!conn_send_message(c, messages_first(&c->queue)) || !conn_alive(c) ||
			c->out_over)
			return;
		messages_drop_first(&c->queue);
	}
}

void conn_lost(struct conn *c, int error)
{
	if (conn_alive(c))
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

int conn_onward_hops(const struct conn *c)
{
	return c->link.via->onward_hops ? c->link.via->onward_hops(&c->link) : 0;
}

void conn_limit_hops(struct conn *c, int hops)
{
	if (conn_alive(c) && c->link.via->limit_hops)
		c->link.via->limit_hops(&c->link, hops);
}

size_t conn_message_max(const struct conn *c)
{
	return c->link.message_max;
}

bool conn_connectionless(const struct conn *c)
{
	return c->link.connectionless;
}
