/* What slows pipe down: a pause between lines of standard input. */
#include "mode/pipe.h"

#include <errno.h>
#include <string.h>

/* A line that is longer is sent in parts of so many bytes, each as a line. */
enum { LINE_MAX_BYTES = 64 * 1024 };

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
	size_t most = left.len < LINE_MAX_BYTES ? left.len : LINE_MAX_BYTES;
	const uint8_t *end = most ? memchr(left.data, '\n', most) : NULL;

	if (end)
		left.len = (size_t)(end - left.data) + 1;
	else if (most == LINE_MAX_BYTES || p->lines_end)
		left.len = most;
	else
		left.len = 0;
	return left;
}

static void pace_put(struct pipe_run *p, struct span out)
{
	if (mode_sends_crlf(p->env->shared))
		pipe_send_crlf(&p->sending, out);
	else
		conn_write(p->sending.to, out);
	p->ready_ms = pace_now_ms(p) + pace_conf(p)->delay_ms;
}

/* Whether the next line may be sent now; if not, the timer comes, or the connection's drained. */
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

	if (buf_add(&p->lines, in) == 0)
		return pace_go(p);
	conn_lost(j->from, ENOMEM);
	return -1;
}

void pipe_pace_resume(struct pipe_run *p)
{
	if (pace_go(p) < 0)
		return;
	if (p->lines_end && !p->input_over)
		pipe_input_is_over(p);
	else
		join_go_on(&p->sending);
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

int pipe_pace_init(struct pipe_run *p, struct err *err)
{
	p->paces = pace_conf(p)->delay_ms >= 0;
	if (!p->paces || timer_init(p->env->loop, &p->sending_timer, pace_on_sending_timer) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
}

void pipe_pace_free(struct pipe_run *p)
{
	timer_free(p->env->loop, &p->sending_timer);
	buf_free(&p->lines);
}
