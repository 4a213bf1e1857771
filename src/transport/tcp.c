#include "transport/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "core/sys.h"
#include "transport/stream.h"

/* Nagle's algorithm against delayed acknowledgements costs 40 ms a message (RFC 896, RFC 1122
 * section 4.2.3.4): what we write is meant to go. Listeners hand both options to what they accept.
 */
static void set_options(struct reporter *to, int fd)
{
	sys_setsockopt(to, fd, IPPROTO_TCP, TCP_NODELAY, 1);
	sys_setsockopt(to, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
}

static int listen_hint(struct err *err, int error, const struct addr *at)
{
	switch (error) {
	case EADDRINUSE:
		return err_hint(err,
			"another program has port %u; choose another with -p, or -p 0 for a free "
			"one",
			addr_port(at));
	case EACCES:
		return err_hint(err, "ports below 1024 are for root; choose a higher one with -p");
	case EADDRNOTAVAIL:
		return err_hint(
			err, "-H takes an address of this machine; `ip address` lists them");
	default: return -1;
	}
}

static int tcp_listen(
	struct reporter *to, const struct addr *at, int backlog, int *fd, struct err *err)
{
	const char *failed = "socket";
	int error, sock = sys_socket(to, at->sa.sa_family, SOCK_STREAM, 0);

	if (sock < 0)
		goto fail;
	set_options(to, sock);
	/* Old connections in TIME_WAIT must not keep a restarted server from its port. */
	sys_setsockopt(to, sock, SOL_SOCKET, SO_REUSEADDR, 1);
	/* IPv4 has a socket of its own on the same port (RFC 3493 section 5.3). */
	if (at->sa.sa_family == AF_INET6)
		sys_setsockopt(to, sock, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	failed = "bind";
	if (sys_bind(to, sock, &at->sa, at->len) < 0)
		goto fail;
	failed = "listen";
	if (sys_listen(to, sock, backlog) < 0)
		goto fail;
	*fd = sock;
	return 0;
fail:
	error = errno;
	if (sock >= 0)
		sys_close(to, sock);
	err_sys(err, ERR_LISTEN, error, "cannot listen on %s: %s", addr_text(at).text, failed);
	return listen_hint(err, error, at);
}

/* A TCP socket that connects to a free local port may be given that very port and then meets
 * itself (RFC 9293 section 3.5, simultaneous open): nobody else is there. */
static enum io unless_met_itself(struct link *link, const struct addr *at)
{
	struct addr own = {.len = sizeof(own.room)};

	if (sys_getsockname(link->to, link->fd, &own.sa, &own.len) < 0 || !addr_equal(&own, at))
		return IO_DONE;
	return link_error(link, ECONNREFUSED);
}

/* Reading tells more than SO_ERROR, and clears less: a server that answered and reset at once was
 * connected, and what it sent is still there. Before the handshake a reset reads ECONNREFUSED,
 * after it ECONNRESET. */
static enum io tcp_ready(struct link *link)
{
	struct addr peer = {.len = sizeof(peer.room)};
	uint8_t first;

	if (sys_recv(link->to, link->fd, &first, sizeof(first), MSG_PEEK) >= 0)
		return IO_DONE;
	if (errno != EAGAIN)
		return link_error(link, errno);
	if (sys_getpeername(link->to, link->fd, &peer.sa, &peer.len) < 0)
		return link_error(link, errno == ENOTCONN ? EAGAIN : errno);
	return unless_met_itself(link, &peer);
}

static enum io tcp_connect(
	struct link *link, const struct addr *at, const struct addr *source, bool *source_failed)
{
	*source_failed = false;
	link->origin = -1;
	link->fd = sys_socket(link->to, at->sa.sa_family, SOCK_STREAM, 0);
	if (link->fd < 0)
		return link_error(link, errno);
	set_options(link->to, link->fd);
	if (source->len && sys_bind(link->to, link->fd, &source->sa, source->len) < 0) {
		link->error = errno;
		*source_failed = true;
	} else if (sys_connect(link->to, link->fd, &at->sa, at->len) == 0) {
		link->error = 0;
	} else {
		link->error = errno;
	}
	if (link->error == EINPROGRESS)
		return IO_AGAIN;
	if (link->error == 0 && unless_met_itself(link, at) == IO_DONE)
		return IO_DONE;
	sys_close(link->to, link->fd);
	link->fd = -1;
	return IO_FAIL;
}

static int tcp_unsent(struct link *link)
{
	return sys_unsent(link->to, link->fd);
}

const struct transport transport_tcp = {
	.name = "tcp",
	.listen = tcp_listen,
	.accept = stream_accept,
	.connect = tcp_connect,
	.ready = tcp_ready,
	.read = stream_read,
	.write = stream_write,
	.finish = stream_finish,
	.unsent = tcp_unsent,
	.pending = stream_pending,
	.close = stream_close,
};
