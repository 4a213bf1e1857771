#include "cmd/ask.h"

#include "base/escape.h"
#include "transport/fd.h"
#include "tty/terminal.h"

enum {
	PIECE_BYTES = 256 * 1024,            /* of the question, passed on at a time */
	HEAD_BYTES = 256,                    /* of the answer, kept to know a refusal by */
	MESSAGE_MAX_BYTES = 4 * 1024 * 1024, /* of one message: the kernel takes less */
};

void ask_fail(struct ask *a, const struct err *why)
{
	client_blame(&a->client, why);
	if (!a->client.net)
		return;
	if (why->kind == ERR_TIMEOUT)
		conn_abort(a->client.net);
	else
		conn_fail(a->client.net);
}

void ask_out_of_memory(struct ask *a, const char *command)
{
	struct err why = {0};

	err_set(&why, ERR_RUNTIME, "%s: out of memory", command);
	ask_fail(a, &why);
}

/* ---- the question ---- */

static int ask_send(struct ask *a, struct span part)
{
	a->held = a->asking && a->asking(a, part) < 0;
	return conn_write(a->client.net, part) < 0 || a->held ? -1 : 0;
}

static void ask_review(struct ask *a)
{
	if (!a->passed_on)
		return;
	if (a->asked_all)
		a->asked_all(a);
	else if (!conn_connectionless(a->client.net))
		conn_finish(a->client.net);
}

/* Pass on what the kernel takes; then say that this was all. Where that is all that is to be said,
 * and there is an end to say it by, no message is sent for it. */
static void ask_send_more(struct ask *a)
{
	struct conn *net = a->client.net;
	size_t most = conn_message_max(net) ? a->question.len : PIECE_BYTES;
	bool silent = !a->question.len && !a->asked_all && !conn_connectionless(net);
	bool more = !silent;

	if (!a->complete || a->passed_on || a->held)
		return;
	while (more) {
		struct span piece = span_from(buf_span(&a->question), a->asked);

		if (piece.len > most)
			piece.len = most;
		a->asked += piece.len;
		more = ask_send(a, piece) == 0 && a->asked < a->question.len;
	}
	a->passed_on = a->asked == a->question.len;
	ask_review(a);
}

void ask_go_on(struct ask *a)
{
	a->held = false;
	if (!a->client.net)
		return;
	ask_send_more(a);
	join_go_on(&a->asks);
}

/* Nothing of the answer yet: the time runs from when something of the question last moved. */
static void ask_on_first(struct timer *t)
{
	struct ask *a = container_of(t, struct ask, first);
	int64_t wait_ms = a->client.conf->connect_timeout_ms, due_ms;
	struct err why = {0};
	bool moved;

	if (!a->client.net || a->answered)
		return;
	moved = a->complete || conn_sent(a->client.net);
	due_ms = wait_ms + (moved ? conn_active_ms(a->client.net) : a->client.loop.now_ms);
	if (due_ms > a->client.loop.now_ms) {
		timer_set(&a->client.loop, &a->first, due_ms);
		return;
	}
	err_set(&why, ERR_TIMEOUT, "%s: no %s within %jd ms", a->client.dial.typed, a->what,
		(intmax_t)wait_ms);
	if (a->unanswered)
		err_fact(&why, a->unanswered, NULL);
	else
		err_hint(&why, "is it the right kind of server? to wait longer: -w DURATION");
	ask_fail(a, &why);
}

static void ask_net_open(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	a->answers.from = c;
	if (a->client.conf->connect_timeout_ms > 0)
		timer_set_in(&a->client.loop, &a->first, a->client.conf->connect_timeout_ms);
	join_begin(&a->asks, c);
	ask_send_more(a);
}

static void ask_net_drained(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	if (!a->held)
		ask_go_on(a);
	ask_review(a);
}

/* A question that is not sent as it comes is kept until it is whole. */
static int ask_gather(struct ask *a, struct span in)
{
	struct err why = {0};

	if (a->client.where.via->message_max && a->question.len + in.len > MESSAGE_MAX_BYTES) {
		err_set(&why, ERR_RUNTIME, "standard input is too long for one message");
		err_hint(&why, "at most %zu bytes pass everywhere; over TCP there is no limit",
			a->client.where.via->message_max);
		ask_fail(a, &why);
	} else if (buf_add(&a->question, in) < 0) {
		ask_out_of_memory(a, "standard input");
	}
	return 0;
}

static int ask_pass(struct join *j, struct span in)
{
	struct ask *a = j->arg;

	if (!a->streams)
		return ask_gather(a, in);
	return a->client.net ? ask_send(a, in) : -1;
}

static void ask_input_ended(struct join *j)
{
	struct ask *a = j->arg;

	a->complete = true;
	if (a->client.net)
		ask_send_more(a);
}

static void ask_input_closed(struct join *j, const struct err *why)
{
	if (why)
		ask_fail(j->arg, why);
}

static const struct join_on ask_asks = {
	.gathers = true, .pass = ask_pass, .ended = ask_input_ended, .closed = ask_input_closed};

/* ---- the answer ---- */

static int ask_said(struct join *j, struct span in)
{
	struct ask *a = j->arg;

	return a->said(a, in);
}

static void ask_net_data(struct conn *c, struct span in)
{
	struct ask *a = conn_ctx(c);
	struct span start = in;

	a->answered = true;
	if (start.len > HEAD_BYTES - a->head.len)
		start.len = HEAD_BYTES - a->head.len;
	if (buf_add(&a->head, start) < 0)
		ask_fail(a, &(struct err){ERR_RUNTIME, .what = "out of memory"});
	else
		join_data(&a->answers, in);
	if (conn_connectionless(c))
		conn_close(c, 0);
}

static void ask_net_later(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	if (a->quiet && a->quiet(a) < 0)
		conn_pause(c);
}

static void ask_net_eof(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	conn_finish(c);
	if (a->ended)
		a->ended(a);
}

static void ask_net_closed(struct conn *c, const struct err *why)
{
	struct ask *a = conn_ctx(c);

	(void)why; /* over has it */
	a->answers.from = NULL;
	join_stop(&a->asks);
}

static const struct handler ask_net = {.open = ask_net_open,
	.data = ask_net_data,
	.drained = ask_net_drained,
	.later = ask_net_later,
	.eof = ask_net_eof,
	.closed = ask_net_closed};

/* What is left is put out a part at a time, as standard output takes it. */
static void ask_put_rest(struct ask *a)
{
	if (a->more && a->more(a))
		conn_want_drained(a->answers.to);
	else
		join_close(&a->answers);
}

static void ask_output_drained(struct join *j)
{
	struct ask *a = j->arg;

	if (a->finishing && !conn_finished(j->to))
		ask_put_rest(a);
}

static void ask_output_closed(struct join *j, const struct err *why)
{
	struct ask *a = j->arg;

	client_blame(&a->client, why);
	if (why && a->client.net)
		conn_fail(a->client.net);
	else
		client_stop(&a->client);
}

static const struct join_on ask_answers = {.gathers = true,
	.pass = ask_said,
	.drained = ask_output_drained,
	.closed = ask_output_closed};

static const char ask_refusal[] = "error: ";

/* Whether the answer is one line that begins with "error: ". */
static bool ask_is_refusal(const struct ask *a)
{
	const struct span head = buf_span(&a->head);

	return head.len && head.len < HEAD_BYTES && span_starts_with(head, span_of(ask_refusal)) &&
	       memchr(head.data, '\n', head.len) == head.data + head.len - 1;
}

void ask_judge(struct ask *a, const struct err *why)
{
	struct err wrong = {0};
	struct span said = buf_span(&a->head);

	/* A refusal says more than the reset that may follow, where much was still to be sent. */
	if (ask_is_refusal(a)) {
		said.len--;
		said = span_from(said, strlen(ask_refusal));
		err_set(&wrong, ERR_WRONG, "%s: the server refused: %s", a->client.dial.typed,
			quoted_span(said).text);
		err_hint(&wrong, "it refused what was sent; it goes on serving others");
	} else if (!a->head.len) {
		err_set(&wrong, ERR_WRONG, "%s: the %s is empty", a->client.dial.typed, a->what);
		err_hint(&wrong, "the server closed without answering");
		client_blame(&a->client, why);
	}
	client_blame(&a->client, wrong.kind ? &wrong : why);
}

static void ask_on_over(struct client *client, const struct err *why)
{
	struct ask *a = container_of(client, struct ask, client);

	if (!a->answers.to)
		client_stop(client);
	if (!a->answers.to || a->finishing)
		return;
	a->finishing = true;
	a->over(a, why);
	ask_put_rest(a);
}

/* ---- the run ---- */

int ask_init(struct ask *a, struct reporter *to, const struct client_conf *conf, struct err *err)
{
	*a = (struct ask){0};
	if (client_init(&a->client, to, conf, &ask_net, a, err) < 0)
		return -1;
	a->client.over = ask_on_over;
	if (timer_init(&a->client.loop, &a->first, ask_on_first) == 0)
		return 0;
	client_free(&a->client);
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

int ask_aim(struct ask *a, const char *command, struct err *err)
{
	a->client.mode = command;
	return client_aim(&a->client, command, NULL, err);
}

int ask_run(struct ask *a, bool from_input, struct err *err)
{
	a->complete = !from_input;
	a->answers = (struct join){.on = &ask_answers, .arg = a};
	a->asks = (struct join){.on = &ask_asks, .arg = a};
	if (join_open(&a->answers, &standard_output, &a->client.owner, fd_open) < 0 ||
		(from_input && join_open(&a->asks, &standard_input, &a->client.owner, fd_open) < 0))
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	a->screen.out = a->answers.to;
	if (conn_is_terminal(a->screen.out) && terminal_is_shared())
		a->screen.shares = a->client.to;
	if (from_input && a->client.conf->talk.progress >= 0)
		a->client.input_size = progress_input_size();
	if (client_run(&a->client, err) == 0)
		return 0;
	ask_hint_words(a, err);
	return -1;
}

void ask_free(struct ask *a)
{
	join_free(&a->asks);
	join_free(&a->answers);
	timer_free(&a->client.loop, &a->first);
	buf_free(&a->question);
	buf_free(&a->head);
	client_free(&a->client);
}
