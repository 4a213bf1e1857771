#include "os/child.h"

#include <errno.h>
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
	c->pid = 0;
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
	child_forget(c);
	c->ended(c);
}

static void child_on_grace_over(struct timer *t)
{
	child_signal(container_of(t, struct child, kill), SIGKILL);
}

static int child_cannot_start(const struct child_conf *conf, int error, struct err *err)
{
	err_sys(err, ERR_RUNTIME, error, "cannot start %s", quoted(conf->program->name).text);
	if (error == EAGAIN)
		return err_hint(err, "no more processes are allowed: see 'ulimit -u'");
	return -1;
}

static int child_create(struct child *c, const struct child_conf *conf)
{
	const struct sys_program program = {.path = conf->program->path,
		.argv = conf->program->argv,
		.by_shell = conf->program->by_shell,
		.env = conf->env,
		.origin = conf->origin};
	struct sys_launch start = {.program = &program, .leads = conf->leads};

	memcpy(start.standard, conf->standard, sizeof(start.standard));
	c->pid = sys_start(&start, &c->watch.fd);
	return c->pid < 0 ? errno : 0;
}

int child_start(struct child *c, struct loop *loop, const struct child_conf *conf, struct err *err)
{
	int error;

	c->loop = loop;
	c->leads = conf->leads;
	c->hung_up = false;
	c->watch = (struct watch){.ready = child_on_end};
	if (timer_init(loop, &c->kill, child_on_grace_over) < 0)
		return child_cannot_start(conf, ENOMEM, err);
	error = child_create(c, conf);
	if (error) {
		timer_free(loop, &c->kill);
		c->pid = 0;
		return child_cannot_start(conf, error, err);
	}
	if (loop_watch(loop, &c->watch, EPOLLIN) == 0)
		return 0;
	error = errno;
	sys_destroy(c->pid);
	child_forget(c);
	return child_cannot_start(conf, error, err);
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
	child_forget(c);
}
