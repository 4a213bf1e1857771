/*
 * Bytes that the kernel moves from one connection to another: splice(2), sendfile(2).
 *
 * All this does is move bytes. Whenever nothing moves, for whatever reason, it says so, and the
 * caller reads and writes: they know an end from an urgent byte that splice stops at, and tell
 * which side an error befell. Only what splice itself takes off a socket's hands, its error, is
 * acted on here.
 */
#include "core/conn_state.h"

#include <errno.h>

#include "os/sys_event.h"
#include "os/sys_file.h"
#include "os/sys_socket.h"

enum {
	MOVE_BYTES = 1024 * 1024,
	SEND_BYTES = 4 * MOVE_BYTES, /* of a file: no more than the socket's buffer takes */
	SPLICES_A_TURN = 4,
	MANY_BYTES = 16 * 1024, /* from which on a splice that lasts is worth three more calls */
	PIPE_USUAL_BYTES = 64 * 1024, /* pipe(7) */
};

/* Whether an errno says that the kernel cannot do it, or cannot say to which side it happened, and
 * not that a socket is lost. */
static bool move_is_refused(int error)
{
	switch (error) {
	case EINVAL:
	case ENOSYS:
	case EOPNOTSUPP:
	case EPERM:
	case EACCES:
	case EBADF:
	case EIO:
	case ESTALE:
	case ENOMEM:
	case EOVERFLOW:
	case EISDIR:
	case ESPIPE: return true;
	default: return false;
	}
}

static bool move_is_possible(const struct conn *from, const struct conn *to)
{
	if (!from->link.bulk || !to->link.bulk || from->link.to->trace ||
		link_has_bytes(&from->link) || from->owner->receive_max)
		return false;
	if (from->link.bulk != BULK_SOCKET && to->link.bulk != BULK_SOCKET)
		return false;
	if (from->owner->first && !from->heard && from->link.bulk == BULK_SOCKET)
		return false;
	return conn_alive(from) && conn_alive(to) && !to->finishing;
}

static void move_count_read(struct conn *from, size_t n)
{
	from->received += n;
	from->active_ms = from->owner->loop->now_ms;
	if (!from->heard)
		conn_note_first(from, n);
}

static void move_count_written(struct conn *to, size_t n)
{
	to->sent += n;
	conn_note_moved(to, n);
}

static enum moved move_wait_for(struct conn *to)
{
	conn_want_drained(to);
	return MOVED_LATER;
}

/* Nothing moved between descriptors of which one is a pipe, or from a file: whom is it to be waited
 * for? Epoll tells again and again of bytes that `from` has, so that they are not to be moved
 * before there is room for them. */
static enum moved move_again(struct conn *to)
{
	return sys_writable(to->link.to, to->link.fd, 0) == 0 ? move_wait_for(to) : MOVED_NOTHING;
}

static enum moved move_write_failed(struct conn *to, int error)
{
	conn_write_failed(to, error);
	conn_review(to);
	return MOVED_SOME;
}

static enum moved move_read_failed(struct conn *from, int error)
{
	if (move_is_refused(error)) {
		from->link.bulk = BULK_NONE;
		return MOVED_NOTHING;
	}
	conn_lost(from, error);
	return MOVED_SOME;
}

/* A pipe that was filled or emptied at once holds more from now on, so that both its ends have
 * fewer calls to make. No other is widened: each user has only so much, and one whose reader has
 * stopped is to stay full. */
static void move_widen(struct link *link)
{
	if (link->bulk != BULK_PIPE || link->widened)
		return;
	link->widened = true;
	sys_set_pipe_size(link->to, link->fd, SCRATCH_PIPE_BYTES);
}

/* Off a socket, into a pipe. A splice of a socket that may wait goes on to what arrives meanwhile;
 * of one that may not, it is over after one round (tcp_splice_read in net/ipv4/tcp.c), and the
 * receiver sleeps three times as often. Nor does it wait: there are bytes, and after those, or
 * where an urgent one is next, it returns. */
static ssize_t move_off_socket(struct conn *from, int into)
{
	struct reporter *trace = from->link.to;
	int fd = from->link.fd;
	ssize_t n;

	if (sys_unread(trace, fd) < MANY_BYTES || sys_let_wait(trace, fd, true) < 0)
		return sys_splice(trace, fd, into, MOVE_BYTES);
	n = sys_splice(trace, fd, into, MOVE_BYTES);
	if (sys_let_wait(trace, fd, false) < 0)
		from->link.bulk = BULK_NONE; /* it may wait: to read and write does not */
	return n;
}

static ssize_t move_call(struct conn *from, const struct conn *to)
{
	switch (from->link.bulk) {
	case BULK_FILE: return sys_sendfile(from->link.to, to->link.fd, from->link.fd, SEND_BYTES);
	case BULK_SOCKET: return move_off_socket(from, to->link.fd);
	default: return sys_splice(from->link.to, from->link.fd, to->link.fd, MOVE_BYTES);
	}
}

/* Straight from one descriptor to the other. */
static enum moved move_straight(struct conn *from, struct conn *to)
{
	ssize_t n = move_call(from, to);

	if (n == 0)
		return MOVED_NOTHING;
	if (n > 0) {
		move_count_read(from, (size_t)n);
		move_count_written(to, (size_t)n);
		if (n >= PIPE_USUAL_BYTES) {
			move_widen(&from->link);
			move_widen(&to->link);
		}
		return MOVED_SOME;
	}
	if (errno == EAGAIN)
		return move_again(to);
	if (from->link.bulk == BULK_SOCKET && errno != EPIPE)
		return move_read_failed(from, errno);
	if (!move_is_refused(errno))
		return move_write_failed(to, errno);
	from->link.bulk = BULK_NONE;
	return MOVED_NOTHING;
}

/* Its descriptor takes nothing from a pipe (one open for appending, say): what is in the pipe is
 * read and written. */
static void move_by_hand(struct conn *to, struct lent_pipe *pipe)
{
	struct scratch *scratch = to->owner->scratch;
	struct buf after = to->queue;

	to->link.bulk = BULK_NONE;
	to->queue = (struct buf){0};
	while (pipe->held) {
		ssize_t n = sys_read(to->link.to, pipe->read_end, scratch->room, CONN_READ_BYTES);

		if (n <= 0) {
			conn_end_soon(to, ENDED_LOST, n < 0 ? errno : EIO);
			break;
		}
		pipe->held -= (size_t)n;
		conn_write_or_keep(to, (struct span){scratch->room, (size_t)n});
	}
	conn_write_or_keep(to, buf_span(&after));
	buf_free(&after);
}

/* Write what is in a pipe of ours. */
static void move_out_of(struct lent_pipe *pipe, struct conn *to)
{
	ssize_t n = 1;

	while (pipe->held && n > 0) {
		n = sys_splice(to->link.to, pipe->read_end, to->link.fd, pipe->held);
		if (n <= 0)
			break;
		pipe->held -= (size_t)n;
		move_count_written(to, (size_t)n);
	}
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return;
	if (n == 0 || move_is_refused(errno))
		move_by_hand(to, pipe);
	else
		conn_write_failed(to, errno);
}

void conn_drop_pipe(struct conn *c)
{
	struct lent_pipe *pipe = c->piped ? link_held_pipe(&c->link) : NULL;

	c->piped = false;
	link_hold_pipe(&c->link, NULL);
	if (pipe)
		scratch_take_pipe(pipe, c->link.to);
}

bool conn_flush_pipe(struct conn *c)
{
	struct lent_pipe *pipe = link_held_pipe(&c->link);

	c->piped = false; /* what move_by_hand writes is not to wait for it */
	move_out_of(pipe, c);
	c->piped = pipe->held && !c->write_error;
	if (!c->piped) {
		link_hold_pipe(&c->link, NULL);
		scratch_take_pipe(pipe, c->link.to);
	}
	return !c->piped;
}

/* Through a pipe of ours: it holds what `to` has no room for. */
static enum moved move_through(struct conn *from, struct conn *to)
{
	struct lent_pipe *pipe = scratch_lend_pipe(to->owner->scratch, to->link.to);
	ssize_t n;

	if (!pipe)
		return MOVED_NOTHING;
	if (link_hold_pipe(&to->link, pipe) < 0) {
		scratch_take_pipe(pipe, to->link.to);
		return MOVED_NOTHING;
	}
	n = move_off_socket(from, pipe->write_end);
	if (n > 0) {
		pipe->held = (size_t)n;
		move_count_read(from, (size_t)n);
		conn_flush_pipe(to);
		conn_review(to);
		return conn_waits(to) ? move_wait_for(to) : MOVED_SOME;
	}
	link_hold_pipe(&to->link, NULL);
	scratch_take_pipe(pipe, to->link.to);
	return n == 0 || errno == EAGAIN ? MOVED_NOTHING : move_read_failed(from, errno);
}

static enum moved move_once(struct conn *from, struct conn *to)
{
	if (!move_is_possible(from, to))
		return MOVED_NOTHING;
	if (conn_waits(to))
		return move_wait_for(to);
	if (from->link.bulk == BULK_SOCKET && to->link.bulk != BULK_PIPE)
		return move_through(from, to);
	return move_straight(from, to);
}

/* Of a socket several times, for by the end of one splice there is more, as a rule. */
enum moved conn_move(struct conn *from, struct conn *to)
{
	int left = from->link.bulk == BULK_SOCKET ? SPLICES_A_TURN : 1;
	enum moved moved = move_once(from, to);

	while (moved == MOVED_SOME && --left > 0) {
		moved = move_once(from, to);
		if (moved == MOVED_NOTHING)
			return MOVED_SOME;
	}
	return moved;
}
