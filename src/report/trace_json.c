#include <string.h>

#include "base/json.h"
#include "report/trace.h"

static void trace_json_state(struct json *j, const char *key, struct call_state state)
{
	if (state.tcp)
		json_str(j, key, span_of(trace_state_text(state).text));
}

static void trace_json_socket(struct json *j, const struct trace_socket *socket)
{
	if (socket && socket->conn)
		json_int(j, "conn", (int64_t)socket->conn);
}

static void trace_json_call(struct json *j, const struct call *call)
{
	struct buf text = {0};

	if (trace_add_call(&text, call, 64) < 0)
		j->failed = true;
	json_str(j, "call", buf_span(&text));
	buf_free(&text);
	json_str(j, "function", span_of(call->name));
	if (call->fd >= 0)
		json_int(j, "fd", call->fd);
	if (call->data.data)
		json_str(j, "data", call->data);
	json_int(j, "result", call->rc);
	if (call->rc < 0) {
		json_str(j, "error", span_of(strerror(call->error)));
		json_str(j, "errno", span_of(call->error_name));
	}
}

static void trace_json_show(
	struct trace *t, void *arg, const struct call *call, struct trace_socket *socket)
{
	struct json j;

	(void)arg;
	report_json_open(&j, "call");
	json_num(&j, "at_ms", (double)trace_now_ns(t) / 1e6);
	trace_json_socket(&j, socket);
	trace_json_call(&j, call);
	trace_json_state(&j, "before", call->before);
	trace_json_state(&j, "after", call->after);
	if (call->queue.most) {
		json_int(&j, "queue", call->queue.waiting);
		json_int(&j, "queue_most", call->queue.most);
	}
	report_json_send(t->to, &j);
}

static void trace_json_event(struct trace *t, void *arg, const struct trace_event *event,
	const struct trace_socket *socket)
{
	struct json j;

	(void)arg;
	report_json_open(&j, "tls.message");
	json_num(&j, "at_ms", (double)trace_now_ns(t) / 1e6);
	trace_json_socket(&j, socket);
	json_str(&j, "direction", span_of(event->sent ? "sent" : "received"));
	json_str(&j, "name", span_of(event->name));
	if (event->detail)
		json_str(&j, "detail", span_of(event->detail));
	json_int(&j, "length", (int64_t)event->len);
	report_json_send(t->to, &j);
}

const struct trace_form trace_json = {.call = trace_json_show, .event = trace_json_event};
