#include "transport/udp.h"

#include <errno.h>
#include <time.h>

#include <linux/errqueue.h> /* does not say what struct timespec is */

#include "os/sys_socket.h"
#include "transport/datagram.h"
#include "transport/inet.h"
#include "transport/options.h"
#include "transport/stream.h"

enum {
	UDP_RECEIVE_BYTES = 4 << 20, /* the default loses datagrams that come in a burst */
	UDP_MESSAGE_MAX = 65507,     /* IPv4: 65535 less both headers (RFC 768, RFC 791) */
	UDP_ROOM = 65536,
	FAILURES_AT_ONCE = 64,
	/* What most answers may have left (the usual 64, less one), unless --ttl says otherwise:
	 * the socket is set to it, and only an answer that may have less is sent with its own. */
	UDP_USUAL_HOPS = 64,
	UDP_ANSWER_HOPS = UDP_USUAL_HOPS - 1,
};

/* Control data beside a datagram: where it came in and its hop limit, or the like to send. */
struct udp_control {
	_Alignas(struct cmsghdr)
		uint8_t room[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int)) +
			     CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(int))];
};

/* ---- sockets ---- */

/* Errors that ICMP tells of come with the address they are about (ip(7), IP_RECVERR). */
static void udp_set_options(struct reporter *to, int fd, const struct addr *at)
{
	datagram_enlarge(to, fd, SO_RCVBUFFORCE, SO_RCVBUF, UDP_RECEIVE_BYTES);
	sys_setsockopt(to, fd, IPPROTO_IP, IP_RECVERR, 1);
	if (at->sa.sa_family == AF_INET6)
		sys_setsockopt(to, fd, IPPROTO_IPV6, IPV6_RECVERR, 1);
}

/* How far a datagram may still go, and which address was asked. An IPv6 socket may meet IPv4-mapped
 * peers, for whom the IPv4 options count. */
static void udp_set_listener_options(struct reporter *to, int fd, const struct addr *at)
{
	udp_set_options(to, fd, at);
	sys_setsockopt(to, fd, IPPROTO_IP, IP_RECVTTL, 1);
	sys_setsockopt(to, fd, IPPROTO_IP, IP_TTL, UDP_ANSWER_HOPS);
	sys_setsockopt(to, fd, IPPROTO_IP, IP_PKTINFO, 1);
	if (at->sa.sa_family != AF_INET6)
		return;
	sys_setsockopt(to, fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	sys_setsockopt(to, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, UDP_ANSWER_HOPS);
	sys_setsockopt(to, fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* No SO_REUSEADDR: two servers would share the port, and what came would go to either. */
static enum io udp_listen(struct reporter *to, const struct addr *at,
	const struct listen_conf *conf, struct listening *out, struct err *err)
{
	*out = (struct listening){
		.fd = inet_bind(to, at, SOCK_DGRAM, conf, udp_set_listener_options, err),
		.options = conf->options};
	return out->fd < 0 ? IO_FAIL : IO_DONE;
}

static void udp_set_one_way_options(struct reporter *to, int fd, const struct addr *at)
{
	udp_set_options(to, fd, at);
	sys_setsockopt(to, fd, SOL_SOCKET, SO_BROADCAST, 1);
}

/* Many may get what is sent there. Each answers from its own address, and a connected socket hears
 * but the one that it is connected to. */
static enum io udp_refuse_many(struct link *link, const struct addr *at)
{
	struct err why = {0};

	err_set(&why, ERR_USAGE, "%s is a %s: no answer comes from it", addr_text(at).text,
		addr_is_group(at) ? "multicast group" : "broadcast address");
	err_fact(&why, FACT_ONE_WAY, at);
	why.sys = EACCES; /* as the kernel has it */
	return link_fail_with(link, &why);
}

static enum io udp_connect(
	struct link *link, const struct addr *at, const struct dial_conf *conf, bool *source_failed)
{
	*source_failed = false;
	if (link->one_way)
		return inet_connect(
			link, at, conf, SOCK_DGRAM, udp_set_one_way_options, source_failed);
	if (addr_is_group(at) || inet_is_broadcast(link->to, at))
		return udp_refuse_many(link, at);
	return inet_connect(link, at, conf, SOCK_DGRAM, udp_set_options, source_failed);
}

static void udp_advise(struct reporter *to, struct err *err, int error, const struct addr *at)
{
	if (error == ECONNREFUSED)
		err_fact(err, inet_is_ours(to, at) ? FACT_NO_UDP_SERVER : FACT_NO_SERVER_THERE, at);
	else
		inet_advise(to, err, error, at);
}

/* ---- errors that come later ---- */

static bool udp_is_control(const struct cmsghdr *c, int type_4, int type_6)
{
	return (c->cmsg_level == IPPROTO_IP && c->cmsg_type == type_4) ||
	       (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == type_6);
}

static int udp_failure(struct reporter *to, int fd, struct addr *peer)
{
	struct {
		_Alignas(struct cmsghdr) uint8_t room[512];
	} control;
	struct sock_extended_err about = {0};
	struct msghdr m = {.msg_name = &peer->room,
		.msg_namelen = sizeof(peer->room),
		.msg_control = &control,
		.msg_controllen = sizeof(control)};

	*peer = (struct addr){0};
	if (sys_recvmsg(to, fd, &m, MSG_ERRQUEUE) < 0)
		return 0;
	peer->len = m.msg_namelen;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&m); c; c = CMSG_NXTHDR(&m, c))
		if (udp_is_control(c, IP_RECVERR, IPV6_RECVERR))
			memcpy(&about, CMSG_DATA(c), sizeof(about));
	return about.ee_errno ? (int)about.ee_errno : EAGAIN;
}

/* What a refused call of a client means, with all that is in the queue of errors: one left there
 * would be reported for ever. A path that takes less than was sent is no error: the kernel cuts
 * what follows to fit (ip(7), IP_MTU_DISCOVER). */
static enum io udp_trouble(struct link *link, int error)
{
	struct addr peer;

	for (int i = 0; i < FAILURES_AT_ONCE; i++) {
		int late = udp_failure(link->to, link->fd, &peer);

		if (!late)
			break;
		if (error == EAGAIN || error == EMSGSIZE)
			error = late;
	}
	return link_error(link, error == EMSGSIZE || error == ENOBUFS ? EAGAIN : error);
}

/* ---- a client's datagrams ---- */

static enum io udp_read(struct link *link, uint8_t *room, size_t size, size_t *got)
{
	enum io verdict = datagram_read(link, room, size, got);

	return verdict == IO_DONE ? IO_DONE : udp_trouble(link, link->error);
}

static enum io udp_write(struct link *link, struct span out, size_t *taken)
{
	ssize_t n = sys_send(link->to, link->fd, out.data, out.len);

	if (n < 0 && errno == EMSGSIZE) {
		/* Of an earlier one? That is cleared by now. */
		udp_trouble(link, EMSGSIZE);
		n = sys_send(link->to, link->fd, out.data, out.len);
		if (n < 0 && errno == EMSGSIZE)
			return link_error(link, EMSGSIZE);
	}
	if (n < 0)
		return udp_trouble(link, errno);
	*taken = (size_t)n;
	return IO_DONE;
}

static int udp_unsent(struct link *link)
{
	return sys_unsent(link->to, link->fd);
}

static int udp_pending(struct link *link)
{
	int error = sys_so_error(link->to, link->fd);

	return error == EMSGSIZE ? 0 : error;
}

/* ---- a server's datagrams ---- */

/* What answers may have left. */
struct udp_hops {
	int usual;    /* the socket's own: an answer that may have as much goes with it */
	int to_group; /* to what was sent to a group */
};

static struct udp_hops udp_hops_of(const struct socket_options *options)
{
	return (struct udp_hops){.usual = socket_options_hops(options, UDP_ANSWER_HOPS),
		.to_group = socket_options_hops(options, UDP_USUAL_HOPS)};
}

/* What is known of how a datagram came. */
struct arrival {
	struct addr asked; /* the address of ours; len 0: not known */
	bool group;        /* it was sent to a multicast or broadcast address */
	int hops_left;     /* -1: not known */
};

static void udp_read_pktinfo(struct arrival *a, const struct cmsghdr *c, const struct addr *own)
{
	struct in_pktinfo four;
	struct in6_pktinfo six;

	if (c->cmsg_level == IPPROTO_IP) {
		memcpy(&four, CMSG_DATA(c), sizeof(four));
		a->asked = addr_of_ipv4(own->sa.sa_family, four.ipi_spec_dst, addr_port(own));
		a->group = four.ipi_addr.s_addr != four.ipi_spec_dst.s_addr;
		return;
	}
	memcpy(&six, CMSG_DATA(c), sizeof(six));
	if (IN6_IS_ADDR_V4MAPPED(&six.ipi6_addr))
		return; /* IP_PKTINFO tells more of it */
	a->group = IN6_IS_ADDR_MULTICAST(&six.ipi6_addr);
	if (a->group)
		return;
	a->asked = addr_any(AF_INET6, addr_port(own));
	a->asked.in6.sin6_addr = six.ipi6_addr;
	if (IN6_IS_ADDR_LINKLOCAL(&six.ipi6_addr))
		a->asked.in6.sin6_scope_id = (uint32_t)six.ipi6_ifindex;
}

static struct arrival udp_read_arrival(struct msghdr *m, const struct addr *own)
{
	struct arrival a = {.hops_left = -1};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (udp_is_control(c, IP_PKTINFO, IPV6_PKTINFO))
			udp_read_pktinfo(&a, c, own);
		else if (udp_is_control(c, IP_TTL, IPV6_HOPLIMIT))
			memcpy(&a.hops_left, CMSG_DATA(c), sizeof(a.hops_left));
	}
	return a;
}

/* Small services that answer whatever they are sent (RFC 862 to 868): with one of them, a forged
 * datagram would go to and fro for ever (CVE-2024-2169). */
static const char *udp_answering_service(uint16_t port)
{
	switch (port) {
	case 7: return "not answered: it came from port 7 (echo)";
	case 13: return "not answered: it came from port 13 (daytime)";
	case 17: return "not answered: it came from port 17 (qotd)";
	case 19: return "not answered: it came from port 19 (chargen)";
	case 37: return "not answered: it came from port 37 (time)";
	default: return NULL;
	}
}

/* Whether an answer would come back to the very socket it is sent from. */
static bool udp_is_ourselves(const struct datagram *in, const struct addr *own)
{
	return addr_equal(&in->peer, &in->local) || addr_equal(&in->peer, own) ||
	       (addr_is_any(own) && addr_is_loopback(&in->peer) &&
		       addr_port(&in->peer) == addr_port(own));
}

static int udp_onward_hops(const struct arrival *a)
{
	if (a->group || a->hops_left < 0)
		return 0;
	return a->hops_left <= 1 ? -1 : a->hops_left - 1;
}

/* Each answer may travel one hop less than what it answers had left. So a datagram that goes to and
 * fro between two servers dies out, whatever their ports; the floor is ours, for IPv6 would take 0
 * and -1 as hop limits, too. Group addresses are not answered from, so those requests are exempt.
 */
static void udp_judge(
	struct datagram *in, const struct arrival *a, const struct addr *own, struct udp_hops hops)
{
	in->forbidden = udp_answering_service(addr_port(&in->peer));
	in->hops = 0;
	in->onward_hops = udp_onward_hops(a);
	if (in->forbidden)
		return;
	if (udp_is_ourselves(in, own))
		in->forbidden = "not answered: it came from our own address";
	else if (a->group || a->hops_left < 0)
		in->hops = hops.to_group;
	else if (a->hops_left <= 1)
		in->forbidden = "not answered: its hops are used up, as a loop's would be";
	else if (a->hops_left <= hops.usual)
		in->hops = a->hops_left - 1;
}

static void udp_take_datagram(
	struct datagram *in, struct mmsghdr *m, const struct addr *own, struct udp_hops hops)
{
	struct arrival a = udp_read_arrival(&m->msg_hdr, own);

	in->peer.len = m->msg_hdr.msg_namelen;
	if (in->peer.sa.sa_family == AF_INET6)
		in->peer.in6.sin6_flowinfo = 0; /* says nothing of who it is */
	/* To be answered from the address that was asked, where it could be another. */
	addr_of_bytes(&in->local, addr_is_any(own) ? addr_bytes(&a.asked) : (struct span){0});
	in->cut = m->msg_hdr.msg_flags & MSG_TRUNC;
	in->len = m->msg_len;
	udp_judge(in, &a, own, hops);
}

static int udp_receive(struct reporter *to, const struct listening *socket, const struct addr *own,
	struct datagram *in, size_t count)
{
	/* 12 KB that need not be zeroed each time: what counts is filled in. */
	struct batch b __attribute__((uninitialized));
	struct udp_control controls[BATCH_MAX] __attribute__((uninitialized));
	const struct udp_hops hops = udp_hops_of(socket->options);
	int came;

	count = batch_prepare(&b, in, count, true);
	for (size_t i = 0; i < count; i++) {
		b.messages[i].msg_hdr.msg_control = &controls[i];
		b.messages[i].msg_hdr.msg_controllen = sizeof(controls[i]);
	}
	came = batch_receive(to, socket->fd, &b, count);
	for (int i = 0; i < came; i++)
		udp_take_datagram(&in[i], &b.messages[i], own, hops);
	return came;
}

/* Add one piece of control data after those there are. */
static void udp_add_control(struct msghdr *m, int level, int type, const void *data, size_t len)
{
	struct cmsghdr *c = (void *)((uint8_t *)m->msg_control + m->msg_controllen);

	c->cmsg_level = level;
	c->cmsg_type = type;
	c->cmsg_len = CMSG_LEN(len);
	memcpy(CMSG_DATA(c), data, len);
	m->msg_controllen += CMSG_SPACE(len);
}

static void udp_add_source(struct msghdr *m, const struct addr *local)
{
	const struct in_pktinfo four = {.ipi_spec_dst = local->in.sin_addr};
	const struct in6_pktinfo six = {
		.ipi6_addr = local->in6.sin6_addr, .ipi6_ifindex = local->in6.sin6_scope_id};

	if (local->sa.sa_family == AF_INET)
		udp_add_control(m, IPPROTO_IP, IP_PKTINFO, &four, sizeof(four));
	else
		udp_add_control(m, IPPROTO_IPV6, IPV6_PKTINFO, &six, sizeof(six));
}

/* To an IPv4-mapped peer, IPv4 is spoken. */
static bool udp_speaks_ipv4(const struct addr *peer)
{
	return peer->sa.sa_family == AF_INET || IN6_IS_ADDR_V4MAPPED(&peer->in6.sin6_addr);
}

static void udp_add_circumstances(struct msghdr *m, const struct datagram *out)
{
	if (out->local.len)
		udp_add_source(m, &out->local);
	if (out->hops && udp_speaks_ipv4(&out->peer))
		udp_add_control(m, IPPROTO_IP, IP_TTL, &out->hops, sizeof(out->hops));
	else if (out->hops)
		udp_add_control(m, IPPROTO_IPV6, IPV6_HOPLIMIT, &out->hops, sizeof(out->hops));
}

static int udp_send(struct reporter *to, int fd, struct datagram *out, size_t count)
{
	/* 12 KB that need not be zeroed each time: what counts is filled in. */
	struct batch b __attribute__((uninitialized));
	struct udp_control controls[BATCH_MAX] __attribute__((uninitialized));

	count = batch_prepare(&b, out, count, false);
	for (size_t i = 0; i < count; i++) {
		b.messages[i].msg_hdr.msg_control = &controls[i];
		udp_add_circumstances(&b.messages[i].msg_hdr, &out[i]);
	}
	return batch_send(to, fd, &b, count);
}

/* Of a connected socket. An IPv6 one may have an IPv4-mapped peer. */
static void udp_limit_hops(struct link *link, int hops)
{
	const int as_usual = -1; /* ip(7), ipv6(7) */
	struct addr own = {.len = sizeof(own.room)};

	if (sys_getsockname(link->to, link->fd, &own.sa, &own.len) < 0)
		return;
	sys_setsockopt(link->to, link->fd, IPPROTO_IP, IP_TTL, hops ? hops : as_usual);
	if (own.sa.sa_family == AF_INET6)
		sys_setsockopt(link->to, link->fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS,
			hops ? hops : as_usual);
}

const struct transport transport_udp = {
	.name = "udp",
	.kind = SOCKET_UDP,
	.message_max = UDP_MESSAGE_MAX,
	.connectionless = true,
	.listen = udp_listen,
	.unlisten = inet_unlisten,
	.connect = udp_connect,
	.advise = udp_advise,
	.read = udp_read,
	.write = udp_write,
	.unsent = udp_unsent,
	.pending = udp_pending,
	.missed = sys_missed,
	.limit_hops = udp_limit_hops,
	.close = stream_close,
	.datagram_max = UDP_ROOM,
	.receive = udp_receive,
	.send = udp_send,
	.failure = udp_failure,
};
