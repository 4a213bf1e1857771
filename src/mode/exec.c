#include "mode/exec.h"

enum { FINISH_MS = CHILD_GRACE_MS + 500 };

static const struct opt exec_options[] = {
	{.name = "pass-socket",
		.kind = OPT_FLAG,
		OPT_FIELD(struct exec_conf, pass_socket),
		.help = "give the program the socket itself as its standard input and output"},
};

/* The program of a connection; NULL: it could not be started. */
static struct exec_client *exec_of(struct conn *net)
{
	struct exec_client **c = conn_peer(net);

	return *c;
}

static void exec_open(struct conn *net)
{
	struct exec_run *run = conn_ctx(net);
	struct exec_client **c = conn_peer(net);
	struct err why = {0};

	*c = exec_client_start(run, net, &why);
	if (*c)
		return;
	exec_tell_failure(run, conn_id(net), &why);
	conn_fail_with(net, &why);
}

static void exec_data(struct conn *net, struct span in)
{
	if (exec_of(net))
		exec_client_data(exec_of(net), in);
}

static bool exec_move(struct conn *net)
{
	return exec_of(net) && exec_client_move(exec_of(net));
}

static void exec_drained(struct conn *net)
{
	if (exec_of(net))
		exec_client_drained(exec_of(net));
}

/* Its input is paused, as its program takes none, or reads it itself: a reset is to be seen all the
 * same. */
static void exec_hung_up(struct conn *net)
{
	conn_look_for_loss(net);
}

static void exec_later(struct conn *net)
{
	if (exec_of(net))
		exec_end_without_program(exec_of(net));
}

static void exec_eof(struct conn *net)
{
	if (exec_of(net))
		exec_client_eof(exec_of(net));
}

static void exec_closed(struct conn *net, const struct err *why)
{
	(void)why;
	if (exec_of(net))
		exec_client_closed(exec_of(net));
}

/* ---- the run ---- */

static int exec_fits(const void *of_mode, const struct transport *via, struct err *err)
{
	const struct exec_conf *conf = of_mode;

	if (!via->message_max || conf->pass_socket)
		return 0;
	err_set(err, ERR_USAGE, "mode exec does not keep packets apart: a pipe has none");
	return err_hint(err, "'--pass-socket' gives the program the socket itself");
}

static const char *exec_bars_layers(const void *of_mode)
{
	const struct exec_conf *conf = of_mode;

	return conf->pass_socket ? "--pass-socket" : NULL;
}

/* What we cannot do with a connection that we do not read. */
static int exec_check(const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	static const char *const others[] = {
		"idle-timeout", "max-answer", "no-splice", "hexdump", "pcap"};
	const char *typed = NULL;

	if (!opts_given(set, args, "pass-socket"))
		return 0;
	for (size_t i = 0; !typed && i < sizeof(others) / sizeof(others[0]); i++)
		typed = opts_given(set, args, others[i]);
	if (!typed)
		return 0;
	err_set(err, ERR_USAGE, "'%s' and '--pass-socket' cannot be combined", typed);
	return err_hint(err, "what passes over a socket that the program has is not ours to see");
}

static void exec_on_patience_over(struct timer *t)
{
	struct exec_run *run = container_of(t, struct exec_run, patience);

	if (run->signals.number)
		exec_die(run);
	else
		mode_end_run(run->env, &run->verdict);
}

static void exec_hang_up_all(const struct exec_run *run)
{
	for (struct list *node = run->clients.next; node != &run->clients; node = node->next)
		child_hang_up(&container_of(node, struct exec_client, node)->child);
}

static void exec_on_signal(void *arg, const char *name)
{
	struct exec_run *run = arg;

	(void)name;
	exec_hang_up_all(run);
	timer_set_in(run->env->loop, &run->patience, FINISH_MS);
	exec_finish_if_done(run);
}

static int exec_begin(struct mode_env *env, struct err *err)
{
	struct exec_run *run = env->state;
	const struct exec_conf *conf = env->conf;

	run->env = env;
	run->signals = (struct signals){.stop = exec_on_signal, .arg = run, .watch.fd = -1};
	list_init(&run->clients);
	list_init(&run->starting);
	env->untouched = conf->pass_socket;
	if (program_find(&run->program, env->program, env->program_count, err) < 0)
		return -1;
	if (exec_env_begin(&run->kept) < 0 ||
		timer_init(env->loop, &run->patience, exec_on_patience_over) < 0)
		return err_set(err, ERR_RUNTIME, "cannot begin: out of memory");
	return env->enough ? 0 : signals_open(&run->signals, env->loop, err);
}

static void exec_stopping(struct mode_env *env)
{
	exec_hang_up_all(env->state);
}

static void exec_finish(struct mode_env *env)
{
	struct exec_run *run = env->state;

	run->finishing = true;
	timer_set_in(env->loop, &run->patience, FINISH_MS);
	exec_finish_if_done(run);
}

static void exec_end(struct mode_env *env)
{
	struct exec_run *run = env->state;

	while (run->clients.next && !list_empty(&run->clients))
		exec_client_free(container_of(run->clients.next, struct exec_client, node));
	if (run->env)
		signals_close(&run->signals);
	timer_free(env->loop, &run->patience);
	exec_env_free(&run->kept);
	program_free(&run->program);
}

const struct mode mode_exec = {
	.name = "exec",
	.summary = "run a program for each client, joined to it",
	.client_summary = "run a program, joined to the server",
	.on = {.open = exec_open,
		.data = exec_data,
		.move = exec_move,
		.drained = exec_drained,
		.hung_up = exec_hung_up,
		.later = exec_later,
		.eof = exec_eof,
		.closed = exec_closed,
		.peer_size = sizeof(struct exec_client *)},
	.options = exec_options,
	.option_count = sizeof(exec_options) / sizeof(exec_options[0]),
	.conf_size = sizeof(struct exec_conf),
	.takes = MODE_TAKES_SPLICE,
	.state_size = sizeof(struct exec_run),
	.descriptors = 4, /* three pipes, and what tells of the program's end */
	.exposes = true,
	.takes_program = true,
	.no_datagrams = "a program has one input and one output, and serves one peer",
	.fits = exec_fits,
	.bars_layers = exec_bars_layers,
	.check = exec_check,
	.begin = exec_begin,
	.finish = exec_finish,
	.finishes_in_time = true,
	.stopping = exec_stopping,
	.end = exec_end,
};
