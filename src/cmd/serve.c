/* sockx serve: listen, and run a mode for every client. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "cmd/commands.h"
#include "cmd/far.h"
#include "cmd/hexdump.h"
#include "cmd/host.h"
#include "cmd/serve.h"
#include "cmd/talk.h"
#include "os/limits.h"
#include "report/report.h"
#include "report/trace.h"
#include "transport/fd.h"

enum {
	BACKLOG_MAX = 65535,
	LOOK_UP_MS = 10000, /* for the names of all -H together */
	/* RFC 4787 REQ-5: a NAT keeps a UDP mapping for at least 2 minutes. A peer is kept as long,
	 * so that while its mapping stands, it is known. */
	PEER_IDLE_MS = 120000,
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
		.help = "a number, a service, or 0 for a free one (default: " DEFAULT_PORT ")"},
};

static const struct opt serve_rows[] = {
	{.name = "mode",
		.letter = 'm',
		.kind = OPT_CHOICE,
		OPT_FIELD(struct serve_conf, mode),
		.arg = "MODE",
		.fallback = MODE_DEFAULT,
		.choice = mode_choice,
		.common = true,
		.help = "what the server does with each client"},
	{.name = "keep-open",
		.letter = 'k',
		.kind = OPT_FLAG,
		OPT_FIELD(struct serve_conf, keep_open),
		.common = true,
		.help = "keep serving after the first client, where a mode would end with it"},
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
			"allow; always 1 in a mode that ends with its client); of datagram peers, "
			"forget the one not heard for longest"},
	{.name = "max-conns-per-peer",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct serve_conf, max_per_peer),
		.arg = "N",
		.max = INT32_MAX,
		.help = "serve at most N clients at once from one address, over TCP; reset others "
			"(0: any number)"},
	{.name = "max-memory",
		.kind = OPT_SIZE,
		OPT_FIELD(struct serve_conf, max_memory),
		.arg = "SIZE",
		.min = 1,
		.help = "hold at most SIZE for all clients together; past it, send away the one "
			"that holds most (default: a quarter of the memory there is)"},
	{.name = "backlog",
		.letter = 'b',
		.kind = OPT_NUMBER,
		OPT_FIELD(struct serve_conf, listen.backlog),
		.arg = "N",
		.max = BACKLOG_MAX,
		.help = "let N clients wait to be accepted (default, and at most: what "
			"net.core.somaxconn allows)"},
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
		.help = "close a connection on which nothing has moved for DUR; forget a datagram "
			"peer not heard for DUR (default: 2m)"},
	{.name = "max-time",
		.kind = OPT_MSEC,
		OPT_FIELD(struct serve_conf, max_time_ms),
		.arg = "DUR",
		.help = "stop after DUR, as if by SIGTERM"},
};

#define COUNT(rows) (sizeof(rows) / sizeof((rows)[0]))

static bool serve_takes_program(const void *conf)
{
	return mode_takes_program(((const struct serve_conf *)conf)->mode);
}

static void serve_options(struct opt_set *set)
{
	set->takes_program = serve_takes_program;
	set->conf_size = sizeof(struct serve_conf);
	opt_set_add(set, "Address", address_rows, COUNT(address_rows), 0);
	opt_set_add(set, "Address", where_options, where_option_count,
		offsetof(struct serve_conf, where));
	opt_set_add(
		set, "TLS", secure_options, secure_option_count, offsetof(struct serve_conf, tls));
	opt_set_add(set, "TLS", secure_server_options, secure_server_option_count,
		offsetof(struct serve_conf, tls));
	opt_set_add(set, "Sockets", socket_option_rows, socket_option_count,
		offsetof(struct serve_conf, where));
	opt_set_add(set, "Serving", serve_rows, COUNT(serve_rows), 0);
	opt_set_add(set, "Readiness", serve_ready_options, serve_ready_option_count,
		offsetof(struct serve_conf, ready));
	opt_set_add(set, "Time limits", time_rows, COUNT(time_rows), 0);
	mode_options(set, MODE_OF_SERVE, offsetof(struct serve_conf, shared));
	opt_set_add(set, "Messages", talk_options, talk_option_count,
		offsetof(struct serve_conf, talk));
	opt_set_add(set, "Messages", hexdump_options, hexdump_option_count,
		offsetof(struct serve_conf, talk));
}

/* ---- the end ---- */

void serve_end(struct serve_run *run, const struct err *why)
{
	if (why && !run->verdict.kind)
		run->verdict = *why;
	loop_stop(&run->loop);
}

/* The mode has written out what its clients left. */
static void serve_on_mode_done(void *arg, const struct err *why)
{
	serve_end(arg, why);
}

static void serve_on_enough(void *arg)
{
	struct serve_run *run = arg;

	server_enough(&run->server);
}

static void serve_on_mode_limit(struct timer *t)
{
	struct serve_run *run = container_of(t, struct serve_run, mode_limit);
	struct err why = {0};

	err_set(&why, run->stop_kind, "stopped with bytes not yet written to standard output");
	err_hint(&why, "its reader did not take them within %d ms", SERVER_STOP_MS);
	serve_end(run, &why);
}

static void serve_limit_mode(struct serve_run *run)
{
	if (!run->mode->finishes_in_time)
		timer_set_in(&run->loop, &run->mode_limit, SERVER_STOP_MS);
}

static void serve_on_server_ended(void *arg, const struct err *why)
{
	struct serve_run *run = arg;

	run->server_over = true;
	if (why && !run->verdict.kind)
		run->verdict = *why;
	if (!run->mode->finish) {
		serve_end(run, NULL);
		return;
	}
	if (run->interrupted)
		serve_limit_mode(run);
	run->mode->finish(&run->env);
}

static void serve_stop(struct serve_run *run, const char *reason, enum err_kind kind)
{
	if (run->loop.stopped)
		return; /* the run ended earlier in this turn */
	run->stop_kind = kind;
	run->interrupted = true;
	if (run->mode->stopping && run->mode_begun)
		run->mode->stopping(&run->env);
	serve_ready_stopping(run);
	if (run->server.clients.loop && !run->server_over)
		server_stop(&run->server, reason, kind);
	else if (run->server_over)
		serve_limit_mode(run);
	else
		loop_stop(&run->loop);
}

void serve_fail(struct serve_run *run, const char *reason, const struct err *why)
{
	if (!run->verdict.kind)
		run->verdict = *why;
	serve_stop(run, reason, ERR_LOST);
}

static void serve_on_signal(void *arg, const char *name)
{
	struct serve_run *run = arg;

	trace_say(run->to, -1, "%s has come: the server ends.", name);
	serve_stop(run, name, ERR_LOST);
}

/* SIGUSR1: how far it is. */
static void serve_on_asked(void *arg)
{
	const struct serve_run *run = arg;
	const struct server *s = &run->server;
	struct report so_far = {.kind = REPORT_NOT_LISTENING,
		.duration_ms = {true, (uint64_t)(run->loop.now_ms - run->began_ms)}};

	if (s->listening || s->clients.opened) {
		so_far.kind = REPORT_SERVING;
		so_far.clients = server_open(s);
		so_far.clients_total = s->clients.opened;
		server_count(s, &so_far.received, &so_far.sent);
	}
	report(run->to, &so_far);
}

/* progress.count */
static void serve_count(void *arg, struct progress_count *out)
{
	struct serve_run *run = arg;
	const struct server *s = &run->server;

	if (!s->clients.opened)
		return;
	if (!run->since_ms)
		run->since_ms = s->clients.open_now
		                        ? conn_began_ms(conn_of_node(s->clients.conns.next))
		                        : run->loop.now_ms - 1;
	server_count(s, &out->received, &out->sent);
	out->in_ms = (uint64_t)(run->loop.now_ms - run->since_ms) + 1;
}

/* --progress. Returns 0, or -1 when memory is out. */
static int serve_begin_progress(struct serve_run *run)
{
	int64_t size = run->conf->talk.progress;

	run->progress = (struct progress){.count = serve_count, .arg = run};
	if (size < 0)
		return 0;
	run->progress.size = (uint64_t)size;
	run->progress.input_size =
		run->mode->uses_std && !run->mode->only_writes ? progress_input_size() : 0;
	return progress_begin(&run->progress, &run->loop, run->to);
}

static void serve_on_max_time(struct timer *t)
{
	serve_stop(container_of(t, struct serve_run, max_time), "--max-time", ERR_TIMEOUT);
}

/* ---- the run ---- */

static void serve_on_look_up_limit(struct timer *t)
{
	struct serve_run *run = container_of(t, struct serve_run, look_up_limit);
	struct err why = {0};

	err_set(&why, ERR_TIMEOUT, "cannot look up the address to listen on within %d ms",
		LOOK_UP_MS);
	err_hint(&why, "give -H an address instead of a name");
	serve_end(run, &why);
}

static int serve_check_options(struct serve_run *run, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct serve_conf *conf = run->conf;

	if (mode_options_check(run->mode, MODE_OF_SERVE, set, args, &conf->shared, err) < 0 ||
		serve_ready_check(run, err) < 0)
		return -1;
	if (conf->once && conf->exit_after > 1) {
		err_set(err, ERR_USAGE, "'--once' and '--exit-after %ju' cannot both be given",
			(uintmax_t)conf->exit_after);
		return err_hint(err, "give one of them");
	}
	if (run->mode->one_at_a_time && conf->keep_open && conf->once) {
		err_set(err, ERR_USAGE, "'--keep-open' and '--once' cannot both be given");
		return err_hint(err, "give one of them");
	}
	return 0;
}

/* The peers of a Unix socket have no addresses, and a datagram's may be forged: a limit on it would
 * bound no one, and let a forger push out whom it likes. */
static int serve_check_per_peer(const struct serve_run *run, struct err *err)
{
	bool is_path = run->where.path.len;

	if (!run->conf->max_per_peer || !(is_path || run->where.via->connectionless))
		return 0;
	err_set(err, ERR_USAGE, "'--max-conns-per-peer' is for TCP: %s",
		is_path ? "the clients of a Unix socket have no address"
			: "the address of a datagram may be forged");
	return err_hint(err, is_path ? "'--unix-mode' says who may connect, '--max-conns' how many"
				     : "'--max-conns' limits all peers together");
}

/* Only a path has permissions. */
static int serve_check_unix_mode(const struct serve_run *run, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	bool is_abstract = run->where.path.len && !run->where.path.un.sun_path[0];

	if (!opts_given(set, args, "unix-mode") || (run->where.path.len && !is_abstract))
		return 0;
	err_set(err, ERR_USAGE, "'--unix-mode' is for the path of a Unix socket: %s",
		is_abstract ? "an abstract name has no permissions" : "a port has no permissions");
	return err_hint(err, is_abstract ? "name a path in place of it, with -U"
					 : "-H says which of our addresses clients can reach");
}

/* A peer without a connection never says that it has left. */
static int64_t serve_idle_ms(const struct serve_run *run)
{
	bool given = run->conf->idle_ms >= 0;

	return given || !run->where.via->connectionless ? run->conf->idle_ms : PEER_IDLE_MS;
}

static void serve_fill_server(struct serve_run *run)
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
	s->conf.listen.options = &conf->where.sockets;
	if (!conf->listen.backlog)
		s->conf.listen.backlog = BACKLOG_MAX;
	s->conf.max_conns = mode->one_at_a_time ? 1 : (size_t)conf->max_conns;
	s->conf.client_descriptors = mode->descriptors;
	s->conf.max_per_peer = (size_t)conf->max_per_peer;
	s->conf.untouched = run->env.untouched;
	s->conf.keeps_all = mode->uses_std;
	s->conf.exclusive = mode->one_at_a_time;
	if (run->secure.tls) {
		s->conf.steps[0] = run->secure.steps[0];
		s->conf.layer = "tls";
		s->conf.pin = tls_own_pin(run->secure.tls);
	}
	s->conf.exit_after = conf->exit_after ? conf->exit_after : single;
	s->clients.loop = &run->loop;
	s->clients.to = run->to;
	s->clients.on = &mode->on;
	s->clients.ctx = run->env.state;
	s->clients.scratch = run->env.scratch;
	s->clients.budget = &run->budget;
	s->clients.idle_ms = serve_idle_ms(run);
	/* The status of a server that ends by itself vouches for every byte. */
	s->clients.see_off = s->conf.exit_after > 0;
	s->ready = serve_ready_tell;
	s->ended = serve_on_server_ended;
	s->arg = run;
}

/* mode_env.dial */
static int serve_dial(void *arg, struct dial *d, const struct target *to, struct err *err)
{
	const struct serve_run *run = arg;
	const struct mode_shared *shared = &run->conf->shared;

	return far_dial(&run->far, shared, run->conf->where.numeric, shared->connect_timeout_ms, d,
		to, err);
}

static int serve_init_run(struct serve_run *run, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct serve_conf *conf = run->conf;
	const struct mode *mode = run->mode;

	run->env = (struct mode_env){.loop = &run->loop,
		.to = run->to,
		.scratch = &run->scratch,
		.state = calloc(1, mode->state_size ? mode->state_size : 1),
		.conf = mode_conf(mode, set, conf),
		.in_turn = mode->one_at_a_time && (conf->keep_open || conf->exit_after > 1),
		.shared = &conf->shared,
		.open_fd = fd_open,
		.own_pipe = fd_own_pipe,
		.program = args->program,
		.program_count = args->program_count,
		.origin = conf->talk.origin,
		.vouches = conf->once || conf->exit_after,
		.dial = serve_dial,
		.budget = &run->budget,
		.done = serve_on_mode_done,
		.enough = serve_on_enough,
		.arg = run};
	run->budget.max = conf->max_memory ? conf->max_memory : limits_memory() / 4;
	run->signals = (struct signals){
		.stop = serve_on_signal, .asked = serve_on_asked, .arg = run, .watch.fd = -1};
	if (loop_init(&run->loop, err) < 0)
		return -1;
	if (scratch_init(&run->scratch) < 0 || !run->env.state ||
		late_begin(&run->late_lines, &run->loop, run->to) < 0 ||
		timer_init(&run->loop, &run->max_time, serve_on_max_time) < 0 ||
		timer_init(&run->loop, &run->mode_limit, serve_on_mode_limit) < 0 ||
		timer_init(&run->loop, &run->look_up_limit, serve_on_look_up_limit) < 0 ||
		serve_ready_begin(run) < 0 || serve_begin_progress(run) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return signals_open(&run->signals, &run->loop, err);
}

int serve_begin(struct serve_run *run, struct err *err)
{
	timer_clear(&run->loop, &run->look_up_limit);
	run->mode_begun = true;
	if (far_check_loop(&run->conf->shared, run->where.via, run->at, run->at_count, err) < 0 ||
		(run->mode->begin && run->mode->begin(&run->env, err) < 0))
		return -1;
	serve_fill_server(run);
	return server_start(&run->server, err);
}

/* Keep the closing report of the run. */
static void serve_tell_done(struct serve_run *run)
{
	const int64_t took_ms = run->loop.now_ms - run->began_ms;

	report_closing(run->to, &(struct report){.kind = REPORT_DONE,
					.received = run->server.received,
					.sent = run->server.sent,
					.duration_ms = {true, (uint64_t)took_ms}});
}

static int serve(struct serve_run *run, struct err *err)
{
	int known;

	run->began_ms = run->loop.now_ms;
	timer_set_in(&run->loop, &run->look_up_limit, LOOK_UP_MS);
	if (run->conf->max_time_ms > 0)
		timer_set_in(&run->loop, &run->max_time, run->conf->max_time_ms);
	known = serve_find_addresses(run, err);
	if (known < 0 || (known && serve_begin(run, err) < 0) || loop_run(&run->loop, err) < 0)
		return -1;
	progress_end(&run->progress);
	serve_tell_done(run);
	if (!run->verdict.kind)
		return 0;
	*err = run->verdict;
	return -1;
}

static void serve_free_run(struct serve_run *run)
{
	serve_forget_hosts(run);
	if (run->server.clients.loop)
		server_free(&run->server);
	if (run->mode->end && run->mode_begun)
		run->mode->end(&run->env);
	signals_close(&run->signals);
	progress_end(&run->progress);
	late_end(&run->late_lines);
	serve_ready_end(run);
	timer_free(&run->loop, &run->max_time);
	timer_free(&run->loop, &run->look_up_limit);
	timer_free(&run->loop, &run->mode_limit);
	loop_free(&run->loop);
	scratch_free(&run->scratch, run->to);
	free(run->env.state);
}

static const char *serve_first_host(const struct serve_conf *conf)
{
	return conf->hosts.count ? conf->hosts.items[0] : NULL;
}

/* That what was asked fits where it listens. */
static int serve_check_where(
	const struct serve_run *run, const struct opt_set *set, struct err *err)
{
	const void *conf = mode_conf(run->mode, set, run->conf);

	if (secure_check(&run->conf->tls, &run->where, err) < 0 ||
		secure_check_mode(run->mode, conf, &run->where, err) < 0 ||
		mode_fits(run->mode, conf, run->where.via, err) < 0 ||
		far_check(run->mode, &run->conf->shared, run->conf->where.numeric, run->where.via,
			err) < 0)
		return -1;
	return serve_check_per_peer(run, err);
}

/* Where all peers are heard, a mode may have another one for it. */
static int serve_choose_mode(struct serve_run *run, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	const struct mode *of_peers = run->mode->of_peers;

	if (!of_peers || !run->conf->keep_open || !run->where.via->connectionless)
		return 0;
	run->mode = of_peers;
	return of_peers->check(set, args, err);
}

/* Fill what run has to know of what was typed. */
static int serve_read(struct serve_run *run, const struct serve_conf *conf,
	const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	run->conf = conf;
	run->mode = mode_find(conf->mode);
	if (!run->mode || serve_check_options(run, set, args, err) < 0 ||
		where_read(&conf->where, args, serve_first_host(conf), true, "serve", &run->where,
			err) < 0 ||
		serve_choose_mode(run, set, args, err) < 0 || serve_check_where(run, set, err) < 0)
		return -1;
	return serve_check_unix_mode(run, set, args, err);
}

static int serve_check(
	void *conf, const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	struct serve_run *run = calloc(1, sizeof(*run));
	int rc;

	if (!run)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	rc = serve_read(run, conf, set, args, err);
	free(run);
	return rc;
}

/* Whatever is handed over is taken before there is a descriptor of ours; and the server goes to the
 * background before there is a thread. Returns 0, 1 in the parent of a server that is ready there,
 * or -1 with err. */
static int serve_prepare(struct serve_run *run, const struct serve_conf *conf,
	const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	int detached = -1;

	if (serve_read(run, conf, set, args, err) < 0 ||
		serve_inherited_take(run, set, args, err) < 0 ||
		serve_check_where(run, set, err) < 0 ||
		secure_begin_server(
			&run->secure, &conf->tls, &run->where, &conf->hosts, run->to, err) < 0 ||
		far_begin(&run->far, &conf->shared, run->to, err) < 0 ||
		serve_ready_prepare(run, err) < 0)
		return -1;
	detached = serve_ready_detach(run, err);
	if (detached != 0)
		serve_ready_end(run);
	return detached;
}

static int serve_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	struct serve_run *run = calloc(1, sizeof(*run));
	int rc;

	if (!run)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	run->to = to;
	rc = serve_prepare(run, conf, set, args, err);
	if (rc == 0) {
		rc = serve_init_run(run, set, args, err);
		if (rc == 0)
			rc = serve(run, err);
		if (rc < 0 && run->where.default_port)
			host_hint_port(run->where.at.host, err);
		serve_free_run(run);
	}
	secure_end(&run->secure);
	far_end(&run->far);
	free(run);
	return rc < 0 ? -1 : 0;
}

const struct command command_serve = {
	.name = "serve",
	.summary = "listen, and run a mode for every client",
	.purpose = "Listen on a port or a Unix socket, say so on standard error, and serve every "
		   "client. Once the line 'listening on' is there, no client is refused.",
	.usage = {"[OPTION...] [PORT | [HOST]:PORT | HOST PORT | unix:PATH]",
		"-m exec [OPTION...] [ADDRESS] -- PROGRAM [ARG...]"},
	.examples = {{"sockx serve --mode echo -p 65432",
			     "an echo server for any number of clients"},
		{"sockx serve 9000 >file", "receive one file"},
		{"sockx serve -m exec 9000 -- sort", "run a program for each client"}},
	.words = WORDS_ADDRESS,
	.options = serve_options,
	.check = serve_check,
	.run = serve_command,
};
