/* What a measurement prints: a line for each answer, the report, and where it stands. */
#include <stdio.h>

#include "base/clock.h"
#include "measure/measure_state.h"

void measure_report(struct measure *m)
{
	const struct addr_shown address = addr_text(m->at);
	const struct figures_of of = {.address = address.text,
		.transport = m->via->name,
		.connections = m->conf->connections,
		.window = m->schedule.interval_ns ? 0 : m->window,
		.size = m->conf->size,
		.interval_ns = m->schedule.interval_ns,
		.load = m->load,
		.stream = !m->connectionless,
		.whole = !m->failed};
	struct buf text = {0};
	int rc;

	if (m->json)
		rc = figures_json(&m->figures, &of, &text);
	else
		rc = figures_text(&m->figures, &of, conn_is_terminal(m->out), &text);
	if (rc == 0)
		conn_write(m->out, buf_span(&text));
	else
		measure_blame(m, &(struct err){ERR_RUNTIME, .what = "echo: out of memory"});
	buf_free(&text);
}

void measure_tell(const struct measure *m, enum report_kind kind)
{
	const struct report what = {.kind = kind,
		.at = m->at,
		.transport = m->via->name,
		.count = m->conf->connections};

	report(m->to, &what);
}

bool measure_so_far(const struct measure *m, struct report *out)
{
	const struct histogram *h = &m->figures.round_trips;
	int64_t ms = (clock_ns() - m->figures.start_ns) / 1000000;
	uint64_t in_ms = ms > 0 ? (uint64_t)ms : 1;

	if (!m->figures.start_ns)
		return false;
	*out = (struct report){.kind = REPORT_MEASURING,
		.messages_in = {true, m->figures.received},
		.messages_out = {true, m->figures.sent},
		.messages_per_s = m->figures.received * 1000 / in_ms,
		.rtt_p50_us = histogram_permille(h, 500) / 1000,
		.rtt_p99_us = histogram_permille(h, 990) / 1000,
		.duration_ms = {true, in_ms},
		.in_ms = in_ms};
	return true;
}

void measure_show(struct measure *m, const struct lane *l, uint64_t number, int64_t round_trip_ns)
{
	const struct addr_shown address = addr_text(m->at);
	char line[sizeof(address.text) + 128];

	if (!m->out || conn_queued(m->out) >= CONN_QUEUE_MAX_BYTES) {
		m->figures.unsaid++;
		return;
	}
	snprintf(line, sizeof(line), "%ju bytes from %s: seq=%ju time=%.3f ms\n",
		(uintmax_t)m->conf->size, address.text, (uintmax_t)(number - l->first + 1),
		(double)round_trip_ns / 1e6);
	conn_write(m->out, span_of(line));
}

static void measure_out_closed(struct conn *c, const struct err *why)
{
	struct measure *m = conn_ctx(c);

	m->out = NULL;
	measure_blame(m, why);
	if (m->stage == MEASURE_OVER)
		m->hooks->stop(m->arg);
	else
		measure_fail(m, why);
}

const struct handler measure_out = {.closed = measure_out_closed};
