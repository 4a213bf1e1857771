#ifndef SOCKX_CORE_ADDR_H
#define SOCKX_CORE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

/* A socket address and its length. len 0: none. */
struct addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_storage room;
	};
};

/* "[fe80::1%eth0]:65535" at its longest, and a Unix path with room to spare. */
enum { ADDR_TEXT_MAX = 160 };
struct addr_text {
	char text[ADDR_TEXT_MAX];
};

/* A numeric IPv4 or IPv6 address (inet_pton's forms; IPv6 with %zone) and a port. family is
 * AF_UNSPEC, AF_INET or AF_INET6. Returns 0, or -1 where host is no such address. */
int addr_from_numeric(struct addr *out, int family, const char *host, uint16_t port);

/* The wildcard or the loopback address of a family. */
struct addr addr_any(int family, uint16_t port);
struct addr addr_loopback(int family, uint16_t port);

/* HOST:PORT, IPv6 in brackets. Use within one expression: addr_text(&a).text. */
struct addr_text addr_text(const struct addr *a);

uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);
bool addr_equal(const struct addr *a, const struct addr *b);

#endif
