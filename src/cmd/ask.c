#include "cmd/ask.h"

#include "base/escape.h"

enum {
	PIECE_BYTES = 256 * 1024,            /* of the question, passed on at a time */
	HEAD_BYTES = 256,                    /* of the answer, kept to know a refusal by */
	MESSAGE_MAX_BYTES = 4 * 1024 * 1024, /* of one message: the kernel takes less */
};

void ask_fail(struct ask *a, const struct err *why)
{
	client_blame(&a->client, why);
	if (a->client.net)
		conn_abort(a->client.net);
}

/* ---- the question ---- */

/* Pass on what the kernel takes; then say that this was all. A question of no bytes is nothing but
 * that, except for a peer that only a datagram tells of us. */
static void send_more(struct ask *a)
{
	struct conn *net = a->client.net;
	size_t most = conn_message_max(net) ? a->question.len : PIECE_BYTES;
	bool silent = !a->question.len && !conn_connectionless(net), more = true;

	if (!a->complete || a->passed_on)
		return;
	while (more && !silent) {
		struct span piece = span_from(buf_span(&a->question), a->asked);

		if (piece.len > most)
			piece.len = most;
		a->asked += piece.len;
		more = conn_write(net, piece) == 0 && a->asked < a->question.len;
	}
	a->passed_on = a->asked == a->question.len;
	if (a->passed_on && !conn_connectionless(net))
		conn_finish(net);
}

/* Nothing of the answer yet: the time runs from when something of the question last moved. */
static void on_first(struct timer *t)
{
	struct ask *a = container_of(t, struct ask, first);
	int64_t wait_ms = a->client.conf->connect_timeout_ms, due_ms;
	struct err why = {0};

	if (!a->client.net || a->answered)
		return;
	due_ms = wait_ms + (a->complete ? conn_active_ms(a->client.net) : a->client.loop.now_ms);
	if (due_ms > a->client.loop.now_ms) {
		timer_set(&a->client.loop, &a->first, due_ms);
		return;
	}
	err_set(&why, ERR_TIMEOUT, "%s: no %s within %jd ms", a->client.typed, a->what,
		(intmax_t)wait_ms);
	err_hint(&why, "is a server for it there? to wait longer: -w DURATION");
	ask_fail(a, &why);
}

static void net_open(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	if (a->client.conf->connect_timeout_ms > 0)
		timer_set_in(&a->client.loop, &a->first, a->client.conf->connect_timeout_ms);
	if (a->in)
		conn_resume(a->in);
	send_more(a);
}

static void net_drained(struct conn *c)
{
	send_more(conn_ctx(c));
}

static void in_data(struct conn *c, struct span in)
{
	struct ask *a = conn_ctx(c);
	struct err why = {0};

	if (a->client.where.via->message_max && a->question.len + in.len > MESSAGE_MAX_BYTES) {
		err_set(&why, ERR_RUNTIME, "standard input is too long for one message");
		err_hint(&why, "at most %zu bytes pass everywhere; over TCP there is no limit",
			a->client.where.via->message_max);
		ask_fail(a, &why);
	} else if (buf_add(&a->question, in) < 0) {
		err_set(&why, ERR_RUNTIME, "standard input: out of memory");
		ask_fail(a, &why);
	}
}

static void in_eof(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	a->complete = true;
	if (a->client.net)
		send_more(a);
}

static void in_closed(struct conn *c, const struct err *why)
{
	struct ask *a = conn_ctx(c);

	a->in = NULL;
	if (why)
		ask_fail(a, why);
}

static const struct handler in_handler = {.data = in_data, .eof = in_eof, .closed = in_closed};

/* ---- the answer ---- */

static void net_data(struct conn *c, struct span in)
{
	struct ask *a = conn_ctx(c);
	struct span start = in;

	a->answered = true;
	if (start.len > HEAD_BYTES - a->head.len)
		start.len = HEAD_BYTES - a->head.len;
	if (buf_add(&a->head, start) < 0)
		ask_fail(a, &(struct err){ERR_RUNTIME, .what = "out of memory"});
	else if (a->said(a, in) < 0)
		conn_pause(c);
	if (conn_connectionless(c))
		conn_close(c, 0);
}

static void net_later(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	if (a->quiet && a->quiet(a) < 0)
		conn_pause(c);
}

static const struct handler net_handler = {
	.open = net_open, .data = net_data, .drained = net_drained, .later = net_later};

/* What is left is put out a part at a time, as standard output takes it. */
static void put_rest(struct ask *a)
{
	if (a->more && a->more(a))
		conn_want_drained(a->out);
	else
		conn_finish(a->out);
}

static void out_drained(struct conn *c)
{
	struct ask *a = conn_ctx(c);

	if (a->finishing && !conn_finished(c))
		put_rest(a);
	else if (a->client.net)
		conn_resume(a->client.net);
}

static void out_closed(struct conn *c, const struct err *why)
{
	struct ask *a = conn_ctx(c);

	a->out = NULL;
	client_blame(&a->client, why);
	client_stop(&a->client);
}

static const struct handler out_handler = {.drained = out_drained, .closed = out_closed};

static const char refusal[] = "error: ";

/* Whether the answer is one line that begins with "error: ". */
static bool is_refusal(const struct ask *a)
{
	const struct span head = buf_span(&a->head);

	return head.len && head.len < HEAD_BYTES && span_starts_with(head, span_of(refusal)) &&
	       memchr(head.data, '\n', head.len) == head.data + head.len - 1;
}

void ask_judge(struct ask *a, const struct err *why)
{
	struct err wrong = {0};
	struct span said = buf_span(&a->head);

	/* A refusal says more than the reset that may follow, where much was still to be sent. */
	if (is_refusal(a)) {
		said.len--;
		said = span_from(said, strlen(refusal));
		err_set(&wrong, ERR_WRONG, "%s: the server refused: %s", a->client.typed,
			quoted_span(said).text);
		err_hint(&wrong, "it serves others; what was sent here it would not take");
	} else if (!a->head.len) {
		err_set(&wrong, ERR_WRONG, "%s: the %s is empty", a->client.typed, a->what);
		err_hint(&wrong, "whoever answers there has nothing to say to this");
		client_blame(&a->client, why);
	}
	client_blame(&a->client, wrong.kind ? &wrong : why);
}

static void on_over(struct client *client, const struct err *why)
{
	struct ask *a = container_of(client, struct ask, client);

	if (!a->out || a->finishing)
		return;
	a->finishing = true;
	a->over(a, why);
	put_rest(a);
}

/* ---- the run ---- */

int ask_init(struct ask *a, struct reporter *to, const struct client_conf *conf, struct err *err)
{
	*a = (struct ask){0};
	if (client_init(&a->client, to, conf, &net_handler, a, err) < 0)
		return -1;
	a->client.over = on_over;
	if (timer_init(&a->client.loop, &a->first, on_first) == 0)
		return 0;
	client_free(&a->client);
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

int ask_words(struct ask *a, const struct opt_args *args, struct err *err)
{
	for (size_t i = 0; i < args->count; i++)
		if ((i && buf_puts(&a->question, " ") < 0) ||
			buf_puts(&a->question, args->words[i]) < 0)
			return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return 0;
}

int ask_run(struct ask *a, const char *command, bool from_input, struct err *err)
{
	if (client_aim(&a->client, command, NULL, err) < 0)
		return -1;
	a->client.mode = command;
	a->out = client_std(&a->client, 1, &a->out_owner, &out_handler, a);
	a->screen.out = a->out;
	a->complete = !from_input;
	if (from_input)
		a->in = client_std(&a->client, 0, &a->in_owner, &in_handler, a);
	if (!a->out || (from_input && !a->in))
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return client_run(&a->client, err);
}

void ask_free(struct ask *a)
{
	if (a->in)
		conn_owner_free(&a->in_owner);
	if (a->out)
		conn_owner_free(&a->out_owner);
	timer_free(&a->client.loop, &a->first);
	buf_free(&a->question);
	buf_free(&a->head);
	client_free(&a->client);
}
