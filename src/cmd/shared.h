#ifndef SOCKX_CMD_SHARED_H
#define SOCKX_CMD_SHARED_H

#include "base/text.h"
#include "cli/command.h"
#include "core/addr.h"

/* What commands have in common: option rows with the structs they fill, and the reading of
 * addresses. */

#define DEFAULT_PORT "65432"

/* -h --help --version -v -Q -j --trace; fills struct talk_conf. */
extern const struct opt talk_options[];
extern const size_t talk_option_count;

struct family_conf {
	bool ipv4, ipv6, numeric;
};
extern const struct opt family_options[];
extern const size_t family_option_count;

/* Which family -4 and -6 ask for: AF_UNSPEC, AF_INET or AF_INET6. Both is ERR_USAGE. */
int family_of(const struct family_conf *conf, int *family, struct err *err);

/* A port number up to 65535, or a service name (services(5)). Returns 0, or -1 with ERR_USAGE. */
int port_read(const char *typed, uint16_t *port, struct err *err);

/* The host and port of positional words: [HOST] [PORT], HOST:PORT and so on; of one word of digits,
 * a port if lone_port. out has "" for what was not there. Returns 0, or -1 with ERR_USAGE. */
int address_read(const char *const *words, size_t count, bool lone_port, const char *command,
	struct endpoint *out, struct err *err);

/* Put what an option gave into an endpoint that the words left open; both is ERR_USAGE. */
int endpoint_add(char *part, size_t size, const char *option, const char *value, struct err *err);

/* That host can be looked up or parsed at all. Returns 0, or -1 with ERR_USAGE. */
int host_check(const char *host, struct err *err);

#endif
