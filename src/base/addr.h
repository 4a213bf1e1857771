#ifndef SOCKX_BASE_ADDR_H
#define SOCKX_BASE_ADDR_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/span.h"

/* A socket address and its length. len 0: none. */
struct addr {
	socklen_t len;
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_storage room;
	};
};

/* The bytes that make an address what it is, within it; and an address of such bytes. For keys, and
 * where many are kept. */
struct span addr_bytes(const struct addr *a);
void addr_of_bytes(struct addr *out, struct span bytes);

/* "unix:" and a path, at its longest. */
enum { ADDR_TEXT_MAX = 160 };
struct addr_shown {
	char text[ADDR_TEXT_MAX];
};

/* A numeric IPv4 or IPv6 address (inet_pton's forms; IPv6 with %zone) and a port. family is
 * AF_UNSPEC, AF_INET or AF_INET6. Returns 0, or -1 where host is no such address. */
int addr_from_numeric(struct addr *out, int family, const char *host, uint16_t port);

/* A Unix socket's: a path of at most ADDR_PATH_MAX bytes, which is what every program can name, or
 * @NAME in the abstract namespace (unix(7)). Returns 0, or -1 where it is too long or empty. */
enum { ADDR_PATH_MAX = sizeof(((struct sockaddr_un *)0)->sun_path) - 1 };
int addr_from_path(struct addr *out, const char *path);

/* The wildcard or the loopback address of a family. */
struct addr addr_any(int family, uint16_t port);
struct addr addr_loopback(int family, uint16_t port);

/* An IPv4 address for a socket of a family: IPv4-mapped for AF_INET6 (RFC 4291 section 2.5.5.2). */
struct addr addr_of_ipv4(int family, struct in_addr host, uint16_t port);

/* Whether it tells one peer from another: the address of a Unix socket that is not bound does not.
 */
bool addr_is_named(const struct addr *a);

/* HOST:PORT, IPv6 in brackets; unix:PATH or unix:@NAME. Use within one expression:
 * addr_text(&a).text. */
struct addr_shown addr_text(const struct addr *a);

/* The same as words of a line: HOST PORT, or PATH or @NAME. */
struct addr_shown addr_words(const struct addr *a);

uint16_t addr_port(const struct addr *a);
void addr_set_port(struct addr *a, uint16_t port);

/* The wildcard address of a family, and one that leads back to this machine (IPv4-mapped ones
 * count as what they map). */
bool addr_is_any(const struct addr *a);
bool addr_is_loopback(const struct addr *a);

/* A multicast group's; and 255.255.255.255, the one broadcast address that is known without asking
 * for our networks (IPv4-mapped ones as above). */
bool addr_is_group(const struct addr *a);
bool addr_is_broadcast(const struct addr *a);

/* An IPv6 address of one link (fe80::/10), which means nothing without its interface. */
bool addr_is_link_local(const struct addr *a);

/* Whether this machine has the interface that an IPv6 address names; true where it names none. */
bool addr_has_interface(const struct addr *a);

/* The host alone: without a port; an IPv4-mapped one is the IPv4 address that it maps. */
struct addr addr_host(const struct addr *a);

bool addr_equal(const struct addr *a, const struct addr *b);

#endif
