#include "os/sys_event.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "os/sys_call.h"
#include "os/sys_trace.h"

int sys_readable(struct reporter *to, int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	int rc;

	RETRY_EINTR(rc, poll(&one, 1, 0));
	if (to->trace)
		sys_made_other(to, rc, "poll", fd, "POLLIN");
	return rc;
}

int sys_has_failed(struct reporter *to, int fd)
{
	struct pollfd one = {.fd = fd};
	int rc;

	RETRY_EINTR(rc, poll(&one, 1, 0));
	if (to->trace)
		sys_made_other(to, rc, "poll", fd, "%s",
			rc > 0 && !(one.revents & POLLERR) ? "POLLHUP" : "POLLERR");
	return rc > 0 ? (one.revents & POLLERR) != 0 : rc;
}

int sys_writable(struct reporter *to, int fd, int timeout_ms)
{
	struct pollfd one = {.fd = fd, .events = POLLOUT};
	int rc;

	RETRY_EINTR(rc, poll(&one, 1, timeout_ms));
	if (to->trace)
		sys_made_other(to, rc, "poll", fd, "POLLOUT");
	return rc;
}

void sys_rest(int ms)
{
	poll(NULL, 0, ms);
}

int sys_epoll_create(void)
{
	return epoll_create1(EPOLL_CLOEXEC);
}

int sys_epoll_ctl(int epoll, int op, int fd, uint32_t events, void *data)
{
	struct epoll_event event = {.events = events, .data.ptr = data};

	return epoll_ctl(epoll, op, fd, &event);
}

int sys_epoll_wait(int epoll, struct epoll_event *events, int max, int timeout_ms)
{
	int rc;

	RETRY_EINTR(rc, epoll_wait(epoll, events, max, timeout_ms));
	return rc;
}

int sys_eventfd(void)
{
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

void sys_eventfd_wake(int fd)
{
	const uint64_t one = 1;

	/* eventfd(2): a counter that is 0 takes this at once; nothing can be done if not. */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

int sys_signalfd(const sigset_t *set)
{
	return signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int sys_signalfd_next(int fd)
{
	struct signalfd_siginfo info;

	return read(fd, &info, sizeof(info)) == (ssize_t)sizeof(info) ? (int)info.ssi_signo : 0;
}

int sys_timerfd(void)
{
	return timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
}

int sys_timerfd_set(int fd, int64_t at_ns)
{
	const struct itimerspec when = {
		.it_value = {.tv_sec = at_ns / 1000000000, .tv_nsec = at_ns % 1000000000}};

	return timerfd_settime(fd, TFD_TIMER_ABSTIME, &when, NULL);
}

void sys_close_own(int fd)
{
	close(fd);
}
