/* The ends that scripts ask for: after so many messages, say. */
#include "mode/pipe.h"

static const struct pipe_conf *until_conf(const struct pipe_run *p)
{
	return p->env->conf;
}

static bool until_is_reached(const struct pipe_run *p)
{
	return p->messages_in == until_conf(p)->messages;
}

/* Messages are missing, and we do not wait any longer. */
static void until_note_silence(struct pipe_run *p)
{
	const struct addr peer = conn_address(p->net);

	err_set(&p->verdict, ERR_TIMEOUT, "%s: %ju of %ju messages came, then nothing for %jd ms",
		addr_text(&peer).text, (uintmax_t)p->messages_in,
		(uintmax_t)until_conf(p)->messages,
		(intmax_t)(p->env->loop->now_ms - conn_active_ms(p->net)));
}

/* ... and the peer has ended. */
static void until_note_end(struct pipe_run *p)
{
	const struct addr peer = conn_address(p->net);

	err_set(&p->verdict, ERR_WRONG, "%s: %ju of %ju messages came before the end",
		addr_text(&peer).text, (uintmax_t)p->messages_in,
		(uintmax_t)until_conf(p)->messages);
}

/* So long after the last byte that moved, either way. */
static void until_on_limit(struct timer *t)
{
	struct pipe_run *p = container_of(t, struct pipe_run, answer);
	int64_t left_ms;

	if (!p->net || conn_closing(p->net))
		return;
	left_ms = conn_active_ms(p->net) + p->env->answer_ms - p->env->loop->now_ms;
	if (left_ms > 0) {
		timer_set_in(p->env->loop, t, left_ms);
		return;
	}
	until_note_silence(p);
	conn_close(p->net, 0);
}

int pipe_until_init(struct pipe_run *p, struct err *err)
{
	p->until = until_conf(p)->messages > 0;
	if (!p->until)
		return 0;
	if (p->env->in_turn) {
		err_set(err, ERR_USAGE, "'--messages' is for one client");
		return err_hint(err, "leave out '--keep-open'");
	}
	if (until_conf(p)->send_only) {
		err_set(err, ERR_USAGE, "'--send-only' and '--messages' cannot be combined");
		return err_hint(err, "give one of them");
	}
	if (timer_init(p->env->loop, &p->answer, until_on_limit) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
}

void pipe_until_begin(struct pipe_run *p)
{
	if (p->env->answer_ms > 0 && conn_message_max(p->net))
		timer_set_in(p->env->loop, &p->answer, p->env->answer_ms);
}

void pipe_until_heard(struct pipe_run *p)
{
	p->messages_in++;
	if (until_is_reached(p))
		conn_close(p->net, 0);
}

void pipe_until_over(struct pipe_run *p)
{
	timer_clear(p->env->loop, &p->answer);
	if (until_is_reached(p) || p->verdict.kind)
		return;
	if (p->peer_ended)
		until_note_end(p);
	else
		until_note_silence(p);
}

int pipe_until_fits(const struct pipe_conf *conf, const struct transport *via, struct err *err)
{
	if (!conf->messages || via->message_max)
		return 0;
	err_set(err, ERR_USAGE,
		"'--messages' cannot count on a stream: it does not keep them apart");
	return err_hint(err, "give '-q DUR', to end after silence");
}
