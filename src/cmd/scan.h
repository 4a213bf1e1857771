#ifndef SOCKX_CMD_SCAN_H
#define SOCKX_CMD_SCAN_H

#include "cmd/probe.h"

/* connect --zero of several ports or hosts. */

/* Whether the words and options name several: HOST,HOST, or 20-30, or 22,80. */
bool scan_asked(const struct client_conf *client, const struct opt_args *args);

/* Scan. Returns 0 if all ports are open; else -1, and err has the status: ERR_REFUSED or
 * ERR_TIMEOUT if none is open, ERR_RUNTIME if some are. Then it has no text. */
int scan_run(struct reporter *to, const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err);

/* Only read where to. Returns 0, or -1 with ERR_USAGE. */
int scan_aim(const struct client_conf *client, const struct probe_conf *conf,
	const struct opt_args *args, struct err *err);

#endif
