#include "transport/inet.h"

#include <errno.h>

#include "os/sys_file.h"
#include "os/sys_socket.h"
#include "transport/options.h"
#include "transport/stream.h"

static enum fact inet_listen_fact(int error)
{
	switch (error) {
	case EADDRINUSE: return FACT_PORT_TAKEN;
	case EACCES: return FACT_PORT_PRIVILEGED;
	case EADDRNOTAVAIL: return FACT_ADDRESS_NOT_OURS;
	default: return FACT_NONE;
	}
}

bool inet_is_broadcast(struct reporter *to, const struct addr *at)
{
	const struct addr host = addr_host(at);
	bool is = addr_is_broadcast(at);
	int fd;

	if (is || host.sa.sa_family != AF_INET || (ntohl(host.in.sin_addr.s_addr) & 3) != 3)
		return is; /* the last two bits of any network's are set */
	fd = sys_socket(to, at->sa.sa_family, SOCK_DGRAM, 0);
	if (fd < 0)
		return false;
	if (sys_connect(to, fd, &at->sa, at->len) < 0 && errno == EACCES) {
		/* For this, or for a route that prohibits it? */
		sys_setsockopt(to, fd, SOL_SOCKET, SO_BROADCAST, 1);
		is = sys_connect(to, fd, &at->sa, at->len) == 0;
	}
	sys_close(to, fd);
	return is;
}

/* Where such an address does not say on which interface it is. */
static bool inet_lacks_zone(const struct addr *at)
{
	return at->sa.sa_family == AF_INET6 && at->in6.sin6_scope_id == 0 &&
	       (IN6_IS_ADDR_LINKLOCAL(&at->in6.sin6_addr) ||
		       IN6_IS_ADDR_MC_LINKLOCAL(&at->in6.sin6_addr));
}

static int inet_hint_zone(struct err *err)
{
	return err_hint(err, "this address needs its interface, as in fe80::1%%eth0; "
			     "`ip address` lists both");
}

int inet_cannot_listen(struct err *err, const char *call, int error, const struct addr *at)
{
	err_sys(err, ERR_LISTEN, error, "cannot listen on %s: %s", addr_text(at).text, call);
	if (error == EINVAL && inet_lacks_zone(at))
		return inet_hint_zone(err);
	return err_fact(err, inet_listen_fact(error), at);
}

/* What can be bound, and yet no client can come to. */
static int inet_check_place(struct reporter *to, const struct addr *at, int type, struct err *err)
{
	if (addr_is_group(at)) {
		err_set(err, ERR_LISTEN, "cannot listen on %s: it is a multicast group",
			addr_text(at).text);
		return err_fact(err, FACT_GROUP, at);
	}
	if (type != SOCK_STREAM || !inet_is_broadcast(to, at))
		return 0; /* datagrams come to a broadcast address */
	err_set(err, ERR_LISTEN, "cannot listen on %s: it is a broadcast address",
		addr_text(at).text);
	return err_fact(err, FACT_ADDRESS_NOT_OURS, at);
}

static enum socket_kind inet_kind(int type)
{
	return type == SOCK_STREAM ? SOCKET_TCP : SOCKET_UDP;
}

static bool inet_wants_v6only(const struct addr *at)
{
	return at->sa.sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&at->in6.sin6_addr);
}

int inet_bind(struct reporter *to, const struct addr *at, int type, const struct listen_conf *conf,
	void (*prepare)(struct reporter *to, int fd, const struct addr *at), struct err *err)
{
	int error, fd;

	if (inet_check_place(to, at, type, err) < 0)
		return -1;
	fd = sys_socket(to, at->sa.sa_family, type, 0);
	if (fd < 0)
		return inet_cannot_listen(err, "socket", errno, at);
	prepare(to, fd, at);
	if (socket_options_set(to, fd, inet_kind(type), at, conf->options, ERR_LISTEN, err) < 0) {
		sys_close(to, fd);
		return -1;
	}
	if (inet_wants_v6only(at))
		sys_setsockopt(to, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (sys_bind(to, fd, &at->sa, at->len) == 0)
		return fd;
	error = errno;
	sys_close(to, fd);
	return inet_cannot_listen(err, "bind", error, at);
}

bool inet_met_itself(const struct link *link, const struct addr *at)
{
	struct addr own = {.len = sizeof(own.room)};

	return sys_getsockname(link->to, link->fd, &own.sa, &own.len) == 0 && addr_equal(&own, at);
}

/* Bind and connect. Returns 0, or an errno. */
static int inet_bind_and_connect(
	struct link *link, const struct addr *at, const struct addr *source, bool *source_failed)
{
	if (source->len && inet_is_broadcast(link->to, source)) {
		*source_failed = true; /* it can be bound, and another one is then used */
		return EADDRNOTAVAIL;
	}
	/* The same port of IPv4 may be tried meanwhile. */
	if (source->len && addr_is_any(source) && inet_wants_v6only(at))
		sys_setsockopt(link->to, link->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (source->len && sys_bind(link->to, link->fd, &source->sa, source->len) < 0) {
		*source_failed = true;
		return errno;
	}
	if (sys_connect(link->to, link->fd, &at->sa, at->len) < 0)
		return errno;
	return inet_met_itself(link, at) ? ECONNREFUSED : 0;
}

enum io inet_connect(struct link *link, const struct addr *at, const struct dial_conf *conf,
	int type, void (*prepare)(struct reporter *to, int fd, const struct addr *at),
	bool *source_failed)
{
	const struct addr source = dial_source(conf, at);
	struct err why = {0};

	*source_failed = false;
	link->fd = sys_socket(link->to, at->sa.sa_family, type, 0);
	if (link->fd < 0)
		return link_error(link, errno);
	prepare(link->to, link->fd, at);
	if (socket_options_set(
		    link->to, link->fd, inet_kind(type), at, conf->options, ERR_RUNTIME, &why) < 0)
		link_fail_with(link, &why);
	else
		link->error = inet_bind_and_connect(link, at, &source, source_failed);
	if (link->error == 0)
		return IO_DONE;
	if (link->error == EINPROGRESS)
		return IO_AGAIN;
	sys_close(link->to, link->fd);
	link->fd = -1;
	return IO_FAIL;
}

bool inet_is_ours(struct reporter *to, const struct addr *at)
{
	struct addr own = *at;
	bool is = addr_is_loopback(at) || addr_is_any(at);
	int fd;

	if (is)
		return true;
	fd = sys_socket(to, at->sa.sa_family, SOCK_DGRAM, 0);
	if (fd < 0)
		return false;
	addr_set_port(&own, 0);
	is = sys_bind(to, fd, &own.sa, own.len) == 0;
	sys_close(to, fd);
	return is;
}

void inet_advise(struct reporter *to, struct err *err, int error, const struct addr *at)
{
	if (error == ECONNREFUSED)
		err_fact(err, inet_is_ours(to, at) ? FACT_NO_TCP_SERVER : FACT_NO_SERVER_THERE, at);
	else if (error == ECONNRESET)
		err_hint(err, "the server took the connection and gave it up at once");
	else if (addr_is_group(at) || addr_is_broadcast(at))
		err_hint(err, "only datagrams go to a group or to all: a stream has one server");
	else if (error == EINVAL && inet_lacks_zone(at))
		inet_hint_zone(err);
	else
		err_hint(err, "check the address, and the route to it with `ip route get`");
}

void inet_unlisten(struct reporter *to, struct listening *socket)
{
	sys_close(to, socket->fd);
}
