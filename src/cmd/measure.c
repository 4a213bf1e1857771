/* A measurement: its options, how it is set up, and what it prints. */
#include "cmd/measure.h"

#include <stdio.h>
#include <stdlib.h>

#include "cmd/measure_state.h"

enum {
	SHOWN_INTERVAL_US = 10000, /* more than 100 lines a second are not for reading ... */
	SHOWN_COUNT = 100,         /* ... nor are more than that, however fast they come */
	SIZE_MAX_BYTES = 16 << 20,
};

const struct opt measure_options[] = {
	{.name = "count",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct measure_conf, count),
		.arg = "N",
		.common = true,
		.help = "measure N messages a connection (0: go on)"},
	{.name = "interval",
		.kind = OPT_USEC,
		OPT_FIELD(struct measure_conf, interval_us),
		.arg = "DUR",
		.help = "send one each DUR, by a fixed schedule, and count its time from when it "
			"was due; 0: send the next when an answer came (default: 1s; 0 with "
			"--connections, --duration or --window)"},
	{.name = "connections",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct measure_conf, connections),
		.arg = "N",
		.fallback = "1",
		.min = 1,
		.max = 1000000,
		.help = "open N connections, wait until each has echoed a message, then measure"},
	{.name = "duration",
		.kind = OPT_USEC,
		OPT_FIELD(struct measure_conf, duration_us),
		.arg = "DUR",
		.help = "send no more after DUR, and wait for what is on its way"},
	{.name = "window",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct measure_conf, window),
		.arg = "N",
		.fallback = "1",
		.min = 1,
		.max = 4096,
		.help = "without an interval, keep N messages on their way on each connection"},
	{.name = "size",
		.kind = OPT_SIZE,
		OPT_FIELD(struct measure_conf, size),
		.arg = "BYTES",
		.fallback = "64",
		.max = SIZE_MAX_BYTES,
		.help = "make each message so long"},
};
const size_t measure_option_count = sizeof(measure_options) / sizeof(measure_options[0]);

/* Those that put a load on a server. */
static const char *const load_options[] = {"connections", "duration", "window"};

static const char *load_asked(const struct opt_set *set, const struct opt_args *args)
{
	const char *typed = NULL;

	for (size_t i = 0; !typed && i < sizeof(load_options) / sizeof(load_options[0]); i++)
		typed = opts_given(set, args, load_options[i]);
	return typed;
}

const char *measure_asked(const struct opt_set *set, const struct opt_args *args)
{
	const char *typed = NULL;

	for (size_t i = 0; !typed && i < measure_option_count; i++)
		typed = opts_given(set, args, measure_options[i].name);
	return typed;
}

/* ---- what is printed ---- */

void measure_report(struct measure *m)
{
	const struct addr_text address = addr_text(&m->client.at);
	const struct figures_of of = {.address = address.text,
		.transport = m->client.where.via->name,
		.connections = m->conf->connections,
		.window = m->schedule.interval_ns ? 0 : m->window,
		.size = m->conf->size,
		.interval_ns = m->schedule.interval_ns,
		.load = m->load,
		.stream = !m->connectionless,
		.whole = !m->client.verdict.kind};
	struct buf text = {0};
	int rc;

	if (m->client.conf->talk.json)
		rc = figures_json(&m->figures, &of, &text);
	else
		rc = figures_text(&m->figures, &of, conn_is_terminal(m->out), &text);
	if (rc == 0)
		conn_write(m->out, buf_span(&text));
	else
		client_blame(&m->client, &(struct err){ERR_RUNTIME, .what = "echo: out of memory"});
	buf_free(&text);
}

void measure_tell(const struct measure *m, enum report_kind kind)
{
	const struct addr_text address = addr_text(&m->client.at);
	const struct report what = {.kind = kind,
		.address = address.text,
		.transport = m->client.where.via->name,
		.count = m->conf->connections};

	report(m->client.to, &what);
}

void measure_show(struct measure *m, const struct lane *l, uint64_t number, int64_t round_trip_ns)
{
	const struct addr_text address = addr_text(&m->client.at);
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

static void out_closed(struct conn *c, const struct err *why)
{
	struct measure *m = conn_ctx(c);

	m->out = NULL;
	client_blame(&m->client, why);
	if (m->stage == MEASURE_OVER)
		client_stop(&m->client);
	else
		measure_fail(m, &m->client.verdict);
}

static const struct handler out_handler = {.closed = out_closed};

static bool shows_answers(const struct measure *m, const struct client_conf *client)
{
	const struct measure_conf *conf = m->conf;

	if (m->load || client->talk.json || client->talk.quiet)
		return false;
	return m->schedule.interval_ns >= (int64_t)SHOWN_INTERVAL_US * 1000 ||
	       (conf->count && conf->count <= SHOWN_COUNT);
}

static int out_of_memory(struct err *err)
{
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

static int prepare(struct measure *m, struct err *err)
{
	struct client *client = &m->client;
	const struct transport *via = client->where.via;

	m->alone = via->message_max;
	m->connectionless = via->connectionless;
	if (!m->alone && m->conf->size == 0) {
		err_set(err, ERR_USAGE, "a message of 0 bytes is nothing at all over %s",
			via->name);
		return err_hint(err, "--size takes 0 only where messages are kept whole: -u");
	}
	if (client_pool_check(client, m->conf->connections, err) < 0)
		return -1;
	m->lanes = calloc(m->conf->connections, sizeof(struct lane *));
	if (!m->lanes || probe_init(&m->probe, m->conf->size, m->alone) < 0 ||
		timer_init(&client->loop, &m->look, measure_look) < 0 ||
		timer_init(&client->loop, &m->limit, measure_limit) < 0)
		return out_of_memory(err);
	if (alarm_open(&m->alarm, &client->loop, err) < 0)
		return -1;
	m->out = client_std(client, 1, &m->out_owner, &out_handler, m);
	return m->out ? 0 : out_of_memory(err);
}

static void clean_up(struct measure *m)
{
	client_pool_end(&m->pool);
	for (uint64_t i = 0; m->lanes && i < m->conf->connections; i++)
		if (m->lanes[i])
			flight_free(&m->lanes[i]->flight);
	if (m->out_owner.loop)
		conn_owner_free(&m->out_owner);
	alarm_close(&m->alarm);
	signals_close(&m->signals);
	probe_free(&m->probe);
	client_free(&m->client);
	free(m->lanes);
	free(m);
}

/* What the options mean together. */
static struct measure *make(
	const struct client_conf *client, const struct measure_conf *conf, bool load)
{
	struct measure *m = calloc(1, sizeof(*m));
	int64_t interval_us = conf->interval_us;

	if (!m)
		return NULL;
	if (interval_us < 0)
		interval_us = load ? 0 : 1000000;
	m->conf = conf;
	m->load = load;
	m->window = conf->window;
	m->schedule =
		(struct schedule){.interval_ns = interval_us * 1000, .lanes = conf->connections};
	m->shows = shows_answers(m, client);
	m->alarm = (struct alarm){.rings = measure_alarm, .watch.fd = -1};
	m->signals = (struct signals){.stop = measure_signal, .arg = m, .watch.fd = -1};
	m->pool = (struct client_pool){
		.client = &m->client, .wanted = conf->connections, .failed = measure_pool_failed};
	return m;
}

static int run(struct measure *m, struct err *err)
{
	if (client_aim(&m->client, "echo", NULL, err) < 0 || prepare(m, err) < 0)
		return -1;
	m->client.over = measure_over;
	m->client.late = measure_late;
	m->client.mode = "echo";
	return client_run(&m->client, err);
}

static int check(const struct measure_conf *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	if (args->count) {
		err_set(err, ERR_USAGE, "'%s' measures, and sends no TEXT",
			measure_asked(set, args));
		return err_hint(err, "leave TEXT out; --size says how long the messages are");
	}
	if (conf->interval_us > 0 && opts_given(set, args, "window")) {
		err_set(err, ERR_USAGE, "'--window' and '--interval' do not go together");
		return err_hint(err, "by a schedule, answers are not waited for: leave one out");
	}
	return 0;
}

int measure_run(struct reporter *to, const struct client_conf *client,
	const struct measure_conf *conf, const struct opt_set *set, const struct opt_args *args,
	struct err *err)
{
	struct measure *m;
	int rc;

	if (check(conf, set, args, err) < 0)
		return -1;
	m = make(client, conf, load_asked(set, args));
	if (!m)
		return out_of_memory(err);
	if (client_init(&m->client, to, client, &measure_handler, m, err) < 0) {
		free(m);
		return -1;
	}
	rc = run(m, err);
	clean_up(m);
	return rc;
}
