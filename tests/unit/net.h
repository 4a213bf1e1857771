#ifndef UNIT_NET_H
#define UNIT_NET_H

#include "base/addr.h"

/* Real datagrams on the loopback interface, and its peers. What fails in here ends the test. */

/* Have a network namespace of its own, with its loopback interface up and every port
 * ours, for the rest of this process; or skip the test. */
void net_of_our_own(void);

/* ... and in it an interface "tunnel" that leads nowhere, with the address fe80::77; it is there
 * until the descriptor that this returns is closed. */
int net_tunnel(void);

struct addr net_addr(const char *host, uint16_t port);

/* A UDP socket bound to an address, which tells how its datagrams came. */
int net_peer(const char *host, uint16_t port);

/* The address a socket is bound to. net_try_name: -1 where fd is none, else 0. */
struct addr net_name(int fd);
int net_try_name(int fd);

void net_say(int fd, const struct addr *to, const char *text);
void net_send(int fd, const struct addr *to, const char *bytes, size_t len);

/* The next datagram, waited for. */
struct came {
	struct addr from;
	int hops; /* -1: not told */
	size_t len;
	char text[1000]; /* its first bytes, and a NUL */
};
struct came net_hear(int fd);

/* Wait until poll(2) tells one of events. */
void net_wait(int fd, short events);

void net_set(int fd, int level, int name, int value);
int net_get(int fd, int level, int name);

/* Receive what is sent to a group, if it is an IPv4 one over the loopback interface; NULL: send to
 * IPv4 groups over it. Skips the test where that cannot be. */
void net_join_group(int fd, const char *group);

#endif
