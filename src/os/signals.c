#include "os/signals.h"

#include <errno.h>
#include <signal.h>

#include "os/sys_event.h"
#include "os/sys_process.h"

static const struct {
	int number;
	const char *name;
} stoppers[] = {{SIGINT, "SIGINT"}, {SIGTERM, "SIGTERM"}, {SIGHUP, "SIGHUP"}};

enum { STOPPERS = sizeof(stoppers) / sizeof(stoppers[0]) };

static void signals_wanted(sigset_t *set)
{
	sigemptyset(set);
	for (size_t i = 0; i < STOPPERS; i++)
		if (!sys_signal_is_ignored(stoppers[i].number))
			sigaddset(set, stoppers[i].number);
}

static const char *signals_name(int number)
{
	for (size_t i = 0; i < STOPPERS; i++)
		if (stoppers[i].number == number)
			return stoppers[i].name;
	return "a signal";
}

static void signals_unblock(void)
{
	sigset_t set;

	signals_wanted(&set);
	sys_signals_unblock(&set);
}

static void signals_on_ready(struct watch *w, uint32_t events)
{
	struct signals *s = container_of(w, struct signals, watch);
	int number = sys_signalfd_next(w->fd);

	(void)events;
	if (!number)
		return;
	if (number == SIGUSR1) {
		s->asked(s->arg);
		return;
	}
	s->number = number;
	s->stop(s->arg, signals_name(number));
	signals_unblock(); /* the next one has its default action: it ends us at once */
}

int signals_open(struct signals *s, struct loop *loop, struct err *err)
{
	sigset_t set;
	int fd;

	signals_wanted(&set);
	if (s->asked && !sys_signal_is_ignored(SIGUSR1))
		sigaddset(&set, SIGUSR1);
	sys_signals_block(&set);
	fd = sys_signalfd(&set);
	s->loop = loop;
	s->watch = (struct watch){.fd = fd, .ready = signals_on_ready};
	if (fd < 0 || loop_watch(loop, &s->watch, EPOLLIN) < 0) {
		err_sys(err, ERR_RUNTIME, errno, "cannot watch for signals");
		signals_close(s);
		signals_unblock(); /* also where there was nothing to close */
		return -1;
	}
	return 0;
}

void signals_close(struct signals *s)
{
	if (s->watch.fd < 0)
		return;
	loop_unwatch(s->loop, &s->watch);
	sys_close_own(s->watch.fd);
	s->watch.fd = -1;
	signals_unblock();
}
