/* What slows pipe down: a pause between lines of standard input, a rate. */
#include "mode/pipe.h"

#include <errno.h>
#include <string.h>

/* A line that is longer is sent in parts of so many bytes, each as a line. */
enum { PACE_LINE_MAX = 64 * 1024 };

static const struct pipe_conf *pace_conf(const struct pipe_run *p)
{
	return p->env->conf;
}

static int64_t pace_now_ms(const struct pipe_run *p)
{
	return p->env->loop->now_ms;
}

/* The line that is next, if it is whole; else it is empty. */
static struct span pace_next_line(const struct pipe_run *p)
{
	struct span left = buf_span(&p->lines);
	size_t most = left.len < PACE_LINE_MAX ? left.len : PACE_LINE_MAX;
	const uint8_t *end = most ? memchr(left.data, '\n', most) : NULL;

	if (end)
		left.len = (size_t)(end - left.data) + 1;
	else if (left.len >= PACE_LINE_MAX || p->lines_end)
		left.len = most;
	else
		left.len = 0;
	return left;
}

/* Bytes given to the peer so far, sent or queued. */
static uint64_t pace_given(const struct pipe_run *p)
{
	return conn_sent(p->sending.to) + conn_queued(p->sending.to);
}

/* As much is read at a time as may pass. Messages are not cut: the next waits longer. */
static void pace_limit_reads(const struct pipe_run *p, struct conn *from, size_t room)
{
	if (from && p->net && !conn_message_max(p->net))
		conn_limit_reads(from, room ? room : 1);
}

/* So much was sent: from when on more may be. */
static void pace_count_sent(struct pipe_run *p, size_t bytes)
{
	int64_t now_ms = pace_now_ms(p), then_ms;
	size_t room;

	bucket_take(&p->out, bytes);
	room = bucket_room(&p->out, now_ms);
	then_ms = room ? 0 : now_ms + bucket_wait_ms(&p->out);
	if (p->ready_ms < then_ms)
		p->ready_ms = then_ms;
	if (pace_conf(p)->delay_ms < 0)
		pace_limit_reads(p, p->sending.from, room);
}

static void pace_put(struct pipe_run *p, struct span out)
{
	uint64_t before = pace_given(p), after;

	if (mode_sends_crlf(p->env->shared))
		pipe_send_crlf(&p->sending, out);
	else
		conn_write(p->sending.to, out);
	after = pace_given(p); /* less where it has failed */
	if (pace_conf(p)->delay_ms >= 0)
		p->ready_ms = pace_now_ms(p) + pace_conf(p)->delay_ms;
	if (pace_conf(p)->rate)
		pace_count_sent(p, after > before ? (size_t)(after - before) : out.len);
}

/* Whether more may be sent now; if not, the timer comes, or the connection's drained. */
static bool pace_may_send(struct pipe_run *p)
{
	if (conn_queued(p->sending.to) >= CONN_QUEUE_MAX_BYTES)
		return false;
	if (p->ready_ms <= pace_now_ms(p))
		return true;
	timer_set(p->env->loop, &p->sending_timer, p->ready_ms);
	return false;
}

/* Send the lines that may be. Returns 0, or -1 where one waits: more input is not wanted. */
static int pace_go(struct pipe_run *p)
{
	struct span line;

	while (p->sending.to && (line = pace_next_line(p)).len) {
		if (!pace_may_send(p))
			return -1;
		pace_put(p, line);
		buf_take(&p->lines, line.len);
	}
	return p->sending.to ? 0 : -1;
}

int pipe_pace_send(struct join *j, struct span in)
{
	struct pipe_run *p = j->arg;

	if (pace_conf(p)->delay_ms < 0) {
		pace_put(p, in);
		return pace_may_send(p) ? 0 : -1;
	}
	if (buf_add(&p->lines, in) == 0)
		return pace_go(p);
	conn_lost(j->from, ENOMEM);
	return -1;
}

/* Read on, as much as may be sent. */
static void pace_read_on(struct pipe_run *p)
{
	if (pace_conf(p)->delay_ms < 0) {
		if (!pace_may_send(p))
			return;
		pace_limit_reads(p, p->sending.from, bucket_room(&p->out, pace_now_ms(p)));
	}
	join_go_on(&p->sending);
}

void pipe_pace_resume(struct pipe_run *p)
{
	if (pace_go(p) < 0)
		return;
	if (!p->lines_end)
		pace_read_on(p);
	else if (!p->input_over)
		pipe_input_is_over(p);
}

void pipe_pace_end(struct pipe_run *p)
{
	p->lines_end = true;
	pipe_pace_resume(p);
}

static void pace_on_sending_timer(struct timer *t)
{
	pipe_pace_resume(container_of(t, struct pipe_run, sending_timer));
}

/* ---- what is received ---- */

int pipe_pace_receive(struct join *j, struct span in)
{
	struct pipe_run *p = j->arg;
	int verdict = screen_write(&p->screen, in);
	size_t room;

	bucket_take(&p->in, in.len);
	room = bucket_room(&p->in, pace_now_ms(p));
	pace_limit_reads(p, j->from, room);
	if (room)
		return verdict;
	p->receiving_waits = true;
	timer_set_in(p->env->loop, &p->receiving_timer, bucket_wait_ms(&p->in));
	return -1;
}

static void pace_on_receiving_timer(struct timer *t)
{
	struct pipe_run *p = container_of(t, struct pipe_run, receiving_timer);
	struct conn *out = p->receiving.to;

	p->receiving_waits = false;
	pace_limit_reads(p, p->receiving.from, bucket_room(&p->in, pace_now_ms(p)));
	if (!out || conn_queued(out) < CONN_QUEUE_MAX_BYTES)
		join_go_on(&p->receiving);
	pipe_was_no_silence(p);
}

/* ---- the run ---- */

void pipe_pace_begin(struct pipe_run *p)
{
	uint64_t rate = pace_conf(p)->rate;

	p->ready_ms = 0;
	if (!rate)
		return;
	bucket_begin(&p->out, rate, pace_now_ms(p));
	bucket_begin(&p->in, rate, pace_now_ms(p));
	if (pace_conf(p)->delay_ms < 0)
		pace_limit_reads(p, p->sending.from, bucket_room(&p->out, pace_now_ms(p)));
	pace_limit_reads(p, p->net, bucket_room(&p->in, pace_now_ms(p)));
}

void pipe_pace_stop(struct pipe_run *p)
{
	p->receiving_waits = false;
	timer_clear(p->env->loop, &p->sending_timer);
	timer_clear(p->env->loop, &p->receiving_timer);
}

int pipe_pace_init(struct pipe_run *p, struct err *err)
{
	p->paces = pace_conf(p)->delay_ms >= 0 || pace_conf(p)->rate;
	if (!p->paces)
		return 0;
	if (timer_init(p->env->loop, &p->sending_timer, pace_on_sending_timer) == 0 &&
		timer_init(p->env->loop, &p->receiving_timer, pace_on_receiving_timer) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
}

void pipe_pace_free(struct pipe_run *p)
{
	timer_free(p->env->loop, &p->sending_timer);
	timer_free(p->env->loop, &p->receiving_timer);
	buf_free(&p->lines);
}
