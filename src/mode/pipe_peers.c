/* pipe for all peers of a socket without connections at once: what each of them sends goes to
 * standard output as it comes, and standard input to the one that was heard last, if to any. */
#include "mode/outlet.h"
#include "mode/pipe.h"

#include <sys/stat.h>
#include <unistd.h>

#include "os/sys_file.h"

struct peers_run {
	struct outlet out;
	struct join sending; /* standard input to the peer heard last; in use with --follow */
	const struct pipe_conf *conf;
};

/* ---- peers ---- */

static void peers_open(struct conn *c)
{
	struct peers_run *run = conn_ctx(c);

	outlet_join(&run->out, conn_peer(c), c);
}

/* From now on standard input is for c. */
static void peers_follow(struct peers_run *run, struct conn *c)
{
	if (!run->conf->follow || run->sending.to == c)
		return;
	if (run->sending.from)
		conn_limit_reads(run->sending.from, conn_message_max(c));
	join_begin(&run->sending, c);
}

static void peers_data(struct conn *c, struct span in)
{
	struct peers_run *run = conn_ctx(c);

	if (outlet_has_room(&run->out, c))
		outlet_write(&run->out, in);
	peers_follow(run, c);
}

static void peers_drained(struct conn *c)
{
	struct peers_run *run = conn_ctx(c);

	if (run->sending.to == c)
		join_go_on(&run->sending);
}

static void peers_closed(struct conn *c, const struct err *why)
{
	struct peers_run *run = conn_ctx(c);

	(void)why;
	if (run->sending.to == c)
		join_stop(&run->sending);
}

static void peers_release(struct conn *c)
{
	outlet_leave(conn_peer(c));
}

/* ---- standard input ---- */

static void peers_input_closed(struct join *j, const struct err *why)
{
	struct peers_run *run = j->arg;

	if (why)
		outlet_fail(&run->out, why);
}

static const struct join_on peers_sending = {.closed = peers_input_closed};

/* Whether something is in it, or may come. Of a terminal that is for the shell to say. */
static bool peers_has_input(void)
{
	struct stat is;

	if (sys_fstat(STDIN_FILENO, &is) < 0)
		return false;
	if (S_ISREG(is.st_mode))
		return sys_place(STDIN_FILENO) < is.st_size;
	return S_ISFIFO(is.st_mode) || S_ISSOCK(is.st_mode);
}

static int peers_open_input(struct peers_run *run, struct mode_env *env, struct err *err)
{
	const struct conn_owner like = {.loop = env->loop, .to = env->to, .scratch = env->scratch};

	if (run->conf->follow) {
		if (join_open(&run->sending, &standard_input, &like, env->open_fd) == 0)
			return 0;
		return err_set(
			err, ERR_RUNTIME, "cannot join standard input and output: out of memory");
	}
	if (run->conf->recv_only || !peers_has_input())
		return 0;
	err_set(err, ERR_USAGE, "standard input is for one peer, and all are heard");
	return err_hint(err, "give '--follow', to send it to the peer heard last, or </dev/null");
}

/* ---- the run ---- */

/* What is meant for one exchange. */
static int peers_check(const struct opt_set *set, const struct opt_args *args, struct err *err)
{
	static const char *const others[] = {"expect", "messages", "rate", "delay", "send-only",
		"quit-with-peer", "crlf", "eol"};
	const char *typed = NULL;

	for (size_t i = 0; !typed && i < sizeof(others) / sizeof(others[0]); i++)
		typed = opts_given(set, args, others[i]);
	if (typed) {
		err_set(err, ERR_USAGE, "'%s' is for one peer, and all are heard", typed);
		return err_hint(err, "leave out '--keep-open'");
	}
	if (!opts_given(set, args, "follow") || !opts_given(set, args, "recv-only"))
		return 0;
	err_set(err, ERR_USAGE, "'%s' and '%s' cannot be combined", "--recv-only", "--follow");
	return err_hint(err, "give one of them");
}

static int peers_begin(struct mode_env *env, struct err *err)
{
	struct peers_run *run = env->state;

	run->conf = env->conf;
	run->sending = (struct join){.on = &peers_sending, .arg = run, .by_hand = true};
	if (peers_open_input(run, env, err) < 0)
		return -1;
	return outlet_begin(&run->out, env, env->shared->raw, err);
}

static void peers_finish(struct mode_env *env)
{
	struct peers_run *run = env->state;

	join_close(&run->sending);
	outlet_finish(&run->out);
}

static void peers_end(struct mode_env *env)
{
	struct peers_run *run = env->state;

	join_free(&run->sending);
	outlet_end(&run->out);
}

const struct mode pipe_of_peers = {
	.name = "pipe",
	.on = {.open = peers_open,
		.data = peers_data,
		.drained = peers_drained,
		.closed = peers_closed,
		.release = peers_release,
		.peer_size = sizeof(struct outlet_peer)},
	.options = pipe_options,
	.option_count = PIPE_OPTIONS,
	.conf_size = sizeof(struct pipe_conf),
	.takes = MODE_TAKES_LINES | MODE_TAKES_SPLICE,
	.state_size = sizeof(struct peers_run),
	.uses_std = true,
	.check = peers_check,
	.begin = peers_begin,
	.finish = peers_finish,
	.end = peers_end,
};
