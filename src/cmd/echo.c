/* sockx echo: send a text or standard input, print what comes back, and check that it is the same.
 */
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "cmd/client.h"
#include "cmd/commands.h"
#include "cmd/echo_measure.h"
#include "tty/screen.h"

enum {
	/* Sent and not yet back: kept to compare. A server that waits for all of a longer input
	 * before it answers is told so by a time limit. */
	PENDING_MAX_BYTES = 64 << 20,
	/* Standard input that is to be one message; the kernel takes less. */
	MESSAGE_MAX_BYTES = 4 << 20,
};

struct echo_conf {
	struct client_conf client; /* first: see struct talk_conf */
	struct measure_conf measure;
	int64_t settle_ms;
	bool raw;
};

struct echo_run {
	struct client client;
	const struct echo_conf *conf;
	struct conn_owner in_owner, out_owner;
	struct conn *in, *out; /* NULL: none (any more) */
	struct screen screen;  /* out, as the peer's bytes reach it */
	struct buf text;       /* what the arguments say, or standard input if it is one message */
	struct buf pending;    /* sent, and not yet come back */
	struct buf answer;     /* to arguments: put out at its end, in one write with its newline */
	struct timer settle;   /* all is sent, and nothing comes: perhaps it waits for our end */
	struct timer first;    /* --connect-timeout, for the first byte of the answer */
	uint64_t sent, returned;
	int64_t began_ns, ended_ns;
	bool has_text, input_over, identical, finished;
	bool whole;    /* text is one message, and so is the answer */
	bool answered; /* ... which has come */
};

static const struct opt echo_rows[] = {
	{.name = "settle",
		.kind = OPT_MSEC,
		OPT_FIELD(struct echo_conf, settle_ms),
		.arg = "DUR",
		.fallback = "100ms",
		.help = "end our side when the answer is incomplete and silent for DUR"},
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

static void fail(struct echo_run *run, const struct err *why)
{
	client_blame(&run->client, why);
	if (run->client.net)
		conn_abort(run->client.net);
}

/* All has come back: say that we are done, and see that nothing follows. */
static void complete(struct echo_run *run)
{
	run->finished = true;
	run->ended_ns = clock_ns();
	if (conn_connectionless(run->client.net))
		conn_close(run->client.net, 0);
	else
		conn_finish(run->client.net);
	timer_set_in(&run->client.loop, &run->settle, CONN_LINGER_MS);
}

/* Everything is on its way; what does the other side make of it? */
static void look_at_progress(struct echo_run *run)
{
	if (!run->input_over || run->finished || conn_queued(run->client.net))
		return;
	if (run->whole ? run->answered : run->pending.len == 0)
		complete(run);
	else if (!conn_connectionless(run->client.net))
		timer_set_in(&run->client.loop, &run->settle, run->conf->settle_ms);
}

static void on_settle(struct timer *t)
{
	struct echo_run *run = container_of(t, struct echo_run, settle);

	if (!run->client.net)
		return;
	if (run->finished)
		conn_close(run->client.net, 0);
	else
		conn_finish(run->client.net);
}

/* Nothing of the answer yet: the time runs from when we last sent something of the question. */
static void on_first(struct timer *t)
{
	struct echo_run *run = container_of(t, struct echo_run, first);
	int64_t wait_ms = run->conf->client.connect_timeout_ms, since_ms;
	struct err why = {0};

	if (!run->client.net || run->returned || run->answered || run->finished)
		return;
	since_ms = conn_sent(run->client.net) || run->input_over ? conn_active_ms(run->client.net)
	                                                         : run->client.loop.now_ms;
	if (since_ms + wait_ms > run->client.loop.now_ms) {
		timer_set(&run->client.loop, &run->first, since_ms + wait_ms);
		return;
	}
	err_set(&why, ERR_TIMEOUT, "%s: no answer within %jd ms", run->client.typed,
		(intmax_t)wait_ms);
	err_fact(&why, FACT_NO_ECHO, NULL);
	fail(run, &why);
}

/* Returns as conn_write. */
static int send_and_keep(struct echo_run *run, struct span out)
{
	if (buf_add(&run->pending, out) < 0) {
		fail(run, &(struct err){ERR_RUNTIME, .what = "echo: out of memory"});
		return -1;
	}
	run->sent += out.len;
	return conn_write(run->client.net, out);
}

/* All of the text is there: send it. */
static void send_text(struct echo_run *run)
{
	send_and_keep(run, buf_span(&run->text));
	run->input_over = true;
	look_at_progress(run);
}

static void net_open(struct conn *c)
{
	struct echo_run *run = conn_ctx(c);

	run->began_ns = clock_ns();
	if (run->conf->client.connect_timeout_ms)
		timer_set_in(&run->client.loop, &run->first, run->conf->client.connect_timeout_ms);
	if (run->has_text)
		send_text(run);
	else
		conn_resume(run->in);
}

static void differs(struct echo_run *run, struct span in, struct span expected)
{
	struct err why = {0};
	size_t at = 0;

	while (at < in.len && at < expected.len && in.data[at] == expected.data[at])
		at++;
	if (at < expected.len)
		err_set(&why, ERR_WRONG,
			"%s: the answer differs at byte %ju: sent 0x%02x, got 0x%02x",
			run->client.typed, (uintmax_t)(run->returned + at + 1), expected.data[at],
			in.data[at]);
	else
		err_set(&why, ERR_WRONG, "%s: the answer has bytes behind the %ju that were sent",
			run->client.typed, (uintmax_t)run->sent);
	err_hint(&why, "whoever answers there is no echo server, or changes what it echoes");
	fail(run, &why);
}

static void cut_short(struct echo_run *run)
{
	struct err why = {0};

	err_set(&why, ERR_LOST, "%s: the answer ended after %ju bytes of %ju", run->client.typed,
		(uintmax_t)run->returned, (uintmax_t)run->sent);
	err_hint(&why, "the server stopped before it had echoed everything");
	fail(run, &why);
}

/* A part of the answer, as it comes. One to arguments, which is not longer than they are, is held
 * until its end: many an `echo` at once may write to one pipe, and keeps its line whole. */
static void show(struct echo_run *run, struct span in)
{
	if (!run->out || run->conf->client.talk.json)
		return;
	if (run->has_text && buf_add(&run->answer, in) < 0)
		fail(run, &(struct err){ERR_RUNTIME, .what = "echo: out of memory"});
	else if (!run->has_text && screen_write(&run->screen, in) < 0)
		conn_pause(run->client.net);
}

static void net_data(struct conn *c, struct span in)
{
	struct echo_run *run = conn_ctx(c);
	const struct span expected = buf_span(&run->pending);

	show(run, in);
	if (!span_starts_with(expected, in)) {
		run->identical = false;
		differs(run, in, expected);
		run->returned += in.len;
		return;
	}
	run->returned += in.len;
	run->answered = true;
	if (run->whole && in.len < expected.len) {
		cut_short(run);
		return;
	}
	buf_take(&run->pending, in.len);
	if (run->in && run->pending.len < PENDING_MAX_BYTES / 2 && conn_queued(c) == 0)
		conn_resume(run->in);
	look_at_progress(run);
}

static void net_drained(struct conn *c)
{
	struct echo_run *run = conn_ctx(c);

	if (run->in && run->pending.len < PENDING_MAX_BYTES)
		conn_resume(run->in);
	look_at_progress(run);
}

static void net_eof(struct conn *c)
{
	struct echo_run *run = conn_ctx(c);

	conn_finish(c);
	if (!run->finished)
		cut_short(run);
}

static const struct handler net_handler = {
	.open = net_open, .data = net_data, .drained = net_drained, .eof = net_eof};

/* ---- standard input and output ---- */

/* A part of what will be one message. */
static void collect(struct echo_run *run, struct span in)
{
	struct err why = {0};

	if (run->text.len + in.len <= MESSAGE_MAX_BYTES && buf_add(&run->text, in) == 0)
		return;
	err_set(&why, ERR_RUNTIME, "standard input is too long for one datagram");
	err_hint(&why, "at most %zu bytes pass everywhere; over TCP there is no limit",
		run->client.where.via->message_max);
	fail(run, &why);
}

static void in_data(struct conn *c, struct span in)
{
	struct echo_run *run = conn_ctx(c);

	if (run->whole)
		collect(run, in);
	else if (!run->client.net || send_and_keep(run, in) < 0 ||
		 run->pending.len >= PENDING_MAX_BYTES)
		conn_pause(c);
}

static void in_eof(struct conn *c)
{
	struct echo_run *run = conn_ctx(c);

	if (run->whole && run->client.net) {
		send_text(run);
		return;
	}
	run->input_over = true;
	if (run->client.net)
		look_at_progress(run);
}

static void in_closed(struct conn *c, const struct err *why)
{
	struct echo_run *run = conn_ctx(c);

	run->in = NULL;
	if (why)
		fail(run, why);
}

static void out_drained(struct conn *c)
{
	struct echo_run *run = conn_ctx(c);

	if (run->client.net)
		conn_resume(run->client.net);
}

static void out_closed(struct conn *c, const struct err *why)
{
	struct echo_run *run = conn_ctx(c);

	run->out = NULL;
	client_blame(&run->client, why);
	client_stop(&run->client);
}

static const struct handler in_handler = {.data = in_data, .eof = in_eof, .closed = in_closed};
static const struct handler out_handler = {.drained = out_drained, .closed = out_closed};

/* ---- the report ---- */

static void write_json_report(struct echo_run *run)
{
	struct json j = {0};

	json_open(&j);
	json_str(&j, "event", span_of("echo"));
	json_str(&j, "address", span_of(run->client.typed));
	json_int(&j, "sent", (int64_t)run->sent);
	json_int(&j, "received", (int64_t)run->returned);
	json_bool(&j, "identical", run->identical && run->finished);
	if (run->finished)
		json_num(&j, "time_ms", (double)(run->ended_ns - run->began_ns) / 1e6);
	json_close(&j);
	if (!j.failed)
		conn_write(run->out, buf_span(&j.out));
	buf_free(&j.out);
}

/* What was held back of the answer, and the newline that arguments get. */
static void put_rest(struct echo_run *run)
{
	if (run->has_text && (run->returned || !run->client.verdict.kind) &&
		buf_puts(&run->answer, "\n") < 0)
		client_blame(
			&run->client, &(struct err){ERR_RUNTIME, .what = "echo: out of memory"});
	screen_write(&run->screen, buf_span(&run->answer));
	screen_end(&run->screen);
}

/* The connection is over: what is left is the end of the report. */
static void on_over(struct client *client, const struct err *why)
{
	struct echo_run *run = container_of(client, struct echo_run, client);

	if (!run->finished)
		client_blame(client, why);
	if (!run->out)
		return;
	if (run->conf->client.talk.json)
		write_json_report(run);
	else
		put_rest(run);
	conn_finish(run->out);
}

/* ---- the run ---- */

static int join_words(const struct opt_args *args, struct buf *out)
{
	for (size_t i = 0; i < args->count; i++)
		if ((i && buf_puts(out, " ") < 0) || buf_puts(out, args->words[i]) < 0)
			return -1;
	return 0;
}

static int prepare(struct echo_run *run, const struct opt_args *args, struct err *err)
{
	struct loop *loop = &run->client.loop;

	run->client.over = on_over;
	run->client.mode = "echo";
	run->identical = true;
	run->has_text = args->count > 0;
	run->whole = run->client.where.via->message_max;
	if (join_words(args, &run->text) < 0 || timer_init(loop, &run->settle, on_settle) < 0 ||
		timer_init(loop, &run->first, on_first) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	run->out = client_std(&run->client, 1, &run->out_owner, &out_handler, run);
	run->screen = (struct screen){.out = run->out, .raw = run->conf->raw};
	if (!run->has_text)
		run->in = client_std(&run->client, 0, &run->in_owner, &in_handler, run);
	if (!run->out || (!run->has_text && !run->in))
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return 0;
}

static int compare(struct reporter *to, const struct echo_conf *conf, const struct opt_args *args,
	struct err *err)
{
	struct echo_run run = {.conf = conf};
	int rc = -1;

	if (client_init(&run.client, to, &run.conf->client, &net_handler, &run, err) < 0)
		return -1;
	if (client_aim(&run.client, "echo", NULL, err) == 0 && prepare(&run, args, err) == 0)
		rc = client_run(&run.client, err);
	if (run.in)
		conn_owner_free(&run.in_owner);
	if (run.out)
		conn_owner_free(&run.out_owner);
	buf_free(&run.text);
	buf_free(&run.pending);
	buf_free(&run.answer);
	client_free(&run.client);
	return rc;
}

static int echo_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct echo_conf *echo = conf;

	if (echo_measure_asked(set, args))
		return echo_measure(to, &echo->client, &echo->measure, set, args, err);
	return compare(to, echo, args, err);
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
	.run = echo_command,
};
