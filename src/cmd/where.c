#include "cmd/where.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "cli/foreign.h"
#include "cli/line.h"
#include "cli/socat.h"
#include "cmd/host.h"
#include "cmd/suggest.h"
#include "transport/transports.h"

const struct opt where_options[] = {
	{.letter = '4',
		.kind = OPT_FLAG,
		OPT_FIELD(struct where_conf, ipv4),
		.help = "use IPv4 only"},
	{.letter = '6',
		.kind = OPT_FLAG,
		OPT_FIELD(struct where_conf, ipv6),
		.help = "use IPv6 only"},
	{.name = "numeric",
		.letter = 'n',
		.kind = OPT_FLAG,
		OPT_FIELD(struct where_conf, numeric),
		.help = "look up no names; a host that is no address is an error"},
	{.name = "tcp",
		.letter = 't',
		.kind = OPT_FLAG,
		OPT_FIELD(struct where_conf, tcp),
		.help = "use TCP, the default"},
	{.name = "tls",
		.kind = OPT_FLAG,
		OPT_FIELD(struct where_conf, tls),
		.common = true,
		.help = "use TLS, over TCP or a Unix socket"},
	{.name = "udp",
		.letter = 'u',
		.kind = OPT_FLAG,
		OPT_FIELD(struct where_conf, udp),
		.common = true,
		.help = "use UDP, or with a Unix socket its datagrams"},
	{.name = "unix",
		.letter = 'U',
		.kind = OPT_TEXT,
		OPT_FIELD(struct where_conf, path),
		.arg = "PATH",
		.completes = COMPLETES_FILE,
		.common = true,
		.help = "use a Unix socket; @NAME is an abstract one"},
	{.name = "seqpacket",
		.kind = OPT_FLAG,
		OPT_FIELD(struct where_conf, seqpacket),
		.help = "use sequenced packets on the Unix socket"},
};
const size_t where_option_count = sizeof(where_options) / sizeof(where_options[0]);

enum { BUFFER_BYTES_MAX = INT32_MAX / 2 }; /* the kernel doubles it (socket(7)) */

const struct opt socket_option_rows[] = {
	{.name = "ttl",
		.kind = OPT_NUMBER,
		OPT_FIELD(struct where_conf, sockets.ttl),
		.arg = "N",
		.min = 1,
		.max = UINT8_MAX,
		.help = "let packets travel N hops at most"},
	{.name = "dscp",
		.kind = OPT_TEXT,
		OPT_FIELD(struct where_conf, sockets.dscp),
		.arg = "NAME|N",
		.help = "mark packets for routers: cs0 to cs7, af11 to af43, ef, le, va, or 0 to "
			"63"},
	{.name = "rcvbuf",
		.kind = OPT_SIZE,
		OPT_FIELD(struct where_conf, sockets.receive_max),
		.arg = "SIZE",
		.min = 1,
		.max = BUFFER_BYTES_MAX,
		.help = "let the kernel hold SIZE bytes that were not read yet"},
	{.name = "sndbuf",
		.kind = OPT_SIZE,
		OPT_FIELD(struct where_conf, sockets.send_max),
		.arg = "SIZE",
		.min = 1,
		.max = BUFFER_BYTES_MAX,
		.help = "let the kernel hold SIZE bytes that were not sent yet"},
	{.name = "keepalive",
		.kind = OPT_MSEC,
		OPT_FIELD(struct where_conf, sockets.keepalive_ms),
		.arg = "DUR",
		.help = "give up a TCP peer that answers nothing for DUR (0: never ask)"},
	{.name = "interface",
		.kind = OPT_TEXT,
		OPT_FIELD(struct where_conf, sockets.interface),
		.arg = "NAME",
		.help = "use this network interface only"},
};
const size_t socket_option_count = sizeof(socket_option_rows) / sizeof(socket_option_rows[0]);

int port_read(const char *typed, uint16_t *port, struct err *err)
{
	const struct servent *service;
	uint64_t number;

	if (text_uint(typed, UINT16_MAX, &number) == 0) {
		*port = (uint16_t)number;
		return 0;
	}
	service = typed[strspn(typed, "0123456789")] ? getservbyname(typed, NULL) : NULL;
	if (service) {
		*port = ntohs((uint16_t)service->s_port);
		return 0;
	}
	err_set(err, ERR_USAGE, "%s is not a port", quoted(typed).text);
	return err_hint(err, "use a number from 0 to 65535, or a service name of /etc/services");
}

/* Ports from one to another, as in 20-30: a scan's. */
static bool where_is_range(const char *port)
{
	size_t first = strspn(port, "0123456789");

	return first && port[first] == '-' && text_is_digits(port + first + 1);
}

/* The host of the line that is suggested, if it can be written there. */
static int where_refuse_range(
	const char *host, const char *port, const char *command, struct err *err)
{
	char hint[160];
	int len;

	err_set(err, ERR_USAGE, "%s is a range of ports, and one port is needed",
		quoted(port).text);
	if (strcmp(command, "serve") == 0)
		return err_hint(err, "a server has one port: start one for each");
	len = snprintf(hint, sizeof(hint), "to see which of them are open: sockx connect -z %s %s",
		*host ? host : "localhost", port);
	/* A line with -z that is refused so is not suggested once more. */
	if (strcmp(command, "connect -z") == 0 || (size_t)len >= sizeof(hint) ||
		!line_is_plain(host) || !suggestion_holds(hint))
		return err_hint(err, "to scan a range: sockx connect -z HOST 20-30");
	return err_hint(err, "%s", hint);
}

int path_read(const char *typed, struct addr *out, struct err *err)
{
	bool abstract = typed[0] == '@';

	if (!typed[0] || (abstract && !typed[1])) {
		err_set(err, ERR_USAGE, "%s is not the name of a Unix socket", quoted(typed).text);
		return err_hint(err, "write a path, or @NAME for an abstract one");
	}
	if (addr_from_path(out, typed) == 0)
		return 0;
	err_set(err, ERR_USAGE, "the %s %s is too long for a Unix socket",
		abstract ? "name" : "path", quoted(typed).text);
	if (abstract)
		return err_hint(err, "%d bytes at most", ADDR_PATH_MAX);
	return err_hint(err, "%d bytes at most; change to its directory and use a relative path",
		ADDR_PATH_MAX);
}

/* The options that were typed, as a part of a line. Returns false where they cannot be written. */
static bool where_write_options(const struct opt_args *args, char *out, size_t size)
{
	*out = '\0';
	for (size_t i = 0; i < OPT_ROWS_MAX; i++) {
		const struct opt_given *given = &args->given[i];

		if (given->typed[0] && !line_add(out, size, "", given->typed))
			return false;
		if (given->value && !line_add_words(out, size, &given->value, 1))
			return false;
	}
	return true;
}

/* What a line of socat's, refused as an address, is here; or the hint that is there. */
static int where_hint_socat(const struct opt_args *args, struct err *err)
{
	char options[160], hint[320];

	if (where_write_options(args, options, sizeof(options)) &&
		socat_hint(args->words, args->count, options, hint, sizeof(hint)) &&
		suggestion_holds(hint))
		err_hint(err, "%s", hint);
	return -1;
}

/* Words of which one is an address of socat's for sure are a line of its. */
static int where_refuse_socat(const struct opt_args *args, struct err *err)
{
	size_t at = 0;

	while (at < args->count && !socat_is_surely_address(args->words[at]))
		at++;
	if (at == args->count)
		return 0;
	err_set(err, ERR_USAGE, "address %s is one of socat's", quoted(args->words[at]).text);
	err_hint(err, "write HOST PORT, HOST:PORT, [IPV6]:PORT, :PORT or unix:PATH");
	return where_hint_socat(args, err);
}

int endpoint_add(char *part, size_t size, const char *option, const char *value, struct err *err)
{
	if (part[0] && strcmp(part, value) != 0) {
		err_set(err, ERR_USAGE, "%s of '%s' contradicts %s of the address",
			quoted(value).text, option, quoted(part).text);
		return err_hint(err, "give it once");
	}
	if (strlen(value) >= size) {
		err_set(err, ERR_USAGE, "%s of '%s' is too long", quoted(value).text, option);
		return err_hint(err, "at most %zu characters", size - 1);
	}
	memcpy(part, value, strlen(value) + 1);
	return 0;
}

/* A URL of another scheme names a host and a port all the same. */
static int where_hint_url(
	const char *word, const struct endpoint *url, const char *command, struct err *err)
{
	char line[ENDPOINT_HOST_MAX + ENDPOINT_PORT_MAX + 64];

	if (!line_is_plain(url->host) || !line_is_plain(url->port))
		return -1;
	if (strcmp(command, "serve") == 0)
		return err_hint(err, "to listen: 'sockx serve -p PORT'");
	snprintf(line, sizeof(line), "to connect to its server: 'sockx connect %s%s %s'",
		strncmp(word, "https:", strlen("https:")) == 0 ? "--tls " : "", url->host,
		strcmp(url->port, "https") == 0 ? "443" : url->port);
	return suggestion_holds(line) ? err_hint(err, "%s", line) : -1;
}

static int where_split(const char *word, const char *command, struct target *out, struct err *err)
{
	const char *wrong = target_read(word, out);
	struct endpoint url;

	if (!wrong)
		return 0;
	err_set(err, ERR_USAGE, "address %s %s", quoted(word).text, wrong);
	err_hint(err, "write HOST PORT, HOST:PORT, [IPV6]:PORT, :PORT or unix:PATH");
	if (out->by != TRAVEL_UNSAID)
		return err_hint(err, "write %s%s", travel_scheme(out->by),
			target_is_path(out) ? "PATH" : "HOST:PORT");
	if (target_is_url(word, &url))
		return where_hint_url(word, &url, command, err);
	return -1;
}

/* What a lone word of digits means: serve's port, and never a host. */
static int where_place_digits(const char *word, bool lone_port, const char *command,
	struct endpoint *out, struct err *err)
{
	if (!lone_port) {
		char hint[160];

		err_set(err, ERR_USAGE, "%s is a port without a host", quoted(word).text);
		snprintf(
			hint, sizeof(hint), "did you mean 'sockx %s localhost %s'?", command, word);
		return suggestion_holds(hint)
		               ? err_hint(err, "%s", hint)
		               : err_hint(err, "write HOST PORT; a port is from 1 to 65535");
	}
	out->host[0] = '\0';
	return endpoint_add(out->port, sizeof(out->port), "PORT", word, err);
}

/* nc and socat name the side that is standard input and output; here it is what is left. */
static int where_refuse_stdio(const char *word, struct err *err)
{
	char buffer[256];

	err_set(err, ERR_USAGE, "%s is not a host", quoted(word).text);
	return err_hint(err, "%s", foreign_hint("connect", word, buffer, sizeof(buffer)));
}

/* Of nc a proxy follows this letter, of ncat a file. */
static bool where_has_value_of_x(const struct opt_args *args)
{
	struct endpoint first;
	bool typed = false;

	for (size_t i = 0; i < OPT_ROWS_MAX; i++)
		typed = typed || strcmp(args->given[i].typed, "-x") == 0;
	if (!typed || args->count < 2)
		return false;
	return args->count > 2 || (!endpoint_split(args->words[0], &first) && first.port[0]);
}

static int where_refuse_value_of_x(const struct opt_args *args, struct err *err)
{
	err_set(err, ERR_USAGE, "%s is one word too many: '-x' takes no value",
		quoted(args->words[0]).text);
	return err_hint(err, "sockx goes through no proxies ('nc -x'); a hex dump in a file is "
			     "'--hexdump=FILE'");
}

static int where_read_words(const struct opt_args *args, bool lone_port, const char *command,
	struct target *target, struct err *err)
{
	const char *const *words = args->words;
	struct endpoint *out = &target->at;

	*target = (struct target){0};
	if (where_refuse_socat(args, err) < 0)
		return -1;
	if (where_has_value_of_x(args))
		return where_refuse_value_of_x(args, err);
	if (args->count > 2) {
		err_set(err, ERR_USAGE,
			"%s is one word too many: the address is complete without it",
			quoted(words[2]).text);
		return err_hint(err, "write HOST PORT; 'sockx %s -h' shows examples", command);
	}
	if (args->count == 0)
		return 0;
	if (strcmp(words[0], "-") == 0 || strcmp(words[0], "STDIO") == 0)
		return where_refuse_stdio(words[0], err);
	if (args->count == 2 && !words[1][0])
		return port_read(words[1], &(uint16_t){0}, err);
	if (where_split(words[0], command, target, err) < 0)
		return -1;
	if (args->count == 1)
		return out->digits ? where_place_digits(words[0], lone_port, command, out, err) : 0;
	return endpoint_add(out->port, sizeof(out->port), "PORT", words[1], err);
}

static int where_exclude(struct err *err, const char *one, const char *other)
{
	err_set(err, ERR_USAGE, "'%s' and '%s' cannot both be given", one, other);
	return err_hint(err, "give one of them, or neither");
}

static int where_check_kind(const struct where_conf *conf, bool local, struct err *err)
{
	if (conf->tcp && conf->udp)
		return where_exclude(err, "--tcp", "--udp");
	if (conf->seqpacket && (conf->udp || conf->tcp))
		return where_exclude(err, "--seqpacket", conf->udp ? "--udp" : "--tcp");
	if (conf->ipv4 && conf->ipv6)
		return where_exclude(err, "-4", "-6");
	if (conf->tls && (conf->udp || conf->seqpacket)) {
		err_set(err, ERR_USAGE, "'--tls' and '%s' cannot both be given",
			conf->udp ? "--udp" : "--seqpacket");
		return err_hint(err, "TLS is for streams: TCP, and Unix sockets");
	}
	if (conf->seqpacket && !local) {
		err_set(err, ERR_USAGE, "'--seqpacket' is for Unix sockets");
		return err_hint(err, "name one: -U PATH");
	}
	return 0;
}

/* What belongs to an IP address alone. */
static const char *where_stray_beside_path(
	const struct where_conf *conf, const struct endpoint *at, const char *host)
{
	if (host || at->host[0])
		return "host";
	if (conf->port || at->port[0])
		return "port";
	if (conf->ipv4 || conf->ipv6)
		return "IP version";
	return conf->tcp ? "use of TCP" : NULL;
}

static int where_read_path(const struct where_conf *conf, const char *path, const char *host,
	struct where *out, struct err *err)
{
	const char *stray = where_stray_beside_path(conf, &out->at, host);

	if (stray) {
		err_set(err, ERR_USAGE, "the Unix socket %s has no %s", quoted(path).text, stray);
		return err_hint(err, "give a path, or a host and port, not both");
	}
	return path_read(path, &out->path, err);
}

static int where_read_port(
	const struct where_conf *conf, const char *command, struct where *out, struct err *err)
{
	struct endpoint *at = &out->at;

	if (where_is_range(at->port))
		return where_refuse_range(at->host, at->port, command, err);
	if (conf->port && where_is_range(conf->port))
		return where_refuse_range(at->host, conf->port, command, err);
	if (conf->port &&
		(port_read(conf->port, &out->port, err) < 0 ||
			endpoint_add(at->port, sizeof(at->port), "--port", conf->port, err) < 0))
		return -1;
	out->default_port = !at->port[0];
	if (out->default_port)
		snprintf(at->port, sizeof(at->port), "%s", DEFAULT_PORT);
	return port_read(at->port, &out->port, err);
}

static int where_add_path(const struct where_conf *conf, struct target *target, struct err *err)
{
	if (!conf->path)
		return 0;
	if (!*conf->path)
		return path_read(conf->path, &(struct addr){0}, err);
	return endpoint_add(target->path, sizeof(target->path), "--unix", conf->path, err);
}

/* The way that the options name, if they do. */
static enum travel where_way_of(const struct where_conf *conf, bool path)
{
	if (path)
		return conf->udp         ? TRAVEL_UNIX_DATAGRAM
		       : conf->seqpacket ? TRAVEL_UNIX_SEQPACKET
		                         : TRAVEL_UNIX;
	return conf->udp   ? TRAVEL_UDP
	       : conf->tls ? TRAVEL_TLS
	       : conf->tcp ? TRAVEL_TCP
	                   : TRAVEL_UNSAID;
}

static int where_refuse_way(const char *option, const struct target *said, struct err *err)
{
	err_set(err, ERR_USAGE, "'%s' contradicts '%s' of the address", option,
		travel_scheme(said->by));
	return err_hint(err, "leave the option out");
}

/* "unix:" leaves open what kind of socket; every other scheme says all. */
static int where_join_ways(
	const struct where_conf *conf, const struct target *said, enum travel *by, struct err *err)
{
	bool path = said->path[0];
	enum travel way = where_way_of(conf, path), open = path ? TRAVEL_UNIX : TRAVEL_UNSAID;

	*by = said->by == TRAVEL_UNSAID || said->by == TRAVEL_UNIX ? way : said->by;
	if (way == open || way == *by || (way == TRAVEL_TCP && *by == TRAVEL_TLS))
		return 0; /* TLS goes over TCP */
	return where_refuse_way(conf->udp         ? "--udp"
				: conf->tls       ? "--tls"
				: conf->seqpacket ? "--seqpacket"
						  : "--tcp",
		said, err);
}

/* Which transport the options and the target mean together, and that it takes what is asked of it.
 */
static int where_join(
	const struct where_conf *conf, struct target *target, struct where *out, struct err *err)
{
	enum travel by;

	*out = (struct where){.family = conf->ipv4 ? AF_INET : conf->ipv6 ? AF_INET6 : AF_UNSPEC};
	if (where_add_path(conf, target, err) < 0 ||
		where_check_kind(conf, target->path[0], err) < 0 ||
		where_join_ways(conf, target, &by, err) < 0)
		return -1;
	out->via = transport_find(by);
	if (socket_options_check(&conf->sockets, out->via, err) < 0)
		return -1;
	out->tls = conf->tls || by == TRAVEL_TLS;
	if (out->tls && (out->via->connectionless || out->via->message_max))
		return where_refuse_way("--tls", target, err);
	out->at = target->at;
	return 0;
}

int where_read(const struct where_conf *conf, const struct opt_args *args, const char *host,
	bool lone_port, const char *command, struct where *out, struct err *err)
{
	struct target target;

	if (where_read_words(args, lone_port, command, &target, err) < 0 ||
		where_join(conf, &target, out, err) < 0)
		return -1;
	if (target.path[0])
		return where_read_path(conf, target.path, host, out, err);
	if (where_read_port(conf, command, out, err) == 0)
		return 0;
	return args->count && socat_is_address(args->words[0]) ? where_hint_socat(args, err) : -1;
}

static int where_aim_at_host(const char *host, const struct where *where,
	const struct where_conf *conf, struct dial *d, struct err *err)
{
	if (host_check(host, conf->sockets.interface, err) < 0)
		return -1;
	if (where->port == 0) {
		err_set(err, ERR_USAGE, "cannot connect to port 0");
		return err_hint(err, "use the port in the server's 'listening on' line");
	}
	endpoint_join(d->typed, sizeof(d->typed), host, where->at.port);
	return 0;
}

int where_aim(const struct where *where, const struct where_conf *conf, int64_t timeout_ms,
	struct dial *d, struct err *err)
{
	bool named = where->at.host[0];
	const char *host = named ? where->at.host : "localhost";

	if (where->path.len)
		snprintf(d->typed, sizeof(d->typed), "%s", addr_text(&where->path).text);
	else if (where_aim_at_host(host, where, conf, d, err) < 0)
		return -1;
	d->where = (struct connector_conf){.via = where->via,
		.target = {.host = host,
			.port = where->port,
			.family = where->family,
			/* The default is never looked up: no name for --numeric to forbid. */
			.numeric = conf->numeric && named},
		.at = where->path,
		.typed = d->typed,
		.timeout_ms = timeout_ms};
	return 0;
}

int where_of_target(const struct target *target, bool numeric, struct where *out, struct err *err)
{
	const struct where_conf plain = {.numeric = numeric, .sockets = SOCKET_OPTIONS_NONE};
	struct target to = *target;

	if (where_join(&plain, &to, out, err) < 0)
		return -1;
	return to.path[0] ? where_read_path(&plain, to.path, NULL, out, err)
	                  : where_read_port(&plain, "connect", out, err);
}

/* Of a Unix socket, the source is a path. */
static int where_read_source_path(const char *typed, struct addr *source, struct err *err)
{
	if (typed[0] != ':' || !text_is_digits(typed + 1))
		return path_read(typed, source, err);
	err_set(err, ERR_USAGE, "%s is a port to connect from, and a Unix socket has none",
		quoted(typed).text);
	return err_hint(err, "give a path of ours, as in -s ./client.sock");
}

int where_read_source(const char *typed, bool path, struct dial_conf *from, struct err *err)
{
	struct endpoint at;
	uint16_t port = 0;

	if (!typed)
		return 0;
	if (path)
		return where_read_source_path(typed, &from->source, err);
	if (endpoint_split(typed, &at) || (at.port[0] && port_read(at.port, &port, err) < 0) ||
		(at.host[0] && (addr_from_numeric(&from->source, AF_UNSPEC, at.host, port) < 0 ||
				       addr_is_group(&from->source) ||
				       addr_is_broadcast(&from->source)))) {
		err_set(err, ERR_USAGE, "%s is not an address to connect from", quoted(typed).text);
		return err_hint(
			err, "write it as 127.0.0.1, 127.0.0.1:4000, ::1, [::1]:4000 or :4000");
	}
	from->source_port = port;
	return 0;
}
