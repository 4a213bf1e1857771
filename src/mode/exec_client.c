/* A client's program: how it is started, its pipes, and what happens to them. */
#include "mode/exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/sys_file.h"
#include "os/sys_socket.h"

enum {
	PIPES = 3,
	SAID_LINE_BYTES = 1024, /* a longer line of standard error is reported in parts */
	SAID_READ_BYTES = 4096, /* no more lines of it are reported in a turn */
};

/* ---- its standard input: from the peer ---- */

/* It reads no more: what still comes for it is dropped. */
static void exec_in_closed(struct join *j, const struct err *why)
{
	struct exec_client *c = j->arg;

	if (c->net)
		conn_resume(c->net);
	if (why && why->kind != ERR_SIGPIPE)
		exec_fail(c, why);
	exec_review(c);
}

static const struct join_on exec_in = {.closed = exec_in_closed};

/* ---- its standard output: to the peer ---- */

static void exec_out_ended(struct join *j)
{
	struct exec_client *c = j->arg;

	c->out_ended = true;
	exec_await_end(c);
	exec_review(c);
}

static void exec_out_closed(struct join *j, const struct err *why)
{
	if (why)
		exec_fail(j->arg, why);
	exec_review(j->arg);
}

static int exec_out_pass_rest(struct join *j, struct span in)
{
	struct exec_client *c = j->arg;
	int verdict = conn_pass(j->to, in);

	c->out_left -= in.len < c->out_left ? in.len : c->out_left;
	exec_review(c);
	return verdict;
}

static const struct join_on exec_out = {.ended = exec_out_ended, .closed = exec_out_closed};

/* Once the program has ended: what is left in the pipe, which may not end with it. */
static const struct join_on exec_out_rest = {
	.pass = exec_out_pass_rest, .ended = exec_out_ended, .closed = exec_out_closed};

/* ---- its standard error: to our reports ---- */

static void exec_tell_said(struct exec_client *c, struct span line)
{
	report(c->run->env->to,
		&(struct report){.kind = REPORT_PROGRAM_SAID, .conn = c->id, .line = line});
}

void exec_client_flush_said(struct exec_client *c)
{
	if (c->line.len)
		exec_tell_said(c, buf_span(&c->line));
	buf_free(&c->line);
}

/* Report a line, whose beginning may have been kept. */
static void exec_end_line(struct exec_client *c, struct span rest)
{
	if (c->line.len && buf_add(&c->line, rest) == 0)
		exec_client_flush_said(c);
	else
		exec_tell_said(c, rest);
}

static void exec_keep_part(struct exec_client *c, struct span part)
{
	if (part.len && buf_add(&c->line, part) < 0)
		exec_tell_said(c, part);
	if (c->line.len >= SAID_LINE_BYTES)
		exec_client_flush_said(c);
}

static int exec_said_pass(struct join *j, struct span in)
{
	struct exec_client *c = j->arg;
	const uint8_t *end;

	c->said_left -= in.len < c->said_left ? in.len : c->said_left;
	while (in.len && (end = memchr(in.data, '\n', in.len))) {
		size_t len = (size_t)(end - in.data);

		exec_end_line(c, (struct span){in.data, len});
		in = span_from(in, len + 1);
	}
	exec_keep_part(c, in);
	exec_review(c);
	return 0;
}

static void exec_said_closed(struct join *j, const struct err *why)
{
	struct exec_client *c = j->arg;

	exec_client_flush_said(c);
	if (why)
		exec_fail(c, why);
	exec_review(c);
}

static const struct join_on exec_said = {
	.gathers = true, .pass = exec_said_pass, .closed = exec_said_closed};

/* ---- its connection ---- */

void exec_client_data(struct exec_client *c, struct span in)
{
	if (c->in.to)
		join_data(&c->in, in);
}

bool exec_client_move(struct exec_client *c)
{
	return c->in.to && join_move(&c->in);
}

void exec_client_drained(struct exec_client *c)
{
	join_go_on(&c->out);
}

/* The peer's end is the end of the program's input, once it has taken what came before. */
void exec_client_eof(struct exec_client *c)
{
	join_close(&c->in);
	exec_review(c);
}

void exec_client_closed(struct exec_client *c)
{
	c->net = c->in.from = NULL;
	join_stop(&c->out);
	join_close(&c->out);
	join_close(&c->in);
	if (!c->concluded)
		child_hang_up(&c->child);
	exec_review(c);
}

/* ---- its beginning and end ---- */

static size_t exec_left_in(const struct join *j)
{
	return j->from ? conn_unread_bytes(j->from) : 0;
}

static void exec_on_child_ended(struct child *child)
{
	struct exec_client *c = container_of(child, struct exec_client, child);

	c->out.on = &exec_out_rest;
	c->out_left = exec_left_in(&c->out);
	c->said_left = exec_left_in(&c->said);
	if (c->in.to)
		conn_abort(c->in.to);
	exec_review(c);
}

/* Make a pipe of which the program's end waits, and ours does not. Returns 0, or -1 with errno. */
static int exec_make_pipe(struct reporter *to, enum conn_sides our_sides, int *ours, int *theirs)
{
	int ends[2], error;

	if (sys_pipe(to, ends) < 0)
		return -1;
	*ours = ends[our_sides == CONN_WRITES];
	*theirs = ends[our_sides != CONN_WRITES];
	if (sys_let_wait(to, *theirs, true) == 0)
		return 0;
	error = errno;
	sys_close(to, ends[0]);
	sys_close(to, ends[1]);
	errno = error;
	return -1;
}

/* Give our end of a new pipe to a join. Returns the program's, or -1 with errno. */
static int exec_open_pipe(
	struct exec_run *run, struct join *j, enum conn_sides sides, const char *name)
{
	const struct mode_env *env = run->env;
	const struct conn_owner like = {.loop = env->loop, .to = env->to, .scratch = env->scratch};
	int ours, theirs;

	if (exec_make_pipe(env->to, sides, &ours, &theirs) < 0)
		return -1;
	if (join_open(j, &(struct descriptor){ours, sides, name}, &like, env->own_pipe) == 0)
		return theirs;
	sys_close(env->to, theirs);
	errno = ENOMEM;
	return -1;
}

static void exec_make_joins(struct exec_client *c)
{
	bool by_hand = c->run->env->shared->no_splice;

	c->in = (struct join){.on = &exec_in, .arg = c, .by_hand = by_hand};
	c->out = (struct join){.on = &exec_out, .arg = c, .by_hand = by_hand};
	c->said = (struct join){.on = &exec_said, .arg = c};
}

/* Fill the program's 0, 1 and 2. Returns 0, or -1 with errno: those that are not -1 are open. */
static int exec_open_standard(struct exec_client *c, int standard[PIPES])
{
	const struct exec_conf *conf = c->run->env->conf;

	standard[0] = standard[1] = standard[2] = -1;
	if (conf->pass_socket) {
		standard[0] = conn_copy_socket(c->net);
		standard[1] = standard[0];
	} else {
		standard[0] = exec_open_pipe(c->run, &c->in, CONN_WRITES, "a program's input");
		if (standard[0] >= 0)
			standard[1] =
				exec_open_pipe(c->run, &c->out, CONN_READS, "a program's output");
	}
	if (standard[1] >= 0)
		standard[2] =
			exec_open_pipe(c->run, &c->said, CONN_READS, "a program's standard error");
	return standard[2] >= 0 ? 0 : -1;
}

static void exec_close_standard(const struct exec_client *c, const int standard[PIPES])
{
	for (size_t i = 0; i < PIPES; i++)
		if (standard[i] >= 0 && (i == 0 || standard[i] != standard[i - 1]))
			sys_close(c->run->env->to, standard[i]);
}

/* Returns 0, or -1 with err. */
static int exec_start_child(struct exec_client *c, struct err *err)
{
	struct exec_run *run = c->run;
	struct child_conf conf = {.program = &run->program,
		.leads = run->env->enough != NULL,
		.origin = run->env->origin};
	int rc;

	c->vars = exec_env_for(&run->kept, c->net);
	if (!c->vars)
		return child_cannot_start(&run->program, ENOMEM, err);
	conf.env = c->vars->all;
	rc = exec_open_standard(c, conf.standard);
	if (rc < 0)
		child_cannot_start(&run->program, errno, err);
	else
		rc = child_start(&c->child, run->env->loop, &conf, err);
	exec_close_standard(c, conf.standard);
	return rc;
}

/* The program runs: what comes for it, and from it, may pass. */
static void exec_begin_joins(struct exec_client *c)
{
	conn_limit_reads(c->said.from, SAID_READ_BYTES);
	join_go_on(&c->said);
	if (!c->out.from) {
		conn_pause(c->net); /* the program itself reads it */
		return;
	}
	c->in.from = c->net;
	join_begin(&c->out, c->net);
}

/* Most of those that were starting are programs by now: what that needed is not to be kept for as
 * long as they run. */
static void exec_settle_starts(struct exec_run *run)
{
	struct list *node = run->starting.next, *next;

	for (; node != &run->starting; node = next) {
		struct exec_client *c = container_of(node, struct exec_client, starting);

		next = node->next;
		if (!child_settle(&c->child))
			continue;
		free(c->vars);
		c->vars = NULL;
		list_remove(node);
	}
}

static struct exec_client *exec_client_try(struct exec_run *run, struct conn *net, struct err *err)
{
	struct exec_client *c = calloc(1, sizeof(*c));

	if (!c) {
		child_cannot_start(&run->program, ENOMEM, err);
		return NULL;
	}
	c->run = run;
	c->net = net;
	c->id = conn_id(net);
	c->child.ended = exec_on_child_ended;
	exec_make_joins(c);
	exec_settle_starts(run);
	list_push(&run->clients, &c->node);
	list_push(&run->starting, &c->starting);
	if (exec_start_child(c, err) == 0) {
		exec_begin_joins(c);
		return c;
	}
	exec_client_free(c);
	return NULL;
}

void exec_client_forget(struct exec_client *c)
{
	buf_free(&c->in.held);
	buf_free(&c->out.held);
	buf_free(&c->line);
	free(c->vars);
	list_remove(&c->starting);
	list_remove(&c->node);
	loop_bury(c->run->env->loop, &c->node);
}

void exec_client_free(struct exec_client *c)
{
	child_free(&c->child);
	join_free(&c->in);
	join_free(&c->out);
	join_free(&c->said);
	exec_client_forget(c);
}

/* One that is gone, whose background children keep its standard error: the oldest of them lets go
 * of it. Returns whether there was one. */
static bool exec_spare_descriptors(struct exec_run *run)
{
	struct list *node = run->clients.next;

	for (; node != &run->clients; node = node->next) {
		struct exec_client *c = container_of(node, struct exec_client, node);

		if (c->net || !c->over || !c->said.from)
			continue;
		exec_client_flush_said(c);
		exec_client_free(c);
		return true;
	}
	return false;
}

struct exec_client *exec_client_start(struct exec_run *run, struct conn *net, struct err *err)
{
	struct exec_client *c;

	do {
		*err = (struct err){0};
		c = exec_client_try(run, net, err);
	} while (!c && (err->sys == EMFILE || err->sys == ENFILE) && exec_spare_descriptors(run));
	return c;
}
