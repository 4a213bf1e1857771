#include "os/sys_socket.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/addr.h"
#include "os/sys_call.h"
#include "os/sys_names.h"
#include "os/sys_trace.h"
#include "report/trace.h"

/* "127.0.0.1:80", with a comma and more after it where there is more; no look-up. */
struct sys_address {
	char text[ADDR_TEXT_MAX + 64];
};

static struct sys_address sys_address_text(
	const struct sockaddr *at, socklen_t len, const char *more)
{
	struct sys_address s = {"?"};
	struct addr whole = {.len = len};

	if (!at || len > sizeof(whole.room))
		return s;
	memcpy(&whole.room, at, len);
	snprintf(s.text, sizeof(s.text), "%s%s", addr_text(&whole).text, more);
	return s;
}

/* A call that takes an address, or fills one in. */
static void sys_made_address(struct reporter *to, int rc, enum call_kind kind, const char *name,
	int fd, const struct sockaddr *at, socklen_t len)
{
	const bool filled_in = kind == CALL_ACCEPT || kind == CALL_LOOK;
	const bool known = rc >= 0 || !filled_in;

	sys_made(to, rc,
		&(struct call){.kind = kind,
			.name = name,
			.fd = fd,
			.args = known ? sys_address_text(at, len, "").text : NULL,
			.at = known ? at : NULL,
			.at_len = len});
}

static const char *sys_family_name(int family)
{
	return family == AF_INET6 ? "AF_INET6" : family == AF_INET ? "AF_INET" : "AF_UNIX";
}

static const char *sys_type_name(int type)
{
	return type == SOCK_STREAM      ? "SOCK_STREAM"
	       : type == SOCK_SEQPACKET ? "SOCK_SEQPACKET"
	                                : "SOCK_DGRAM";
}

static void sys_made_socket(struct reporter *to, int rc, int family, int type)
{
	char args[40];

	snprintf(args, sizeof(args), "%s, %s", sys_family_name(family), sys_type_name(type));
	sys_made(to, rc,
		&(struct call){.kind = CALL_SOCKET,
			.name = "socket",
			.fd = CALL_NO_FD,
			.args = args,
			.family = family,
			.type = type});
}

int sys_socket(struct reporter *to, int family, int type, int protocol)
{
	int rc = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);

	if (to->trace)
		sys_made_socket(to, rc, family, type);
	return rc;
}

int sys_bind(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len)
{
	int rc = bind(fd, at, len);

	if (to->trace)
		sys_made_address(to, rc, CALL_BIND, "bind", fd, at, len);
	return rc;
}

static void sys_made_listen(struct reporter *to, int rc, int fd, int backlog)
{
	char args[16];

	snprintf(args, sizeof(args), "%d", backlog);
	sys_made(to, rc,
		&(struct call){.kind = CALL_LISTEN, .name = "listen", .fd = fd, .args = args});
}

int sys_listen(struct reporter *to, int fd, int backlog)
{
	int rc = listen(fd, backlog);

	if (to->trace)
		sys_made_listen(to, rc, fd, backlog);
	return rc;
}

int sys_accept(struct reporter *to, int fd, struct sockaddr *peer, socklen_t *len)
{
	int rc;

	RETRY_EINTR(rc, accept4(fd, peer, len, SOCK_NONBLOCK | SOCK_CLOEXEC));
	if (to->trace)
		sys_made_address(to, rc, CALL_ACCEPT, "accept", fd, peer, *len);
	return rc;
}

int sys_connect(struct reporter *to, int fd, const struct sockaddr *at, socklen_t len)
{
	int rc;

	if (to->trace)
		sys_look(to, fd);
	rc = connect(fd, at, len);
	if (to->trace)
		sys_made_address(to, rc, CALL_CONNECT, "connect", fd, at, len);
	return rc;
}

static void sys_made_shutdown(struct reporter *to, int rc, int fd, int how)
{
	sys_made(to, rc,
		&(struct call){.kind = CALL_SHUTDOWN,
			.name = "shutdown",
			.fd = fd,
			.args = how == SHUT_WR ? "SHUT_WR" : "SHUT_RDWR",
			.how = how});
}

int sys_shutdown(struct reporter *to, int fd, int how)
{
	int rc;

	if (to->trace)
		sys_look(to, fd);
	rc = shutdown(fd, how);
	if (to->trace)
		sys_made_shutdown(to, rc, fd, how);
	return rc;
}

/* setsockopt, or getsockopt; value as a text, with a comma before it, or "". */
static void sys_made_option(struct reporter *to, int rc, enum call_kind kind, int fd, int level,
	int option, const char *value)
{
	char args[128];

	snprintf(args, sizeof(args), "%s%s", sys_option_name(level, option).text, value);
	sys_made(to, rc,
		&(struct call){.kind = kind,
			.name = kind == CALL_OPTION ? "setsockopt" : "getsockopt",
			.fd = fd,
			.args = args,
			.level = level,
			.option = option});
}

static void sys_made_number(
	struct reporter *to, int rc, enum call_kind kind, int fd, int level, int option, int value)
{
	char text[20];

	snprintf(text, sizeof(text), ", %d", value);
	sys_made_option(to, rc, kind, fd, level, option, text);
}

int sys_setsockopt(struct reporter *to, int fd, int level, int name, int value)
{
	int rc = setsockopt(fd, level, name, &value, sizeof(value));

	if (to->trace)
		sys_made_number(to, rc, CALL_OPTION, fd, level, name, value);
	return rc;
}

static void sys_made_text(
	struct reporter *to, int rc, int fd, int level, int option, const char *value)
{
	char text[64];

	snprintf(text, sizeof(text), ", %s", value);
	sys_made_option(to, rc, CALL_OPTION, fd, level, option, text);
}

int sys_setsockopt_text(struct reporter *to, int fd, int level, int name, const char *value)
{
	int rc = setsockopt(fd, level, name, value, (socklen_t)strlen(value));

	if (to->trace)
		sys_made_text(to, rc, fd, level, name, value);
	return rc;
}

int sys_reset_on_close(struct reporter *to, int fd)
{
	const struct linger at_once = {.l_onoff = 1};
	int rc = setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));

	if (to->trace)
		sys_made_option(to, rc, CALL_OPTION, fd, SOL_SOCKET, SO_LINGER, ", {1, 0}");
	return rc;
}

int sys_getsockname(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len)
{
	int rc = getsockname(fd, out, len);

	if (to->trace)
		sys_made_address(to, rc, CALL_LOOK, "getsockname", fd, out, *len);
	return rc;
}

int sys_getpeername(struct reporter *to, int fd, struct sockaddr *out, socklen_t *len)
{
	int rc = getpeername(fd, out, len);

	if (to->trace)
		sys_made_address(to, rc, CALL_LOOK, "getpeername", fd, out, *len);
	return rc;
}

/* SO_ERROR: the error by its name. This has taken it from the socket. */
static void sys_made_error(struct reporter *to, int fd, int error)
{
	char args[64];

	snprintf(args, sizeof(args), "SOL_SOCKET, SO_ERROR, %s", sys_error_name(error).text);
	sys_made(to, 0,
		&(struct call){.kind = CALL_LOOK,
			.name = "getsockopt",
			.fd = fd,
			.args = args,
			.level = SOL_SOCKET,
			.option = SO_ERROR,
			.broken = true});
}

static void sys_made_look(struct reporter *to, int rc, int fd, int level, int option, int value)
{
	if (rc < 0)
		sys_made_option(to, rc, CALL_LOOK, fd, level, option, "");
	else if (level == SOL_SOCKET && option == SO_ERROR && value)
		sys_made_error(to, fd, value);
	else
		sys_made_number(to, rc, CALL_LOOK, fd, level, option, value);
}

int sys_getsockopt(struct reporter *to, int fd, int level, int name)
{
	int value = 0;
	socklen_t len = sizeof(value);
	int rc = getsockopt(fd, level, name, &value, &len);

	if (to->trace)
		sys_made_look(to, rc, fd, level, name, value);
	return rc < 0 ? -1 : value;
}

int sys_peer_credentials(struct reporter *to, int fd, struct ucred *out)
{
	socklen_t len = sizeof(*out);
	int rc = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out, &len);

	if (to->trace)
		sys_made_option(to, rc, CALL_LOOK, fd, SOL_SOCKET, SO_PEERCRED, "");
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

	if (to->trace)
		sys_made_other(to, rc, "ioctl", fd, "SIOCOUTQ, %d", bytes);
	return rc < 0 ? -1 : bytes;
}

int sys_unread(struct reporter *to, int fd)
{
	int bytes = 0;
	int rc = ioctl(fd, SIOCINQ, &bytes);

	if (to->trace)
		sys_made_other(to, rc, "ioctl", fd, "SIOCINQ, %d", bytes);
	return rc < 0 ? -1 : bytes;
}

int sys_let_wait(struct reporter *to, int fd, bool waits)
{
	int nonblocking = !waits;
	int rc = ioctl(fd, FIONBIO, &nonblocking);

	if (to->trace)
		sys_made_other(to, rc, "ioctl", fd, "FIONBIO, %d", nonblocking);
	return rc;
}

int sys_tcp_info(int fd, struct tcp_info *out)
{
	socklen_t len = sizeof(*out);

	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, out, &len);
}

static void sys_made_missed(struct reporter *to, int rc, int fd, uint32_t drops)
{
	char text[32];

	snprintf(text, sizeof(text), ", %u drops", drops);
	sys_made_option(to, rc, CALL_LOOK, fd, SOL_SOCKET, SO_MEMINFO, text);
}

uint32_t sys_missed(struct reporter *to, int fd)
{
	uint32_t info[SK_MEMINFO_VARS] = {0};
	socklen_t len = sizeof(info);
	int rc = getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len);

	if (to->trace)
		sys_made_missed(to, rc, fd, info[SK_MEMINFO_DROPS]);
	return rc < 0 ? 0 : info[SK_MEMINFO_DROPS];
}

static inline __attribute__((always_inline)) ssize_t sys_recv_now(
	int fd, void *data, size_t len, int flags)
{
	ssize_t rc;

	RETRY_EINTR(rc, recv(fd, data, len, flags | MSG_DONTWAIT));
	return rc;
}

static ssize_t sys_recv_traced(struct reporter *to, int fd, void *data, size_t len, int flags)
{
	const char *named = flags & MSG_PEEK    ? ", MSG_PEEK"
	                    : flags & MSG_TRUNC ? ", MSG_TRUNC"
	                                        : "";
	ssize_t rc = sys_recv_now(fd, data, len, flags);

	sys_made_data(to, rc, CALL_RECEIVE, "recv", fd, data, len, named);
	return rc;
}

/* Decided before the call, so that what a trace wants need not be kept over it. */
ssize_t sys_recv(struct reporter *to, int fd, void *data, size_t len, int flags)
{
	return to->trace ? sys_recv_traced(to, fd, data, len, flags)
	                 : sys_recv_now(fd, data, len, flags);
}

ssize_t sys_drop(struct reporter *to, int fd, size_t len)
{
	return sys_recv(to, fd, NULL, len, MSG_TRUNC);
}

ssize_t sys_send(struct reporter *to, int fd, const void *data, size_t len)
{
	ssize_t rc;

	RETRY_EINTR(rc, send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (to->trace)
		sys_made_data(to, rc, CALL_SEND, "send", fd, data, len, "");
	return rc;
}

/* Which address of ours a datagram came to, or is to be sent from (IP_PKTINFO, ip(7) and ipv6(7)).
 */
static void sys_note_here(struct call *call, struct msghdr m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			call->here = addr_of_ipv4(AF_INET,
				call->kind == CALL_SEND ? info.ipi_spec_dst : info.ipi_addr, 0);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof(info));
			call->here = addr_any(AF_INET6, 0);
			call->here.in6.sin6_addr = info.ipi6_addr;
		}
}

/* It has one part, or none; flags, with a comma before them, are shown after the address. */
static void sys_made_message(struct reporter *to, int64_t rc, enum call_kind kind, const char *name,
	int fd, const struct msghdr *m, const char *flags)
{
	struct call call = {.kind = kind, .name = name, .fd = fd, .whole = true};
	struct sys_address address;

	if (m->msg_iovlen)
		call.asked = m->msg_iov[0].iov_len;
	if (rc >= 0 && m->msg_iovlen)
		call.data = (struct span){
			m->msg_iov[0].iov_base, (size_t)rc < call.asked ? (size_t)rc : call.asked};
	if (m->msg_name && m->msg_namelen && (rc >= 0 || kind == CALL_SEND)) {
		call.at = m->msg_name;
		call.at_len = m->msg_namelen;
	}
	if (rc >= 0 && m->msg_control && to->trace->wants_ends)
		sys_note_here(&call, *m);
	address = sys_address_text(call.at, call.at_len, flags);
	call.args = call.at ? address.text : flags[0] ? flags + 2 : NULL;
	sys_made(to, rc, &call);
}

ssize_t sys_recvmsg(struct reporter *to, int fd, struct msghdr *message, int flags)
{
	ssize_t rc;

	RETRY_EINTR(rc, recvmsg(fd, message, flags | MSG_DONTWAIT | MSG_CMSG_CLOEXEC));
	if (to->trace)
		sys_made_message(to, rc, CALL_RECEIVE, "recvmsg", fd, message,
			flags & MSG_ERRQUEUE ? ", MSG_ERRQUEUE" : "");
	return rc;
}

ssize_t sys_sendmsg(struct reporter *to, int fd, const struct msghdr *message)
{
	ssize_t rc;

	RETRY_EINTR(rc, sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL));
	if (to->trace)
		sys_made_message(to, rc, CALL_SEND, "sendmsg", fd, message, "");
	return rc;
}

int sys_recvmmsg(int fd, struct mmsghdr *messages, size_t count)
{
	int rc;

	RETRY_EINTR(
		rc, recvmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_CMSG_CLOEXEC, NULL));
	return rc;
}

int sys_sendmmsg(int fd, struct mmsghdr *messages, size_t count)
{
	int rc;

	RETRY_EINTR(rc, sendmmsg(fd, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL));
	return rc;
}
