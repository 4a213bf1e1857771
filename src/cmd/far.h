#ifndef SOCKX_CMD_FAR_H
#define SOCKX_CMD_FAR_H

#include "core/dial.h"
#include "core/target.h"
#include "mode/mode.h"
#include "transport/tls.h"

/* The far side of a mode that connects: what --to and --to-source say, as addresses. */

/* Check them, where the mode has them, for a near side whose bytes travel via that. Returns 0, or
 * -1 with ERR_USAGE. */
int far_check(const struct mode *mode, const struct mode_shared *shared, bool numeric,
	const struct transport *via, struct err *err);

/* Check that a server whose bytes travel via that, and which listens at those addresses, is not its
 * own target. What takes a look-up is not known. Returns 0, or -1 with ERR_USAGE. */
int far_check_loop(const struct mode_shared *shared, const struct transport *via,
	const struct addr *at, size_t count, struct err *err);

/* TLS with the targets that have it: what far_dial needs of a run. */
struct far {
	struct tls *tls; /* NULL: none has it */
	struct tls_conf conf;
	struct tls_end ends[OPT_LIST_MAX];
	char *names[OPT_LIST_MAX];                /* what their certificates are to be for */
	struct step_entry steps[OPT_LIST_MAX][2]; /* of each target */
};

/* Read certificates, where a target has TLS; the targets have been checked. Returns 0, or -1 with
 * err. */
int far_begin(
	struct far *far, const struct mode_shared *shared, struct reporter *to, struct err *err);

/* Once its connections are gone. */
void far_end(struct far *far);

/* mode_env.dial, but for its first argument: begin a dial to a target, which must live as long.
 * None of the options about sockets concerns it. Returns 0, or -1 with err. */
int far_dial(const struct far *far, const struct mode_shared *shared, bool numeric,
	int64_t timeout_ms, struct dial *d, const struct target *to, struct err *err);

#endif
