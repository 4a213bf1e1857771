/* A measurement's stages: its connections come up, it runs by a schedule or from answer to answer,
 * is stopped, and ends. */
#include "base/clock.h"
#include "measure/measure_state.h"

enum {
	LOOK_MS = 50,             /* how often overdue answers are looked for */
	PATIENCE_MS = 1000,       /* a datagram's answer is taken for lost after that, or ... */
	PATIENCE_ROUND_TRIPS = 2, /* ... so many of the longest round trips, if that is more */
	STOP_MS = 300,            /* for what is on its way when a signal stops us */
	DUE_A_TURN = 256,         /* messages; so that answers are read in between */
};

/* ---- how long to wait ---- */

/* When an answer is overdue, in ns; INT64_MAX: never. A datagram may be lost, and is then not
 * waited for; of a connection, all that is sent comes, or the connection is lost. */
static int64_t measure_patience_ns(const struct measure *m)
{
	int64_t most_ms = m->timeout_ms;
	int64_t most_ns = most_ms > 0 ? most_ms * 1000000 : INT64_MAX;
	int64_t usual_ns = PATIENCE_ROUND_TRIPS * (int64_t)m->figures.round_trips.max;

	if (!m->connectionless)
		return most_ns;
	if (usual_ns < (int64_t)PATIENCE_MS * 1000000)
		usual_ns = (int64_t)PATIENCE_MS * 1000000;
	return usual_ns < most_ns ? usual_ns : most_ns;
}

/* ---- the end ---- */

void measure_blame(struct measure *m, const struct err *why)
{
	if (why && why->kind)
		m->failed = true;
	m->hooks->blame(m->arg, why);
}

static void measure_judge_losses(struct measure *m)
{
	uint64_t lost = figures_lost(&m->figures);
	struct err why = {0};

	if (!lost)
		return;
	err_set(&why, ERR_TIMEOUT, "%s: %ju of %ju messages were not answered", m->typed,
		(uintmax_t)lost, (uintmax_t)(m->figures.sent + m->figures.unsent));
	if (m->figures.received == 0)
		err_fact(&why, FACT_NO_ECHO, NULL);
	measure_blame(m, &why);
}

/* No connection is left. */
static void measure_conclude(struct measure *m)
{
	if (m->stage == MEASURE_OVER)
		return;
	m->stage = MEASURE_OVER;
	timer_clear(m->loop, &m->look);
	timer_clear(m->loop, &m->limit);
	if (!m->out || !m->figures.start_ns) {
		m->hooks->stop(m->arg);
		return;
	}
	measure_judge_losses(m);
	measure_report(m);
	conn_finish(m->out);
	if (m->late)
		timer_set_in(m->loop, &m->limit, CONN_LINGER_MS);
}

/* Those of a lane that were due less than patience ago are neither answered nor lost yet. */
static void measure_count_unanswered(struct measure *m, const struct lane *l, int64_t now_ns)
{
	bool stopped = m->stage == MEASURE_STOPPED || m->failed;
	int64_t patience = measure_patience_ns(m), young_ns = INT64_MAX;

	if (stopped)
		young_ns = patience < now_ns ? now_ns - patience : 0;
	m->figures.in_flight += stopped ? flight_since(&l->flight, young_ns) : 0;
	for (uint64_t k = lane_sent(l); m->schedule.interval_ns && k < l->due; k++)
		m->figures.unsent += schedule_due_ns(&m->schedule, l->index, k) < young_ns;
}

/* The figures stand. */
static void measure_close_figures(struct measure *m)
{
	int64_t now_ns = clock_ns();

	for (uint64_t i = 0; m->figures.start_ns && i < m->conf->connections; i++)
		if (m->lanes[i])
			measure_count_unanswered(m, m->lanes[i], now_ns);
	if (m->figures.start_ns)
		measure_tell(m, REPORT_MEASURE_ENDED);
	m->stage = MEASURE_ENDING;
	m->hooks->enough(m->arg);
}

static void measure_each_lane(struct measure *m, void (*does)(struct conn *c))
{
	for (uint64_t i = 0; i < m->conf->connections; i++)
		if (m->lanes[i])
			does(m->lanes[i]->conn);
}

static void measure_close_at_once(struct conn *c)
{
	conn_close(c, 0);
}

/* On a connection, see that nothing follows; but not where an answer is overdue. */
static void measure_finish(struct measure *m)
{
	bool complete = m->waiting == 0;

	measure_close_figures(m);
	if (m->connectionless)
		measure_each_lane(m, measure_close_at_once);
	else
		measure_each_lane(m, complete ? conn_finish : conn_abort);
	timer_set_in(m->loop, &m->limit, CONN_LINGER_MS);
}

void measure_fail(struct measure *m, const struct err *why)
{
	measure_blame(m, why);
	if (m->stage < MEASURE_ENDING)
		measure_close_figures(m);
	measure_each_lane(m, conn_abort);
	if (m->owner->open_now == 0)
		measure_conclude(m);
}

/* Whether all that is to be sent is sent. In a closed loop, only answers bring more. */
static bool measure_all_is_sent(const struct measure *m)
{
	return m->schedule.interval_ns == 0 || (m->schedule_over && m->due == m->figures.sent);
}

void measure_settle(struct measure *m)
{
	if (m->waiting == 0 && ((m->stage == MEASURE_RUNNING && measure_all_is_sent(m)) ||
				       m->stage == MEASURE_STOPPED))
		measure_finish(m);
}

/* ---- the schedule ---- */

static void measure_make_due(struct measure *m, uint64_t turn, int64_t now_ns)
{
	struct lane *l = m->lanes[turn % m->schedule.lanes];

	if (!l)
		return;
	l->due++;
	m->due++;
	lane_pump(m, l, now_ns);
}

static bool measure_is_last_turn(const struct measure *m, int64_t due_ns)
{
	return due_ns >= m->stop_ns ||
	       (m->conf->count && m->turn / m->schedule.lanes >= m->conf->count);
}

static void measure_go_by_schedule(struct measure *m)
{
	int64_t now_ns = clock_ns(), due_ns = schedule_turn_ns(&m->schedule, m->turn);

	for (int i = 0; i < DUE_A_TURN && due_ns <= now_ns && !measure_is_last_turn(m, due_ns);
		i++) {
		measure_make_due(m, m->turn, now_ns);
		due_ns = schedule_turn_ns(&m->schedule, ++m->turn);
	}
	m->schedule_over = measure_is_last_turn(m, due_ns);
	if (!m->schedule_over)
		alarm_set(&m->alarm, due_ns);
	measure_settle(m);
}

void measure_on_alarm(struct alarm *a)
{
	struct measure *m = container_of(a, struct measure, alarm);

	if (m->stage == MEASURE_RUNNING)
		measure_go_by_schedule(m);
}

/* ---- answers that do not come ---- */

/* Before the clock starts: ask again where a message may be lost, but not for ever. */
static void measure_look_at_opening(struct measure *m, struct lane *l, int64_t now_ns)
{
	int64_t limit_ms = m->timeout_ms;
	struct err why = {0};

	if (l->warm || !m->load)
		return;
	if (limit_ms > 0 && now_ns - l->opened_ns >= limit_ms * 1000000) {
		err_set(&why, ERR_TIMEOUT, "%s: no answer within %jd ms on connection %ju",
			m->typed, (intmax_t)limit_ms, (uintmax_t)(l->index + 1));
		err_fact(&why, FACT_NO_ECHO, NULL);
		measure_fail(m, &why);
		return;
	}
	m->waiting -=
		m->connectionless ? flight_give_up(&l->flight, now_ns - measure_patience_ns(m)) : 0;
	if (l->flight.waiting == 0)
		lane_warm_up(m, l);
}

/* A connection owes all it was sent; what it owes for so long, when nothing else is to come, or
 * while nothing can be sent before, will not come. */
static void measure_look_at_lane(struct measure *m, struct lane *l, int64_t now_ns)
{
	int64_t patience = measure_patience_ns(m);
	uint32_t given_up;

	if (patience == INT64_MAX ||
		(!m->connectionless && !measure_all_is_sent(m) && !m->schedule_over))
		return;
	given_up = flight_give_up(&l->flight, now_ns - patience);
	m->waiting -= given_up;
	if (!given_up)
		return;
	if (m->connectionless) {
		lane_pump(m, l, now_ns);
	} else {
		m->waiting++; /* an answer is overdue: abort instead of waiting */
		measure_finish(m);
	}
}

/* What is due cannot be sent, and nothing is to come that would change it. */
static bool measure_is_stuck(const struct measure *m, int64_t now_ns)
{
	return m->stage == MEASURE_RUNNING && m->schedule_over && m->waiting == 0 &&
	       now_ns - schedule_turn_ns(&m->schedule, m->turn) > measure_patience_ns(m);
}

void measure_on_look(struct timer *t)
{
	struct measure *m = container_of(t, struct measure, look);
	int64_t now_ns = clock_ns();

	for (uint64_t i = 0; i < m->conf->connections && m->stage < MEASURE_STOPPED; i++) {
		if (!m->lanes[i])
			continue;
		if (m->stage == MEASURE_OPENING)
			measure_look_at_opening(m, m->lanes[i], now_ns);
		else
			measure_look_at_lane(m, m->lanes[i], now_ns);
	}
	if (m->stage >= MEASURE_ENDING)
		return;
	if (measure_is_stuck(m, now_ns))
		measure_finish(m);
	else
		measure_settle(m);
	timer_set_in(m->loop, &m->look, LOOK_MS);
}

/* A stage has waited long enough. */
void measure_on_limit(struct timer *t)
{
	struct measure *m = container_of(t, struct measure, limit);

	if (m->stage == MEASURE_STOPPED)
		measure_finish(m);
	else if (m->stage == MEASURE_ENDING)
		measure_each_lane(m, conn_abort);
	else
		m->hooks->stop(m->arg);
}

void measure_on_signal(void *arg, const char *name)
{
	struct measure *m = arg;

	(void)name;
	if (m->stage != MEASURE_RUNNING)
		return;
	m->stage = MEASURE_STOPPED;
	timer_set_in(m->loop, &m->limit, STOP_MS);
	measure_settle(m);
}

void measure_late(struct measure *m, const struct err *why)
{
	m->late = true;
	measure_fail(m, why);
}

/* ---- the beginning ---- */

static void measure_begin(struct measure *m)
{
	struct err err = {0};
	int64_t now_ns;

	if (signals_open(&m->signals, m->loop, &err) < 0) {
		measure_fail(m, &err);
		return;
	}
	measure_tell(m, REPORT_MEASURE_BEGUN);
	now_ns = clock_ns();
	m->stage = MEASURE_RUNNING;
	m->figures.start_ns = m->figures.last_ns = m->schedule.start_ns = now_ns;
	m->stop_ns = m->conf->duration_us > 0 ? now_ns + m->conf->duration_us * 1000 : INT64_MAX;
	for (uint64_t i = 0; i < m->conf->connections; i++)
		if (m->lanes[i])
			m->lanes[i]->first = m->lanes[i]->flight.next;
	if (m->schedule.interval_ns) {
		measure_go_by_schedule(m);
		return;
	}
	for (uint64_t i = 0; i < m->conf->connections; i++)
		if (m->lanes[i])
			lane_pump(m, m->lanes[i], clock_ns());
}

void measure_opened(struct measure *m, struct lane *l)
{
	timer_set_in(m->loop, &m->look, LOOK_MS);
	if (m->load)
		lane_warm_up(m, l);
	else
		measure_begin(m);
}

void measure_warm(struct measure *m)
{
	if (m->stage != MEASURE_OPENING)
		return;
	m->up++;
	m->hooks->up(m->arg);
	if (m->up == m->conf->connections)
		measure_begin(m);
}

void measure_gone(struct measure *m)
{
	if (m->owner->open_now == 0)
		measure_conclude(m);
}
