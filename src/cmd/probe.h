#ifndef SOCKX_CMD_PROBE_H
#define SOCKX_CMD_PROBE_H

#include "cmd/client.h"

/* connect --zero: see whether a server is there, and nothing else. */

struct probe_conf {
	bool zero;
	const char *text; /* a datagram that is answered; NULL: an empty one */
};

extern const struct opt probe_options[];
extern const size_t probe_option_count;

/* Whether the options go together. Returns 0, or -1 with ERR_USAGE. */
int probe_check(const struct probe_conf *conf, const struct opt_set *set,
	const struct opt_args *args, struct err *err);

/* Whether a text can be sent by via: to a stream, none is. Returns 0, or -1 with ERR_USAGE. */
int probe_check_text(const struct probe_conf *conf, const struct transport *via, struct err *err);

/* The time limit of an attempt, where the user set none. */
enum { PROBE_TIMEOUT_MS = 2000 };

/* Probe one address. A connection is ended by a reset, where there is one. Returns 0 if it is
 * open, or -1 with err. */
int probe_run(struct reporter *to, const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err);

/* Only read where to. Returns 0, or -1 with ERR_USAGE. */
int probe_aim(const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err);

#endif
