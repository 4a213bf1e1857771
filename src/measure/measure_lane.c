/* A measurement's messages on one connection: sending what is due, and comparing what comes back.
 */
#include "base/clock.h"
#include "measure/measure_state.h"

/* What all flights together remember at most: 32 MiB. */
enum { FLIGHTS_MAX_MESSAGES = 1 << 22, FLIGHT_LEAST_MESSAGES = 256 };

/* ---- sending ---- */

static void lane_send(struct measure *m, struct lane *l, int64_t since_ns)
{
	uint32_t before = l->flight.waiting;
	uint64_t number = flight_send(&l->flight, since_ns);

	m->waiting += l->flight.waiting - before;
	if (conn_write(l->conn, probe_message(&m->probe, l->index, number)) < 0)
		l->blocked = true;
}

/* Where nothing gets lost, one more must wait when none can be remembered; what was sent so long
 * ago and may be lost is then forgotten. */
static bool lane_may_send(const struct measure *m, struct lane *l)
{
	return !l->blocked && (flight_room(&l->flight) || m->connectionless);
}

/* A closed loop: as many as the window is wide are on their way. */
static void lane_fill_window(struct measure *m, struct lane *l, int64_t now_ns)
{
	while (l->flight.waiting < m->window && now_ns < m->stop_ns &&
		(m->conf->count == 0 || lane_sent(l) < m->conf->count) && lane_may_send(m, l)) {
		m->figures.sent++;
		lane_send(m, l, now_ns);
	}
}

static void lane_send_due(struct measure *m, struct lane *l, int64_t now_ns)
{
	while (lane_sent(l) < l->due && lane_may_send(m, l)) {
		int64_t due_ns = schedule_due_ns(&m->schedule, l->index, lane_sent(l));

		if (now_ns - due_ns > m->figures.behind_max_ns)
			m->figures.behind_max_ns = now_ns - due_ns;
		m->figures.sent++;
		lane_send(m, l, due_ns);
	}
}

void lane_pump(struct measure *m, struct lane *l, int64_t now_ns)
{
	if (m->stage != MEASURE_RUNNING)
		return;
	if (m->schedule.interval_ns)
		lane_send_due(m, l, now_ns);
	else
		lane_fill_window(m, l, now_ns);
}

void lane_warm_up(struct measure *m, struct lane *l)
{
	flight_room(&l->flight);
	lane_send(m, l, clock_ns());
}

/* ---- what comes back ---- */

static void lane_is_no_echo(struct measure *m, struct err *why)
{
	err_hint(why, "it is not an echo server, or it changes what it echoes");
	measure_fail(m, why);
}

static void lane_differs(
	struct measure *m, const struct lane *l, uint64_t number, size_t from, struct span in)
{
	struct probe_mismatch d = probe_difference(&m->probe, l->index, number, from, in);
	struct err why = {0};

	err_set(&why, ERR_WRONG,
		"%s: the answer to message %ju differs at byte %zu: sent 0x%02x, got 0x%02x",
		m->typed, (uintmax_t)(number - l->first + 1), d.at + 1, d.sent, d.got);
	lane_is_no_echo(m, &why);
}

static void lane_surplus(struct measure *m, size_t bytes)
{
	struct err why = {0};

	err_set(&why, ERR_WRONG, "%s: %zu bytes came back that were not sent", m->typed, bytes);
	lane_is_no_echo(m, &why);
}

static void lane_cut_short(struct measure *m, const struct lane *l, uint64_t number, size_t bytes)
{
	struct err why = {0};

	err_set(&why, ERR_LOST, "%s: the answer to message %ju ended after %zu bytes of %zu",
		m->typed, (uintmax_t)(number - l->first + 1), bytes, m->probe.size);
	err_hint(&why, "the server stopped before it had echoed everything");
	measure_fail(m, &why);
}

/* Whether a message is one of the measurement's. */
static bool lane_counts(const struct measure *m, const struct lane *l, uint64_t number)
{
	return m->stage >= MEASURE_RUNNING && number >= l->first;
}

static void lane_count(struct measure *m, struct lane *l, uint64_t number,
	const struct flight_answered *answer, int64_t now_ns)
{
	int64_t round_trip_ns = now_ns - answer->since_ns;

	m->figures.last_ns = now_ns;
	m->figures.out_of_order += answer->out_of_order;
	figures_answer(&m->figures, round_trip_ns, &l->last_round_trip_ns);
	if (m->shows)
		measure_show(m, l, number, round_trip_ns);
}

/* Message `number` is back, and the same. */
static void lane_answered(struct measure *m, struct lane *l, uint64_t number, int64_t now_ns)
{
	struct flight_answered answer = flight_answer(&l->flight, number);

	switch (answer.verdict) {
	case FLIGHT_NEVER_SENT: return;
	case FLIGHT_AGAIN: m->figures.duplicates += lane_counts(m, l, number); return;
	case FLIGHT_FORGOTTEN: m->figures.forgotten++; return;
	case FLIGHT_ANSWERED: break;
	}
	m->waiting -= !answer.given_up;
	if (lane_counts(m, l, number))
		lane_count(m, l, number, &answer, now_ns);
	if (!l->warm) {
		l->warm = true;
		measure_warm(m);
	}
	lane_pump(m, l, now_ns);
	if (m->waiting == 0)
		measure_settle(m);
}

/* Of a stream, whose messages come back in order, in pieces or several at once. */
static void lane_take_bytes(struct measure *m, struct lane *l, struct span in, int64_t now_ns)
{
	uint64_t number;

	while (in.len) {
		struct span part = {in.data, m->probe.size - l->got};

		if (!flight_oldest(&l->flight, &number)) {
			lane_surplus(m, in.len);
			return;
		}
		if (part.len > in.len)
			part.len = in.len;
		if (!probe_same(&m->probe, l->index, number, l->got, part)) {
			lane_differs(m, l, number, l->got, part);
			return;
		}
		in = span_from(in, part.len);
		l->got += part.len;
		if (l->got == m->probe.size) {
			l->got = 0;
			lane_answered(m, l, number, now_ns);
		}
	}
}

/* Not what was sent: say so of the message that it is most like. */
static void lane_wrong_message(struct measure *m, struct lane *l, uint64_t number, struct span in)
{
	const struct span part = {in.data, in.len < m->probe.size ? in.len : m->probe.size};
	uint64_t oldest;

	if (flight_oldest(&l->flight, &oldest) && probe_same(&m->probe, l->index, oldest, 0, part))
		number = oldest; /* but for its number, it is this one */
	if (probe_difference(&m->probe, l->index, number, 0, part).at < part.len)
		lane_differs(m, l, number, 0, part);
	else if (in.len > part.len)
		lane_surplus(m, in.len - part.len);
	else
		lane_cut_short(m, l, number, in.len);
}

/* One that has no room for a number is taken for the answer to the oldest. */
static void lane_take_message(struct measure *m, struct lane *l, struct span in, int64_t now_ns)
{
	uint64_t number = 0;
	bool known = m->probe.number ? probe_number(&m->probe, in, l->flight.next, &number)
	                             : flight_oldest(&l->flight, &number);

	if (known && in.len == m->probe.size && probe_same(&m->probe, l->index, number, 0, in))
		lane_answered(m, l, number, now_ns);
	else if (!known && in.len == 0 && m->probe.size == 0)
		m->figures.duplicates++;
	else
		lane_wrong_message(m, l, known ? number : l->flight.next - 1, in);
}

static void lane_data(struct conn *c, struct span in)
{
	struct measure *m = conn_ctx(c);
	struct lane *l = conn_peer(c);

	if (m->stage == MEASURE_OVER)
		return;
	if (m->alone)
		lane_take_message(m, l, in, clock_ns());
	else
		lane_take_bytes(m, l, in, clock_ns());
}

static void lane_drained(struct conn *c)
{
	struct measure *m = conn_ctx(c);
	struct lane *l = conn_peer(c);

	l->blocked = false;
	lane_pump(m, l, clock_ns());
	measure_settle(m);
}

/* ---- a lane's beginning and end ---- */

static void lane_open(struct conn *c)
{
	struct measure *m = conn_ctx(c);
	struct lane *l = conn_peer(c);
	size_t most = FLIGHTS_MAX_MESSAGES / m->conf->connections;

	if (most < FLIGHT_LEAST_MESSAGES)
		most = FLIGHT_LEAST_MESSAGES;
	if (most < m->window)
		most = m->window;
	*l = (struct lane){.conn = c,
		.index = conn_id(c) - 1,
		.last_round_trip_ns = -1,
		.opened_ns = clock_ns()};
	m->lanes[l->index] = l;
	if (m->alone)
		conn_expect_messages(c, m->window);
	if (flight_init(&l->flight, most) < 0)
		measure_fail(m, &(struct err){ERR_RUNTIME, .what = "echo: out of memory"});
	else
		measure_opened(m, l);
}

static void lane_eof(struct conn *c)
{
	struct measure *m = conn_ctx(c);
	struct lane *l = conn_peer(c);
	struct err why = {0};
	uint64_t number;

	conn_finish(c);
	if (m->stage >= MEASURE_ENDING)
		return;
	if (l->got && flight_oldest(&l->flight, &number)) {
		lane_cut_short(m, l, number, l->got);
		return;
	}
	err_set(&why, ERR_LOST, "%s: the server ended the connection after %ju answers of %ju",
		m->typed, (uintmax_t)(lane_sent(l) - l->flight.waiting), (uintmax_t)lane_sent(l));
	err_hint(&why, "the server stopped before it had echoed everything");
	measure_fail(m, &why);
}

static void lane_closed(struct conn *c, const struct err *why)
{
	struct measure *m = conn_ctx(c);
	struct lane *l = conn_peer(c);

	flight_free(&l->flight);
	m->lanes[l->index] = NULL;
	if (why && m->stage < MEASURE_ENDING)
		measure_fail(m, why);
}

const struct handler measure_handler = {.open = lane_open,
	.data = lane_data,
	.drained = lane_drained,
	.eof = lane_eof,
	.closed = lane_closed,
	.peer_size = sizeof(struct lane)};
