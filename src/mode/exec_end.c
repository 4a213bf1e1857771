/* How a client of exec ends: with its program, or the program with it. */
#include "mode/exec.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "os/sys_process.h"

enum {
	/* A program whose output has ended is about to end, as a rule, and its status says how the
	 * connection ends. One that goes on without output is not waited for. */
	STRAGGLER_MS = 200,
	NOT_EXECUTABLE = 126, /* of the shell: what it was told to run could not be run */
	NOT_FOUND = 127,
};

/* ---- what the program's status says ---- */

/* Whether its output may not be all there was to be. */
static bool exec_has_failed(const struct child *child)
{
	if (child->hung_up)
		return false; /* by us */
	if (child->error)
		return true;
	if (WIFSIGNALED(child->status))
		return true;
	return WEXITSTATUS(child->status) == NOT_EXECUTABLE ||
	       WEXITSTATUS(child->status) == NOT_FOUND;
}

/* Say how it ended. Returns whether that was with 0. */
static bool exec_describe_end(const struct exec_client *c, struct err *err)
{
	int status = c->child.status;

	if (c->child.error)
		child_cannot_start(&c->run->program, c->child.error, err);
	else if (WIFSIGNALED(status))
		err_set(err, ERR_RUNTIME, "program was ended by signal %d (%s)", WTERMSIG(status),
			strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status))
		err_set(err, ERR_RUNTIME, "program ended with status %d", WEXITSTATUS(status));
	return !err->kind;
}

void exec_tell_failure(const struct exec_run *run, uint64_t id, const struct err *why)
{
	if (run->env->enough)
		report(run->env->to,
			&(struct report){
				.kind = REPORT_PROGRAM_FAILED, .conn = id, .reason = why->what});
}

/* A server reports each; where the run's own status tells of it, the first is its error. */
static void exec_tell_end(const struct exec_client *c)
{
	const struct mode_env *env = c->run->env;
	struct err why = {0};

	if (c->child.hung_up || exec_describe_end(c, &why))
		return;
	if (exec_has_failed(&c->child))
		exec_tell_failure(c->run, c->id, &why);
	else
		report(env->to, &(struct report){.kind = REPORT_PROGRAM_ENDED,
					.conn = c->id,
					.status = (uint64_t)WEXITSTATUS(c->child.status)});
	if (env->vouches && !c->run->verdict.kind)
		c->run->verdict = why;
}

/* ---- what follows ---- */

static bool exec_runs(const struct exec_client *c)
{
	return c->child.pid != 0;
}

static bool exec_has_said_all(const struct exec_client *c)
{
	return !(c->out.from && c->out_left) && !(c->said.from && c->said_left);
}

static void exec_conclude(struct exec_client *c)
{
	struct err why = {0};

	c->concluded = true;
	if (!exec_has_failed(&c->child)) {
		conn_close(c->net, CONN_LINGER_MS);
		return;
	}
	exec_describe_end(c, &why);
	conn_fail_with(c->net, &why);
}

/* Whether nothing of it is left; background children may keep its standard error open. */
static bool exec_has_gone(const struct exec_client *c)
{
	return !c->net && !exec_runs(c) && !c->in.to && !c->out.from && !c->said.from;
}

static void exec_program_is_over(struct exec_client *c)
{
	c->over = true;
	exec_client_flush_said(c);
	exec_tell_end(c);
	if (c->net && !c->concluded)
		exec_conclude(c);
}

void exec_review(struct exec_client *c)
{
	struct exec_run *run = c->run;

	if (!c->over && !exec_runs(c) && exec_has_said_all(c))
		exec_program_is_over(c);
	if (exec_has_gone(c))
		exec_client_forget(c);
	exec_finish_if_done(run);
}

void exec_fail(struct exec_client *c, const struct err *why)
{
	child_hang_up(&c->child);
	if (!c->net || c->concluded)
		return;
	c->concluded = true;
	exec_tell_failure(c->run, c->id, why);
	conn_fail_with(c->net, why);
}

void exec_await_end(struct exec_client *c)
{
	if (c->net && exec_runs(c))
		conn_after(c->net, STRAGGLER_MS);
}

void exec_end_without_program(struct exec_client *c)
{
	if (c->concluded || !exec_runs(c))
		return;
	c->concluded = true;
	conn_close(c->net, CONN_LINGER_MS);
}

/* Whether the run waits for it to end. */
static bool exec_is_awaited(const struct exec_client *c)
{
	return c->child.hung_up && !c->over;
}

void exec_die(struct exec_run *run)
{
	signals_close(&run->signals);
	sys_raise(run->signals.number);
}

void exec_finish_if_done(struct exec_run *run)
{
	if (!run->finishing && !run->signals.number)
		return;
	for (struct list *node = run->clients.next; node != &run->clients; node = node->next)
		if (exec_is_awaited(container_of(node, struct exec_client, node)))
			return;
	if (run->signals.number)
		exec_die(run);
	else
		mode_end_run(run->env, &run->verdict);
}
