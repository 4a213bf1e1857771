/* sockx echo: send a text or standard input, print what comes back, and check that it is the same.
 */
#include "base/clock.h"
#include "base/json.h"
#include "cmd/ask.h"
#include "cmd/commands.h"
#include "cmd/echo_measure.h"

enum {
	/* Sent and not yet back: kept to compare. A server that waits for all of a longer input
	 * before it answers gets our end after a time limit. */
	PENDING_MAX_BYTES = 64 << 20,
};

struct echo_conf {
	struct client_conf client; /* first: see struct talk_conf */
	struct measure_conf measure;
	int64_t settle_ms;
	bool raw;
};

struct echo_run {
	struct ask ask;
	const struct echo_conf *conf;
	struct buf pending;  /* sent, and not yet come back */
	struct buf answer;   /* to arguments: put out at its end, in one write with its newline */
	struct timer settle; /* all is sent, and nothing comes: perhaps it waits for our end */
	uint64_t sent, returned;
	int64_t began_ns, ended_ns;
	bool has_text, identical, finished;
	bool whole; /* the question is one message, and so is the answer */
};

static const struct opt echo_rows[] = {
	{.name = "settle",
		.kind = OPT_MSEC,
		OPT_FIELD(struct echo_conf, settle_ms),
		.arg = "DUR",
		.fallback = "100ms",
		.help = "half-close when the answer is incomplete and pauses for DUR"},
	{.name = "raw",
		.kind = OPT_FLAG,
		OPT_FIELD(struct echo_conf, raw),
		.help = "pass the peer's control characters to a terminal as they are"},
};

static void echo_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct echo_conf);
	client_options(set);
	opt_set_add(set, "Measuring", echo_measure_options, echo_measure_option_count,
		offsetof(struct echo_conf, measure));
	opt_set_add(set, "Data", echo_rows, sizeof(echo_rows) / sizeof(echo_rows[0]), 0);
}

/* ---- the exchange ---- */

static struct echo_run *echo_run_of(struct ask *a)
{
	return container_of(a, struct echo_run, ask);
}

/* All has come back: say that we are done, and see that nothing follows. */
static void echo_complete(struct echo_run *run)
{
	struct conn *net = run->ask.client.net;

	run->finished = run->ask.answered = true;
	run->ended_ns = clock_ns();
	if (!run->began_ns)
		run->began_ns = run->ended_ns;
	if (conn_connectionless(net))
		conn_close(net, 0);
	else
		conn_finish(net);
	timer_set_in(&run->ask.client.loop, &run->settle, CONN_LINGER_MS);
}

/* Everything is on its way; what does the other side make of it? */
static void echo_review(struct ask *a)
{
	struct echo_run *run = echo_run_of(a);
	struct conn *net = a->client.net;

	if (!a->passed_on || run->finished || !net || conn_queued(net))
		return;
	if (run->whole ? a->answered : run->pending.len == 0)
		echo_complete(run);
	else if (!conn_connectionless(net))
		timer_set_in(&a->client.loop, &run->settle, run->conf->settle_ms);
}

static void echo_on_settle(struct timer *t)
{
	struct echo_run *run = container_of(t, struct echo_run, settle);
	struct conn *net = run->ask.client.net;

	if (!net)
		return;
	if (run->finished)
		conn_close(net, 0);
	else
		conn_finish(net);
}

/* What is sent is kept to compare. */
static int echo_asking(struct ask *a, struct span part)
{
	struct echo_run *run = echo_run_of(a);

	if (!run->began_ns)
		run->began_ns = clock_ns();
	if (buf_add(&run->pending, part) < 0)
		ask_out_of_memory(a, "echo");
	run->sent += part.len;
	return run->pending.len < PENDING_MAX_BYTES ? 0 : -1;
}

static void echo_differs(struct echo_run *run, struct span in, struct span expected)
{
	const char *typed = run->ask.client.dial.typed;
	struct err why = {0};
	size_t at = 0;

	while (at < in.len && at < expected.len && in.data[at] == expected.data[at])
		at++;
	if (at < expected.len)
		err_set(&why, ERR_WRONG,
			"%s: the answer differs at byte %ju: sent 0x%02x, got 0x%02x", typed,
			(uintmax_t)(run->returned + at + 1), expected.data[at], in.data[at]);
	else
		err_set(&why, ERR_WRONG, "%s: the answer has bytes after the %ju that were sent",
			typed, (uintmax_t)run->sent);
	err_hint(&why, "it is not an echo server, or it changes what it echoes");
	ask_fail(&run->ask, &why);
}

static void echo_cut_short(struct echo_run *run)
{
	struct err why = {0};

	err_set(&why, ERR_LOST, "%s: the answer ended after %ju bytes of %ju",
		run->ask.client.dial.typed, (uintmax_t)run->returned, (uintmax_t)run->sent);
	err_hint(&why, "the server stopped before it had echoed everything");
	ask_fail(&run->ask, &why);
}

/* A part of the answer, as it comes. One to arguments, which is not longer than they are, is held
 * until its end: many an `echo` at once may write to one pipe, and keeps its line whole. */
static int echo_show(struct echo_run *run, struct span in)
{
	struct ask *a = &run->ask;

	if (!a->answers.to || run->conf->client.talk.json)
		return 0;
	if (!run->has_text)
		return screen_write(&a->screen, in);
	if (buf_add(&run->answer, in) < 0)
		ask_out_of_memory(a, "echo");
	return 0;
}

static int echo_said(struct ask *a, struct span in)
{
	struct echo_run *run = echo_run_of(a);
	const struct span expected = buf_span(&run->pending);
	int verdict = echo_show(run, in);

	if (!span_starts_with(expected, in)) {
		run->identical = false;
		echo_differs(run, in, expected);
		run->returned += in.len;
		return verdict;
	}
	run->returned += in.len;
	if (run->whole && in.len < expected.len) {
		echo_cut_short(run);
		return verdict;
	}
	buf_take(&run->pending, in.len);
	if (a->held && run->pending.len < PENDING_MAX_BYTES / 2)
		ask_go_on(a);
	echo_review(a);
	return verdict;
}

static void echo_ended(struct ask *a)
{
	struct echo_run *run = echo_run_of(a);

	if (!run->finished)
		echo_cut_short(run);
}

/* ---- the report ---- */

static void echo_write_json(struct echo_run *run)
{
	struct json j = {0};

	json_open(&j);
	json_event(&j, "echo");
	json_str(&j, "address", span_of(run->ask.client.dial.typed));
	json_int(&j, "sent", (int64_t)run->sent);
	json_int(&j, "received", (int64_t)run->returned);
	json_bool(&j, "identical", run->identical && run->finished);
	if (run->finished)
		json_num(&j, "time_ms", (double)(run->ended_ns - run->began_ns) / 1e6);
	json_close(&j);
	if (!j.failed)
		conn_write(run->ask.answers.to, buf_span(&j.out));
	buf_free(&j.out);
}

/* What was held back of the answer, and the newline that arguments get. */
static void echo_put_rest(struct echo_run *run)
{
	struct ask *a = &run->ask;

	if (run->has_text && (run->returned || !a->client.verdict.kind) &&
		buf_puts(&run->answer, "\n") < 0)
		ask_out_of_memory(a, "echo");
	screen_write(&a->screen, buf_span(&run->answer));
	screen_end(&a->screen);
}

/* The connection is over: what is left is the end of the report. */
static void echo_over(struct ask *a, const struct err *why)
{
	struct echo_run *run = echo_run_of(a);

	if (!run->finished)
		client_blame(&a->client, why);
	if (run->conf->client.talk.json)
		echo_write_json(run);
	else
		echo_put_rest(run);
}

/* ---- the run ---- */

static int echo_prepare(struct echo_run *run, const struct opt_args *args, struct err *err)
{
	struct ask *a = &run->ask;

	a->what = "answer";
	a->unanswered = FACT_NO_ECHO;
	a->asking = echo_asking;
	a->asked_all = echo_review;
	a->said = echo_said;
	a->ended = echo_ended;
	a->over = echo_over;
	a->screen.raw = run->conf->raw;
	run->identical = true;
	run->has_text = args->count > 0;
	if (timer_init(&a->client.loop, &run->settle, echo_on_settle) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return ask_words(a, args, err);
}

static int echo_compare(struct reporter *to, const struct echo_conf *conf,
	const struct opt_args *args, struct err *err)
{
	struct echo_run run = {.conf = conf};
	int rc = -1;

	if (ask_init(&run.ask, to, &conf->client, err) < 0)
		return -1;
	if (echo_prepare(&run, args, err) == 0 && ask_aim(&run.ask, "echo", err) == 0) {
		run.whole = run.ask.client.where.via->message_max;
		run.ask.streams = !run.whole;
		rc = ask_run(&run.ask, !run.has_text, err);
	}
	ask_free(&run.ask);
	buf_free(&run.pending);
	buf_free(&run.answer);
	return rc;
}

static int echo_check(
	void *conf, const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	const struct echo_conf *echo = conf;

	if (echo_measure_asked(set, args) && echo_measure_check(&echo->measure, set, args, err) < 0)
		return -1;
	return client_check(&echo->client, "echo", NULL, err);
}

static int echo_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct echo_conf *echo = conf;

	if (echo_measure_asked(set, args))
		return echo_measure(to, &echo->client, &echo->measure, set, args, err);
	return echo_compare(to, echo, args, err);
}

const struct command command_echo = {
	.name = "echo",
	.summary = "send a text, check what comes back; or measure round trips",
	.purpose = "Send TEXT, its words joined by one space, or standard input to an echo server, "
		   "print what comes back and compare it: status 4 if it is cut short, 9 if it "
		   "differs. With --count, --duration and the like, measure round trips.",
	.usage = {"[OPTION...] [TEXT...]", "[OPTION...] --count N | --duration DUR"},
	.examples = {{"sockx echo -H example.org -p echo hi", "try an echo server"},
		{"sockx echo -u --count 9", "nine round trips, one a second"},
		{"sockx echo --connections 50 --duration 5s", "put a load on a server"}},
	.words = WORDS_TEXT,
	.options = echo_options,
	.check = echo_check,
	.run = echo_command,
};
