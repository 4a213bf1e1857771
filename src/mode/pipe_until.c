/* The ends that scripts ask for: after so many messages, once a text has come. */
#include "mode/pipe.h"

#include "base/escape.h"
#include "base/unescape.h"

static const struct pipe_conf *until_conf(const struct pipe_run *p)
{
	return p->env->conf;
}

static bool until_has_all_messages(const struct pipe_run *p)
{
	return until_conf(p)->messages && p->messages_in == until_conf(p)->messages;
}

/* Something is missing, and we do not wait any longer. */
static void until_note_silence(struct pipe_run *p)
{
	const struct addr peer = conn_address(p->net);
	const struct addr_shown at = addr_text(&peer);
	int64_t silent_ms = p->env->loop->now_ms - conn_active_ms(p->net);

	if (until_conf(p)->expect)
		err_set(&p->verdict, ERR_TIMEOUT,
			"%s: %s did not come, and now nothing for %jd ms (--expect)", at.text,
			quoted(until_conf(p)->expect).text, (intmax_t)silent_ms);
	else
		err_set(&p->verdict, ERR_TIMEOUT,
			"%s: %ju of %ju messages came, then nothing for %jd ms", at.text,
			(uintmax_t)p->messages_in, (uintmax_t)until_conf(p)->messages,
			(intmax_t)silent_ms);
}

/* ... and the peer has ended, or has sent all the messages that it may. */
static void until_note_end(struct pipe_run *p)
{
	const struct addr peer = conn_address(p->net);
	const struct addr_shown at = addr_text(&peer);

	if (until_conf(p)->expect)
		err_set(&p->verdict, ERR_WRONG, "%s: %s did not come before the end (--expect)",
			at.text, quoted(until_conf(p)->expect).text);
	else
		err_set(&p->verdict, ERR_WRONG, "%s: %ju of %ju messages came before the end",
			at.text, (uintmax_t)p->messages_in, (uintmax_t)until_conf(p)->messages);
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

static int until_cannot_begin(struct err *err)
{
	return err_set(err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
}

static int until_read_text(struct pipe_run *p, struct err *err)
{
	const char *typed = until_conf(p)->expect;
	struct buf text = {0};
	int rc = unescape(typed, &text);

	if (rc == -1) {
		err_set(err, ERR_USAGE, "%s has a backslash that stands for no byte",
			quoted(typed).text);
		err_hint(err, "there are \\r \\n \\t \\0 \\\\ and \\xHH, two hexadecimal digits");
	} else if (rc == 0 && !text.len) {
		rc = err_set(err, ERR_USAGE, "'--expect' needs a text");
		err_hint(err, "to end with the peer: '--quit-with-peer'");
	} else if (rc < 0 || match_init(&p->expected, buf_span(&text)) < 0) {
		rc = until_cannot_begin(err);
	}
	buf_free(&text);
	return rc;
}

static int until_check(const struct pipe_run *p, struct err *err)
{
	const char *what = until_conf(p)->expect ? "--expect" : "--messages";

	if (p->env->in_turn) {
		err_set(err, ERR_USAGE, "'%s' is for one client", what);
		return err_hint(err, "leave out '--keep-open'");
	}
	if (until_conf(p)->send_only) {
		err_set(err, ERR_USAGE, "'%s' and '%s' cannot be combined", "--send-only", what);
		return err_hint(err, "give one of them");
	}
	return 0;
}

int pipe_until_init(struct pipe_run *p, struct err *err)
{
	p->until = until_conf(p)->messages > 0 || until_conf(p)->expect;
	if (!p->until)
		return 0;
	if (until_check(p, err) < 0 || (until_conf(p)->expect && until_read_text(p, err) < 0))
		return -1;
	if (timer_init(p->env->loop, &p->answer, until_on_limit) == 0)
		return 0;
	return until_cannot_begin(err);
}

void pipe_until_begin(struct pipe_run *p)
{
	if (p->env->answer_ms > 0 && conn_message_max(p->net))
		timer_set_in(p->env->loop, &p->answer, p->env->answer_ms);
}

void pipe_until_heard(struct pipe_run *p, struct span in)
{
	p->messages_in++;
	if (conn_message_max(p->net))
		match_restart(&p->expected);
	p->met = until_conf(p)->expect ? match_find(&p->expected, in) > 0
	                               : until_has_all_messages(p);
	if (!p->met && until_has_all_messages(p))
		until_note_end(p);
	if (p->met || p->verdict.kind)
		conn_close(p->net, 0);
}

void pipe_until_over(struct pipe_run *p)
{
	timer_clear(p->env->loop, &p->answer);
	if (p->met || p->verdict.kind)
		return;
	if (p->peer_ended)
		until_note_end(p);
	else
		until_note_silence(p);
}

void pipe_until_free(struct pipe_run *p)
{
	timer_free(p->env->loop, &p->answer);
	match_free(&p->expected);
}

int pipe_until_fits(const struct pipe_conf *conf, const struct transport *via, struct err *err)
{
	if (!conf->messages || via->message_max)
		return 0;
	err_set(err, ERR_USAGE,
		"'--messages' cannot count on a stream: it does not keep them apart");
	return err_hint(err, "give '--expect TEXT', to end once a text has come");
}
