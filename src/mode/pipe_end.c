/* What follows the end of standard input: the half-close, and leaving. */
#include "mode/pipe.h"

#include <string.h>

#include "report/report.h"

/*
 * Many servers drop an answer that is still on its way when they read our end, and end in order, so
 * that cannot be seen (nginx, redis, haproxy, dovecot, SOCKS servers). So a client waits with it
 * until no answer can be meant: the peer has ended; or we pushed, a file to a sink; or the peer has
 * all that was sent and has been silent for QUIET_MS. Before its first byte it may be thinking:
 * nginx before a backend that takes a second ends without a byte if our end comes first.
 */
enum {
	QUIET_MS = 1000,
	FIRST_MS = 1500, /* ... in place of it, before the first byte of an answer */
	FULL_MS = 5000,  /* ... and while our output is full: it may be speaking, unheard */
	PUSHED_BYTES = 64 * 1024, /* sent, with nothing received: this is no question */
	AGAIN_MS = 100,           /* how soon to look again whether the peer has got all */
	/* Datagrams have no end. One that is answered at all is answered within this on most
	 * networks. */
	DATAGRAMS_QUIET_MS = 1000,
	/* --send-only, and nothing has come: how long the peer's end is waited for. */
	UNASKED_MS = 1,
	/* After how much silence it is reported that the peer's end is waited for. */
	WAIT_TOLD_MS = 2000,
	/* A peer that ends so soon after our end probably does so because of it: not if its answer
	 * is shorter than LONG_BYTES, which it has sent before it looks for an end. */
	SOON_MS = 1000,
	LONG_BYTES = 64 * 1024,
};

static const struct pipe_conf *pipe_conf_of(const struct pipe_run *p)
{
	return p->env->conf;
}

static bool pipe_is_client(const struct pipe_run *p)
{
	return !p->env->enough;
}

bool pipe_end_one_way(const struct mode_env *env)
{
	const struct pipe_conf *conf = env->conf;

	return conf->send_only || (conf->quit_after_ms == 0 && !conf->recv_only);
}

/* Whether our end vouches for what came: standard output has taken all of it. */
static bool pipe_has_taken_all(const struct pipe_run *p)
{
	if (!p->receiving.to || pipe_conf_of(p)->send_only)
		return true;
	return p->env->in_turn && !conn_queued(p->receiving.to);
}

static bool pipe_pushed(const struct pipe_run *p)
{
	return conn_received(p->net) == 0 && conn_sent(p->net) >= PUSHED_BYTES;
}

static bool pipe_output_is_full(const struct pipe_run *p)
{
	return p->receiving_waits || (p->receiving.to && conn_queued(p->receiving.to) > 0);
}

/* That it is to be passed on at once was typed. */
static bool pipe_is_urged(const struct pipe_run *p)
{
	const struct pipe_conf *conf = pipe_conf_of(p);

	return p->shutdown == PIPE_SHUTDOWN_NOW && (conf->shutdown_now || conf->shutdown);
}

/* A server that has sent nothing is a sink: over TLS its end would be taken for the end of all, and
 * keep clients such as openssl's from sending anything. */
static bool pipe_is_quiet_sink(const struct pipe_run *p)
{
	return !pipe_is_client(p) && conn_end_closes(p->net) && conn_sent(p->net) == 0;
}

/* The same where our end would end the peer's, too (TLS 1.2): only a sink has nothing to lose. */
static int64_t pipe_final_after_ms(const struct pipe_run *p)
{
	return p->shutdown == PIPE_SHUTDOWN_QUIET && pipe_pushed(p) ? QUIET_MS : -1;
}

/* After how much silence our end is passed on; -1: not now. */
static int64_t pipe_shutdown_after_ms(const struct pipe_run *p)
{
	if (conn_finished(p->net))
		return -1;
	if (pipe_conf_of(p)->send_only)
		return 0;
	if (conn_connectionless(p->net))
		return -1;
	if (!pipe_is_urged(p) && pipe_is_quiet_sink(p))
		return -1;
	if (!pipe_is_urged(p) && conn_end_is_final(p->net))
		return pipe_final_after_ms(p);
	switch (p->shutdown) {
	case PIPE_SHUTDOWN_NOW: return 0;
	case PIPE_SHUTDOWN_QUIET:
		if (pipe_pushed(p))
			return 0;
		if (pipe_output_is_full(p))
			return FULL_MS;
		return conn_received(p->net) ? QUIET_MS : FIRST_MS;
	case PIPE_SHUTDOWN_NEVER: break;
	}
	return -1;
}

/* Whether -i says how long an answer is waited for: that there is none is for it to tell. */
static bool pipe_waits_for_answer(const struct pipe_run *p)
{
	return conn_idle_ms(p->net) > 0 && !conn_received(p->net);
}

/* After how much silence we leave; -1: with the peer's end. */
static int64_t pipe_leave_after_ms(const struct pipe_run *p)
{
	if (p->quit_after_ms < 0 && conn_connectionless(p->net))
		return p->until || pipe_waits_for_answer(p) ? -1 : DATAGRAMS_QUIET_MS;
	return p->quit_after_ms;
}

static void pipe_pass_end_on(struct pipe_run *p)
{
	int64_t now_ms = p->env->loop->now_ms;
	bool may_hear = conn_received(p->net) || conn_judged_late(p->net);

	if (pipe_conf_of(p)->send_only) {
		conn_close(p->net, may_hear ? CONN_LINGER_MS : UNASKED_MS);
		return;
	}
	p->passed_ms = now_ms;
	p->flowing = conn_received(p->net) && now_ms - p->heard_ms < SOON_MS;
	conn_finish(p->net);
}

static void pipe_look_in(struct pipe_run *p, int64_t ms)
{
	if (ms >= 0 && (!p->silence.place || p->silence.at_ms > p->env->loop->now_ms + ms))
		timer_set_in(p->env->loop, &p->silence, ms);
}

/* Nothing more will be sent, and the peer may not know: say what is waited for. */
static void pipe_tell_wait(struct pipe_run *p, int64_t silent_ms)
{
	const struct addr peer = conn_address(p->net);
	bool is_final = conn_end_is_final(p->net);

	if (p->told_wait || (!is_final && !conn_end_closes(p->net)))
		return;
	if (silent_ms < WAIT_TOLD_MS) {
		pipe_look_in(p, WAIT_TOLD_MS - silent_ms);
		return;
	}
	p->told_wait = true;
	report(p->env->to,
		&(struct report){.kind = is_final && !conn_finished(p->net) ? REPORT_HELD_BACK
	                                                                    : REPORT_AWAITS_END,
			.at = &peer});
}

/* What is waited for from now on, in silence. */
static void pipe_explain_wait(const struct pipe_run *p, int64_t shutdown_ms)
{
	if (shutdown_ms > 0)
		conn_explain(p->net,
			"Our input has ended. We pass that on once the peer has been silent for "
			"%.1f s, or for %.1f s if it has sent nothing: some servers give an "
			"answer up when the end comes first.",
			QUIET_MS / 1e3, FIRST_MS / 1e3);
}

/* Input has ended, the peer has not: how long it has been silent says what to do. */
static void pipe_end_by_silence(struct pipe_run *p)
{
	const int64_t shutdown_ms = pipe_shutdown_after_ms(p);
	int64_t silent_ms, leave_ms;

	if (!p->heard_ms) {
		p->heard_ms = p->env->loop->now_ms;
		pipe_explain_wait(p, shutdown_ms);
	}
	silent_ms = p->env->loop->now_ms - p->heard_ms;
	leave_ms = pipe_leave_after_ms(p);
	if (leave_ms >= 0 && silent_ms >= leave_ms && (!leave_ms || !pipe_output_is_full(p))) {
		conn_close(p->net, 0);
		return;
	}
	if (!pipe_output_is_full(p)) /* out's drained begins anew */
		pipe_look_in(p, leave_ms < 0 ? -1 : leave_ms - silent_ms);
	if (shutdown_ms > 0 && silent_ms >= shutdown_ms && conn_unsent(p->net))
		pipe_look_in(p, AGAIN_MS);
	else if (shutdown_ms >= 0 && silent_ms >= shutdown_ms)
		pipe_pass_end_on(p);
	else
		pipe_look_in(p, shutdown_ms < 0 ? -1 : shutdown_ms - silent_ms);
	if ((shutdown_ms < 0 || conn_finished(p->net)) && leave_ms < 0)
		pipe_tell_wait(p, silent_ms);
}

/* The peer has ended. Our end follows once input is over, too, whatever --shutdown says: there is
 * no other that it could wait for. */
static void pipe_end_both(struct pipe_run *p)
{
	if (!pipe_has_taken_all(p))
		return; /* standard output's drained or end comes here again */
	if (p->env->in_turn)
		conn_close(p->net, CONN_LINGER_MS);
	else if (p->until || pipe_conf_of(p)->quit_with_peer || pipe_is_done_by(p))
		conn_finish(p->net);
}

void pipe_end_review(struct pipe_run *p)
{
	if (p->net && conn_peer_ended(p->net) && !conn_connectionless(p->net))
		pipe_end_both(p);
	else if (p->net && p->input_over && !conn_queued(p->net))
		pipe_end_by_silence(p);
}

static void pipe_on_silence(struct timer *t)
{
	pipe_end_review(container_of(t, struct pipe_run, silence));
}

void pipe_end_heard(struct pipe_run *p)
{
	if (!p->heard_ms)
		return;
	p->heard_ms = p->env->loop->now_ms;
	if (p->net && p->shutdown == PIPE_SHUTDOWN_QUIET && !conn_finished(p->net))
		pipe_look_in(p, QUIET_MS); /* the wait for its first byte was longer */
}

/* Whether our end, passed on at once, met an answer that was on its way or had yet to begin. */
static bool pipe_met_answer(const struct pipe_run *p)
{
	return p->flowing ||
	       (p->shutdown == PIPE_SHUTDOWN_NOW && conn_received(p->net) >= LONG_BYTES);
}

/* Whether a person may be typing who does not see that the connection is over. */
static bool pipe_awaits_person(const struct pipe_run *p)
{
	return !p->input_over && p->sending.from && conn_is_terminal(p->sending.from);
}

/* A sink has no answer to drop. */
void pipe_end_judge(struct pipe_run *p)
{
	const struct addr peer = conn_address(p->net);
	bool nothing = conn_received(p->net) == 0 && !pipe_pushed(p);
	const char *how = nothing ? "without an answer" : "perhaps in the middle of its answer";

	if (!pipe_is_client(p))
		return;
	if (pipe_awaits_person(p))
		report(p->env->to, &(struct report){.kind = REPORT_SERVER_ENDED, .at = &peer});
	if (!p->passed_ms || p->env->loop->now_ms - p->passed_ms >= SOON_MS ||
		!(nothing || pipe_met_answer(p)))
		return;
	report(p->env->to,
		&(struct report){.kind = REPORT_HALF_CLOSED, .at = &peer, .reason = how});
}

/* Which of three spellings was used. Returns 0, or -1 with err where two differ. */
static int pipe_read_shutdown(struct pipe_run *p, struct err *err)
{
	static const char *const names[] = {[PIPE_SHUTDOWN_NOW] = "now",
		[PIPE_SHUTDOWN_QUIET] = "quiet",
		[PIPE_SHUTDOWN_NEVER] = "never"};
	const struct pipe_conf *conf = pipe_conf_of(p);
	const char *word = conf->shutdown;

	if ((conf->shutdown_now && conf->no_shutdown) ||
		(word && conf->shutdown_now && strcmp(word, "now") != 0) ||
		(word && conf->no_shutdown && strcmp(word, "never") != 0)) {
		err_set(err, ERR_USAGE, "'%s' and '%s' cannot be combined",
			conf->shutdown_now ? "-N" : "--no-shutdown",
			word ? "--shutdown" : "--no-shutdown");
		return err_hint(err, "give one of them");
	}
	p->shutdown = pipe_is_client(p) ? PIPE_SHUTDOWN_QUIET : PIPE_SHUTDOWN_NOW;
	if (conf->shutdown_now)
		p->shutdown = PIPE_SHUTDOWN_NOW;
	if (conf->no_shutdown)
		p->shutdown = PIPE_SHUTDOWN_NEVER;
	for (size_t i = 0; word && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(word, names[i]) == 0)
			p->shutdown = (enum pipe_shutdown)i;
	return 0;
}

int pipe_end_init(struct pipe_run *p, struct err *err)
{
	p->quit_after_ms = pipe_conf_of(p)->quit_after_ms;
	if (pipe_read_shutdown(p, err) < 0)
		return -1;
	if (timer_init(p->env->loop, &p->silence, pipe_on_silence) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
}
