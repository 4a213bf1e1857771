#include "cmd/advice.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* In a hint, {port} and {address} are the error's; {mode} is " -m MODE" where the server has to be
 * of one, else nothing. */
struct advice {
	const char *more; /* goes on where the error's text ends; NULL: nothing */
	const char *hint; /* NULL: none */
};

static const struct advice advices[FACT_COUNT] = {
	[FACT_PORT_TAKEN] = {NULL,
		"another program has port {port}; choose another with -p, or -p 0 for a free one"},
	[FACT_PORT_PRIVILEGED] = {NULL,
		"ports below 1024 are for root; choose a higher one with -p"},
	[FACT_ADDRESS_NOT_OURS] = {NULL,
		"-H takes an address of this machine; `ip address` lists them"},
	[FACT_GROUP] = {NULL,
		"sockx joins no multicast groups; -H takes an address of this machine"},
	[FACT_NO_TCP_SERVER] = {NULL,
		"nothing listens there; to start a server: sockx serve -p {port}{mode}"},
	[FACT_NO_UDP_SERVER] = {NULL,
		"nothing listens there; to start a server: sockx serve -u -p {port}{mode}"},
	[FACT_NO_SERVER_THERE] = {NULL,
		"nothing listens there; check the address, and port {port}"},
	[FACT_NO_UNIX_SERVER] = {NULL,
		"no server has it; to start one: sockx serve {address}{mode}"},
	[FACT_NO_UNIX_DATAGRAM_SERVER] = {NULL,
		"no server has it; to start one: sockx serve -u {address}{mode}"},
	[FACT_NO_UNIX_SEQPACKET_SERVER] = {NULL,
		"no server has it; to start one: sockx serve --seqpacket {address}{mode}"},
	[FACT_ONE_WAY] = {NULL,
		"to send there without an answer: sockx connect -u --send-only, or -q 0"},
	[FACT_OTHER_SOCKET_TYPE] = {NULL,
		"it is a socket of streams or sequenced packets: leave out -u, or use --seqpacket "
		"in its place"},
	[FACT_STREAM_SOCKET] = {NULL,
		"it is a stream socket: leave out -u and --seqpacket, or write unix:PATH"},
	[FACT_DATAGRAM_SOCKET] = {NULL,
		"it is a datagram socket: use -u alone, or write unix-datagram:PATH"},
	[FACT_SEQPACKET_SOCKET] = {NULL,
		"it is a socket of sequenced packets: use --seqpacket alone, or write "
		"unix-seqpacket:PATH"},
	[FACT_SOCKET_FORBIDDEN] = {NULL,
		"its permissions keep you out; its server sets them by --unix-mode"},
	[FACT_SOURCE_ADDRESS] = {NULL,
		"--source takes an address of this machine, and a free port"},
	[FACT_SOURCE_PATH] = {NULL,
		"--source takes a path that does not exist, in a directory of yours"},
	[FACT_NO_ANSWER] = {NULL, "a firewall may drop what we send; to wait longer: -w DURATION"},
	[FACT_NO_ECHO] = {NULL, "is an echo server there? to wait longer: -w DURATION"},
	[FACT_BACKLOG_FULL] = {NULL,
		"the server exists but accepts no connection; to wait longer: -w DURATION"},
	[FACT_NOT_IPV4] = {NULL, "leave out -4, or give an address of that kind"},
	[FACT_NOT_IPV6] = {NULL, "leave out -6, or give an address of that kind"},
	[FACT_NUMERIC] = {", and --numeric forbids looking it up",
		"give an IPv4 or IPv6 address, or leave out -n"},
	[FACT_IDLE_LIMIT] = {" (--idle-timeout)", "to wait longer: -i DURATION"},
	[FACT_ANSWER_LIMIT] = {" (--max-answer)",
		"to take more: --max-answer SIZE; 0: any number of bytes"},
	[FACT_PER_PEER_LIMIT] = {" (--max-conns-per-peer)", NULL},
	[FACT_CLIENTS_LIMIT] = {" (-i closes silent connections, --max-conns allows more)", NULL},
	[FACT_DESCRIPTOR_LIMIT] = {" (-i closes silent connections, 'ulimit -Hn' allows more)",
		NULL},
	[FACT_TLS_PLAIN_PEER] = {NULL, "does it speak TLS there? if not, leave out --tls"},
	[FACT_TLS_UNTRUSTED] = {NULL,
		"if it is the one you mean: --tls-pin with its sha256:, or --tls-ca FILE"},
	[FACT_TLS_NAME] = {NULL, "--tls-name NAME says what to expect"},
	[FACT_TLS_DATES] = {NULL, "is this machine's clock right? then the peer needs a new one"},
	[FACT_TLS_PIN] = {NULL,
		"it is not the server that you mean, or has a new key: see its 'listening' line"},
	[FACT_TLS_PEER_DISTRUSTS] = {NULL,
		"the peer has to know it: by its pin, or by a certificate that signed it"},
	[FACT_TLS_NEEDS_CERTIFICATE] = {NULL, "give it one: --tls-cert FILE --tls-key FILE"},
	[FACT_TLS_ALPN] = {NULL, "--tls-alpn says which are spoken here"},
	[FACT_TLS_KEY_PASSWORD] = {NULL, "give the file that has it: --tls-key-password FILE"},
	[FACT_DATAGRAMS_UNSENT] = {NULL, "'-v' tells which, and why"},
};

static void advice_append(char *text, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void advice_append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

/* Append what stands for the field at p. Returns what follows it. */
static const char *advice_add_field(
	char *text, size_t size, const char *p, const struct err *err, const char *mode)
{
	static const char port[] = "{port}", address[] = "{address}";

	if (strncmp(p, port, strlen(port)) == 0)
		advice_append(text, size, "%u", addr_port(&err->at));
	else if (strncmp(p, address, strlen(address)) == 0)
		advice_append(text, size, "%s", addr_text(&err->at).text);
	else if (mode)
		advice_append(text, size, " -m %s", mode);
	return p + strcspn(p, "}") + 1;
}

static void advice_write_hint(struct err *err, const char *hint, const char *mode)
{
	while (*hint) {
		size_t plain = strcspn(hint, "{");

		advice_append(err->hint, sizeof(err->hint), "%.*s", (int)plain, hint);
		hint += plain;
		if (*hint)
			hint = advice_add_field(err->hint, sizeof(err->hint), hint, err, mode);
	}
}

void advise_client(struct err *err, const char *mode)
{
	const struct advice *row = &advices[err->fact];

	if (row->more)
		advice_append(err->what, sizeof(err->what), "%s", row->more);
	if (row->hint && !err->hint[0])
		advice_write_hint(err, row->hint, mode);
	err->fact = FACT_NONE;
}

void advise(struct err *err)
{
	advise_client(err, NULL);
}
