/* sockx connect: join standard input and output to a server. */
#include <stdlib.h>

#include "cmd/client.h"
#include "cmd/commands.h"
#include "cmd/far.h"
#include "cmd/scan.h"
#include "mode/mode.h"
#include "os/program.h"
#include "transport/fd.h"

struct connect_conf {
	struct client_conf client; /* first: see struct talk_conf */
	const char *mode;
	struct probe_conf probe;
	struct mode_shared shared;
};

struct connect_run {
	struct client client;
	const struct mode *mode;
	struct mode_env env;
	struct far far;
	bool begun; /* the mode, whether it failed or not */
};

static const struct opt connect_rows[] = {
	{.name = "mode",
		.letter = 'm',
		.kind = OPT_CHOICE,
		OPT_FIELD(struct connect_conf, mode),
		.arg = "MODE",
		.fallback = MODE_DEFAULT,
		.choice = mode_client_choice,
		.help = "what to do with the connection"},
	{.name = "max-answer",
		.kind = OPT_SIZE,
		OPT_FIELD(struct connect_conf, client.max_answer),
		.arg = "SIZE",
		.fallback = "0",
		.help = "end with status 9 when the server sends more than SIZE (0: any length)"},
};

static bool connect_takes_program(const void *conf)
{
	const struct connect_conf *typed = conf;

	return typed->probe.zero || mode_takes_program(typed->mode);
}

static void connect_options(struct opt_set *set)
{
	set->takes_program = connect_takes_program;
	set->conf_size = sizeof(struct connect_conf);
	opt_set_add(
		set, "Connecting", connect_rows, sizeof(connect_rows) / sizeof(connect_rows[0]), 0);
	opt_set_add(set, "Connecting", probe_options, probe_option_count,
		offsetof(struct connect_conf, probe));
	client_options(set);
	mode_options(set, MODE_OF_CONNECT, offsetof(struct connect_conf, shared));
}

/* The connection is over; what came by it may still have to be written. */
static void connect_on_over(struct client *client, const struct err *why)
{
	struct connect_run *run = container_of(client, struct connect_run, client);

	client_blame(client, why);
	if (run->mode->finish)
		run->mode->finish(&run->env);
	else
		client_stop(client);
}

static void connect_on_done(void *arg, const struct err *why)
{
	struct connect_run *run = arg;

	client_blame(&run->client, why);
	client_stop(&run->client);
}

/* mode_env.dial */
static int connect_dial(void *arg, struct dial *d, const struct target *to, struct err *err)
{
	const struct connect_run *run = arg;
	const struct client_conf *conf = run->client.conf;

	return far_dial(&run->far, run->env.shared, conf->where.numeric, conf->connect_timeout_ms,
		d, to, err);
}

static int connect_begin_mode(struct connect_run *run, struct err *err)
{
	run->begun = true;
	return run->mode->begin ? run->mode->begin(&run->env, err) : 0;
}

static int connect_run_mode(struct connect_run *run, const struct opt_args *args, struct err *err)
{
	if (client_aim(&run->client, "connect", args, err) < 0 ||
		mode_fits(run->mode, run->env.conf, run->client.where.via, err) < 0 ||
		secure_check_mode(run->mode, run->env.conf, &run->client.where, err) < 0 ||
		far_begin(&run->far, run->env.shared, run->client.to, err) < 0)
		return -1;
	run->client.dial.where.one_way = run->mode->one_way && run->mode->one_way(&run->env);
	return connect_begin_mode(run, err) < 0 ? -1 : client_run(&run->client, err);
}

static int connect_check(
	void *conf, const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	const struct connect_conf *typed = conf;
	const struct mode *mode = mode_find(typed->mode);
	struct client client = {.conf = conf};

	if (probe_check(&typed->probe, set, args, err) < 0)
		return -1;
	if (typed->probe.zero)
		return scan_asked(&typed->client, args)
		               ? scan_aim(&typed->client, &typed->probe, args, err)
		               : probe_aim(&typed->client, &typed->probe, args, err);
	if (mode_options_check(mode, MODE_OF_CONNECT, set, args, &typed->shared, err) < 0 ||
		client_aim(&client, "connect", args, err) < 0)
		return -1;
	return mode_fits(mode, mode_conf(mode, set, conf), client.where.via, err);
}

static int connect_probe_only(struct reporter *to, struct connect_conf *conf,
	const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	if (!opts_given(set, args, "connect-timeout"))
		conf->client.connect_timeout_ms = PROBE_TIMEOUT_MS;
	if (scan_asked(&conf->client, args))
		return scan_run(to, &conf->client, &conf->probe, args, err);
	return probe_run(to, &conf->client, &conf->probe, args, err);
}

/* Become a program once the port answers. That there is one is seen first. */
static int connect_probe(struct reporter *to, struct connect_conf *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	struct program program;
	int rc;

	if (!args->program_count)
		return connect_probe_only(to, conf, set, args, err);
	if (program_find(&program, args->program, args->program_count, err) < 0)
		return -1;
	rc = connect_probe_only(to, conf, set, args, err);
	if (rc == 0)
		rc = program_become(&program, conf->client.talk.origin, err);
	program_free(&program);
	return rc;
}

static int connect_with_run(struct connect_run *run, struct reporter *to,
	const struct connect_conf *typed, const struct opt_set *set, const struct opt_args *args,
	struct err *err)
{
	void *state = calloc(1, run->mode->state_size ? run->mode->state_size : 1);
	int rc = -1;

	if (!state)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	if (client_init(&run->client, to, &typed->client, &run->mode->on, state, err) < 0)
		goto out;
	run->client.over = connect_on_over;
	run->client.yields = true;
	run->client.input_size = typed->client.talk.progress >= 0 ? progress_input_size() : 0;
	run->env = (struct mode_env){.loop = &run->client.loop,
		.to = to,
		.scratch = &run->client.scratch,
		.state = state,
		.answer_ms = typed->client.connect_timeout_ms,
		.open_fd = fd_open,
		.own_pipe = fd_own_pipe,
		.program = args->program,
		.program_count = args->program_count,
		.origin = typed->client.talk.origin,
		.vouches = true,
		.dial = connect_dial,
		.conf = mode_conf(run->mode, set, typed),
		.shared = &typed->shared,
		.done = connect_on_done,
		.arg = run};
	rc = connect_run_mode(run, args, err);
	if (run->begun && run->mode->end)
		run->mode->end(&run->env);
	client_free(&run->client);
	far_end(&run->far);
out:
	free(state);
	return rc;
}

static int connect_with_mode(struct reporter *to, const struct connect_conf *typed,
	const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	const struct mode *mode = mode_find(typed->mode);
	struct connect_run *run;
	int rc;

	if (mode_options_check(mode, MODE_OF_CONNECT, set, args, &typed->shared, err) < 0)
		return -1;
	run = malloc(sizeof(*run)); /* 8 KiB that are all filled before they are used */
	if (!run)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	run->mode = mode;
	run->begun = false;
	run->far = (struct far){0};
	rc = connect_with_run(run, to, typed, set, args, err);
	free(run);
	return rc;
}

static int connect_command(struct reporter *to, void *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err)
{
	struct connect_conf *typed = conf;

	if (probe_check(&typed->probe, set, args, err) < 0)
		return -1;
	if (typed->probe.zero)
		return connect_probe(to, typed, set, args, err);
	return connect_with_mode(to, typed, set, args, err);
}

const struct command command_connect = {
	.name = "connect",
	.summary = "join standard input and output to a server",
	.purpose =
		"Send standard input to a server and write what it answers to standard output, or "
		"chat with it line by line, or let a program talk to it (-m exec HOST PORT -- "
		"PROGRAM). Status 0: every byte went where it should.",
	.usage = {"[OPTION...] [HOST [PORT] | HOST:PORT | unix:PATH]",
		"-z [OPTION...] HOST[,HOST...] PORT[-PORT][,...]"},
	.examples = {{"printf 'Hello, world' | sockx connect localhost 65432",
			     "send, print the answer"},
		{"sockx connect example.org:80 -C <request", "send a request with CR LF line ends"},
		{"sockx connect -z host 22", "see whether a port answers"}},
	.words = WORDS_ADDRESS,
	.options = connect_options,
	.check = connect_check,
	.run = connect_command,
};
