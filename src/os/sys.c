#include "os/sys.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/addr.h"
#include "os/sys_names.h"

#define RETRY_EINTR(rc, call)  \
	do {                   \
		(rc) = (call); \
	} while ((rc) < 0 && errno == EINTR)

/* musl has these only from 1.2.5 on. The kernel wants an offset in two halves. */
#ifndef RWF_NOWAIT
#define RWF_NOWAIT 0x00000008

static ssize_t preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return syscall(
		SYS_preadv2, fd, iov, (long)count, (long)offset, (long)(offset >> 32), flags);
}

static ssize_t pwritev2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	return syscall(
		SYS_pwritev2, fd, iov, (long)count, (long)offset, (long)(offset >> 32), flags);
}
#endif

/* "127.0.0.1 80": enough for a trace line; no look-up. */
struct shown {
	char text[ADDR_TEXT_MAX];
};

static struct shown shown(const struct sockaddr *at, socklen_t len)
{
	struct shown s = {"?"};
	struct addr unix_name = {.len = len};
	char host[80], port[16];

	if (at->sa_family == AF_UNIX) {
		memcpy(&unix_name.un, at, len);
		snprintf(s.text, sizeof(s.text), "%s", addr_text(&unix_name).text);
		return s;
	}

	if (getnameinfo(at, len, host, sizeof(host), port, sizeof(port),
		    NI_NUMERICHOST | NI_NUMERICSERV) == 0)
		snprintf(s.text, sizeof(s.text), "%s %s", host, port);
	return s;
}

/* A call that fills in an address: told once it has. */
static void report_with_address(struct reporter *to, int rc, const char *call, int fd,
	const struct sockaddr *at, socklen_t len)
{
	if (rc < 0)
		report_call(to, rc, "%s(%d)", call, fd);
	else
		report_call(to, rc, "%s(%d, %s)", call, fd, shown(at, len).text);
}

int sys_socket(struct reporter *to, int family, int type, int protocol)
{
	int rc = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (to->calls)
		report_call(to, rc, "socket(%s, %s)",
			family == AF_INET6  ? "AF_INET6"
			: family == AF_INET ? "AF_INET"
					    : "AF_UNIX",
			type == SOCK_STREAM      ? "SOCK_STREAM"
			: type == SOCK_SEQPACKET ? "SOCK_SEQPACKET"
						 : "SOCK_DGRAM");
	return rc;
}

int sys_bind(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len)
{
	int rc = bind(fd, at, len);

	if (to->calls)
		report_call(to, rc, "bind(%d, %s)", fd, shown(at, len).text);
	return rc;
}

int sys_listen(struct reporter *to, int fd, int backlog)
{
	int rc = listen(fd, backlog);

	if (to->calls)
		report_call(to, rc, "listen(%d, %d)", fd, backlog);
	return rc;
}

int sys_accept(struct reporter *to, int fd, struct sockaddr *peer, socklen_t *len)
{
	int rc;

	RETRY_EINTR(rc, accept4(fd, peer, len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	if (to->calls)
		report_with_address(to, rc, "accept", fd, peer, *len);
	return rc;
}

int sys_connect(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len)
{
	int rc = connect(fd, at, len);

	if (to->calls)
		report_call(to, rc, "connect(%d, %s)", fd, shown(at, len).text);
	return rc;
}

int sys_shutdown(struct reporter *to, int fd, int how)
{
	int rc = shutdown(fd, how);

	if (to->calls)
		report_call(
			to, rc, "shutdown(%d, %s)", fd, how == SHUT_WR ? "SHUT_WR" : "SHUT_RDWR");
	return rc;
}

int sys_setsockopt(struct reporter *to, int fd, int level, int name, int value)
{
	int rc = setsockopt(fd, level, name, &value, sizeof(value));

	if (to->calls)
		report_call(to, rc, "setsockopt(%d, %s, %d)", fd, sys_option_name(level, name).text,
			value);
	return rc;
}

int sys_reset_on_close(struct reporter *to, int fd)
{
	const struct linger at_once = {.l_onoff = 1};
	int rc = setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));

	if (to->calls)
		report_call(to, rc, "setsockopt(%d, %s, {1, 0})", fd,
			sys_option_name(SOL_SOCKET, SO_LINGER).text);
	return rc;
}

int sys_getsockname(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len)
{
	int rc = getsockname(fd, out, len);

	if (to->calls)
		report_with_address(to, rc, "getsockname", fd, out, *len);
	return rc;
}

int sys_getpeername(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len)
{
	int rc = getpeername(fd, out, len);

	if (to->calls)
		report_with_address(to, rc, "getpeername", fd, out, *len);
	return rc;
}

int sys_getsockopt(struct reporter *to, int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);
	int rc = getsockopt(fd, level, name, &value, &len);

	if (to->calls)
		report_call(to, rc, "getsockopt(%d, %s)", fd, sys_option_name(level, name).text);
	return rc < 0 ? -1 : value;
}

int sys_so_error(struct reporter *to, int fd)
{
	int value = sys_getsockopt(to, fd, SOL_SOCKET, SO_ERROR);

	return value < 0 ? errno : value;
}

int sys_unsent(struct reporter *to, int fd)
{
	int bytes = 0;
	int rc = ioctl(fd, SIOCOUTQ, &bytes);

	if (to->calls)
		report_call(to, rc, "ioctl(%d, SIOCOUTQ, %d)", fd, bytes);
	return rc < 0 ? -1 : bytes;
}

uint32_t sys_missed(struct reporter *to, int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);
	int rc = getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);

	if (to->calls)
		report_call(
			to, rc, "getsockopt(%d, SO_MEMINFO, %u drops)", fd, info[SK_MEMINFO_DROPS]);
	return rc < 0 ? 0 : info[SK_MEMINFO_DROPS];
}

ssize_t sys_recv(struct reporter *to, int fd, void *data, size_t len, int flags)
{
	ssize_t rc;

	RETRY_EINTR(rc, recv(fd, data, len, flags | MSG_DONTWAIT));
	if (to->calls)
		report_call(to, rc, "recv(%d, %zu)", fd, len);
	return rc;
}

ssize_t sys_send(struct reporter *to, int fd, const void *data, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (to->calls)
		report_call(to, rc, "send(%d, %zu)", fd, len);
	return rc;
}

ssize_t sys_recvmsg(struct reporter *to, int fd, struct msghdr *message, int flags)
{
	ssize_t rc;

	RETRY_EINTR(rc, recvmsg(fd, message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	if (to->calls)
		report_call(
			to, rc, "recvmsg(%d%s)", fd, flags & MSG_ERRQUEUE ? ", MSG_ERRQUEUE" : "");
	return rc;
}

int sys_recvmmsg(struct reporter *to, int fd, struct mmsghdr *messages, size_t count)
{
	int rc;

	RETRY_EINTR(
		rc, recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL));
	if (to->calls)
		report_call(to, rc, "recvmmsg(%d, %zu)", fd, count);
	return rc;
}

int sys_sendmmsg(struct reporter *to, int fd, struct mmsghdr *messages, size_t count)
{
	int rc;

	RETRY_EINTR(rc, sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (to->calls)
		report_call(to, rc, "sendmmsg(%d, %zu)", fd, count);
	return rc;
}

ssize_t sys_read(struct reporter *to, int fd, void *data, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, read(fd, data, len));
	if (to->calls)
		report_call(to, rc, "read(%d, %zu)", fd, len);
	return rc;
}

ssize_t sys_write(struct reporter *to, int fd, const void *data, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, write(fd, data, len));
	if (to->calls)
		report_call(to, rc, "write(%d, %zu)", fd, len);
	return rc;
}

ssize_t sys_read_nowait(struct reporter *to, int fd, void *data, size_t len)
{
	struct iovec room = {data, len};
	ssize_t rc;

	RETRY_EINTR(rc, preadv2(fd, &room, 1, -1, RWF_NOWAIT));
	if (to->calls)
		report_call(to, rc, "preadv2(%d, %zu, RWF_NOWAIT)", fd, len);
	return rc;
}

ssize_t sys_write_nowait(struct reporter *to, int fd, const void *data, size_t len)
{
	struct iovec out = {.iov_len = len};
	ssize_t rc;

	memcpy(&out.iov_base, &data, sizeof(data)); /* an iovec has no const */
	RETRY_EINTR(rc, pwritev2(fd, &out, 1, -1, RWF_NOWAIT));
	if (to->calls)
		report_call(to, rc, "pwritev2(%d, %zu, RWF_NOWAIT)", fd, len);
	return rc;
}

int sys_open(struct reporter *to, const char *path, int flags)
{
	int rc;

	RETRY_EINTR(rc, open(path, flags));
	if (to->calls)
		report_call(to, rc, "open(%s)", path);
	return rc;
}

int sys_close(struct reporter *to, int fd)
{
	int rc = close(fd);

	if (to->calls)
		report_call(to, rc, "close(%d)", fd);
	/* close(2): on Linux the descriptor is gone even so; to try again could hit another's. */
	return rc < 0 && errno == EINTR ? 0 : rc;
}

int sys_fchmod(struct reporter *to, int fd, mode_t mode)
{
	int rc = fchmod(fd, mode);

	if (to->calls)
		report_call(to, rc, "fchmod(%d, %04o)", fd, (unsigned)mode);
	return rc;
}

int sys_flock(struct reporter *to, int fd, int operation)
{
	int rc;

	RETRY_EINTR(rc, flock(fd, operation));
	if (to->calls)
		report_call(
			to, rc, "flock(%d, %s)", fd, operation & LOCK_UN ? "LOCK_UN" : "LOCK_EX");
	return rc;
}

int sys_unlinkat(struct reporter *to, int folder, const char *name)
{
	int rc = unlinkat(folder, name, 0);

	if (to->calls)
		report_call(to, rc, "unlinkat(%d, %s)", folder, name);
	return rc;
}

int sys_dup(struct reporter *to, int fd)
{
	int rc = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (to->calls)
		report_call(to, rc, "dup(%d)", fd);
	return rc;
}

int sys_dup2(struct reporter *to, int fd, int onto)
{
	int rc;

	RETRY_EINTR(rc, dup2(fd, onto));
	if (to->calls)
		report_call(to, rc, "dup2(%d, %d)", fd, onto);
	return rc;
}

int sys_readable(struct reporter *to, int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};
	int rc;

	RETRY_EINTR(rc, poll(&one, 1, 0));
	if (to->calls)
		report_call(to, rc, "poll(%d, POLLIN)", fd);
	return rc;
}

int sys_writable(struct reporter *to, int fd, int timeout_ms)
{
	struct pollfd one = {.fd = fd, .events = POLLOUT};
	int rc;

	RETRY_EINTR(rc, poll(&one, 1, timeout_ms));
	if (to->calls)
		report_call(to, rc, "poll(%d, POLLOUT)", fd);
	return rc;
}

int sys_tcgetattr(struct reporter *to, int fd, struct termios *out)
{
	int rc = tcgetattr(fd, out);

	if (to->calls)
		report_call(to, rc, "tcgetattr(%d)", fd);
	return rc;
}

int sys_tcsetattr(struct reporter *to, int fd, const struct termios *settings)
{
	int rc;

	RETRY_EINTR(rc, tcsetattr(fd, TCSANOW, settings));
	if (to->calls)
		report_call(to, rc, "tcsetattr(%d, TCSANOW)", fd);
	return rc;
}

int sys_window_size(struct reporter *to, int fd, struct winsize *out)
{
	int rc = ioctl(fd, TIOCGWINSZ, out);

	if (to->calls)
		report_call(to, rc, "ioctl(%d, TIOCGWINSZ)", fd);
	return rc;
}

pid_t sys_tcgetpgrp(struct reporter *to, int fd)
{
	pid_t rc = tcgetpgrp(fd);

	if (to->calls)
		report_call(to, rc, "tcgetpgrp(%d)", fd);
	return rc;
}

int sys_terminal(struct reporter *to, int fd, unsigned *number)
{
	int rc = ioctl(fd, TIOCGDEV, number);

	if (to->calls)
		report_call(to, rc, "ioctl(%d, TIOCGDEV)", fd);
	return rc;
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

void sys_host_name(char *out, size_t size)
{
	if (gethostname(out, size) < 0 || !out[0])
		snprintf(out, size, "localhost");
	out[size - 1] = '\0';
}
