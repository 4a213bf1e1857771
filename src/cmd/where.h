#ifndef SOCKX_CMD_WHERE_H
#define SOCKX_CMD_WHERE_H

#include "base/text.h"
#include "cli/command.h"
#include "base/addr.h"
#include "core/dial.h"
#include "core/target.h"
#include "transport/options.h"

/* Which socket a command is about, and where: what its words and options say together. */

#define DEFAULT_PORT "65432"

struct where_conf {
	const char *port, *path;
	bool ipv4, ipv6, numeric;
	bool tcp, udp, seqpacket, tls;
	struct socket_options sockets;
};

/* The rows that all commands share; each has its own for the host and port. */
extern const struct opt where_options[];
extern const size_t where_option_count;

/* What is asked of the sockets themselves, on every command as well. */
extern const struct opt socket_option_rows[];
extern const size_t socket_option_count;

struct where {
	const struct transport *via;
	struct endpoint at; /* a host ("" if none was named) and port, or a path */
	struct addr path;   /* of a Unix socket; len 0: it is a host and port */
	int family;         /* of the host: AF_UNSPEC, AF_INET or AF_INET6 */
	uint16_t port;
	bool default_port; /* none was given */
	bool tls;          /* TLS goes over it (cmd/secure.h) */
};

/* The words are [HOST] [PORT], HOST:PORT, unix:PATH and so on; one of digits is a port where
 * lone_port says so. host is what an option names, or NULL. Returns 0, or -1 with ERR_USAGE. */
int where_read(const struct where_conf *conf, const struct opt_args *args, const char *host,
	bool lone_port, const char *command, struct where *out, struct err *err);

/* Fill where a dial goes: where_read's answer to conf. A host that was not named is this machine.
 * where must live as long as d. Returns 0, or -1 with ERR_USAGE. */
int where_aim(const struct where *where, const struct where_conf *conf, int64_t timeout_ms,
	struct dial *d, struct err *err);

/* The same for a target, without any of the options about sockets. Returns 0, or -1 with
 * ERR_USAGE. */
int where_of_target(const struct target *target, bool numeric, struct where *out, struct err *err);

/* Where a dial comes from: ADDR, ADDR:PORT, [V6]:PORT or :PORT, numeric, for it is one of ours; or
 * the path of a Unix socket. typed may be NULL: anywhere. Returns 0, or -1 with ERR_USAGE. */
int where_read_source(const char *typed, bool path, struct dial_conf *from, struct err *err);

/* A port number up to 65535, or a service name (services(5)). Returns 0, or -1 with ERR_USAGE. */
int port_read(const char *typed, uint16_t *port, struct err *err);

/* The path of a Unix socket, or @NAME. Returns 0, or -1 with ERR_USAGE. */
int path_read(const char *typed, struct addr *out, struct err *err);

/* Put what an option gave into a part of an address that the words left open; both is ERR_USAGE. */
int endpoint_add(char *part, size_t size, const char *option, const char *value, struct err *err);

#endif
