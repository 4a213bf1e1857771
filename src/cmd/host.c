/* Hosts as they are typed: what cannot be a host shows in its form. */
#include "cmd/host.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "cli/line.h"

/* RFC 1035 section 2.3.4; as text a name has 253 bytes at most, without the dot at its end. */
enum { HOST_LABEL_MAX_BYTES = 63, HOST_NAME_MAX_BYTES = 253 };

/* why: a phrase, or NULL where it shows in what was typed. */
static int host_refuse(const char *host, const char *why, struct err *err)
{
	err_set(err, ERR_USAGE, "%s is not a host%s%s", quoted(host).text, why ? ": " : "",
		why ? why : "");
	return err_hint(err, "use a name or an address, such as localhost, 127.0.0.1 or ::1");
}

static int host_refuse_path(const char *host, struct err *err)
{
	err_set(err, ERR_USAGE, "%s is not a host: it has a '/'", quoted(host).text);
	if (!strchr("/.~", host[0]))
		return err_hint(
			err, "leave out the '/' and what follows it; a path is given by '-U PATH'");
	return err_hint(err, "the path of a Unix socket is given by '-U %s'",
		line_is_plain(host) && strlen(host) <= ADDR_PATH_MAX ? host : "PATH");
}

/* ---- addresses ---- */

/* The part of an IPv6 address that is before its zone (RFC 4007 section 11), if it has one. */
static bool host_is_ipv6(const char *host, size_t len)
{
	char address[INET6_ADDRSTRLEN];
	struct in6_addr out;

	if (len >= sizeof(address))
		return false;
	memcpy(address, host, len);
	address[len] = '\0';
	return inet_pton(AF_INET6, address, &out) == 1;
}

/* The port at the end of what has no brackets, as in ::1:80; NULL: there is none. */
static const char *host_port_in(const char *host)
{
	const char *port = strrchr(host, ':');
	uint64_t number;

	if (!port || text_uint(port + 1, UINT16_MAX, &number) < 0 || number == 0 ||
		!host_is_ipv6(host, (size_t)(port - host)))
		return NULL;
	return port + 1;
}

static int host_write_port_hint(const char *host, const char *port, struct err *err)
{
	return err_hint(
		err, "for port %s write [%.*s]:%s", port, (int)(port - 1 - host), host, port);
}

/* Whether err says that an address is not reached, or not ours. */
static bool host_is_in_doubt(const struct err *err)
{
	return err->kind == ERR_REFUSED || err->kind == ERR_TIMEOUT || err->kind == ERR_WRONG ||
	       (err->kind == ERR_LISTEN && err->sys == EADDRNOTAVAIL);
}

int host_hint_port(const char *host, struct err *err)
{
	const char *port = host_port_in(host);

	return port && host_is_in_doubt(err) ? host_write_port_hint(host, port, err) : -1;
}

static int host_refuse_zone(const char *host, struct err *err)
{
	err_set(err, ERR_USAGE, "%s: this machine has no interface %s", quoted(host).text,
		quoted(strchr(host, '%') + 1).text);
	return err_hint(err, "`ip link` lists the interfaces");
}

static int host_check_ipv6(const char *host, const char *interface, struct err *err)
{
	size_t len = strcspn(host, "%");
	struct addr at;

	if (!host_is_ipv6(host, len) || (host[len] && !host[len + 1])) {
		host_refuse(host, NULL, err);
		return host_port_in(host) ? host_write_port_hint(host, host_port_in(host), err)
		                          : -1;
	}
	if (addr_from_numeric(&at, AF_INET6, host, 0) < 0 || !addr_has_interface(&at))
		return host_refuse_zone(host, err);
	if (interface || at.in6.sin6_scope_id || !addr_is_link_local(&at))
		return 0;
	err_set(err, ERR_USAGE, "%s is a link-local address without its interface",
		quoted(host).text);
	return err_hint(err, "write it as fe80::1%%eth0, or give '--interface NAME'; `ip link` "
			     "lists the names");
}

/* Digits and dots: what inet_aton(3), and so getaddrinfo(3), takes for an address. */
static bool host_is_no_ipv4(const char *host)
{
	struct in_addr out;

	return isdigit((unsigned char)host[0]) && !host[strspn(host, "0123456789.")] &&
	       inet_aton(host, &out) == 0;
}

/* ---- names ---- */

/* Why no resolver has a host of that name, as a phrase; or NULL. An underscore and bytes from 0x80
 * on are looked up as they are, and /etc/hosts or mDNS may have them; a hyphen may be anywhere. */
static const char *host_name_is_wrong(const char *name)
{
	size_t len = strlen(name), label = 0;

	if (len && name[len - 1] == '.')
		len--;
	if (len > HOST_NAME_MAX_BYTES)
		return "it is longer than 253 bytes";
	for (size_t i = 0; i <= len; i++, label++) {
		const unsigned char c = (unsigned char)name[i];

		if (i == len || c == '.') {
			if (label == 0)
				return "a part between its dots is empty";
			if (label > HOST_LABEL_MAX_BYTES)
				return "a part between its dots is longer than 63 bytes";
			label = (size_t)-1;
		} else if (c < 0x80 && !isalnum(c) && c != '-' && c != '_') {
			return "it has more than letters, digits, '-', '_' and '.'";
		}
	}
	return NULL;
}

int host_check(const char *host, const char *interface, struct err *err)
{
	const char *wrong;

	if (strchr(host, '/'))
		return host_refuse_path(host, err);
	if (!text_is_host(host))
		return host_refuse(host, NULL, err);
	if (strchr(host, ':'))
		return host_check_ipv6(host, interface, err);
	wrong = host_is_no_ipv4(host) ? "it is no IPv4 address" : host_name_is_wrong(host);
	return wrong ? host_refuse(host, wrong, err) : 0;
}
