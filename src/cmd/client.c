#include "cmd/client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/escape.h"
#include "cmd/advice.h"
#include "cmd/host.h"
#include "cmd/talk.h"
#include "core/elsewhere.h"
#include "report/report.h"
#include "transport/fd.h"

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
		.help = "its port, a number or a service name (default: " DEFAULT_PORT ")"},
	{.name = "source",
		.letter = 's',
		.kind = OPT_TEXT,
		OPT_FIELD(struct client_conf, source),
		.arg = "[ADDR][:PORT]",
		.help = "connect from this address or port of ours, or on Unix from this path"},
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
			"or, but for connect, to be answered (0: never)"},
	{.name = "idle-timeout",
		.letter = 'i',
		.kind = OPT_MSEC,
		OPT_FIELD(struct client_conf, idle_ms),
		.arg = "DUR",
		.help = "give up when nothing has moved for DUR"},
	{.name = "max-time",
		.kind = OPT_MSEC,
		OPT_FIELD(struct client_conf, max_time_ms),
		.arg = "DUR",
		.help = "give up when all takes longer than DUR"},
};

void client_options(struct opt_set *set)
{
	opt_set_add(set, "Address", target_rows, sizeof(target_rows) / sizeof(target_rows[0]), 0);
	opt_set_add(set, "Address", where_options, where_option_count,
		offsetof(struct client_conf, where));
	opt_set_add(set, "Sockets", socket_option_rows, socket_option_count,
		offsetof(struct client_conf, where));
	opt_set_add(set, "Time limits", time_rows, sizeof(time_rows) / sizeof(time_rows[0]), 0);
	opt_set_add(set, "Messages", talk_options, talk_option_count,
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
	if (conn == c->net)
		c->net = NULL;
	c->over(c, why);
}

static void client_tell_connected(struct client *c, const struct addr *at)
{
	const struct addr_shown address = addr_text(at);
	const struct report connected = {
		.kind = c->where.via->connectionless ? REPORT_AIMED : REPORT_CONNECTED,
		.address = address.text,
		.transport = c->where.via->name,
	};

	report(c->to, &connected);
}

/* Nobody is at the address that datagrams went to: the next one of the name may do better. */
static bool client_go_elsewhere(void *arg, int error, struct link *link, struct addr *at)
{
	struct client *c = arg;
	const struct addr_shown address = addr_text(&c->at);
	const struct report lost = {
		.kind = REPORT_ATTEMPT_LOST, .address = address.text, .reason = strerror(error)};
	struct err unused;

	if (!c->others.count)
		return false;
	report(c->to, &lost);
	if (!connector_next(c->to, &c->to_where, &c->others, link, at, &unused))
		return false;
	c->at = *at;
	client_tell_connected(c, at);
	return true;
}

struct conn *client_adopt(struct client *c, const struct connected *there, struct err *err)
{
	struct conn *made = conn_new(&c->owner, &there->link, &there->at, CONN_BOTH);
	struct link unused = there->link;

	if (made)
		return made;
	link_close(&unused);
	err_set(err, ERR_RUNTIME, "connection to %s: out of memory", c->typed);
	return NULL;
}

/* What is left of --connect-timeout, which is for looking up, connecting and opening. */
static int64_t client_time_left_ms(const struct client *c)
{
	int64_t left_ms = c->began_ms + c->conf->connect_timeout_ms - c->loop.now_ms;

	if (c->conf->connect_timeout_ms <= 0)
		return 0;
	return left_ms > 0 ? left_ms : 1;
}

static void client_on_unopened(struct conn_owner *owner, const struct conn *conn,
	const struct step *at, const struct err *why)
{
	struct client *c = container_of(owner, struct client, owner);

	(void)at;
	if (conn == c->net)
		c->net = NULL;
	if (why)
		client_fail(c, why);
}

/* The connection, of what the connector found. Returns NULL, with err, when memory is out. */
static struct conn *client_make_net(
	struct client *c, const struct connected *there, struct err *err)
{
	const struct elsewhere_conf conf = {.next = client_go_elsewhere, .arg = c};
	struct connected found = *there;

	if (c->where.via->connectionless && elsewhere_over(&found.link, &found.at, &conf) < 0)
		c->others.count = 0; /* it will do without */
	return client_adopt(c, &found, err);
}

static void client_on_connected(void *arg, const struct connected *there, const struct err *why)
{
	struct client *c = arg;
	struct err none = {0};

	c->connector = NULL;
	if (why) {
		client_fail(c, why);
		return;
	}
	c->others = there->others;
	c->at = there->at;
	c->net = client_make_net(c, there, &none);
	if (!c->net) {
		client_fail(c, &none);
		return;
	}
	client_tell_connected(c, &there->at);
	c->owner.opening_ms = client_time_left_ms(c);
	conn_begin(c->net);
}

static void client_on_max_time(struct timer *t)
{
	struct client *c = container_of(t, struct client, max_time);
	struct err why = {0};

	err_set(&why, ERR_TIMEOUT, "%s: not done within %jd ms (--max-time)", c->typed,
		(intmax_t)c->conf->max_time_ms);
	if (c->late)
		c->late(c, &why);
	else
		client_fail(c, &why);
}

int client_init(struct client *c, struct reporter *to, const struct client_conf *conf,
	const struct handler *on, void *ctx, struct err *err)
{
	*c = (struct client){.to = to, .conf = conf};
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
		.unopened = client_on_unopened,
		.gone = client_on_gone};
	conn_owner_init(&c->owner);
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

/* Of a Unix socket, --source is a path. */
static int client_read_source_path(const char *typed, struct addr *source, struct err *err)
{
	if (typed[0] != ':' || !text_is_digits(typed + 1))
		return path_read(typed, source, err);
	err_set(err, ERR_USAGE, "%s is a port to connect from, and a Unix socket has none",
		quoted(typed).text);
	return err_hint(err, "give a path of ours, as in -s ./client.sock");
}

/* --source: ADDR, ADDR:PORT, [V6]:PORT, :PORT; numeric, for it is one of ours. */
static int client_read_source(const struct client *c, struct dial_conf *from, struct err *err)
{
	const char *typed = c->conf->source;
	struct endpoint at;
	uint16_t port = 0;

	if (!typed)
		return 0;
	if (c->where.path.len)
		return client_read_source_path(typed, &from->source, err);
	if (endpoint_split(typed, &at) || at.path[0] ||
		(at.port[0] && port_read(at.port, &port, err) < 0) ||
		(at.host[0] && (addr_from_numeric(&from->source, AF_UNSPEC, at.host, port) < 0 ||
				       addr_is_group(&from->source) ||
				       addr_is_broadcast(&from->source)))) {
		err_set(err, ERR_USAGE, "%s is not an address to connect from", quoted(typed).text);
		return err_hint(
			err, "write it as 127.0.0.1, 127.0.0.1:4000, ::1, [::1]:4000 or :4000");
	}
	from->source_port = port;
	return 0;
}

/* The host: as the words or the option have it, else this machine. */
static int client_read_host(struct client *c, struct err *err)
{
	struct endpoint *at = &c->where.at;
	const char *host = c->conf->host, *interface = c->conf->where.sockets.interface;

	if (host && (host_check(host, interface, err) < 0 ||
			    endpoint_add(at->host, sizeof(at->host), "--host", host, err) < 0))
		return -1;
	if (!at->host[0])
		snprintf(at->host, sizeof(at->host), "localhost");
	if (host_check(at->host, interface, err) < 0)
		return -1;
	if (c->where.port == 0) {
		err_set(err, ERR_USAGE, "nothing can be reached at port 0");
		return err_hint(err, "use the port that the server's 'listening on' line names");
	}
	endpoint_join(c->typed, sizeof(c->typed), at->host, at->port);
	return 0;
}

int client_aim(struct client *c, const char *command, const struct opt_args *args, struct err *err)
{
	const struct opt_args none = {0};
	const struct client_conf *conf = c->conf;
	struct where *where = &c->where;
	bool named;

	if (where_read(&conf->where, args ? args : &none, conf->host, false, command, where, err) <
		0)
		return -1;
	named = conf->host || where->at.host[0];
	if (where->path.len)
		snprintf(c->typed, sizeof(c->typed), "%s", addr_text(&where->path).text);
	else if (client_read_host(c, err) < 0)
		return -1;
	c->to_where = (struct connector_conf){.via = where->via,
		.target = {.host = where->at.host,
			.port = where->port,
			.family = where->family,
			/* The default is never looked up: no name for --numeric to forbid. */
			.numeric = conf->where.numeric && named},
		.at = where->path,
		.from.options = &conf->where.sockets,
		.typed = c->typed,
		.timeout_ms = conf->connect_timeout_ms};
	return client_read_source(c, &c->to_where.from, err);
}

/* All went well: only now is that known. */
static void client_tell_done(struct client *c)
{
	struct report done = {.kind = REPORT_DONE, .received = c->received, .sent = c->sent};
	struct list *node;

	for (node = c->owner.conns.next; node != &c->owner.conns; node = node->next) {
		done.received += conn_received(conn_of_node(node));
		done.sent += conn_sent(conn_of_node(node));
	}
	report(c->to, &done);
}

int client_run(struct client *c, struct err *err)
{
	c->began_ms = c->loop.now_ms;
	c->connector = connector_start(&c->loop, c->to, &c->to_where, client_on_connected, c, err);
	if (!c->connector)
		return -1;
	if (c->conf->max_time_ms > 0)
		timer_set_in(&c->loop, &c->max_time, c->conf->max_time_ms);
	if (loop_run(&c->loop, err) < 0)
		return -1;
	if (!c->verdict.kind) {
		client_tell_done(c);
		return 0;
	}
	*err = c->verdict;
	if (c->where.default_port)
		host_hint_port(c->where.at.host, err);
	advise_client(err, c->mode);
	return -1;
}

void client_free(struct client *c)
{
	if (c->connector)
		connector_cancel(c->connector);
	conn_owner_free(&c->owner);
	timer_free(&c->loop, &c->max_time);
	scratch_free(&c->scratch, c->to);
	late_end(&c->late_lines);
	loop_free(&c->loop);
}
