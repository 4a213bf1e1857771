#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "report/trace.h"

/*
 *   0.000312  1  send(5, "hello\n", 6) = 6                             ESTABLISHED
 *   0.000401  1  shutdown(5, SHUT_WR) = 0                              ESTABLISHED -> FIN_WAIT_2
 *
 * Seconds since the trace began, the connection's number in reports, the call and what it returned,
 * and the TCP state, before and after where they differ. At most 100 columns, but for long paths.
 * A message of TLS has its direction before its name: calls have none, and end their name in "(".
 *
 *   0.004123  1 > ClientHello, 512 bytes
 *
 * On a terminal the time is dim, a state cyan, and the error of a call red.
 */

enum {
	STATE_COLUMN = 73,
	DATA_MOST = 24, /* bytes that are shown, where there is room */
	DATA_LEAST = 8,
};

/* ECMA-48 SGR. */
#define TRACE_CYAN "\033[36m"
#define TRACE_RED  "\033[31m"

/* A line that is being made. */
struct trace_text_line {
	struct buf text;
	size_t hidden; /* bytes of it that take no column */
	bool colour;
};

static int trace_text_paint(struct trace_text_line *line, const char *code)
{
	if (!line->colour)
		return 0;
	line->hidden += strlen(code);
	return buf_puts(&line->text, code);
}

static size_t trace_text_column(const struct trace_text_line *line)
{
	return line->text.len - line->hidden;
}

/* A call that would have had to wait has not failed. */
static int trace_text_result(struct trace_text_line *line, const struct call *call)
{
	const bool red = call->error && call->error != EAGAIN && call->error != EINPROGRESS;

	if (call->rc >= 0)
		return buf_printf(&line->text, " = %jd", (intmax_t)call->rc);
	if (buf_puts(&line->text, " = -1 ") < 0 || (red && trace_text_paint(line, TRACE_RED) < 0) ||
		buf_puts(&line->text, call->error_name) < 0)
		return -1;
	return red ? trace_text_paint(line, TRACE_PLAIN) : 0;
}

/* "ESTABLISHED -> FIN_WAIT_1", "LISTEN, queue 1/2", or nothing. */
static int trace_text_state(struct buf *out, const struct call *call)
{
	struct trace_state_shown before = trace_state_text(call->before),
				 after = trace_state_text(call->after);
	bool changed = before.text[0] && after.text[0] && strcmp(before.text, after.text) != 0;

	if (changed && buf_printf(out, "%s -> ", before.text) < 0)
		return -1;
	if (buf_puts(out, after.text) < 0)
		return -1;
	if (!call->queue.most)
		return 0;
	return buf_printf(out, "%squeue %u/%u", after.text[0] ? ", " : "", call->queue.waiting,
		call->queue.most);
}

/* How many bytes the result takes. */
static size_t trace_text_result_len(const struct call *call)
{
	struct trace_text_line line = {0};
	size_t len = trace_text_result(&line, call) < 0 ? 0 : line.text.len;

	buf_free(&line.text);
	return len;
}

/* As much of the data as leaves the columns aligned. */
static int trace_text_fit(struct trace_text_line *line, const struct call *call)
{
	const size_t taken = trace_text_column(line) + trace_text_result_len(call);
	size_t data_most = DATA_MOST;

	for (;;) {
		struct buf made = {0};
		int rc = trace_add_call(&made, call, data_most);
		bool fits = taken + made.len <= STATE_COLUMN - 1;

		if (rc == 0 && (fits || !call->data.len || data_most <= DATA_LEAST))
			rc = buf_add(&line->text, buf_span(&made)) < 0 ? -1 : 1;
		buf_free(&made);
		if (rc)
			return rc < 0 ? -1 : trace_text_result(line, call);
		data_most /= 2;
	}
}

/* Where the call reaches into the column of states, they stand on the next line. */
static int trace_text_place(struct trace_text_line *line, const struct call *call)
{
	const size_t column = trace_text_column(line);
	const bool next = column >= STATE_COLUMN;
	struct buf state = {0};
	int rc = trace_text_state(&state, call);

	if (rc == 0 && state.len)
		rc = buf_printf(&line->text, "%s%*s", next ? "\n" : "",
			(int)(STATE_COLUMN - (next ? 0 : column)), "");
	if (rc == 0 && state.len)
		rc = trace_text_paint(line, TRACE_CYAN);
	if (rc == 0 && state.len)
		rc = buf_add(&line->text, buf_span(&state));
	if (rc == 0 && state.len)
		rc = trace_text_paint(line, TRACE_PLAIN);
	buf_free(&state);
	return rc;
}

static int trace_text_begin(
	struct trace_text_line *line, struct trace *t, const struct trace_socket *socket)
{
	char conn[24] = "-";

	if (socket && socket->conn)
		snprintf(conn, sizeof(conn), "%ju", (uintmax_t)socket->conn);
	if (trace_text_paint(line, TRACE_DIM) < 0 ||
		buf_puts(&line->text, trace_time_text(trace_now_ns(t)).text) < 0 ||
		trace_text_paint(line, TRACE_PLAIN) < 0)
		return -1;
	return buf_printf(&line->text, " %2s ", conn);
}

/* rc: how making it went. */
static void trace_text_end(struct trace *t, struct trace_text_line *line, int rc)
{
	if (rc < 0 || buf_puts(&line->text, "\n") < 0)
		t->to->dropped++;
	else
		report_line(t->to, buf_span(&line->text));
	buf_free(&line->text);
}

static void trace_text_show(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	struct trace_text_line line = {.colour = t->to->colour};
	int rc = trace_text_begin(&line, t, socket);

	(void)arg;
	if (rc == 0)
		rc = trace_text_fit(&line, call);
	if (rc == 0)
		rc = trace_text_place(&line, call);
	trace_text_end(t, &line, rc);
}

static void trace_text_event(struct trace *t, void *arg, const struct trace_event *event,
	const struct trace_socket *socket)
{
	struct trace_text_line line = {.colour = t->to->colour};
	int rc = trace_text_begin(&line, t, socket);

	(void)arg;
	if (rc == 0)
		rc = trace_add_event(&line.text, event);
	trace_text_end(t, &line, rc);
}

const struct trace_form trace_text = {.call = trace_text_show, .event = trace_text_event};
