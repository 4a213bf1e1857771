#include "mode/pipe.h"

#include <errno.h>
#include <string.h>

#include "tty/terminal.h"

static bool pipe_shutdown_choice(size_t i, struct opt_choice *out)
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

const struct opt pipe_options[PIPE_OPTIONS] = {
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
		.choice = pipe_shutdown_choice,
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
	{.name = "delay",
		.kind = OPT_MSEC,
		OPT_FIELD(struct pipe_conf, delay_ms),
		.arg = "DUR",
		.help = "send standard input line by line, with a pause of DUR between two lines"},
	{.name = "rate",
		.kind = OPT_RATE,
		OPT_FIELD(struct pipe_conf, rate),
		.arg = "SIZE",
		.min = 1,
		.help = "let at most SIZE a second pass each way (1M/s is the same as 1M)"},
	{.name = "quit-with-peer",
		.kind = OPT_FLAG,
		OPT_FIELD(struct pipe_conf, quit_with_peer),
		.help = "end when the peer does, though standard input has not ended"},
	{.name = "expect",
		.kind = OPT_TEXT,
		OPT_FIELD(struct pipe_conf, expect),
		.arg = "TEXT",
		.help = "end with status 0 once TEXT has come, with 9 if the end comes first (\\r "
			"\\n \\t \\0 \\xHH stand for bytes)"},
	{.name = "messages",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct pipe_conf, messages),
		.arg = "N",
		.min = 1,
		.help = "over datagrams and sequenced packets: end once N have come"},
	{.name = "follow",
		.kind = OPT_FLAG,
		OPT_FIELD(struct pipe_conf, follow),
		.help = "where all peers are heard (serve --udp --keep-open): send standard input "
			"to the one heard last"},
};

static const struct pipe_conf *pipe_conf_of(const struct pipe_run *p)
{
	return p->env->conf;
}

/* Tell done, once: as soon as standard output has all it was given. */
static void pipe_finish_run(struct pipe_run *p)
{
	bool gone;

	p->finishing = true;
	gone = join_close(&p->sending);
	if (!join_close(&p->receiving) || !gone || p->net)
		return;
	mode_end_run(p->env, &p->verdict);
}

/* One of our own ends failed: the exchange is over, and the peer gets to know it. */
static void pipe_fail(struct pipe_run *p, const struct err *why)
{
	if (!p->verdict.kind)
		p->verdict = *why;
	if (p->net && (p->sending.hung_up || p->receiving.hung_up))
		conn_abort(p->net);
	else if (p->net)
		conn_fail(p->net);
	pipe_finish_run(p);
}

/* Standard input or output is over. */
static void pipe_side_closed(struct join *j, const struct err *why)
{
	struct pipe_run *p = j->arg;

	if (why)
		pipe_fail(p, why);
	else if (p->finishing)
		pipe_finish_run(p);
	else
		pipe_end_review(p);
}

/* ---- standard input to the peer ---- */

/* Lines that end in a bare LF end in CR LF from here on; those that did so already are kept. */
int pipe_send_crlf(struct join *j, struct span in)
{
	struct pipe_run *p = j->arg;
	struct buf lines = {0};
	int verdict;

	screen_typed(&p->screen);
	while (in.len) {
		const uint8_t *lf = memchr(in.data, '\n', in.len);
		size_t plain = lf ? (size_t)(lf - in.data) : in.len;
		bool bare = lf && !(lf > in.data ? lf[-1] == '\r' : p->after_cr);

		if (buf_add(&lines, (struct span){in.data, plain}) < 0 ||
			(lf && buf_puts(&lines, bare ? "\r\n" : "\n") < 0)) {
			pipe_fail(p, &(struct err){
					     ERR_RUNTIME, .what = "standard input: out of memory"});
			break;
		}
		p->after_cr = !lf && in.data[in.len - 1] == '\r';
		in = span_from(in, plain + (lf ? 1 : 0));
	}
	verdict = conn_write(j->to, buf_span(&lines));
	buf_free(&lines);
	return verdict;
}

/* As any filter, we end by SIGPIPE. */
static void pipe_output_is_gone(struct pipe_run *p)
{
	if (p->receiving.to)
		conn_lost(p->receiving.to, EPIPE);
}

void pipe_input_is_over(struct pipe_run *p)
{
	p->input_over = true;
	if (p->output_gone && !pipe_conf_of(p)->send_only)
		pipe_output_is_gone(p);
	else
		pipe_end_review(p);
}

static void pipe_input_ended(struct join *j)
{
	struct pipe_run *p = j->arg;

	if (p->paces)
		pipe_pace_end(p);
	else
		pipe_input_is_over(p);
}

/* Lines that are typed: the terminal shows them. */
static int pipe_send_typed(struct join *j, struct span in)
{
	struct pipe_run *p = j->arg;

	screen_typed(&p->screen);
	return conn_pass(j->to, in);
}

static const struct join_on pipe_sending_typed = {
	.pass = pipe_send_typed, .ended = pipe_input_ended, .closed = pipe_side_closed};
static const struct join_on pipe_sending = {.ended = pipe_input_ended, .closed = pipe_side_closed};
static const struct join_on pipe_sending_crlf = {
	.pass = pipe_send_crlf, .ended = pipe_input_ended, .closed = pipe_side_closed};
static const struct join_on pipe_sending_paced = {
	.pass = pipe_pace_send, .ended = pipe_input_ended, .closed = pipe_side_closed};

/* ---- the peer to standard output ---- */

static int pipe_show(struct join *j, struct span in)
{
	struct pipe_run *p = j->arg;

	return screen_write(&p->screen, in);
}

void pipe_was_no_silence(struct pipe_run *p)
{
	pipe_end_heard(p);
	pipe_end_review(p);
}

static void pipe_output_drained(struct join *j)
{
	pipe_was_no_silence(j->arg);
}

bool pipe_is_done_by(const struct pipe_run *p)
{
	if (p->input_over)
		return true;
	return p->sending.from ? conn_is_terminal(p->sending.from) : !p->lines.len;
}

/* None reads what comes any more: it is over, unless there is still something to be sent. */
static void pipe_output_hung_up(struct join *j)
{
	struct pipe_run *p = j->arg;

	p->output_gone = true;
	if (pipe_is_done_by(p) && !pipe_conf_of(p)->send_only)
		pipe_output_is_gone(p);
}

static const struct join_on pipe_receiving = {
	.drained = pipe_output_drained, .hung_up = pipe_output_hung_up, .closed = pipe_side_closed};
static const struct join_on pipe_receiving_shown = {.pass = pipe_show,
	.drained = pipe_output_drained,
	.hung_up = pipe_output_hung_up,
	.closed = pipe_side_closed};
static const struct join_on pipe_receiving_paced = {.pass = pipe_pace_receive,
	.drained = pipe_output_drained,
	.hung_up = pipe_output_hung_up,
	.closed = pipe_side_closed};

/* ---- the peer ---- */

/* What is read at once becomes one message: let it be one that passes, CR LF or not. */
static void pipe_limit_input(struct pipe_run *p)
{
	size_t max = conn_message_max(p->net);

	if (pipe_conf_of(p)->delay_ms >= 0)
		return; /* a line does */
	conn_limit_reads(p->sending.from, mode_sends_crlf(p->env->shared) ? max / 2 : max);
}

static void pipe_open(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	p->net = p->receiving.from = c;
	if (p->finishing) {
		conn_fail(c); /* one of our own ends failed while it was on its way */
		return;
	}
	p->after_cr = p->flowing = false;
	p->heard_ms = p->passed_ms = 0;
	if (p->sending.from)
		pipe_limit_input(p);
	if (p->paces)
		pipe_pace_begin(p);
	join_begin(&p->sending, c);
	if (p->paces)
		pipe_pace_resume(p);
	if (p->until)
		pipe_until_begin(p);
	pipe_end_review(p);
}

/* Whether what comes from the peer is put out. */
static bool pipe_receives(const struct pipe_run *p)
{
	return p->receiving.to && !pipe_conf_of(p)->send_only;
}

static void pipe_data(struct conn *c, struct span in)
{
	struct pipe_run *p = conn_ctx(c);

	pipe_end_heard(p);
	if (pipe_receives(p))
		join_data(&p->receiving, in);
	if (p->until)
		pipe_until_heard(p, in);
}

static bool pipe_move(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);
	uint64_t before = conn_received(c);
	bool moved = pipe_receives(p) && join_move(&p->receiving);

	if (conn_received(c) != before)
		pipe_end_heard(p);
	return moved;
}

static void pipe_drained(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	if (p->paces)
		pipe_pace_resume(p);
	else
		join_go_on(&p->sending);
	pipe_end_review(p);
}

/* The peer ended: so does our output, and when that has taken all, our own end may follow. */
static void pipe_eof(struct conn *c)
{
	struct pipe_run *p = conn_ctx(c);

	(void)c;
	p->peer_ended = true;
	pipe_end_judge(p);
	if (p->receiving.to)
		screen_end(&p->screen);
	if (p->env->in_turn)
		join_stop(&p->sending);
	else
		join_close(&p->receiving);
	pipe_end_review(p);
}

/* What is being sent goes on; that what came may lack its end matters, where it is wanted. */
static bool pipe_cut(struct conn *c)
{
	const struct pipe_run *p = conn_ctx(c);

	pipe_eof(c);
	return !pipe_conf_of(p)->send_only;
}

static void pipe_closed(struct conn *c, const struct err *why)
{
	struct pipe_run *p = conn_ctx(c);

	(void)c;
	if (p->until && !why)
		pipe_until_over(p); /* else the connection's owner judges it */
	if (p->paces)
		pipe_pace_stop(p);
	p->net = p->receiving.from = NULL;
	timer_clear(p->env->loop, &p->silence);
	join_stop(&p->sending); /* what it has not taken is the next client's */
	if (p->verdict.kind)
		pipe_finish_run(p);
}

/* ---- the run ---- */

static int pipe_cannot_begin(struct err *err)
{
	return err_set(err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
}

/* The joins, their two ends not opened yet. */
static void pipe_make_joins(struct pipe_run *p)
{
	const struct pipe_conf *conf = pipe_conf_of(p);
	const struct mode_shared *shared = p->env->shared;
	const struct join_on *plain = mode_sends_crlf(shared) ? &pipe_sending_crlf : &pipe_sending;

	p->sending = (struct join){.on = p->paces ? &pipe_sending_paced : plain,
		.arg = p,
		.by_hand = shared->no_splice};
	p->receiving = (struct join){
		.on = &pipe_receiving, .arg = p, .by_hand = shared->no_splice || conf->expect};
}

/* What comes and reports may share a terminal. */
static void pipe_take_screen(struct pipe_run *p)
{
	struct mode_env *env = p->env;

	p->screen = (struct screen){.out = p->receiving.to, .raw = env->shared->raw};
	if (!conn_is_terminal(p->screen.out) || !terminal_is_shared())
		return;
	p->screen.shares = env->to;
	if (p->screen.raw)
		report_yield(env->to); /* it does not pass the screen */
}

static int pipe_begin(struct mode_env *env, struct err *err)
{
	struct pipe_run *p = env->state;
	const struct pipe_conf *conf = env->conf;
	const struct conn_owner like = {.loop = env->loop, .to = env->to, .scratch = env->scratch};

	p->env = env;
	if (pipe_pace_init(p, err) < 0)
		return -1;
	pipe_make_joins(p);
	if (conf->send_only && conf->recv_only) {
		err_set(err, ERR_USAGE, "'--send-only' and '--recv-only' leave nothing to do");
		return err_hint(err, "give one of them");
	}
	if (pipe_end_init(p, err) < 0 || pipe_until_init(p, err) < 0)
		return -1;
	if (join_open(&p->receiving, &standard_output, &like, env->open_fd) < 0)
		return pipe_cannot_begin(err);
	pipe_take_screen(p);
	if (conf->rate)
		p->receiving.on = &pipe_receiving_paced;
	else if (screen_escapes(&p->screen))
		p->receiving.on = &pipe_receiving_shown;
	if (!conf->recv_only && join_open(&p->sending, &standard_input, &like, env->open_fd) < 0)
		return pipe_cannot_begin(err);
	if (p->screen.shares && p->sending.on == &pipe_sending)
		p->sending.on = &pipe_sending_typed;
	return 0;
}

static int pipe_fits(const void *of_mode, const struct transport *via, struct err *err)
{
	const struct pipe_conf *conf = of_mode;

	if (conf->follow) {
		err_set(err, ERR_USAGE, "'--follow' is for a server that hears all its peers");
		return err_hint(err, "for example: sockx serve --udp --keep-open --follow");
	}
	if (!conf->quit_with_peer || !via->connectionless)
		return pipe_until_fits(conf, via, err);
	err_set(err, ERR_USAGE, "'--quit-with-peer' does not go over datagrams: they have no end");
	return err_hint(err, "give '-q DUR', to end after silence");
}

static void pipe_finish(struct mode_env *env)
{
	pipe_finish_run(env->state);
}

static void pipe_end(struct mode_env *env)
{
	struct pipe_run *p = env->state;

	timer_free(env->loop, &p->silence);
	pipe_until_free(p);
	pipe_pace_free(p);
	join_free(&p->sending);
	join_free(&p->receiving);
}

const struct mode mode_pipe = {
	.name = "pipe",
	.summary = "join one client to standard input and output",
	.client_summary = "join standard input and output to the server",
	.on = {.open = pipe_open,
		.data = pipe_data,
		.move = pipe_move,
		.drained = pipe_drained,
		.eof = pipe_eof,
		.cut = pipe_cut,
		.closed = pipe_closed},
	.options = pipe_options,
	.option_count = PIPE_OPTIONS,
	.conf_size = sizeof(struct pipe_conf),
	.takes = MODE_TAKES_LINES | MODE_TAKES_SPLICE,
	.state_size = sizeof(struct pipe_run),
	.one_at_a_time = true,
	.of_peers = &pipe_of_peers,
	.uses_std = true,
	.fits = pipe_fits,
	.one_way = pipe_end_one_way,
	.begin = pipe_begin,
	.finish = pipe_finish,
	.end = pipe_end,
};
