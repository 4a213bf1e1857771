#include "mode/pipe.h"

#include <string.h>

static bool shutdown_choice(size_t i, struct opt_choice *out)
{
	static const struct opt_choice choices[] = {
		[PIPE_SHUTDOWN_NOW] = {"now", "at once (serve's default)"},
		[PIPE_SHUTDOWN_QUIET] = {"quiet",
			"once nothing has come for 1s, or 1.5s before the first byte; at once "
			"after the peer's end, or where 64 KiB were sent and nothing came "
			"(connect's default)"},
		[PIPE_SHUTDOWN_NEVER] = {"never", "not at all"}};

	if (i >= sizeof(choices) / sizeof(choices[0]))
		return false;
	*out = choices[i];
	return true;
}

static const struct opt pipe_options[] = {
	{.name = "quit-after",
		.letter = 'q',
		.kind = OPT_MSEC,
		OPT_FIELD(struct pipe_conf, quit_after_ms),
		.arg = "DUR",
		.help = "leave once nothing has come for DUR after the end of standard input "
			"(over datagrams, which have no end: 1s)"},
	{.name = "shutdown",
		.kind = OPT_CHOICE,
		OPT_FIELD(struct pipe_conf, shutdown),
		.arg = "WHEN",
		.choice = shutdown_choice,
		.help = "when to tell the peer that standard input has ended"},
	{.letter = 'N',
		.kind = OPT_FLAG,
		OPT_FIELD(struct pipe_conf, shutdown_now),
		.help = "the same as --shutdown now"},
	{.name = "no-shutdown",
		.kind = OPT_FLAG,
		OPT_FIELD(struct pipe_conf, no_shutdown),
		.help = "the same as --shutdown never"},
	{.name = "send-only",
		.kind = OPT_FLAG,
		OPT_FIELD(struct pipe_conf, send_only),
		.help = "drop what comes, and end when standard input does"},
	{.name = "recv-only",
		.kind = OPT_FLAG,
		OPT_FIELD(struct pipe_conf, recv_only),
		.help = "leave standard input alone, and end when the peer does"},
};

static const struct pipe_conf *conf_of(const struct pipe_run *p)
{
	return p->env->conf;
}

/* Tell done, once: as soon as standard output has all it was given. */
static void finish_run(struct pipe_run *p)
{
	struct mode_env *env = p->env;

	p->finishing = true;
	if (p->in)
		conn_abort(p->in);
	if (p->out)
		conn_finish(p->out);
	if (p->in || p->out || p->told)
		return;
	p->told = true;
	env->done(env->arg, p->verdict.kind ? &p->verdict : NULL);
}

/* One of our own ends failed: the exchange is over, and the peer is let go. */
static void fail_run(struct pipe_run *p, const struct err *why)
{
	if (!p->verdict.kind)
		p->verdict = *why;
	if (p->net)
		conn_abort(p->net);
	finish_run(p);
}

static void out_of_memory(struct pipe_run *p)
{
	fail_run(p, &(struct err){ERR_RUNTIME, .what = "standard input: out of memory"});
}

/* ---- in: standard input ---- */

/* Lines that end in a bare LF end in CR LF from here on; those that did so already are kept. */
static int write_crlf(struct pipe_run *p, struct span in)
{
	struct buf lines = {0};
	int verdict;

	while (in.len) {
		const uint8_t *lf = memchr(in.data, '\n', in.len);
		size_t plain = lf ? (size_t)(lf - in.data) : in.len;
		bool bare = lf && !(lf > in.data ? lf[-1] == '\r' : p->after_cr);

		if (buf_add(&lines, (struct span){in.data, plain}) < 0 ||
			(lf && buf_puts(&lines, bare ? "\r\n" : "\n") < 0)) {
			out_of_memory(p);
			break;
		}
		p->after_cr = !lf && in.data[in.len - 1] == '\r';
		in = span_from(in, plain + (lf ? 1 : 0));
	}
	verdict = conn_write(p->net, buf_span(&lines));
	buf_free(&lines);
	return verdict;
}

/* Returns as conn_write. */
static int send_input(struct pipe_run *p, struct span in)
{
	return p->crlf ? write_crlf(p, in) : conn_write(p->net, in);
}

static void in_data(struct conn *c, struct span in)
{
	struct pipe_run *p = conn_ctx(c);

	if (!p->net || conn_finished(p->net)) {
		if (buf_add(&p->held, in) < 0)
			out_of_memory(p);
		conn_pause(c);
	} else if (send_input(p, in) < 0) {
		conn_pause(c);
	}
}

static void in_eof(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	p->input_over = true;
	pipe_end_review(p);
}

static void in_closed(struct conn *c, const struct err *why)
{
	struct pipe_run *p = conn_ctx(c);

	p->in = NULL;
	if (why)
		fail_run(p, why);
	else if (p->finishing)
		finish_run(p);
}

static const struct handler in_handler = {.data = in_data, .eof = in_eof, .closed = in_closed};

/* ---- out: standard output ---- */

static void out_drained(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	if (p->net)
		conn_resume(p->net);
	pipe_end_heard(p);
	pipe_end_review(p);
}

static void out_closed(struct conn *c, const struct err *why)
{
	struct pipe_run *p = conn_ctx(c);

	p->out = NULL;
	if (why)
		fail_run(p, why);
	else if (p->finishing)
		finish_run(p);
}

static const struct handler out_handler = {.drained = out_drained, .closed = out_closed};

/* ---- net: the peer ---- */

/* What is read at once becomes one message: let it be one that passes, CR LF or not. */
static void limit_input(struct pipe_run *p)
{
	size_t max = conn_message_max(p->net);

	conn_limit_reads(p->in, p->crlf ? max / 2 : max);
}

static void net_open(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	p->net = c;
	p->after_cr = p->flowing = false;
	p->heard_ms = p->passed_ms = 0;
	if (p->in)
		limit_input(p);
	if ((!p->held.len || send_input(p, buf_span(&p->held)) == 0) && p->in)
		conn_resume(p->in);
	buf_free(&p->held);
	pipe_end_review(p);
}

static void net_data(struct conn *c, struct span in)
{
	struct pipe_run *p = conn_ctx(c);

	pipe_end_heard(p);
	if (!p->out || conf_of(p)->send_only)
		return;
	if (screen_write(&p->screen, in) < 0)
		conn_pause(c);
}

static void net_drained(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	if (p->in)
		conn_resume(p->in);
	pipe_end_review(p);
}

/* The peer ended: so does our output, at once. Whether we go on sending depends on who feeds us: a
 * person at a terminal is done, a program may still have something to say. */
static void net_eof(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	pipe_end_judge(p);
	if (p->out)
		screen_end(&p->screen);
	if (p->env->in_turn) {
		if (p->in)
			conn_pause(p->in);
		conn_close(c, CONN_LINGER_MS);
		return;
	}
	if (p->out)
		conn_finish(p->out);
	if (p->input_over || !p->in || conn_is_terminal(p->in))
		conn_finish(c);
}

static void net_closed(struct conn *c, const struct err *why)
{
	struct pipe_run *p = conn_ctx(c);

	(void)why; /* whoever owns the connection judges it */
	p->net = NULL;
	timer_clear(p->env->loop, &p->silence);
	if (p->in)
		conn_pause(p->in); /* what it has not taken is the next client's */
}

/* ---- the run ---- */

static struct conn_owner own_side(struct pipe_run *p, const struct handler *on)
{
	struct mode_env *env = p->env;

	return (struct conn_owner){
		.loop = env->loop, .to = env->to, .scratch = env->scratch, .on = on, .ctx = p};
}

static int cannot_begin(struct err *err)
{
	return err_set(err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
}

static int pipe_begin(struct mode_env *env, struct err *err)
{
	struct pipe_run *p = env->state;
	const struct pipe_conf *conf = env->conf;

	p->env = env;
	p->crlf = mode_sends_crlf(env->shared);
	if (conf->send_only && conf->recv_only) {
		err_set(err, ERR_USAGE, "'--send-only' and '--recv-only' leave nothing to do");
		return err_hint(err, "give one of them");
	}
	if (pipe_end_init(p, err) < 0)
		return -1;
	p->out_owner = own_side(p, &out_handler);
	p->out = std_open(&p->out_owner, 1, env->open_std);
	if (!p->out)
		return cannot_begin(err);
	p->screen = (struct screen){.out = p->out, .raw = env->shared->raw};
	if (conf->recv_only)
		return 0;
	p->in_owner = own_side(p, &in_handler);
	p->in = std_open(&p->in_owner, 0, env->open_std); /* paused: the first client is not here */
	return p->in ? 0 : cannot_begin(err);
}

static void pipe_finish(struct mode_env *env)
{
	finish_run(env->state);
}

static void pipe_end(struct mode_env *env)
{
	struct pipe_run *p = env->state;

	timer_free(env->loop, &p->silence);
	buf_free(&p->held);
	if (p->in)
		conn_owner_free(&p->in_owner);
	if (p->out)
		conn_owner_free(&p->out_owner);
}

const struct mode mode_pipe = {
	.name = "pipe",
	.summary = "join the client to standard input and output",
	.on = {.open = net_open,
		.data = net_data,
		.drained = net_drained,
		.eof = net_eof,
		.closed = net_closed},
	.options = pipe_options,
	.option_count = sizeof(pipe_options) / sizeof(pipe_options[0]),
	.conf_size = sizeof(struct pipe_conf),
	.state_size = sizeof(struct pipe_run),
	.one_at_a_time = true,
	.begin = pipe_begin,
	.finish = pipe_finish,
	.end = pipe_end,
};
