#include "transport/tcp.h"

#include <errno.h>
#include <netinet/tcp.h>

#include "os/sys_event.h"
#include "os/sys_file.h"
#include "os/sys_socket.h"
#include "transport/inet.h"
#include "transport/options.h"
#include "transport/stream.h"

/* Nagle's algorithm against delayed acknowledgements costs 40 ms a message (RFC 896, RFC 1122
 * section 4.2.3.4): what we write is meant to go. Listeners hand these options to what they accept.
 */
static void tcp_set_options(struct reporter *to, int fd, const struct addr *at)
{
	(void)at;
	sys_setsockopt(to, fd, IPPROTO_TCP, TCP_NODELAY, 1);
	sys_setsockopt(to, fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	stream_keep_urgent(to, fd);
}

/* Old connections in TIME_WAIT must not keep a restarted server from its port. */
static void tcp_set_listener_options(struct reporter *to, int fd, const struct addr *at)
{
	tcp_set_options(to, fd, at);
	sys_setsockopt(to, fd, SOL_SOCKET, SO_REUSEADDR, 1);
}

static enum io tcp_listen(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	int error, fd = inet_bind(to, at, SOCK_STREAM, conf, tcp_set_listener_options, err);

	if (fd < 0)
		return IO_FAIL;
	if (sys_listen(to, fd, (int)conf->backlog) < 0) {
		error = errno;
		sys_close(to, fd);
		inet_cannot_listen(err, "listen", error, at);
		return IO_FAIL;
	}
	*out = (struct listening){.fd = fd, .options = conf->options};
	return IO_DONE;
}

static enum io tcp_adopt(struct reporter *to, int fd, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	tcp_set_options(to, fd, at);
	if (socket_options_set(to, fd, SOCKET_TCP, at, conf->options, ERR_LISTEN, err) < 0) {
		sys_close(to, fd);
		return IO_FAIL;
	}
	*out = (struct listening){.fd = fd, .options = conf->options};
	return IO_DONE;
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
	return inet_met_itself(link, &peer) ? link_error(link, ECONNREFUSED) : IO_DONE;
}

static enum io tcp_connect(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	return inet_connect(link, at, conf, SOCK_STREAM, tcp_set_options, source_failed);
}

static enum io tcp_drop(struct link *link, size_t size, size_t *got)
{
	ssize_t n = sys_drop(link->to, link->fd, size);

	if (n < 0)
		return link_error(link, errno);
	*got = (size_t)n;
	return n == 0 ? IO_EOF : IO_DONE;
}

static int tcp_unsent(struct link *link)
{
	return sys_unsent(link->to, link->fd);
}

/* SO_ERROR alone tells also that the host was unreachable for a while, which TCP outlives. */
static int tcp_pending(struct link *link)
{
	return sys_has_failed(link->to, link->fd) > 0 ? stream_pending(link) : 0;
}

static struct link_path tcp_look(struct link *link)
{
	struct tcp_info info = {0};

	if (sys_tcp_info(link->fd, &info) < 0)
		return (struct link_path){0};
	return (struct link_path){.known = true,
		.rtt_us = info.tcpi_rtt,
		.retransmits = info.tcpi_total_retrans,
		.cwnd = info.tcpi_snd_cwnd};
}

static void tcp_reset(struct link *link)
{
	sys_reset_on_close(link->to, link->fd);
	sys_close(link->to, link->fd);
}

const struct transport transport_tcp = {
	.name = "tcp",
	.kind = SOCKET_TCP,
	.edges = true,
	.bulk = BULK_SOCKET,
	.listen = tcp_listen,
	.adopt = tcp_adopt,
	.unlisten = inet_unlisten,
	.accept = stream_accept,
	.connect = tcp_connect,
	.ready = tcp_ready,
	.advise = inet_advise,
	.read = stream_read,
	.drop = tcp_drop,
	.write = stream_write,
	.finish = stream_finish,
	.unsent = tcp_unsent,
	.look = tcp_look,
	.pending = tcp_pending,
	.close = stream_close,
	.reset = tcp_reset,
};
