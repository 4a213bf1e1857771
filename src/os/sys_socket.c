#include "os/sys_socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/addr.h"
#include "os/sys_call.h"
#include "os/sys_names.h"

/* "127.0.0.1 80": enough for a trace line; no look-up. */
struct sys_address {
	char text[ADDR_TEXT_MAX];
};

static struct sys_address sys_address_text(const struct sockaddr *at, socklen_t len)
{
	struct sys_address s = {"?"};
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

/* A call that fills in an address: traced when it is done. */
static void sys_report_address(struct reporter *to, int rc, const char *call, int fd,
	const struct sockaddr *at, socklen_t len)
{
	if (rc < 0)
		report_call(to, rc, "%s(%d)", call, fd);
	else
		report_call(to, rc, "%s(%d, %s)", call, fd, sys_address_text(at, len).text);
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
		report_call(to, rc, "bind(%d, %s)", fd, sys_address_text(at, len).text);
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
		sys_report_address(to, rc, "accept", fd, peer, *len);
	return rc;
}

int sys_connect(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len)
{
	int rc = connect(fd, at, len);

	if (to->calls)
		report_call(to, rc, "connect(%d, %s)", fd, sys_address_text(at, len).text);
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

int sys_setsockopt_text(struct reporter *to, int fd, int level, int name, const char *value)
{
	int rc = setsockopt(fd, level, name, value, (socklen_t)strlen(value));

	if (to->calls)
		report_call(to, rc, "setsockopt(%d, %s, %s)", fd, sys_option_name(level, name).text,
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
		sys_report_address(to, rc, "getsockname", fd, out, *len);
	return rc;
}

int sys_getpeername(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len)
{
	int rc = getpeername(fd, out, len);

	if (to->calls)
		sys_report_address(to, rc, "getpeername", fd, out, *len);
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

int sys_peer_credentials(struct reporter *to, int fd, struct ucred *out)
{
	socklen_t len = sizeof(*out);
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out, &len);

	if (to->calls)
		report_call(to, rc, "getsockopt(%d, SO_PEERCRED)", fd);
	return rc;
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

int sys_unread(struct reporter *to, int fd)
{
	int bytes = 0;
	int rc = ioctl(fd, SIOCINQ, &bytes);

	if (to->calls)
		report_call(to, rc, "ioctl(%d, SIOCINQ, %d)", fd, bytes);
	return rc < 0 ? -1 : bytes;
}

int sys_let_wait(struct reporter *to, int fd, bool waits)
{
	int nonblocking = !waits;
	int rc = ioctl(fd, FIONBIO, &nonblocking);

	if (to->calls)
		report_call(to, rc, "ioctl(%d, FIONBIO, %d)", fd, nonblocking);
	return rc;
}

int sys_tcp_info(int fd, struct tcp_info *out)
{
	socklen_t len = sizeof(*out);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, out, &len);
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

ssize_t sys_drop(struct reporter *to, int fd, size_t len)
{
	return sys_recv(to, fd, NULL, len, MSG_TRUNC);
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
