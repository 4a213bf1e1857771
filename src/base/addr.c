#include "base/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

struct span addr_bytes(const struct addr *a)
{
	return (struct span){(const uint8_t *)&a->room, a->len};
}

void addr_of_bytes(struct addr *out, struct span bytes)
{
	out->len = (socklen_t)bytes.len;
	if (bytes.len)
		memcpy(&out->room, bytes.data, bytes.len);
}

/* The number of the interface that a zone names or numbers (RFC 4007 section 11); 0: no such. */
static uint32_t zone_index(const char *zone)
{
	uint64_t number;

	if (text_uint(zone, UINT32_MAX, &number) == 0)
		return (uint32_t)number;
	return if_nametoindex(zone);
}

static int from_ipv6(struct addr *out, const char *host, uint16_t port)
{
	char bare[INET6_ADDRSTRLEN];
	const char *percent = strchr(host, '%');
	size_t len = percent ? (size_t)(percent - host) : strlen(host);

	*out = addr_any(AF_INET6, port);
	if (len >= sizeof(bare))
		return -1;
	memcpy(bare, host, len);
	bare[len] = '\0';
	if (inet_pton(AF_INET6, bare, &out->in6.sin6_addr) != 1)
		return -1;
	if (percent) {
		out->in6.sin6_scope_id = zone_index(percent + 1);
		return out->in6.sin6_scope_id ? 0 : -1;
	}
	return 0;
}

int addr_from_numeric(struct addr *out, int family, const char *host, uint16_t port)
{
	if (family != AF_INET6) {
		*out = addr_any(AF_INET, port);
		if (inet_pton(AF_INET, host, &out->in.sin_addr) == 1)
			return 0;
	}
	return family == AF_INET ? -1 : from_ipv6(out, host, port);
}

int addr_from_path(struct addr *out, const char *path)
{
	size_t len = strlen(path);

	*out = (struct addr){.un.sun_family = AF_UNIX};
	if (len == 0 || len > ADDR_PATH_MAX)
		return -1;
	memcpy(out->un.sun_path, path, len);
	out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	if (path[0] == '@')
		out->un.sun_path[0] = '\0'; /* and its length counts, not a NUL */
	else
		out->len++;
	return 0;
}

struct addr addr_any(int family, uint16_t port)
{
	struct addr a = {0};

	if (family == AF_INET6) {
		a.len = sizeof(a.in6);
		a.in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	} else {
		a.len = sizeof(a.in);
		a.in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
	}
	return a;
}

struct addr addr_loopback(int family, uint16_t port)
{
	struct addr a = addr_any(family, port);

	if (family == AF_INET6)
		a.in6.sin6_addr = in6addr_loopback;
	else
		a.in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return a;
}

struct addr addr_of_ipv4(int family, struct in_addr host, uint16_t port)
{
	struct addr a = addr_any(family, port);

	if (family == AF_INET) {
		a.in.sin_addr = host;
		return a;
	}
	a.in6.sin6_addr.s6_addr[10] = a.in6.sin6_addr.s6_addr[11] = 0xff;
	memcpy(&a.in6.sin6_addr.s6_addr[12], &host, sizeof(host));
	return a;
}

static void add_zone(char *host, size_t size, uint32_t zone)
{
	char name[IF_NAMESIZE];
	size_t used = strlen(host);

	if (if_indextoname(zone, name))
		snprintf(host + used, size - used, "%%%s", name);
	else
		snprintf(host + used, size - used, "%%%u", zone);
}

/* A path ends at its NUL; the NULs of an abstract name are shown as /proc/net/unix does. */
bool addr_is_named(const struct addr *a)
{
	return a->len > offsetof(struct sockaddr_un, sun_path);
}

static void path_text(const struct addr *a, struct addr_shown *t)
{
	size_t len = a->len - offsetof(struct sockaddr_un, sun_path);
	char path[sizeof(a->un.sun_path) + 1] = "";

	if (len == 0) {
		snprintf(t->text, sizeof(t->text), "an unnamed socket");
		return;
	}
	if (len > sizeof(a->un.sun_path))
		len = sizeof(a->un.sun_path);
	memcpy(path, a->un.sun_path, len);
	for (size_t i = 0; !a->un.sun_path[0] && i < len; i++)
		if (!path[i])
			path[i] = '@';
	snprintf(t->text, sizeof(t->text), "unix:%s", path);
}

struct addr_shown addr_text(const struct addr *a)
{
	struct addr_shown t = {"?"};
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1] = "?";

	switch (a->len ? a->sa.sa_family : AF_UNSPEC) {
	case AF_INET:
		inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host));
		snprintf(t.text, sizeof(t.text), "%s:%u", host, addr_port(a));
		break;
	case AF_INET6:
		inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host));
		if (a->in6.sin6_scope_id)
			add_zone(host, sizeof(host), a->in6.sin6_scope_id);
		snprintf(t.text, sizeof(t.text), "[%s]:%u", host, addr_port(a));
		break;
	case AF_UNIX: path_text(a, &t); break;
	default: break;
	}
	return t;
}

struct addr_shown addr_words(const struct addr *a)
{
	struct addr_shown whole = addr_text(a), t = {""};
	const char *text = whole.text;
	int host;

	if (a->sa.sa_family == AF_UNIX) {
		snprintf(t.text, sizeof(t.text), "%s", text + strlen("unix:"));
		return t;
	}
	text += *text == '[';
	host = (int)(strrchr(text, ':') - text);
	snprintf(t.text, sizeof(t.text), "%.*s %u", text > whole.text ? host - 1 : host, text,
		addr_port(a));
	return t;
}

uint16_t addr_port(const struct addr *a)
{
	if (a->sa.sa_family == AF_INET6)
		return ntohs(a->in6.sin6_port);
	return a->sa.sa_family == AF_INET ? ntohs(a->in.sin_port) : 0;
}

void addr_set_port(struct addr *a, uint16_t port)
{
	if (a->sa.sa_family == AF_INET6)
		a->in6.sin6_port = htons(port);
	else if (a->sa.sa_family == AF_INET)
		a->in.sin_port = htons(port);
}

bool addr_equal(const struct addr *a, const struct addr *b)
{
	if (a->len != b->len || a->sa.sa_family != b->sa.sa_family)
		return false;
	if (a->sa.sa_family == AF_INET6)
		return a->in6.sin6_port == b->in6.sin6_port &&
		       a->in6.sin6_scope_id == b->in6.sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&a->in6.sin6_addr, &b->in6.sin6_addr);
	if (a->sa.sa_family == AF_UNIX)
		return memcmp(&a->un, &b->un, a->len) == 0;
	return a->sa.sa_family == AF_INET && a->in.sin_port == b->in.sin_port &&
	       a->in.sin_addr.s_addr == b->in.sin_addr.s_addr;
}

/* The IPv4 address that a is, or maps (RFC 4291 section 2.5.5.2). Returns false if it is neither.
 */
static bool ipv4_of(const struct addr *a, struct in_addr *out)
{
	if (a->sa.sa_family == AF_INET)
		*out = a->in.sin_addr;
	else if (a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&a->in6.sin6_addr))
		memcpy(out, &a->in6.sin6_addr.s6_addr[12], sizeof(*out));
	else
		return false;
	return true;
}

struct addr addr_host(const struct addr *a)
{
	struct addr host = *a;
	struct in_addr four;

	if (ipv4_of(a, &four))
		return addr_of_ipv4(AF_INET, four, 0);
	if (a->sa.sa_family != AF_INET6)
		return host;
	host = addr_any(AF_INET6, 0);
	host.in6.sin6_addr = a->in6.sin6_addr;
	host.in6.sin6_scope_id = a->in6.sin6_scope_id;
	return host;
}

bool addr_is_any(const struct addr *a)
{
	struct in_addr four;

	if (ipv4_of(a, &four))
		return four.s_addr == htonl(INADDR_ANY);
	return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&a->in6.sin6_addr);
}

bool addr_is_loopback(const struct addr *a)
{
	struct in_addr four;

	if (ipv4_of(a, &four))
		return ntohl(four.s_addr) >> 24 == IN_LOOPBACKNET;
	return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&a->in6.sin6_addr);
}

bool addr_is_group(const struct addr *a)
{
	struct in_addr four;

	if (ipv4_of(a, &four))
		return IN_MULTICAST(ntohl(four.s_addr));
	return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_MULTICAST(&a->in6.sin6_addr);
}

bool addr_is_broadcast(const struct addr *a)
{
	struct in_addr four;

	return ipv4_of(a, &four) && four.s_addr == htonl(INADDR_BROADCAST);
}

bool addr_is_link_local(const struct addr *a)
{
	return a->sa.sa_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&a->in6.sin6_addr);
}

bool addr_has_interface(const struct addr *a)
{
	char name[IF_NAMESIZE];

	return a->sa.sa_family != AF_INET6 || a->in6.sin6_scope_id == 0 ||
	       if_indextoname(a->in6.sin6_scope_id, name);
}
