#include "net.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "check.h"

static bool raise_loopback(void)
{
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = ioctl(fd, SIOCSIFFLAGS, &lo);

	close(fd);
	return rc == 0;
}

void net_of_our_own(void)
{
	if (unshare(CLONE_NEWNET) < 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
		cr_skip_test("no network namespaces here");
	if (!raise_loopback())
		cr_skip_test("no loopback interface in a network namespace here");
}

/* As SIOCSIFADDR of an IPv6 socket wants it (linux/ipv6.h, which cannot stand beside netinet/in.h).
 */
struct own_address {
	struct in6_addr address;
	uint32_t prefix_len;
	int interface;
};

static bool set_up(int tun, struct ifreq *device)
{
	struct own_address own = {{{{0xfe, 0x80, [15] = 0x77}}}, 64, 0};
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool done = false;

	device->ifr_flags = IFF_TUN | IFF_NO_PI;
	if (ioctl(tun, TUNSETIFF, device) == 0) {
		own.interface = (int)if_nametoindex(device->ifr_name);
		device->ifr_flags = IFF_UP | IFF_MULTICAST | IFF_NOARP | IFF_POINTOPOINT;
		done = ioctl(fd, SIOCSIFFLAGS, device) == 0 && ioctl(fd, SIOCSIFADDR, &own) == 0;
	}
	close(fd);
	return done;
}

/* The kernel gives an address out a moment after it has been set. */
static bool is_there(const struct addr *at)
{
	int fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0), rc = -1;

	for (int i = 0; i < 2000 && rc < 0; i++) {
		rc = bind(fd, &at->sa, at->len);
		if (rc < 0)
			usleep(1000);
	}
	close(fd);
	return rc == 0;
}

int net_tunnel(void)
{
	struct ifreq device = {.ifr_name = "tunnel"};
	int tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct addr own;

	if (tun < 0 || !set_up(tun, &device))
		cr_skip_test("no interfaces can be made here");
	own = net_addr("fe80::77%tunnel", 0);
	cr_assert(is_there(&own));
	return tun;
}

struct addr net_addr(const char *host, uint16_t port)
{
	struct addr at;

	cr_assert(eq(int, addr_from_numeric(&at, AF_UNSPEC, host, port), 0), "%s", host);
	return at;
}

static bool is_ipv6(int fd)
{
	return net_get(fd, SOL_SOCKET, SO_DOMAIN) == AF_INET6;
}

int net_peer(const char *host, uint16_t port)
{
	const struct addr at = net_addr(host, port);
	int fd = socket(at.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	cr_assert(ge(int, fd, 0));
	net_set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	if (is_ipv6(fd))
		net_set(fd, IPPROTO_IPV6, IPV6_RECVHOPLIMIT, 1);
	cr_assert(eq(int, bind(fd, &at.sa, at.len), 0), "%s: %s", addr_text(&at).text,
		strerror(errno));
	return fd;
}

struct addr net_name(int fd)
{
	struct addr at = {.len = sizeof(at.room)};

	cr_assert(eq(int, getsockname(fd, &at.sa, &at.len), 0));
	return at;
}

int net_try_name(int fd)
{
	struct addr at = {.len = sizeof(at.room)};

	return getsockname(fd, &at.sa, &at.len);
}

void net_send(int fd, const struct addr *to, const char *bytes, size_t len)
{
	ssize_t n = sendto(fd, bytes, len, 0, &to->sa, to->len);

	cr_assert(eq(i64, n, (int64_t)len), "to %s: %s", addr_text(to).text, strerror(errno));
}

void net_say(int fd, const struct addr *to, const char *text)
{
	net_send(fd, to, text, strlen(text));
}

static int hops_of(struct msghdr *m)
{
	int hops = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c))
		if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT))
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
	return hops;
}

struct came net_hear(int fd)
{
	struct came back = {.hops = -1};
	struct iovec part = {back.text, sizeof(back.text) - 1};
	_Alignas(struct cmsghdr) char control[100];
	struct msghdr m = {.msg_name = &back.from.room,
		.msg_namelen = sizeof(back.from.room),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control)};
	ssize_t n;

	net_wait(fd, POLLIN);
	n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_TRUNC);
	cr_assert(ge(i64, n, 0), "%s", strerror(errno));
	back.len = (size_t)n;
	back.from.len = m.msg_namelen;
	back.hops = hops_of(&m);
	return back;
}

void net_wait(int fd, short events)
{
	struct pollfd one = {.fd = fd, .events = events};

	cr_assert(eq(int, poll(&one, 1, 2000), 1), "nothing happened");
	cr_assert(ne(int, one.revents &events, 0));
}

void net_set(int fd, int level, int name, int value)
{
	cr_assert(eq(int, setsockopt(fd, level, name, &value, sizeof(value)), 0), "%s",
		strerror(errno));
}

int net_get(int fd, int level, int name)
{
	int value = -1;
	socklen_t len = sizeof(value);

	cr_assert(eq(int, getsockopt(fd, level, name, &value, &len), 0));
	return value;
}

void net_join_group(int fd, const char *group)
{
	const struct addr at = net_addr(group ? group : "0.0.0.0", 0);
	const struct ip_mreqn four = {at.in.sin_addr, {htonl(INADDR_LOOPBACK)}, 1};
	const struct ipv6_mreq six = {at.in6.sin6_addr, at.in6.sin6_scope_id};
	int rc;

	if (!group)
		rc = setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &four, sizeof(four));
	else if (at.sa.sa_family == AF_INET)
		rc = setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &four, sizeof(four));
	else
		rc = setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, &six, sizeof(six));
	if (rc < 0)
		cr_skip_test("no groups on the loopback interface here");
}
