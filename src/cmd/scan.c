/* connect --zero, of several ports or hosts. */
#include "cmd/scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "core/scan.h"
#include "os/limits.h"
#include "transport/fd.h"

enum {
	SCAN_HOSTS_MAX = 64,
	SCAN_RANGES_MAX = 64,
	SCAN_WORD_MAX = 8192, /* bytes of the hosts, or of the ports, as typed */
	SCAN_AT_ONCE = 512,
	SCAN_SPARE_DESCRIPTORS = 16,
};

struct scan_host {
	char name[ENDPOINT_HOST_MAX];
	struct resolve_query query;
};

/* What is to be scanned, as typed; the lists are cut at their commas. */
struct scan_lists {
	char hosts[SCAN_WORD_MAX], ports[SCAN_WORD_MAX];
	const char *host_option, *port_option; /* what is left of these options */
};

struct scan_command {
	struct client client;
	struct client_conf
		one; /* the client's, without the lists: each host and port is aimed at by it */
	struct scan scan;
	const struct probe_conf *conf;
	struct scan_host hosts[SCAN_HOSTS_MAX];
	struct resolved addresses[SCAN_HOSTS_MAX];
	size_t host_count, looked_up;
	struct scan_range ranges[SCAN_RANGES_MAX];
	size_t range_count;
	struct resolve *resolve;
	struct timer late; /* the look-up takes too long */
	struct conn_owner out_owner;
	struct conn *out;
	uint64_t open, refused, silent;
	bool done; /* all was told */
};

/* ---- the lists ---- */

/* 20-30, or 22,80: no service has such a name. */
static bool scan_is_list(const char *ports)
{
	size_t first = strspn(ports, "0123456789");

	return strchr(ports, ',') ||
	       (first && ports[first] == '-' && text_is_digits(ports + first + 1));
}

/* Where the ports of HOST:20-30 begin, or NULL. */
static const char *scan_ports_of(const char *word)
{
	const char *colon = strrchr(word, ':');

	return colon && colon > word && scan_is_list(colon + 1) ? colon + 1 : NULL;
}

bool scan_asked(const struct client_conf *client, const struct opt_args *args)
{
	const char *hosts = args->count ? args->words[0] : client->host;
	const char *ports = args->count > 1 ? args->words[1] : client->where.port;

	if (client->where.path ||
		(args->count && strncmp(hosts, "unix", strlen("unix")) == 0 && strchr(hosts, ':')))
		return false;
	return (hosts && (strchr(hosts, ',') || (args->count == 1 && scan_ports_of(hosts)))) ||
	       (ports && scan_is_list(ports));
}

static int scan_keep(char *out, const char *text, size_t len, struct err *err)
{
	if (len < SCAN_WORD_MAX) {
		memcpy(out, text, len);
		out[len] = '\0';
		return 0;
	}
	err_set(err, ERR_USAGE, "the list of hosts or ports is too long");
	return err_hint(err, "at most %d bytes; scan a part of them at a time", SCAN_WORD_MAX - 1);
}

static int scan_read_lists(const struct client_conf *client, const struct opt_args *args,
	struct scan_lists *out, struct err *err)
{
	const char *hosts = args->count    ? args->words[0]
	                    : client->host ? client->host
	                                   : "localhost";
	const char *inside = args->count == 1 ? scan_ports_of(hosts) : NULL;
	const char *ports = inside ? inside : args->count > 1 ? args->words[1] : client->where.port;

	out->host_option = args->count ? client->host : NULL;
	out->port_option = ports == client->where.port ? NULL : client->where.port;
	if (args->count > 2) {
		err_set(err, ERR_USAGE,
			"%s is one word too many: the address is complete without it",
			quoted(args->words[2]).text);
		return err_hint(err, "write HOST[,HOST...] PORT[-PORT][,...]");
	}
	if (!ports)
		ports = DEFAULT_PORT;
	if (scan_keep(out->hosts, hosts, inside ? (size_t)(inside - hosts - 1) : strlen(hosts),
		    err) < 0)
		return -1;
	return scan_keep(out->ports, ports, strlen(ports), err);
}

/* One part of the list: 22, http, 20-30. */
static int scan_read_range(char *part, struct scan_range *out, struct err *err)
{
	char *hyphen = scan_is_list(part) ? strchr(part, '-') : NULL;

	if (hyphen)
		*hyphen = '\0';
	if (port_read(part, &out->first, err) < 0 ||
		port_read(hyphen ? hyphen + 1 : part, &out->last, err) < 0)
		return -1;
	if (out->first && out->first <= out->last)
		return 0;
	if (out->first) {
		err_set(err, ERR_USAGE, "'%u-%u' ends before it begins", out->first, out->last);
		return err_hint(err, "write the lower port first: %u-%u", out->last, out->first);
	}
	err_set(err, ERR_USAGE, "cannot connect to port 0");
	return err_hint(err, "ports are from 1 to 65535");
}

static int scan_too_many(const char *what, int most, struct err *err)
{
	err_set(err, ERR_USAGE, "more than %d %s", most, what);
	return err_hint(err, "scan a part of them at a time");
}

static int scan_read_ports(struct scan_command *run, char *ports, struct err *err)
{
	for (char *part = ports, *next; part; part = next) {
		next = strchr(part, ',');
		if (next)
			*next++ = '\0';
		if (run->range_count == SCAN_RANGES_MAX)
			return scan_too_many("ranges of ports", SCAN_RANGES_MAX, err);
		if (scan_read_range(part, &run->ranges[run->range_count++], err) < 0)
			return -1;
	}
	return 0;
}

/* As a client aims at one port of the host: with all that is checked then. */
static int scan_read_host(struct scan_command *run, const char *name, struct err *err)
{
	char port[ENDPOINT_PORT_MAX];
	const char *words[] = {name, port};
	const struct opt_args args = {.words = words, .count = 2};
	struct scan_host *host = &run->hosts[run->host_count++];
	struct dial *d = &run->client.dial;

	snprintf(port, sizeof(port), "%u", run->ranges[0].first);
	if (client_aim(&run->client, "connect -z", &args, err) < 0)
		return -1;
	snprintf(host->name, sizeof(host->name), "%s", d->where.target.host);
	host->query = d->where.target;
	host->query.host = host->name;
	return 0;
}

static int scan_read_hosts(
	struct scan_command *run, const struct scan_lists *lists, char *hosts, struct err *err)
{
	run->one = *run->client.conf;
	run->one.host = lists->host_option;
	run->one.where.port = lists->port_option;
	run->client.conf = &run->one;
	for (char *name = hosts, *next; name; name = next) {
		next = strchr(name, ',');
		if (next)
			*next++ = '\0';
		if (run->host_count == SCAN_HOSTS_MAX)
			return scan_too_many("hosts", SCAN_HOSTS_MAX, err);
		if (scan_read_host(run, name, err) < 0)
			return -1;
	}
	return 0;
}

/* What waits for one port alone; NULL: nothing that was given. */
static const char *scan_what_waits(const struct scan_command *run, const struct opt_args *args)
{
	const struct client_conf *conf = run->client.conf;

	if (args->program_count)
		return "--";
	return conf->retries ? "--retry" : conf->retry_ms >= 0 ? "--retry-for" : NULL;
}

static int scan_check(const struct scan_command *run, const struct opt_args *args, struct err *err)
{
	const char *waits = scan_what_waits(run, args);

	if (waits) {
		err_set(err, ERR_USAGE, "'%s' waits for one port, and here are several", waits);
		return err_hint(err, "wait for each: sockx connect -z --retry-for DUR HOST PORT");
	}
	return probe_check_text(run->conf, run->client.where.via, err);
}

/* Ports are seen to be open before there is any TLS. */
static int scan_check_tls(const struct client_conf *client, struct err *err)
{
	if (!client->where.tls)
		return 0;
	err_set(err, ERR_USAGE, "'--tls' is for one address at a time");
	return err_hint(err, "to see which ports are open, leave it out");
}

static int scan_read(struct scan_command *run, const struct opt_args *args, struct err *err)
{
	struct scan_lists lists;

	if (scan_check_tls(run->client.conf, err) < 0 ||
		scan_read_lists(run->client.conf, args, &lists, err) < 0 ||
		scan_read_ports(run, lists.ports, err) < 0 ||
		scan_read_hosts(run, &lists, lists.hosts, err) < 0)
		return -1;
	snprintf(run->client.dial.typed, sizeof(run->client.dial.typed), "the scan");
	return scan_check(run, args, err);
}

/* ---- results ---- */

static int scan_put_open(struct scan_command *run, const struct report *found, struct buf *line)
{
	if (run->client.to->json)
		return report_object(found, line);
	if (run->host_count > 1)
		return buf_printf(line, "%s %ju\n", found->host, (uintmax_t)found->port);
	return buf_printf(line, "%ju\n", (uintmax_t)found->port);
}

static int scan_tell_open(struct scan_command *run, const struct report *found)
{
	struct buf line = {0};
	int rc = scan_put_open(run, found, &line);

	if (rc < 0)
		client_fail(&run->client, &(struct err){ERR_RUNTIME, .what = "out of memory"});
	rc = run->out ? conn_write(run->out, buf_span(&line)) : -1;
	buf_free(&line);
	return rc;
}

static const char *const scan_states[] = {
	[SCAN_OPEN] = "open", [SCAN_REFUSED] = "refused", [SCAN_SILENT] = "silent"};

static int scan_on_told(struct scan *s, const struct scan_place *at, enum scan_verdict verdict)
{
	struct scan_command *run = container_of(s, struct scan_command, scan);
	char address[ENDPOINT_HOST_MAX + ENDPOINT_PORT_MAX], port[8];
	struct report found = {.kind = REPORT_PORT,
		.address = address,
		.host = run->hosts[at->host].name,
		.port = at->port,
		.transport = s->via->name,
		.state = scan_states[verdict]};

	run->open += verdict == SCAN_OPEN;
	run->silent += verdict == SCAN_SILENT;
	run->refused += verdict == SCAN_REFUSED;
	if (verdict != SCAN_OPEN && !report_shown(s->to, REPORT_PORT))
		return 0;
	snprintf(port, sizeof(port), "%u", at->port);
	endpoint_join(address, sizeof(address), found.host, port);
	if (verdict == SCAN_OPEN)
		return scan_tell_open(run, &found);
	found.reason = found.state;
	report(s->to, &found);
	return 0;
}

/* The status is that of one port where all are the same; some of them open is 1. */
static void scan_count(struct scan_command *run)
{
	const struct report counted = {.kind = REPORT_SCANNED,
		.open = run->open,
		.refused = run->refused,
		.silent = run->silent};
	struct err status = {0};

	report(run->client.to, &counted);
	if (!run->refused && !run->silent)
		return;
	status.kind = run->open ? ERR_RUNTIME : run->refused ? ERR_REFUSED : ERR_TIMEOUT;
	if (run->client.to->json)
		err_set(&status, status.kind, "not all ports are open");
	client_blame(&run->client, &status);
}

static void scan_on_over(struct scan *s, const struct err *why)
{
	struct scan_command *run = container_of(s, struct scan_command, scan);

	client_blame(&run->client, why);
	run->done = !why;
	if (run->out)
		conn_finish(run->out);
	else
		client_stop(&run->client);
}

static void scan_out_drained(struct conn *c)
{
	scan_go_on(&((struct scan_command *)conn_ctx(c))->scan);
}

static void scan_out_closed(struct conn *c, const struct err *why)
{
	struct scan_command *run = conn_ctx(c);

	run->out = NULL;
	client_blame(&run->client, why);
	if (run->done && !why)
		scan_count(run);
	client_stop(&run->client);
}

static const struct handler scan_out = {.drained = scan_out_drained, .closed = scan_out_closed};

/* ---- names ---- */

static int scan_look_up(struct scan_command *run, struct err *err);

/* Its addresses of the source's family. */
static void scan_take(struct scan_command *run, const struct resolved *found)
{
	const struct addr *source = &run->client.dial.where.from.source;
	struct resolved *out = &run->addresses[run->looked_up++];

	for (size_t i = 0; i < found->count; i++)
		if (!source->len || source->sa.sa_family == found->at[i].sa.sa_family)
			out->at[out->count++] = found->at[i];
}

static void scan_on_resolved(void *arg, const struct resolved *found, const struct err *why)
{
	struct scan_command *run = arg;
	struct err err = {0};

	run->resolve = NULL;
	timer_clear(&run->client.loop, &run->late);
	if (why) {
		client_fail(&run->client, why);
		return;
	}
	scan_take(run, found);
	if (scan_look_up(run, &err) < 0)
		client_fail(&run->client, &err);
}

static void scan_on_late(struct timer *t)
{
	struct scan_command *run = container_of(t, struct scan_command, late);
	struct err why = {0};

	err_set(&why, ERR_TIMEOUT, "cannot look up %s within %jd ms",
		quoted(run->hosts[run->looked_up].name).text,
		(intmax_t)run->client.conf->connect_timeout_ms);
	err_fact(&why, FACT_NO_ANSWER, NULL);
	client_fail(&run->client, &why);
}

/* Have a name's addresses looked up. */
static int scan_ask_for(struct scan_command *run, const struct scan_host *host, struct err *err)
{
	const struct report resolving = {
		.kind = REPORT_RESOLVING, .address = host->name, .host = host->name};
	struct client *c = &run->client;

	report(c->to, &resolving);
	run->resolve = resolve_start(&c->loop, &host->query, scan_on_resolved, run, err);
	if (!run->resolve)
		return -1;
	if (c->conf->connect_timeout_ms > 0)
		timer_set_in(&c->loop, &run->late, c->conf->connect_timeout_ms);
	return 0;
}

/* One after the other; then the scan begins. Returns 0, or -1 with err. */
static int scan_look_up(struct scan_command *run, struct err *err)
{
	struct resolved found;

	while (run->looked_up < run->host_count) {
		const struct scan_host *host = &run->hosts[run->looked_up];
		int known = resolve_at_once(&host->query, &found, err);

		if (known < 0)
			return -1;
		if (known == 0)
			return scan_ask_for(run, host, err);
		scan_take(run, &found);
	}
	return scan_begin(&run->scan) == 0
	               ? 0
	               : err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

/* ---- the run ---- */

static size_t scan_at_once(const struct client *c)
{
	size_t most = limits_descriptors(c->to, 0);

	if (c->dial.where.from.source_port)
		return 1; /* two connections cannot come from one port */
	most = most > SCAN_SPARE_DESCRIPTORS ? most - SCAN_SPARE_DESCRIPTORS : 1;
	return most < SCAN_AT_ONCE ? most : SCAN_AT_ONCE;
}

static int scan_prepare(struct scan_command *run, struct err *err)
{
	struct client *c = &run->client;

	run->scan = (struct scan){.loop = &c->loop,
		.to = c->to,
		.via = c->where.via,
		.hosts = run->addresses,
		.host_count = run->host_count,
		.ranges = run->ranges,
		.range_count = run->range_count,
		.from = c->dial.where.from,
		.text = span_of(run->conf->text ? run->conf->text : ""),
		.timeout_ms = c->conf->connect_timeout_ms,
		.at_once = scan_at_once(c),
		.told = scan_on_told,
		.over = scan_on_over};
	run->out = client_open_fd(c, &standard_output, &run->out_owner, &scan_out, run);
	if (run->out && timer_init(&c->loop, &run->late, scan_on_late) == 0)
		return 0;
	return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
}

/* client.asked */
static bool scan_on_asked(struct client *c)
{
	const struct scan_command *run = container_of(c, struct scan_command, client);
	const struct report so_far = {.kind = REPORT_SCANNING,
		.open = run->open,
		.refused = run->refused,
		.silent = run->silent};

	report(c->to, &so_far);
	return true;
}

static int scan_go(struct scan_command *run, const struct opt_args *args, struct err *err)
{
	if (scan_read(run, args, err) < 0 || scan_prepare(run, err) < 0 ||
		scan_look_up(run, err) < 0)
		return -1;
	return client_turn(&run->client, err);
}

int scan_aim(const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err)
{
	struct scan_command *run = calloc(1, sizeof(*run));
	int rc;

	if (!run)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	run->conf = conf;
	run->client.conf = client;
	rc = scan_read(run, args, err);
	free(run);
	return rc;
}

int scan_run(struct reporter *to, const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err)
{
	struct scan_command *run = calloc(1, sizeof(*run));
	int rc = -1;

	if (!run)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	if (client_init(&run->client, to, client, NULL, run, err) == 0) {
		run->conf = conf;
		run->client.asked = scan_on_asked;
		rc = scan_go(run, args, err);
		if (run->resolve)
			resolve_cancel(run->resolve);
		scan_free(&run->scan);
		timer_free(&run->client.loop, &run->late);
		if (run->out_owner.loop)
			conn_owner_free(&run->out_owner);
		client_free(&run->client);
	}
	free(run);
	return rc;
}
