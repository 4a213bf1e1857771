/* A server's datagrams, with control data as the kernel may give it, in any order and number: what
 * is said of each is true of it, and its answer goes out as was judged. The calls to the kernel are
 * this file's. */
#include "fuzz.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/in.h>

#include "base/addr.h"
#include "core/link.h"
#include "report/report.h"
#include "transport/udp.h"

enum { DATAGRAMS = 4, ROOM_BYTES = 64, HOPS_USUAL = 64 };

/* What comes, and what was judged. */
static struct span input;
static struct datagram all[DATAGRAMS];
static int family;
static int hops_left[DATAGRAMS]; /* the last that was told; -1: none */

/* ---- the kernel ---- */

static void fill(void *out, size_t len)
{
	for (size_t i = 0; i < len; i++)
		((uint8_t *)out)[i] = choose(&input);
}

static socklen_t put_name(void *room)
{
	struct sockaddr_in6 six = {.sin6_family = AF_INET6};
	struct sockaddr_in four = {.sin_family = AF_INET};

	six.sin6_port = four.sin_port = htons((uint16_t)(choose(&input) + 1));
	if (family == AF_INET) {
		fill(&four.sin_addr, sizeof(four.sin_addr));
		memcpy(room, &four, sizeof(four));
		return sizeof(four);
	}
	fill(&six.sin6_addr, choose(&input) % 17);
	memcpy(room, &six, sizeof(six));
	return sizeof(six);
}

/* One piece of control data. Returns false where it has no room. */
static bool put_control(struct msghdr *m, size_t room, int level, int type, size_t len, int *hops)
{
	struct cmsghdr *c = (void *)((uint8_t *)m->msg_control + m->msg_controllen);

	if (m->msg_controllen + CMSG_SPACE(len) > room)
		return false;
	*c = (struct cmsghdr){.cmsg_len = CMSG_LEN(len), .cmsg_level = level, .cmsg_type = type};
	fill(CMSG_DATA(c), len);
	if (hops) {
		*hops = choose(&input);
		memcpy(CMSG_DATA(c), hops, sizeof(*hops));
	}
	m->msg_controllen += CMSG_SPACE(len);
	return true;
}

static void put_controls(struct msghdr *m, int *hops)
{
	const size_t room = m->msg_controllen;
	bool fits = true;

	m->msg_controllen = 0;
	*hops = -1;
	while (fits && input.len) {
		int told = -1;

		switch (choose(&input) % 6) {
		case 0: return;
		case 1:
			fits = put_control(
				m, room, IPPROTO_IP, IP_PKTINFO, sizeof(struct in_pktinfo), NULL);
			break;
		case 2: fits = put_control(m, room, IPPROTO_IP, IP_TTL, sizeof(int), &told); break;
		case 3:
			fits = put_control(m, room, IPPROTO_IPV6, IPV6_PKTINFO,
				sizeof(struct in6_pktinfo), NULL);
			break;
		case 4:
			fits = put_control(
				m, room, IPPROTO_IPV6, IPV6_HOPLIMIT, sizeof(int), &told);
			break;
		default:
			fits = put_control(
				m, room, SOL_SOCKET, choose(&input), choose(&input) % 24, NULL);
		}
		if (told >= 0)
			*hops = told;
	}
}

int recvmmsg(int fd, struct mmsghdr *m, unsigned count, int flags, struct timespec *limit)
{
	(void)fd;
	(void)flags;
	(void)limit;
	for (unsigned i = 0; i < count; i++) {
		struct msghdr *one = &m[i].msg_hdr;

		one->msg_namelen = put_name(one->msg_name);
		put_controls(one, &hops_left[i]);
		m[i].msg_len = choose(&input) % (ROOM_BYTES + 1);
		one->msg_flags = choose(&input) & 1 ? MSG_TRUNC : 0;
	}
	return (int)count;
}

/* The queue of errors. */
ssize_t recvmsg(int fd, struct msghdr *m, int flags)
{
	size_t room = m->msg_controllen;

	(void)fd;
	HOLDS(flags & MSG_ERRQUEUE);
	if (!input.len) {
		errno = EAGAIN;
		return -1;
	}
	m->msg_namelen = put_name(m->msg_name);
	m->msg_controllen = 0;
	for (int left = choose(&input) % 4; left > 0; left--)
		put_control(m, room, left & 1 ? IPPROTO_IP : IPPROTO_IPV6,
			choose(&input) & 1 ? IP_RECVERR : IPV6_RECVERR,
			sizeof(struct sock_extended_err) + sizeof(struct sockaddr_in), NULL);
	return 0;
}

/* What goes out with an answer is what was judged of it. */
static void is_as_judged(struct msghdr *m, const struct datagram *out)
{
	int hops = 0;
	bool sourced = false, known = true;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_type == (c->cmsg_level == IPPROTO_IP ? IP_TTL : IPV6_HOPLIMIT))
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
		else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO)
			sourced = out->local.sa.sa_family == AF_INET;
		else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO)
			sourced = out->local.sa.sa_family == AF_INET6;
		else
			known = false;
	}
	HOLDS(known && hops == out->hops && sourced == (out->local.len > 0));
}

int sendmmsg(int fd, struct mmsghdr *m, unsigned count, int flags)
{
	(void)fd;
	(void)flags;
	for (unsigned i = 0; i < count; i++) {
		HOLDS(m[i].msg_hdr.msg_namelen == all[i].peer.len);
		is_as_judged(&m[i].msg_hdr, &all[i]);
	}
	return (int)count;
}

/* ---- the server ---- */

static bool answers_by_itself(uint16_t port)
{
	return port == 7 || port == 13 || port == 17 || port == 19 || port == 37;
}

static void is_judged_well(const struct datagram *in, int left, const struct addr *own)
{
	HOLDS(in->len <= ROOM_BYTES && in->peer.len > 0);
	HOLDS(in->forbidden || !answers_by_itself(addr_port(&in->peer)));
	HOLDS(in->forbidden || !addr_equal(&in->peer, own));
	HOLDS(in->hops >= 0 && in->hops <= HOPS_USUAL);
	HOLDS(in->forbidden || in->hops || left >= HOPS_USUAL);
	HOLDS(in->forbidden || in->hops == HOPS_USUAL || in->hops == left - 1 || !in->hops);
	HOLDS(addr_is_any(own) || !in->local.len);
	if (in->local.len && in->local.sa.sa_family == AF_INET6)
		HOLDS(!IN6_IS_ADDR_MULTICAST(&in->local.in6.sin6_addr));
}

static int no_line(void *arg, struct span line)
{
	(void)arg;
	(void)line;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reporter to = {.sink.line = no_line};
	uint8_t room[DATAGRAMS][ROOM_BYTES];
	struct addr own, peer;
	uint8_t way;

	input = (struct span){data, size};
	way = choose(&input);
	family = way & 1 ? AF_INET6 : AF_INET;
	own = way & 2 ? addr_any(family, way) : addr_loopback(family, way);
	for (size_t i = 0; i < DATAGRAMS; i++)
		all[i] = (struct datagram){.data = room[i], .len = ROOM_BYTES};
	HOLDS(transport_udp.receive(&to, &(struct listening){.fd = -1}, &own, all, DATAGRAMS) ==
		DATAGRAMS);
	for (size_t i = 0; i < DATAGRAMS; i++)
		is_judged_well(&all[i], hops_left[i], &own);
	HOLDS(transport_udp.send(&to, -1, all, DATAGRAMS) == DATAGRAMS);
	while (transport_udp.failure(&to, -1, &peer))
		HOLDS(peer.len > 0 && peer.len <= sizeof(peer.room));
	return 0;
}
