#include "cmd/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cmd/advice.h"
#include "cmd/hexdump.h"
#include "cmd/host.h"
#include "cmd/talk.h"
#include "report/report.h"
#include "transport/fd.h"
#include "tty/terminal.h"

static const struct opt target_rows[] = {
	{.name = "host",
		.letter = 'H',
		.kind = OPT_TEXT,
		OPT_FIELD(struct client_conf, host),
		.arg = "HOST",
		.completes = COMPLETES_HOST,
		.common = true,
		.help = "the server's name or address (default: localhost)"},
	{.name = "port",
		.letter = 'p',
		.kind = OPT_TEXT,
		OPT_FIELD(struct client_conf, where.port),
		.arg = "PORT",
		.completes = COMPLETES_SERVICE,
		.common = true,
		.help = "its port, a number or a service (default: " DEFAULT_PORT ")"},
	{.name = "source",
		.letter = 's',
		.kind = OPT_TEXT,
		OPT_FIELD(struct client_conf, source),
		.arg = "[ADDR][:PORT]",
		.help = "connect from this local address or port, or to a Unix socket from this "
			"path"},
};

static const struct opt time_rows[] = {
	{.name = "connect-timeout",
		.letter = 'w',
		.kind = OPT_MSEC,
		OPT_FIELD(struct client_conf, connect_timeout_ms),
		.arg = "DUR",
		.fallback = "10s",
		.common = true,
		.help = "give up when it takes longer to look up and connect, over all addresses, "
			"or (not with connect) to get an answer (0: never)"},
	{.name = "retry",
		.letter = 'r',
		.kind = OPT_NUMBER,
		OPT_FIELD(struct client_conf, retries),
		.arg = "N",
		.max = 1000000,
		.help = "if the server cannot be reached, try N more times, with growing pauses"},
	{.name = "retry-for",
		.kind = OPT_MSEC,
		OPT_FIELD(struct client_conf, retry_ms),
		.arg = "DUR",
		.help = "the same until DUR has passed (0: until it is reached)"},
	{.name = "idle-timeout",
		.letter = 'i',
		.kind = OPT_MSEC,
		OPT_FIELD(struct client_conf, idle_ms),
		.arg = "DUR",
		.help = "give up when no data has moved for DUR"},
	{.name = "max-time",
		.kind = OPT_MSEC,
		OPT_FIELD(struct client_conf, max_time_ms),
		.arg = "DUR",
		.help = "give up when the whole run takes longer than DUR"},
};

void client_options(struct opt_set *set)
{
	opt_set_add(set, "Address", target_rows, sizeof(target_rows) / sizeof(target_rows[0]), 0);
	opt_set_add(set, "Address", where_options, where_option_count,
		offsetof(struct client_conf, where));
	opt_set_add(
		set, "TLS", secure_options, secure_option_count, offsetof(struct client_conf, tls));
	opt_set_add(set, "TLS", secure_client_options, secure_client_option_count,
		offsetof(struct client_conf, tls));
	opt_set_add(set, "Sockets", socket_option_rows, socket_option_count,
		offsetof(struct client_conf, where));
	opt_set_add(set, "Time limits", time_rows, sizeof(time_rows) / sizeof(time_rows[0]), 0);
	opt_set_add(set, "Messages", talk_options, talk_option_count,
		offsetof(struct client_conf, talk));
	opt_set_add(set, "Messages", hexdump_options, hexdump_option_count,
		offsetof(struct client_conf, talk));
}

void client_stop(struct client *c)
{
	loop_stop(&c->loop);
}

void client_blame(struct client *c, const struct err *why)
{
	if (why && !c->verdict.kind)
		c->verdict = *why;
}

void client_fail(struct client *c, const struct err *why)
{
	client_blame(c, why);
	client_stop(c);
}

static void client_on_gone(struct conn_owner *owner, struct conn *conn, const struct err *why)
{
	struct client *c = container_of(owner, struct client, owner);

	c->received += conn_received(conn);
	c->sent += conn_sent(conn);
	if (report_is_full(c->to))
		conn_tell(conn, c->began_ms, &c->path, &c->to->closing);
	if (conn == c->net)
		c->net = NULL;
	c->over(c, why);
}

/* A server that speaks TLS answers what is none with an alert (RFC 8446 section 6). */
static void client_on_first(struct conn_owner *owner, struct conn *conn, struct span in)
{
	const struct client *c = container_of(owner, struct client, owner);
	const struct addr peer = conn_address(conn);

	if (!c->where.tls && in.len == 7 && in.data[0] == 0x15 && in.data[1] == 3)
		report(c->to, &(struct report){.kind = REPORT_SERVER_HAS_TLS, .at = &peer});
}

static void client_on_unopened(
	struct conn_owner *owner, struct conn *conn, const struct step *at, const struct err *why)
{
	struct client *c = container_of(owner, struct client, owner);

	(void)at;
	if (conn == c->net)
		c->net = NULL;
	if (why)
		client_fail(c, why);
}

void client_try_again(struct client *c, const struct err *why)
{
	struct err verdict = {0};

	if (!retry_failed(&c->retry, why, &verdict))
		client_fail(c, &verdict);
}

/* HTTPS: a server that waits for TLS says nothing of it. */
static void client_tell_usual_tls(const struct client *c)
{
	enum { HTTPS_PORT = 443 };

	if (c->where.port == HTTPS_PORT && !c->where.tls && !c->where.via->connectionless)
		report(c->to, &(struct report){.kind = REPORT_USUALLY_TLS, .at = &c->dial.at});
}

static void client_on_dialled(struct dial *d, struct conn *made, const struct err *why)
{
	struct client *c = container_of(d, struct client, dial);

	c->net = made;
	if (made) {
		c->since_ms = c->loop.now_ms;
		client_tell_usual_tls(c);
	}
	if (!made)
		client_try_again(c, why);
	else if (!c->unproven)
		retry_succeeded(&c->retry);
}

static int client_dial(struct client *c, struct err *err)
{
	c->dial.where.patience_ms = retry_is_wanted(&c->retry) ? RETRY_PATIENCE_MS : 0;
	c->dial.where.timeout_ms = retry_limit_ms(&c->retry, c->conf->connect_timeout_ms);
	return dial_start(&c->dial, err);
}

/* The next attempt is due, or it is too late for one. */
static void client_on_retry(struct retry *r, const struct err *over)
{
	struct client *c = container_of(r, struct client, retry);
	struct err why = {0};

	if (over)
		client_fail(c, over);
	else if (client_dial(c, &why) < 0)
		client_fail(c, &why);
}

static int client_begin(struct client *c, struct err *err)
{
	c->retry = (struct retry){.loop = &c->loop,
		.to = c->to,
		.typed = c->dial.typed,
		.times = c->conf->retries,
		.for_ms = c->conf->retry_ms,
		.again = client_on_retry};
	if (retry_begin(&c->retry) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return client_dial(c, err);
}

static void client_on_max_time(struct timer *t)
{
	struct client *c = container_of(t, struct client, max_time);
	struct err why = {0};

	err_set(&why, ERR_TIMEOUT, "%s: not done within %jd ms (--max-time)", c->dial.typed,
		(intmax_t)c->conf->max_time_ms);
	if (c->late)
		c->late(c, &why);
	else
		client_fail(c, &why);
}

/* A report with all bytes of the run so far, and their time. */
static struct report client_totals(const struct client *c, enum report_kind kind)
{
	struct report totals = {.kind = kind, .received = c->received, .sent = c->sent};
	struct list *node;
	int64_t ms = c->loop.now_ms - c->since_ms;

	for (node = c->owner.conns.next; node != &c->owner.conns; node = node->next) {
		totals.received += conn_received(conn_of_node(node));
		totals.sent += conn_sent(conn_of_node(node));
	}
	if (c->since_ms)
		totals.in_ms = ms > 0 ? (uint64_t)ms : 1;
	return totals;
}

/* What is waited for while there is no connection. */
static void client_tell_waiting(const struct client *c)
{
	const struct report waiting = {.kind = REPORT_NOT_CONNECTED,
		.address = c->dial.typed,
		.reason = c->dial.connector ? connector_stage(c->dial.connector)
	                                    : "waiting to try again",
		.duration_ms = {true, (uint64_t)(c->loop.now_ms - c->retry.began_ms)}};

	report(c->to, &waiting);
}

static void client_on_asked(void *arg)
{
	struct client *c = arg;
	struct report progress;

	if (c->asked && c->asked(c))
		return;
	if (!c->since_ms) {
		client_tell_waiting(c);
		return;
	}
	progress = client_totals(c, REPORT_PROGRESS);
	progress.duration_ms = (struct report_fact){true, progress.in_ms};
	report(c->to, &progress);
}

int client_init(struct client *c, struct reporter *to, const struct client_conf *conf,
	const struct handler *on, void *ctx, struct err *err)
{
	memset(c, 0, offsetof(struct client, verdict)); /* a seventh less */
	c->verdict.kind = ERR_NONE;
	c->to = to;
	c->conf = conf;
	if (loop_init(&c->loop, err) < 0)
		return -1;
	c->owner = (struct conn_owner){.loop = &c->loop,
		.to = to,
		.on = on,
		.ctx = ctx,
		.scratch = &c->scratch,
		.idle_ms = conf->idle_ms,
		.receive_max = conf->max_answer,
		.see_off = true,
		.first = report_shown(to, REPORT_SERVER_HAS_TLS) ? client_on_first : NULL,
		.unopened = client_on_unopened,
		.gone = client_on_gone};
	conn_owner_init(&c->owner);
	c->began_ms = c->loop.now_ms;
	if (report_is_full(to))
		c->owner.path = &c->path;
	c->dial.owner = &c->owner;
	c->dial.done = client_on_dialled;
	c->inquiry = (struct inquiry){.asked = client_on_asked, .arg = c};
	inquiry_open(&c->inquiry, &c->loop);
	if (scratch_init(&c->scratch) == 0 &&
		timer_init(&c->loop, &c->max_time, client_on_max_time) == 0 &&
		late_begin(&c->late_lines, &c->loop, to) == 0)
		return 0;
	client_free(c);
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

struct conn *client_open_fd(struct client *c, const struct descriptor *what,
	struct conn_owner *owner, const struct handler *on, void *ctx)
{
	*owner = (struct conn_owner){
		.loop = &c->loop, .to = c->to, .scratch = &c->scratch, .on = on, .ctx = ctx};
	return descriptor_open(owner, what, fd_open);
}

/* The host that the option names, beside what the words say. */
static int client_add_host(struct client *c, struct err *err)
{
	struct endpoint *at = &c->where.at;
	const char *host = c->conf->host, *interface = c->conf->where.sockets.interface;

	if (!host)
		return 0;
	if (host_check(host, interface, err) < 0)
		return -1;
	return endpoint_add(at->host, sizeof(at->host), "--host", host, err);
}

int client_aim(struct client *c, const char *command, const struct opt_args *args, struct err *err)
{
	const struct opt_args none = {0};
	const struct client_conf *conf = c->conf;
	const struct where_conf *typed = &conf->where;

	if (where_read(typed, args ? args : &none, conf->host, false, command, &c->where, err) <
			0 ||
		client_add_host(c, err) < 0 || secure_check(&conf->tls, &c->where, err) < 0 ||
		where_aim(&c->where, typed, conf->connect_timeout_ms, &c->dial, err) < 0)
		return -1;
	c->dial.where.from.options = &typed->sockets;
	return where_read_source(conf->source, c->where.path.len, &c->dial.where.from, err);
}

int client_check(const struct client_conf *conf, const char *command, const struct opt_args *args,
	struct err *err)
{
	struct client client = {.conf = conf};

	return client_aim(&client, command, args, err);
}

/* How the connection ended, where it does not say so: by what ended the run. */
static enum report_ending client_ending(const struct client *c, enum report_ending end)
{
	if (c->many || !c->owner.opened)
		return END_NONE;
	if (!c->verdict.kind)
		return end == END_NONE || end == END_ERROR ? END_FIN : end;
	if (end != END_NONE)
		return end;
	return c->verdict.kind == ERR_TIMEOUT ? END_LIMIT : END_ERROR;
}

/* Keep the closing report: of the run, and of its connection. */
static void client_tell_done(struct client *c)
{
	const struct report totals = client_totals(c, REPORT_DONE);
	struct report done = c->to->closing;
	struct list *node = c->owner.conns.next;

	done.kind = totals.kind;
	done.received = totals.received;
	done.sent = totals.sent;
	done.in_ms = totals.in_ms;
	done.duration_ms = (struct report_fact){true, (uint64_t)(c->loop.now_ms - c->began_ms)};
	for (; report_is_full(c->to) && node != &c->owner.conns; node = node->next)
		conn_tell(conn_of_node(node), c->began_ms, NULL, &done);
	done.end = client_ending(c, done.end);
	if (c->many)
		done.rtt_us = done.retransmits = done.cwnd = (struct report_fact){0};
	report_closing(c->to, &done);
}

/* progress.count */
static void client_count(void *arg, struct progress_count *out)
{
	const struct report totals = client_totals(arg, REPORT_PROGRESS);

	*out = (struct progress_count){totals.received, totals.sent, totals.in_ms};
}

/* --progress; but not on a terminal where an answer is put out that knows nothing of it. */
static int client_begin_progress(struct client *c, struct err *err)
{
	if (c->conf->talk.progress < 0 || c->has_row || (!c->yields && terminal_is_shared()))
		return 0;
	c->progress = calloc(1, sizeof(*c->progress));
	if (c->progress) {
		c->progress->count = client_count;
		c->progress->arg = c;
		c->progress->size = (uint64_t)c->conf->talk.progress;
		c->progress->input_size = c->input_size;
		if (progress_begin(c->progress, &c->loop, c->to) == 0)
			return 0;
	}
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

static void client_end_progress(struct client *c)
{
	if (c->progress)
		progress_end(c->progress);
	free(c->progress);
	c->progress = NULL;
}

int client_turn(struct client *c, struct err *err)
{
	int rc;

	if (c->conf->max_time_ms > 0)
		timer_set_in(&c->loop, &c->max_time, c->conf->max_time_ms);
	rc = loop_run(&c->loop, err);
	client_end_progress(c);
	if (rc < 0)
		return -1;
	client_tell_done(c);
	if (!c->verdict.kind)
		return 0;
	*err = c->verdict;
	if (c->where.default_port)
		host_hint_port(c->where.at.host, err);
	advise_client(err, c->mode);
	return -1;
}

int client_run(struct client *c, struct err *err)
{
	if (secure_begin(&c->secure, &c->conf->tls, &c->where, c->to, err) < 0)
		return -1;
	if (c->secure.tls)
		c->owner.steps = c->secure.steps;
	if (client_begin_progress(c, err) < 0 || client_begin(c, err) < 0)
		return -1;
	return client_turn(c, err);
}

void client_free(struct client *c)
{
	dial_stop(&c->dial);
	retry_end(&c->retry);
	conn_owner_free(&c->owner);
	secure_end(&c->secure);
	timer_free(&c->loop, &c->max_time);
	scratch_free(&c->scratch, c->to);
	late_end(&c->late_lines);
	inquiry_close(&c->inquiry);
	client_end_progress(c);
	loop_free(&c->loop);
}
