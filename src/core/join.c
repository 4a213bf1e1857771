#include "core/join.h"

#include <errno.h>

#include "base/messages.h"

/* Whether what comes can be passed on. */
static bool join_is_led_on(const struct join *j)
{
	return j->on->gathers || (j->to && !conn_finished(j->to));
}

/* What is a stream is stopped at once, for it waits where it comes from. A datagram is lost there.
 */
static void join_keep(struct join *j, struct span in)
{
	j->whole = conn_message_max(j->from) > 0;
	if ((j->whole ? messages_add(&j->held, in) : buf_add(&j->held, in)) < 0)
		conn_lost(j->from, ENOMEM);
	if (!conn_connectionless(j->from) || j->held.len >= CONN_QUEUE_MAX_BYTES)
		conn_pause(j->from);
}

static int join_put(struct join *j, struct span in)
{
	return j->on->pass ? j->on->pass(j, in) : conn_pass(j->to, in);
}

void join_data(struct join *j, struct span in)
{
	if (!join_is_led_on(j))
		join_keep(j, in);
	else if (join_put(j, in) < 0 && j->from)
		conn_pause(j->from);
}

bool join_move(struct join *j)
{
	enum moved moved;

	if (j->on->pass || j->by_hand || !join_is_led_on(j))
		return false;
	moved = conn_move(j->from, j->to);
	if (moved == MOVED_LATER && j->from)
		conn_pause(j->from);
	return moved != MOVED_NOTHING;
}

void join_go_on(struct join *j)
{
	if (j->from && join_is_led_on(j))
		conn_resume(j->from);
}

void join_begin(struct join *j, struct conn *to)
{
	struct buf held = j->held;
	int verdict = 0;

	j->to = to;
	j->held = (struct buf){0};
	if (held.len && !j->whole)
		verdict = join_put(j, buf_span(&held));
	for (; held.len && j->whole; messages_drop_first(&held))
		verdict = join_put(j, messages_first(&held));
	buf_free(&held);
	if (verdict == 0)
		join_go_on(j);
}

void join_stop(struct join *j)
{
	j->to = NULL;
	if (j->from)
		conn_pause(j->from);
}

/* ---- the end that is a descriptor ---- */

static void join_in_data(struct conn *c, struct span in)
{
	join_data(conn_ctx(c), in);
}

static bool join_in_move(struct conn *c)
{
	return join_move(conn_ctx(c));
}

static void join_in_eof(struct conn *c)
{
	struct join *j = conn_ctx(c);

	if (j->on->ended)
		j->on->ended(j);
}

/* A terminal that has hung up fails every read and write with EIO (termios(3), tty(4)). */
static void join_note_hang_up(struct join *j, const struct conn *c, const struct err *why)
{
	j->hung_up = why && why->sys == EIO && conn_is_terminal(c);
}

static void join_in_closed(struct conn *c, const struct err *why)
{
	struct join *j = conn_ctx(c);

	j->from = NULL;
	join_note_hang_up(j, c, why);
	j->on->closed(j, why);
}

static void join_out_drained(struct conn *c)
{
	struct join *j = conn_ctx(c);

	join_go_on(j);
	if (j->on->drained)
		j->on->drained(j);
}

static void join_out_hung_up(struct conn *c)
{
	struct join *j = conn_ctx(c);

	if (conn_is_terminal(c))
		return; /* SIGHUP tells (termios(3)) */
	if (j->on->hung_up)
		j->on->hung_up(j);
	else
		conn_lost(c, EPIPE);
}

static void join_out_closed(struct conn *c, const struct err *why)
{
	struct join *j = conn_ctx(c);

	j->to = NULL;
	join_note_hang_up(j, c, why);
	j->on->closed(j, why);
}

static const struct handler join_in = {
	.data = join_in_data, .move = join_in_move, .eof = join_in_eof, .closed = join_in_closed};
static const struct handler join_out = {
	.drained = join_out_drained, .hung_up = join_out_hung_up, .closed = join_out_closed};

int join_open(struct join *j, const struct descriptor *what, const struct conn_owner *like,
	descriptor_link *open_fd)
{
	bool reads = what->sides == CONN_READS;
	struct conn *c;

	j->owner = (struct conn_owner){.loop = like->loop,
		.to = like->to,
		.scratch = like->scratch,
		.on = reads ? &join_in : &join_out,
		.ctx = j};
	c = descriptor_open(&j->owner, what, open_fd);
	if (reads)
		j->from = c;
	else
		j->to = c;
	return c ? 0 : -1;
}

bool join_close(struct join *j)
{
	if (j->owner.on == &join_in) {
		if (j->from)
			conn_abort(j->from);
		return !j->from;
	}
	if (j->owner.on == &join_out) {
		if (j->to)
			conn_finish(j->to);
		return !j->to;
	}
	return true; /* it opened none */
}

void join_free(struct join *j)
{
	if (j->owner.on)
		conn_owner_free(&j->owner);
	buf_free(&j->held);
}
