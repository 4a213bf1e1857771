/* A measurement by echo: its options, its connections, and standard output. */
#include "cmd/echo_measure.h"

#include <stdlib.h>

#include "base/amount.h"
#include "cmd/client_pool.h"
#include "tty/live.h"

enum {
	SIZE_MAX_BYTES = 16 << 20,
	SHOWN_EVERY_MS = 1000,
};

const struct opt echo_measure_options[] = {
	{.name = "count",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct measure_conf, count),
		.arg = "N",
		.common = true,
		.help = "measure N messages per connection (0: no limit)"},
	{.name = "interval",
		.kind = OPT_USEC,
		OPT_FIELD(struct measure_conf, interval_us),
		.arg = "DUR",
		.help = "send a message every DUR, on a fixed schedule, and time it from when it "
			"was due; 0: send the next when an answer comes (default: 1s; 0 with "
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
		.help = "stop sending after DUR, and wait for the answers still due"},
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
		.help = "the size of each message"},
};
const size_t echo_measure_option_count =
	sizeof(echo_measure_options) / sizeof(echo_measure_options[0]);

/* Those that put a load on a server. */
static const char *const load_options[] = {"connections", "duration", "window"};

static const char *echo_measure_load_asked(const struct opt_set *set, const struct opt_args *args)
{
	const char *typed = NULL;

	for (size_t i = 0; !typed && i < sizeof(load_options) / sizeof(load_options[0]); i++)
		typed = opts_given(set, args, load_options[i]);
	return typed;
}

const char *echo_measure_asked(const struct opt_set *set, const struct opt_args *args)
{
	const char *typed = NULL;

	for (size_t i = 0; !typed && i < echo_measure_option_count; i++)
		typed = opts_given(set, args, echo_measure_options[i].name);
	return typed;
}

/* A measurement, and what it runs over. */
struct measuring {
	struct measure measure;
	struct client client;
	struct client_pool pool;
	struct live live; /* the figures so far, where no line is shown for each answer */
	struct conn_owner out_owner;
};

/* ---- what the measurement tells ---- */

static void measuring_up(void *arg)
{
	struct measuring *run = arg;

	client_pool_up(&run->pool);
}

static void measuring_enough(void *arg)
{
	struct measuring *run = arg;

	client_pool_end(&run->pool);
	live_end(&run->live, false); /* the report takes its place */
}

static void measuring_blame(void *arg, const struct err *why)
{
	struct measuring *run = arg;

	client_blame(&run->client, why);
}

static void measuring_stop(void *arg)
{
	struct measuring *run = arg;

	client_stop(&run->client);
}

static const struct measure_hooks measuring_hooks = {.up = measuring_up,
	.enough = measuring_enough,
	.blame = measuring_blame,
	.stop = measuring_stop};

/* ---- callbacks of the measurement ---- */

static void measuring_over(struct client *client, const struct err *why)
{
	(void)why; /* its handler has been called */
	measure_gone(&container_of(client, struct measuring, client)->measure);
}

/* --max-time. */
static void measuring_late(struct client *client, const struct err *why)
{
	measure_late(&container_of(client, struct measuring, client)->measure, why);
}

/* client.asked */
static bool measuring_asked(struct client *client)
{
	const struct measuring *run = container_of(client, struct measuring, client);
	struct report so_far;

	if (!measure_so_far(&run->measure, &so_far))
		return false;
	report(client->to, &so_far);
	return true;
}

static void measuring_pool_failed(struct client_pool *p, const struct err *why)
{
	measure_fail(&container_of(p, struct measuring, pool)->measure, why);
}

/* live.fill */
static void measuring_on_fill(void *arg, struct live_row *row)
{
	const struct measuring *run = arg;
	struct report so_far;

	if (!measure_so_far(&run->measure, &so_far))
		return;
	live_add(row, "%ju round trips", (uintmax_t)so_far.messages_in.value);
	live_add(row, ", %ju/s", (uintmax_t)so_far.messages_per_s);
	live_add(row, ", p50 %.3f ms", (double)so_far.rtt_p50_us / 1000);
	live_add(row, ", p99 %.3f ms", (double)so_far.rtt_p99_us / 1000);
	live_add(row, ", %s so far", amount_clock(so_far.duration_ms.value + 500).text);
}

/* ---- the run ---- */

static int measuring_no_memory(struct err *err)
{
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

/* The client is aimed, and nothing is connected. */
static int measuring_prepare(struct measuring *run, struct err *err)
{
	struct measure *m = &run->measure;
	const struct transport *via = run->client.where.via;

	m->via = via;
	if (!via->message_max && m->conf->size == 0) {
		err_set(err, ERR_USAGE, "an empty message cannot be sent over %s", via->name);
		return err_hint(err, "--size takes 0 only where messages are kept whole: -u");
	}
	if (client_pool_check(&run->client, m->conf->connections, err) < 0 ||
		measure_init(m, err) < 0)
		return -1;
	run->live =
		(struct live){.fill = measuring_on_fill, .arg = run, .every_ms = SHOWN_EVERY_MS};
	if (!m->shows && live_begin(&run->live, &run->client.loop, m->to) < 0)
		return measuring_no_memory(err);
	m->out = client_open_fd(&run->client, &standard_output, &run->out_owner, &measure_out, m);
	return m->out ? 0 : measuring_no_memory(err);
}

static void measuring_free(struct measuring *run)
{
	client_pool_end(&run->pool);
	live_end(&run->live, false);
	if (run->out_owner.loop)
		conn_owner_free(&run->out_owner);
	measure_free(&run->measure);
	client_free(&run->client);
	free(run);
}

static struct measuring *measuring_new(struct reporter *to, const struct client_conf *client,
	const struct measure_conf *conf, bool load)
{
	struct measuring *run = calloc(1, sizeof(*run));

	if (!run)
		return NULL;
	run->measure = (struct measure){.conf = conf,
		.hooks = &measuring_hooks,
		.arg = run,
		.loop = &run->client.loop,
		.to = to,
		.owner = &run->client.owner,
		.at = &run->client.dial.at,
		.typed = run->client.dial.typed,
		.timeout_ms = client->connect_timeout_ms,
		.load = load,
		.json = client->talk.json,
		.quiet = client->talk.quiet};
	run->pool = (struct client_pool){.client = &run->client,
		.wanted = conf->connections,
		.failed = measuring_pool_failed};
	return run;
}

static int measuring_run(struct measuring *run, struct err *err)
{
	struct client *client = &run->client;

	if (client_aim(client, "echo", NULL, err) < 0 || measuring_prepare(run, err) < 0)
		return -1;
	client->over = measuring_over;
	client->has_row = true;
	client->asked = measuring_asked;
	client->late = measuring_late;
	client->mode = "echo";
	return client_run(client, err);
}

int echo_measure_check(const struct measure_conf *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	if (args->count) {
		err_set(err, ERR_USAGE, "'%s' measures, and sends no TEXT",
			echo_measure_asked(set, args));
		return err_hint(err, "leave TEXT out; --size says how long the messages are");
	}
	if (conf->interval_us > 0 && opts_given(set, args, "window")) {
		err_set(err, ERR_USAGE, "'--window' and '--interval' cannot be combined");
		return err_hint(err, "on a schedule no message waits for an answer: leave one out");
	}
	return 0;
}

int echo_measure(struct reporter *to, const struct client_conf *client,
	const struct measure_conf *conf, const struct opt_set *set, const struct opt_args *args,
	struct err *err)
{
	struct measuring *run;
	int rc;

	if (echo_measure_check(conf, set, args, err) < 0)
		return -1;
	run = measuring_new(to, client, conf, echo_measure_load_asked(set, args));
	if (!run)
		return measuring_no_memory(err);
	if (client_init(&run->client, to, client, &measure_handler, &run->measure, err) < 0) {
		free(run);
		return -1;
	}
	rc = measuring_run(run, err);
	measuring_free(run);
	return rc;
}
