#include "cmd/shared.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"

const struct opt talk_options[] = {
	{.name = "verbose",
		.letter = 'v',
		.kind = OPT_COUNT,
		OPT_FIELD(struct talk_conf, verbose),
		.help = "tell who connects, each attempt, and why it failed"},
	{.name = "quiet",
		.letter = 'Q',
		.kind = OPT_FLAG,
		OPT_FIELD(struct talk_conf, quiet),
		.help = "tell nothing but errors"},
	{.name = "json",
		.letter = 'j',
		.kind = OPT_FLAG,
		OPT_FIELD(struct talk_conf, json),
		.help = "tell events, errors and reports as JSON, one object a line"},
	{.name = "trace",
		.kind = OPT_FLAG,
		OPT_FIELD(struct talk_conf, trace),
		.help = "tell every call to the kernel about a socket"},
	{.letter = 'h', .kind = OPT_HELP_SHORT, .help = "show the commonest options"},
	{.name = "help", .kind = OPT_HELP_LONG, .help = "show all options"},
	{.name = "version", .kind = OPT_VERSION, .help = "show the version"},
};
const size_t talk_option_count = sizeof(talk_options) / sizeof(talk_options[0]);

const struct opt family_options[] = {
	{.letter = '4',
		.kind = OPT_FLAG,
		OPT_FIELD(struct family_conf, ipv4),
		.help = "use IPv4 only"},
	{.letter = '6',
		.kind = OPT_FLAG,
		OPT_FIELD(struct family_conf, ipv6),
		.help = "use IPv6 only"},
	{.name = "numeric",
		.letter = 'n',
		.kind = OPT_FLAG,
		OPT_FIELD(struct family_conf, numeric),
		.help = "look up no names; a host that is no address is an error"},
};
const size_t family_option_count = sizeof(family_options) / sizeof(family_options[0]);

int family_of(const struct family_conf *conf, int *family, struct err *err)
{
	*family = conf->ipv4 ? AF_INET : conf->ipv6 ? AF_INET6 : AF_UNSPEC;
	if (!conf->ipv4 || !conf->ipv6)
		return 0;
	err_set(err, ERR_USAGE, "'-4' and '-6' exclude each other");
	return err_hint(err, "give one of them, or neither for both");
}

int port_read(const char *typed, uint16_t *port, struct err *err)
{
	const struct servent *service;
	uint64_t number;

	if (text_uint(typed, UINT16_MAX, &number) == 0) {
		*port = (uint16_t)number;
		return 0;
	}
	service = typed[strspn(typed, "0123456789")] ? getservbyname(typed, "tcp") : NULL;
	if (service) {
		*port = ntohs((uint16_t)service->s_port);
		return 0;
	}
	err_set(err, ERR_USAGE, "%s is not a port", quoted(typed).text);
	return err_hint(err, "use a number from 0 to 65535, or a service name of /etc/services");
}

int host_check(const char *host, struct err *err)
{
	if (text_is_host(host))
		return 0;
	err_set(err, ERR_USAGE, "%s is not a host", quoted(host).text);
	return err_hint(err, "use a name or an address, such as localhost, 127.0.0.1 or ::1");
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

static int split(const char *word, struct endpoint *out, struct err *err)
{
	const char *wrong = endpoint_split(word, out);

	if (wrong) {
		err_set(err, ERR_USAGE, "address %s %s", quoted(word).text, wrong);
		return err_hint(err, "write HOST PORT, HOST:PORT, [IPV6]:PORT or :PORT");
	}
	if (out->path[0]) {
		err_set(err, ERR_USAGE, "%s is a Unix socket, and this version has TCP only",
			quoted(word).text);
		return err_hint(
			err, "use HOST PORT, or `socat - UNIX-CONNECT:%s`", quoted(out->path).text);
	}
	return 0;
}

/* What a lone word of digits means: serve's port, nobody's host. */
static int place_digits(const char *word, bool lone_port, const char *command, struct endpoint *out,
	struct err *err)
{
	if (!lone_port) {
		err_set(err, ERR_USAGE, "%s is a port without a host", quoted(word).text);
		return err_hint(err, "did you mean 'sockx %s localhost %s'?", command, word);
	}
	out->host[0] = '\0';
	return endpoint_add(out->port, sizeof(out->port), "PORT", word, err);
}

int address_read(const char *const *words, size_t count, bool lone_port, const char *command,
	struct endpoint *out, struct err *err)
{
	*out = (struct endpoint){0};
	if (count > 2) {
		err_set(err, ERR_USAGE, "%s is one word too many for an address",
			quoted(words[2]).text);
		return err_hint(err, "write HOST PORT; 'sockx %s -h' shows examples", command);
	}
	if (count == 0)
		return 0;
	if (count == 2 && !words[1][0])
		return port_read(words[1], &(uint16_t){0}, err);
	if (split(words[0], out, err) < 0)
		return -1;
	if (count == 1)
		return out->digits ? place_digits(words[0], lone_port, command, out, err) : 0;
	return endpoint_add(out->port, sizeof(out->port), "PORT", words[1], err);
}
