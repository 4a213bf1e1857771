/* sockx serve: listen, and run a mode for every client. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cmd/commands.h"
#include "cmd/talk.h"
#include "cmd/where.h"
#include "core/resolve.h"
#include "core/server.h"
#include "core/signals.h"
#include "mode/mode.h"
#include "transport/fd.h"

enum {
	BACKLOG_MAX = 65535,
	LOOK_UP_MS = 10000, /* for the names of all -H together */
	/* RFC 4787 REQ-5: a NAT keeps a UDP mapping for at least 2 minutes. A peer is kept as long,
	 * so that while its mapping stands, it is known. */
	PEER_IDLE_MS = 120000,
};

struct serve_conf {
	struct talk_conf talk; /* first: see struct talk_conf */
	struct opt_list hosts;
	const char *mode;
	struct where_conf where;
	bool keep_open, once;
	struct listen_conf listen;
	uint64_t max_conns, exit_after;
	int64_t idle_ms, max_time_ms; /* 0: never; -1: not given */
};

struct serve_run {
	struct reporter *to;
	const struct serve_conf *conf;
	const struct mode *mode;
	struct loop loop;
	struct signals signals;
	struct timer max_time, look_up_limit, mode_limit;
	struct server server;
	struct mode_env env;
	struct where where;
	struct addr at[SERVER_LISTENERS_MAX];
	size_t at_count;
	struct resolve *resolve;
	bool server_over, interrupted;
	struct err verdict; /* why the run failed, or none */
};

static const struct opt address_rows[] = {
	{.name = "host",
		.letter = 'H',
		.kind = OPT_LIST,
		OPT_FIELD(struct serve_conf, hosts),
		.arg = "HOST",
		.completes = COMPLETES_HOST,
		.common = true,
		.help = "listen on this address only; may be repeated (default: all addresses)"},
	{.name = "port",
		.letter = 'p',
		.kind = OPT_TEXT,
		OPT_FIELD(struct serve_conf, where.port),
		.arg = "PORT",
		.completes = COMPLETES_SERVICE,
		.common = true,
		.help = "a number, a service name, or 0 for a free port (default: " DEFAULT_PORT
			")"},
};

static const struct opt serve_rows[] = {
	{.name = "mode",
		.letter = 'm',
		.kind = OPT_CHOICE,
		OPT_FIELD(struct serve_conf, mode),
		.arg = "MODE",
		.fallback = "pipe",
		.choice = mode_choice,
		.common = true,
		.help = "what each client meets"},
	{.name = "keep-open",
		.letter = 'k',
		.kind = OPT_FLAG,
		OPT_FIELD(struct serve_conf, keep_open),
		.common = true,
		.help = "pipe: serve one client after the other, not the first alone"},
	{.name = "once",
		.letter = '1',
		.kind = OPT_FLAG,
		OPT_FIELD(struct serve_conf, once),
		.common = true,
		.help = "end after the first client, as --exit-after 1"},
	{.name = "exit-after",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct serve_conf, exit_after),
		.arg = "N",
		.max = UINT32_MAX,
		.help = "end after N clients came and went"},
	{.name = "max-conns",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct serve_conf, max_conns),
		.arg = "N",
		.max = INT32_MAX,
		.help = "serve at most N clients at once; others wait (0: as many as descriptors "
			"allow); of datagram peers, forget the one not heard for longest"},
	{.name = "backlog",
		.letter = 'b',
		.kind = OPT_NUMBER,
		OPT_FIELD(struct serve_conf, listen.backlog),
		.arg = "N",
		.max = BACKLOG_MAX,
		.help = "let N clients wait to be accepted (default: as many as the system "
			"allows)"},
	{.name = "unix-mode",
		.kind = OPT_PERMISSIONS,
		OPT_FIELD(struct serve_conf, listen.permissions),
		.arg = "OCTAL",
		.fallback = "0600",
		.help = "give the Unix socket's path these permissions"},
};

static const struct opt time_rows[] = {
	{.name = "idle-timeout",
		.letter = 'i',
		.kind = OPT_MSEC,
		OPT_FIELD(struct serve_conf, idle_ms),
		.arg = "DUR",
		.help = "close a connection on which nothing has moved for DUR (of a datagram "
			"peer, 2m)"},
	{.name = "max-time",
		.kind = OPT_MSEC,
		OPT_FIELD(struct serve_conf, max_time_ms),
		.arg = "DUR",
		.help = "stop after DUR, as if by SIGTERM"},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static void serve_options(struct opt_set *set)
{
	set->conf_size = sizeof(struct serve_conf);
	opt_set_add(set, "Address", address_rows, COUNT(address_rows), 0);
	opt_set_add(set, "Address", where_options, where_option_count,
		offsetof(struct serve_conf, where));
	opt_set_add(set, "Serving", serve_rows, COUNT(serve_rows), 0);
	opt_set_add(set, "Time limits", time_rows, COUNT(time_rows), 0);
	for (size_t i = 0; modes[i]; i++)
		opt_set_add_mode(set, "Data", modes[i]->options, modes[i]->option_count,
			modes[i]->conf_size, modes[i]->name);
	opt_set_add(set, "Messages", talk_options, talk_option_count,
		offsetof(struct serve_conf, talk));
}

/* Where the chosen mode's own options were put; NULL if it has none. */
static const void *mode_conf(const struct serve_run *run, const struct opt_set *set)
{
	for (size_t g = 0; g < set->count; g++)
		if (set->groups[g].mode && strcmp(set->groups[g].mode, run->mode->name) == 0)
			return (const char *)run->conf + set->groups[g].offset;
	return NULL;
}

/* ---- the end ---- */

static void end_run(struct serve_run *run, const struct err *why)
{
	if (why && !run->verdict.kind)
		run->verdict = *why;
	loop_stop(&run->loop);
}

/* The mode has written out what its clients left. */
static void on_mode_done(void *arg, const struct err *why)
{
	end_run(arg, why);
}

static void on_mode_limit(struct timer *t)
{
	struct serve_run *run = container_of(t, struct serve_run, mode_limit);
	struct err why = {0};

	err_set(&why, ERR_LOST, "stopped with bytes not yet written to standard output");
	err_hint(&why, "its reader did not take them within %d ms", SERVER_STOP_MS);
	end_run(run, &why);
}

static void on_server_ended(void *arg, const struct err *why)
{
	struct serve_run *run = arg;

	run->server_over = true;
	if (why && !run->verdict.kind)
		run->verdict = *why;
	if (!run->mode->finish) {
		end_run(run, NULL);
		return;
	}
	if (run->interrupted)
		timer_set_in(&run->loop, &run->mode_limit, SERVER_STOP_MS);
	run->mode->finish(&run->env);
}

static void stop(struct serve_run *run, const char *reason)
{
	run->interrupted = true;
	if (run->server.listening)
		server_stop(&run->server, reason);
	else if (run->server_over)
		timer_set_in(&run->loop, &run->mode_limit, SERVER_STOP_MS);
	else
		loop_stop(&run->loop);
}

static void on_signal(void *arg, const char *name)
{
	stop(arg, name);
}

static void on_max_time(struct timer *t)
{
	stop(container_of(t, struct serve_run, max_time), "--max-time");
}

/* ---- the addresses ---- */

static int add_address(struct serve_run *run, const struct addr *at, struct err *err)
{
	for (size_t i = 0; i < run->at_count; i++)
		if (addr_equal(&run->at[i], at))
			return 0;
	if (run->at_count == SERVER_LISTENERS_MAX)
		return err_set(err, ERR_USAGE, "more than %d addresses to listen on",
			SERVER_LISTENERS_MAX);
	run->at[run->at_count++] = *at;
	return 0;
}

static int add_all(struct serve_run *run, const struct resolved *answer, struct err *err)
{
	for (size_t i = 0; i < answer->count; i++)
		if (add_address(run, &answer->at[i], err) < 0)
			return -1;
	return 0;
}

static void on_resolved(void *arg, const struct resolved *answer, const struct err *why)
{
	struct serve_run *run = arg;
	struct err err = {0};

	run->resolve = NULL;
	if (answer && add_all(run, answer, &err) < 0)
		why = &err;
	end_run(run, why);
}

static void on_look_up_limit(struct timer *t)
{
	struct serve_run *run = container_of(t, struct serve_run, look_up_limit);
	struct err why = {0};

	err_set(&why, ERR_TIMEOUT, "cannot look up the address to listen on within %d ms",
		LOOK_UP_MS);
	err_hint(&why, "give -H an address instead of a name");
	end_run(run, &why);
}

/* All addresses of one host. The loop turns meanwhile, so that signals and limits hold. */
static int add_host(struct serve_run *run, const char *host, struct err *err)
{
	const struct resolve_query query = {.host = host,
		.port = run->where.port,
		.family = run->where.family,
		.numeric = run->conf->where.numeric,
		.passive = true};
	struct resolved answer;
	int known;

	if (host_check(host, err) < 0)
		return -1;
	known = resolve_at_once(&query, &answer, err);
	if (known != 0)
		return known < 0 ? -1 : add_all(run, &answer, err);
	run->resolve = resolve_start(&run->loop, &query, on_resolved, run, err);
	if (!run->resolve || loop_run(&run->loop, err) < 0)
		return -1;
	if (!run->verdict.kind)
		return 0;
	*err = run->verdict;
	return -1;
}

/* Who may reach a server whose operator named no address: all, unless its datagrams could be used
 * to flood others, whose addresses somebody forged. */
static bool for_all(const struct serve_run *run)
{
	return !(run->where.via->connectionless && run->mode->amplifies);
}

/* IPv4, and IPv6 beside it, where the machine has it. */
static void add_both(struct serve_run *run)
{
	struct addr (*address)(int family, uint16_t port) = for_all(run) ? addr_any : addr_loopback;
	int family = run->where.family;

	if (family != AF_INET6)
		run->at[run->at_count++] = address(AF_INET, run->where.port);
	if (family != AF_INET)
		run->at[run->at_count++] = address(AF_INET6, run->where.port);
	run->server.conf.any = family == AF_UNSPEC;
}

static int find_addresses(struct serve_run *run, struct err *err)
{
	const struct opt_list *hosts = &run->conf->hosts;
	const char *word = run->where.at.host;

	if (run->where.path.len)
		return add_address(run, &run->where.path, err);
	if (word[0] && add_host(run, word, err) < 0)
		return -1;
	for (size_t i = 0; i < hosts->count && !run->interrupted; i++)
		if (add_host(run, hosts->items[i], err) < 0)
			return -1;
	if (!word[0] && hosts->count == 0)
		add_both(run);
	return 0;
}

/* ---- the run ---- */

static int check_options(struct serve_run *run, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct serve_conf *conf = run->conf;
	const char *owner, *stray = opts_stray(set, args, conf->mode, &owner);

	if (stray) {
		err_set(err, ERR_USAGE, "'%s' belongs to mode %s, not to mode %s", stray, owner,
			conf->mode);
		return err_hint(err, "leave it out, or use --mode %s", owner);
	}
	if (conf->once && conf->exit_after > 1) {
		err_set(err, ERR_USAGE, "'--once' contradicts '--exit-after %ju'",
			(uintmax_t)conf->exit_after);
		return err_hint(err, "give one of them");
	}
	if (run->mode->one_at_a_time && conf->keep_open && conf->once) {
		err_set(err, ERR_USAGE, "'--keep-open' and '--once' contradict each other");
		return err_hint(err, "give one of them");
	}
	return 0;
}

/* A peer without a connection never says that it has left. */
static int64_t idle_ms(const struct serve_run *run)
{
	bool given = run->conf->idle_ms >= 0;

	return given || !run->where.via->connectionless ? run->conf->idle_ms : PEER_IDLE_MS;
}

static void fill_server(struct serve_run *run)
{
	const struct serve_conf *conf = run->conf;
	const struct mode *mode = run->mode;
	struct server *s = &run->server;
	bool single = conf->once || (mode->one_at_a_time && !conf->keep_open);

	s->conf.via = run->where.via;
	s->conf.mode = mode->name;
	s->conf.at = run->at;
	s->conf.at_count = run->at_count;
	s->conf.listen = conf->listen;
	if (!conf->listen.backlog)
		s->conf.listen.backlog = BACKLOG_MAX;
	s->conf.max_conns = mode->one_at_a_time ? 1 : (size_t)conf->max_conns;
	s->conf.exclusive = mode->one_at_a_time;
	s->conf.exit_after = conf->exit_after ? conf->exit_after : single;
	s->clients.loop = &run->loop;
	s->clients.to = run->to;
	s->clients.on = &mode->on;
	s->clients.ctx = run->env.state;
	s->clients.room = run->env.room;
	s->clients.idle_ms = idle_ms(run);
	/* The status of a server that ends by itself vouches for every byte. */
	s->clients.see_off = s->conf.exit_after > 0;
	s->ended = on_server_ended;
	s->arg = run;
}

static int init_run(struct serve_run *run, const struct opt_set *set, struct err *err)
{
	const struct mode *mode = run->mode;

	run->env = (struct mode_env){.loop = &run->loop,
		.to = run->to,
		.room = malloc(CONN_READ_BYTES),
		.state = calloc(1, mode->state_size ? mode->state_size : 1),
		.conf = mode_conf(run, set),
		.in_turn =
			mode->one_at_a_time && (run->conf->keep_open || run->conf->exit_after > 1),
		.open_std = fd_open_std,
		.done = on_mode_done,
		.arg = run};
	run->signals = (struct signals){.stop = on_signal, .arg = run, .watch.fd = -1};
	if (loop_init(&run->loop, err) < 0)
		return -1;
	if (!run->env.room || !run->env.state ||
		timer_init(&run->loop, &run->max_time, on_max_time) < 0 ||
		timer_init(&run->loop, &run->mode_limit, on_mode_limit) < 0 ||
		timer_init(&run->loop, &run->look_up_limit, on_look_up_limit) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return signals_open(&run->signals, &run->loop, err);
}

static int serve(struct serve_run *run, struct err *err)
{
	timer_set_in(&run->loop, &run->look_up_limit, LOOK_UP_MS);
	if (run->conf->max_time_ms > 0)
		timer_set_in(&run->loop, &run->max_time, run->conf->max_time_ms);
	if (find_addresses(run, err) < 0)
		return -1;
	timer_clear(&run->loop, &run->look_up_limit);
	if (run->interrupted)
		return 0;
	if (run->mode->begin && run->mode->begin(&run->env, err) < 0)
		return -1;
	fill_server(run);
	if (server_start(&run->server, err) < 0 || loop_run(&run->loop, err) < 0)
		return -1;
	if (!run->verdict.kind)
		return 0;
	*err = run->verdict;
	return -1;
}

static void free_run(struct serve_run *run)
{
	if (run->resolve)
		resolve_cancel(run->resolve);
	if (run->server.clients.loop)
		server_free(&run->server);
	if (run->mode->end)
		run->mode->end(&run->env);
	signals_close(&run->signals);
	timer_free(&run->loop, &run->max_time);
	timer_free(&run->loop, &run->look_up_limit);
	timer_free(&run->loop, &run->mode_limit);
	loop_free(&run->loop);
	free(run->env.room);
	free(run->env.state);
}

static const char *first_host(const struct serve_conf *conf)
{
	return conf->hosts.count ? conf->hosts.items[0] : NULL;
}

static int serve_run(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	struct serve_run *run = calloc(1, sizeof(*run));
	int rc = -1;

	if (!run)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	run->to = to;
	run->conf = conf;
	run->mode = mode_find(run->conf->mode);
	if (!run->mode || check_options(run, set, args, err) < 0 ||
		where_read(&run->conf->where, args, first_host(run->conf), true, "serve",
			&run->where, err) < 0)
		goto out;
	if (init_run(run, set, err) == 0)
		rc = serve(run, err);
	free_run(run);
out:
	free(run);
	return rc;
}

const struct command command_serve = {
	.name = "serve",
	.summary = "listen, and run a mode for every client",
	.purpose = "Listen on a port or a Unix socket, say so on standard error, and serve every "
		   "client that comes. From the line 'listening on' on, nothing is refused.",
	.usage = {"[OPTION...] [PORT | [HOST]:PORT | HOST PORT | unix:PATH]"},
	.examples = {{"sockx serve --mode echo -p 65432",
			     "an echo server for any number of clients"},
		{"sockx serve 9000 >file", "receive one file"},
		{"sockx serve -u -m echo unix:/tmp/echo", "echo datagrams on a Unix socket"}},
	.words = WORDS_ADDRESS,
	.options = serve_options,
	.run = serve_run,
};
