#include "transport/options.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/text.h"
#include "os/sys_socket.h"

enum {
	DSCP_MAX = 63,
	DSCP_SHIFT = 2, /* the other two bits are the network's (RFC 3168 section 5) */
	/* The kernel has each time in seconds below 32768 (net/tcp.h, MAX_TCP_KEEPIDLE). */
	KEEPALIVE_PROBES = 3,
	KEEPALIVE_SECONDS_MAX = 18 * 3600,
	SOCKETS_INET = SOCKET_TCP | SOCKET_UDP,
};

/* ---- what was typed, as the kernel's value ---- */

struct dscp {
	const char *name;
	int number;
};

/* RFC 2474 (cs), RFC 2597 (af), RFC 3246 (ef), RFC 5865 (va), RFC 8622 (le). */
static const struct dscp dscps[] = {{"cs0", 0}, {"cs1", 8}, {"cs2", 16}, {"cs3", 24}, {"cs4", 32},
	{"cs5", 40}, {"cs6", 48}, {"cs7", 56}, {"af11", 10}, {"af12", 12}, {"af13", 14},
	{"af21", 18}, {"af22", 20}, {"af23", 22}, {"af31", 26}, {"af32", 28}, {"af33", 30},
	{"af41", 34}, {"af42", 36}, {"af43", 38}, {"ef", 46}, {"le", 1}, {"va", 44}};

/* Returns -1 where it is none. */
static int dscp_of(const char *typed)
{
	uint64_t number;

	for (size_t i = 0; i < sizeof(dscps) / sizeof(dscps[0]); i++)
		if (strcmp(dscps[i].name, typed) == 0)
			return dscps[i].number;
	return text_uint(typed, DSCP_MAX, &number) == 0 ? (int)number : -1;
}

static bool value_number(const void *field, int *value)
{
	uint64_t number;

	memcpy(&number, field, sizeof(number));
	*value = (int)number;
	return number != 0;
}

static bool value_dscp(const void *field, int *value)
{
	const char *typed;

	memcpy(&typed, field, sizeof(typed));
	*value = typed ? dscp_of(typed) << DSCP_SHIFT : 0;
	return typed;
}

static bool value_text(const void *field, int *value)
{
	const char *typed;

	memcpy(&typed, field, sizeof(typed));
	*value = 0;
	return typed;
}

/* A silent peer is probed once the connection has been idle, and given up after some probes: all
 * that together takes as many seconds as were asked for, and 2 at least. */
struct keepalive {
	int idle, interval, probes;
};

static bool keepalive_of(const void *field, struct keepalive *out)
{
	int64_t ms;
	int seconds;

	memcpy(&ms, field, sizeof(ms));
	if (ms <= 0)
		return false;
	seconds = (int)((ms + 999) / 1000);
	out->probes = seconds > KEEPALIVE_PROBES ? KEEPALIVE_PROBES : seconds > 2 ? 2 : 1;
	out->interval = seconds / (2 * KEEPALIVE_PROBES);
	if (!out->interval)
		out->interval = 1;
	out->idle = seconds - out->probes * out->interval;
	if (out->idle < 1)
		out->idle = 1;
	return true;
}

static bool value_keepalive(const void *field, int *value)
{
	int64_t ms;

	memcpy(&ms, field, sizeof(ms));
	*value = ms > 0;
	return ms >= 0;
}

static bool value_keepalive_idle(const void *field, int *value)
{
	struct keepalive k = {0};
	bool given = keepalive_of(field, &k);

	*value = k.idle;
	return given;
}

static bool value_keepalive_interval(const void *field, int *value)
{
	struct keepalive k = {0};
	bool given = keepalive_of(field, &k);

	*value = k.interval;
	return given;
}

static bool value_keepalive_probes(const void *field, int *value)
{
	struct keepalive k = {0};
	bool given = keepalive_of(field, &k);

	*value = k.probes;
	return given;
}

/* ---- the table ---- */

/* Which addresses a row is for, those of the other family excepted. */
enum reach { REACH_ANY, REACH_IPV4, REACH_IPV6, REACH_IPV4_GROUP, REACH_IPV6_GROUP };

struct socket_option {
	const char *name;                             /* as users type it, without "--" */
	size_t field;                                 /* in struct socket_options */
	bool (*value)(const void *field, int *value); /* false: it was not given */
	int level, option;
	unsigned sockets; /* enum socket_kind: those it means something to */
	enum reach reach;
	/* Of a buffer's size, which the kernel cuts in silence: the same option as root has it, and
	 * the limit that others have. */
	int forced;
	const char *limit;
};

#define FIELD(member) offsetof(struct socket_options, member)

static const struct socket_option rows[] = {
	{"ttl", FIELD(ttl), value_number, IPPROTO_IP, IP_TTL, SOCKETS_INET, REACH_IPV4},
	{"ttl", FIELD(ttl), value_number, IPPROTO_IPV6, IPV6_UNICAST_HOPS, SOCKETS_INET,
		REACH_IPV6},
	{"ttl", FIELD(ttl), value_number, IPPROTO_IP, IP_MULTICAST_TTL, SOCKET_UDP,
		REACH_IPV4_GROUP},
	{"ttl", FIELD(ttl), value_number, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, SOCKET_UDP,
		REACH_IPV6_GROUP},
	{"dscp", FIELD(dscp), value_dscp, IPPROTO_IP, IP_TOS, SOCKETS_INET, REACH_IPV4},
	{"dscp", FIELD(dscp), value_dscp, IPPROTO_IPV6, IPV6_TCLASS, SOCKETS_INET, REACH_IPV6},
	{"rcvbuf", FIELD(receive_max), value_number, SOL_SOCKET, SO_RCVBUF, SOCKETS_INET, REACH_ANY,
		SO_RCVBUFFORCE, "net.core.rmem_max"},
	{"sndbuf", FIELD(send_max), value_number, SOL_SOCKET, SO_SNDBUF, SOCKETS_INET | SOCKET_UNIX,
		REACH_ANY, SO_SNDBUFFORCE, "net.core.wmem_max"},
	{"keepalive", FIELD(keepalive_ms), value_keepalive, SOL_SOCKET, SO_KEEPALIVE, SOCKET_TCP},
	{"keepalive", FIELD(keepalive_ms), value_keepalive_idle, IPPROTO_TCP, TCP_KEEPIDLE,
		SOCKET_TCP},
	{"keepalive", FIELD(keepalive_ms), value_keepalive_interval, IPPROTO_TCP, TCP_KEEPINTVL,
		SOCKET_TCP},
	{"keepalive", FIELD(keepalive_ms), value_keepalive_probes, IPPROTO_TCP, TCP_KEEPCNT,
		SOCKET_TCP},
	{"interface", FIELD(interface), value_text, SOL_SOCKET, SO_BINDTODEVICE, SOCKETS_INET},
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static const void *option_field(const struct socket_options *options, const struct socket_option *o)
{
	return (const uint8_t *)options + o->field;
}

/* ---- what can be meant ---- */

static int option_check_socket(
	const struct socket_option *o, const struct transport *via, struct err *err)
{
	unsigned sockets = 0;

	for (size_t i = 0; i < ROWS; i++)
		if (strcmp(rows[i].name, o->name) == 0)
			sockets |= rows[i].sockets;
	if (sockets & via->kind)
		return 0;
	err_set(err, ERR_USAGE,
		sockets & SOCKET_UDP ? "'--%s' is for TCP and UDP" : "'--%s' is for TCP", o->name);
	return err_hint(err, via->kind == SOCKET_UNIX
				     ? "leave it out, or give a host and port in place of a path"
				     : "leave it out, or use TCP");
}

int socket_options_check(
	const struct socket_options *options, const struct transport *via, struct err *err)
{
	int unused;

	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].value(option_field(options, &rows[i]), &unused) &&
			option_check_socket(&rows[i], via, err) < 0)
			return -1;
	if (options->dscp && dscp_of(options->dscp) < 0) {
		err_set(err, ERR_USAGE, "%s is not a DSCP for '--%s'", quoted(options->dscp).text,
			"dscp");
		return err_hint(err, "cs0 to cs7, af11 to af43, ef, le, va, or a number up to %d",
			DSCP_MAX);
	}
	if (options->interface &&
		(!options->interface[0] || strlen(options->interface) >= IF_NAMESIZE)) {
		err_set(err, ERR_USAGE, "%s is not an interface for '--%s'",
			quoted(options->interface).text, "interface");
		return err_hint(err, "`ip link` lists the interfaces");
	}
	if (options->keepalive_ms > KEEPALIVE_SECONDS_MAX * INT64_C(1000)) {
		err_set(err, ERR_USAGE, "'--%s' is longer than the kernel can wait", "keepalive");
		return err_hint(err, "at most %dh", KEEPALIVE_SECONDS_MAX / 3600);
	}
	return 0;
}

/* ---- setting them ---- */

/* To an IPv4-mapped address IPv4 is spoken, over a socket that has the options of both. */
static bool option_reaches(const struct socket_option *o, const struct addr *at)
{
	bool ipv6 = at->sa.sa_family == AF_INET6;
	bool ipv4 = !ipv6 || IN6_IS_ADDR_V4MAPPED(&at->in6.sin6_addr);

	switch (o->reach) {
	case REACH_ANY: return true;
	case REACH_IPV4: return ipv4;
	case REACH_IPV6: return ipv6;
	case REACH_IPV4_GROUP: return ipv4 && addr_is_group(at);
	case REACH_IPV6_GROUP: return ipv6 && addr_is_group(at);
	}
	return false;
}

/* A new socket, and what an error about it is. */
struct option_socket {
	struct reporter *to;
	int fd;
	const struct addr *at;
	enum err_kind kind;
};

/* Of a name, which the kernel does not say: what was typed. */
struct option_typed {
	char text[160];
};

static struct option_typed option_as_typed(
	const struct socket_option *o, const struct socket_options *options)
{
	struct option_typed out;

	if (o->value == value_text)
		snprintf(out.text, sizeof(out.text), "%s %s", o->name,
			quoted(*(const char *const *)option_field(options, o)).text);
	else
		snprintf(out.text, sizeof(out.text), "%s", o->name);
	return out;
}

static int option_refused(const struct option_socket *s, const struct socket_option *o,
	const struct socket_options *options, int error, struct err *err)
{
	err_sys(err, s->kind, error,
		s->kind == ERR_LISTEN ? "cannot listen on %s: --%s" : "cannot connect to %s: --%s",
		addr_text(s->at).text, option_as_typed(o, options).text);
	if (error == ENODEV)
		return err_hint(err, "`ip link` lists the interfaces");
	return -1;
}

/* The kernel's value is twice what it lets a program have, for its own costs (socket(7)). */
static int option_size(const struct option_socket *s, const struct socket_option *o)
{
	return sys_getsockopt(s->to, s->fd, o->level, o->option) / 2;
}

/* Of a size that was cut, the kernel says nothing. */
static int option_check_size(
	const struct option_socket *s, const struct socket_option *o, int size, struct err *err)
{
	int got = option_size(s, o);

	if (got < size && sys_setsockopt(s->to, s->fd, o->level, o->forced, size) == 0)
		got = option_size(s, o);
	if (got >= size)
		return 0;
	err_set(err, s->kind,
		s->kind == ERR_LISTEN ? "cannot listen on %s: --%s: the system allows %d bytes"
				      : "cannot connect to %s: --%s: the system allows %d bytes",
		addr_text(s->at).text, o->name, got);
	err->sys = ENOBUFS;
	return err_hint(err, "ask for less, or raise %s with sysctl", o->limit);
}

static int option_set(const struct option_socket *s, const struct socket_option *o,
	const struct socket_options *options, struct err *err)
{
	int rc, value;

	if (!o->value(option_field(options, o), &value) || !option_reaches(o, s->at))
		return 0;
	if (o->value == value_text)
		rc = sys_setsockopt_text(s->to, s->fd, o->level, o->option,
			*(const char *const *)option_field(options, o));
	else
		rc = sys_setsockopt(s->to, s->fd, o->level, o->option, value);
	if (rc < 0)
		return option_refused(s, o, options, errno, err);
	return o->forced ? option_check_size(s, o, value, err) : 0;
}

int socket_options_set(struct reporter *to, int fd, enum socket_kind kind, const struct addr *at,
	const struct socket_options *options, enum err_kind error, struct err *err)
{
	const struct option_socket s = {.to = to, .fd = fd, .at = at, .kind = error};

	for (size_t i = 0; options && i < ROWS; i++)
		if (rows[i].sockets & kind && option_set(&s, &rows[i], options, err) < 0)
			return -1;
	return 0;
}

int socket_options_hops(const struct socket_options *options, int usual)
{
	return options && options->ttl ? (int)options->ttl : usual;
}
