#ifndef SOCKX_CMD_SECURE_H
#define SOCKX_CMD_SECURE_H

#include "cli/opt.h"
#include "cmd/where.h"
#include "mode/mode.h"
#include "transport/tls.h"

/* The options of TLS, and what a command makes of them. */

/* What both sides have, over a struct tls_conf; what clients have; what servers have. */
extern const struct opt secure_options[];
extern const size_t secure_option_count;
extern const struct opt secure_client_options[];
extern const size_t secure_client_option_count;
extern const struct opt secure_server_options[];
extern const size_t secure_server_option_count;

/* The TLS of one command's connections. */
struct secure {
	struct tls *tls; /* NULL: none */
	struct tls_end end;
	struct step_entry steps[2];
};

/* Whether what was typed can be meant, for a socket that has TLS or has not. Returns 0, or -1 with
 * ERR_USAGE. */
int secure_check(const struct tls_conf *conf, const struct where *where, struct err *err);

/* Whether a mode lets anything be put over its sockets. Returns as above. */
int secure_check_mode(
	const struct mode *mode, const void *of_mode, const struct where *where, struct err *err);

/* What a server's certificate is to be for: the name that was given, or host. Without one ("", as
 * with a Unix socket) it is this machine. */
const char *secure_name(const struct tls_conf *conf, const char *host);

/* A client's: where and conf must live as long. Returns 0, or -1 with err. */
int secure_begin(struct secure *s, const struct tls_conf *conf, const struct where *where,
	struct reporter *to, struct err *err);

/* A server's, for the hosts that it was told to listen on. */
int secure_begin_server(struct secure *s, const struct tls_conf *conf, const struct where *where,
	const struct opt_list *hosts, struct reporter *to, struct err *err);

/* Once its connections are gone. */
void secure_end(struct secure *s);

#endif
