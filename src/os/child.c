#include "os/child.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "os/sys_event.h"

static void child_signal(const struct child *c, int number)
{
	if (c->leads)
		sys_kill_group(c->pid, number);
	else
		sys_kill(c->pid, number);
}

static void child_forget(struct child *c)
{
	loop_unwatch(c->loop, &c->watch);
	sys_close_own(c->watch.fd);
	timer_free(c->loop, &c->kill);
	free(c->launch);
	c->launch = NULL;
	c->pid = 0;
}

bool child_settle(struct child *c)
{
	if (!c->launch)
		return true;
	if (!sys_launch_is_over(c->launch))
		return false;
	c->error = c->launch->error;
	free(c->launch);
	c->launch = NULL;
	return true;
}

/* Its group's number is its own until it is collected. */
static void child_on_end(struct watch *w, uint32_t events)
{
	struct child *c = container_of(w, struct child, watch);

	(void)events;
	if (c->hung_up && c->leads)
		child_signal(c, SIGKILL);
	if (!sys_collect(c->pid, &c->status))
		return;
	child_settle(c);
	child_forget(c);
	c->ended(c);
}

static void child_on_grace_over(struct timer *t)
{
	child_signal(container_of(t, struct child, kill), SIGKILL);
}

int child_cannot_start(const struct program *program, int error, struct err *err)
{
	err_sys(err, ERR_RUNTIME, error, "cannot start %s", quoted(program->name).text);
	if (error == EAGAIN)
		return err_hint(err, "no more processes are allowed: see 'ulimit -u'");
	return -1;
}

/* Returns 0 or an errno. */
static int child_create(struct child *c, const struct child_conf *conf)
{
	const struct program *program = conf->program;
	int error;

	c->launch = malloc(sizeof(*c->launch));
	if (!c->launch)
		return ENOMEM;
	c->launch->program = (struct sys_program){.path = program->path,
		.argv = program->argv,
		.by_shell = program->by_shell,
		.env = conf->env,
		.origin = conf->origin};
	c->launch->leads = conf->leads;
	memcpy(c->launch->standard, conf->standard, sizeof(c->launch->standard));
	c->pid = sys_start(c->launch, &c->watch.fd);
	if (c->pid >= 0)
		return 0;
	error = errno;
	free(c->launch);
	c->launch = NULL;
	return error;
}

int child_start(struct child *c, struct loop *loop, const struct child_conf *conf, struct err *err)
{
	int error;

	c->loop = loop;
	c->leads = conf->leads;
	c->hung_up = false;
	c->error = 0;
	c->watch = (struct watch){.ready = child_on_end};
	if (timer_init(loop, &c->kill, child_on_grace_over) < 0)
		return child_cannot_start(conf->program, ENOMEM, err);
	error = child_create(c, conf);
	if (error) {
		timer_free(loop, &c->kill);
		c->pid = 0;
		return child_cannot_start(conf->program, error, err);
	}
	if (loop_watch(loop, &c->watch, EPOLLIN) == 0)
		return 0;
	error = errno;
	sys_destroy(c->pid);
	child_forget(c);
	return child_cannot_start(conf->program, error, err);
}

void child_hang_up(struct child *c)
{
	if (!c->pid || c->hung_up)
		return;
	c->hung_up = true;
	child_signal(c, SIGHUP);
	child_signal(c, SIGCONT); /* a stopped one would not hear of it */
	timer_set_in(c->loop, &c->kill, CHILD_GRACE_MS);
}

void child_free(struct child *c)
{
	if (!c->pid)
		return;
	if (c->hung_up) {
		child_signal(c, SIGKILL);
		sys_collect(c->pid, &c->status);
	}
	if (c->launch)
		sys_launch_await(c->launch);
	child_forget(c);
}
