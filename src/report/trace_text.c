#include <stdio.h>
#include <string.h>

#include "report/trace.h"

/*
 *   0.000312  1  send(5, "hello\n", 6) = 6                             ESTABLISHED
 *   0.000401  1  shutdown(5, SHUT_WR) = 0                              ESTABLISHED -> FIN_WAIT_2
 *
 * Seconds since the trace began, the connection's number in reports, the call and what it returned,
 * and the TCP state, before and after where they differ. At most 100 columns, but for long paths.
 */

enum {
	STATE_COLUMN = 73,
	DATA_MOST = 24, /* bytes that are shown, where there is room */
	DATA_LEAST = 8,
};

static int trace_text_result(struct buf *line, const struct call *call)
{
	if (call->rc < 0)
		return buf_printf(line, " = -1 %s", call->error_name);
	return buf_printf(line, " = %jd", (intmax_t)call->rc);
}

static int trace_text_call(struct buf *line, const struct call *call, size_t data_most)
{
	return trace_add_call(line, call, data_most) < 0 ? -1 : trace_text_result(line, call);
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

/* As much of the data as leaves the columns aligned. */
static int trace_text_fit(struct buf *line, const struct call *call)
{
	size_t data_most = DATA_MOST;
	const size_t begin = line->len;

	for (;;) {
		struct buf made = {0};
		int rc = trace_text_call(&made, call, data_most);
		bool fits = begin + made.len <= STATE_COLUMN - 1;

		if (rc == 0 && (fits || !call->data.len || data_most <= DATA_LEAST))
			rc = buf_add(line, buf_span(&made)) < 0 ? -1 : 1;
		buf_free(&made);
		if (rc)
			return rc < 0 ? -1 : 0;
		data_most /= 2;
	}
}

/* Where the call reaches into the column of states, they stand on the next line. */
static int trace_text_place(struct buf *line, const struct call *call)
{
	struct buf state = {0};
	int rc = trace_text_state(&state, call);

	if (rc == 0 && state.len)
		rc = line->len < STATE_COLUMN
		             ? buf_printf(line, "%*s", (int)(STATE_COLUMN - line->len), "")
		             : buf_printf(line, "\n%*s", STATE_COLUMN, "");
	if (rc == 0 && state.len)
		rc = buf_add(line, buf_span(&state));
	buf_free(&state);
	return rc;
}

static void trace_text_show(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	int64_t us = trace_now_ns(t) / 1000;
	char conn[24] = "-";
	struct buf line = {0};

	(void)arg;
	if (socket && socket->conn)
		snprintf(conn, sizeof(conn), "%ju", (uintmax_t)socket->conn);
	if (buf_printf(&line, "%3jd.%06jd %2s ", (intmax_t)(us / 1000000), (intmax_t)(us % 1000000),
		    conn) < 0 ||
		trace_text_fit(&line, call) < 0 || trace_text_place(&line, call) < 0 ||
		buf_puts(&line, "\n") < 0)
		t->to->dropped++;
	else
		report_line(t->to, buf_span(&line));
	buf_free(&line);
}

const struct trace_form trace_text = {.call = trace_text_show};
