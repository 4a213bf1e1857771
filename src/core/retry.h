#ifndef SOCKX_CORE_RETRY_H
#define SOCKX_CORE_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "os/loop.h"
#include "report/report.h"

/*
 * Attempts to connect that are repeated until one succeeds: the first pause is 0.1 s, and each is
 * longer than the one before by a quarter, up to 2 s. It knows nothing of connections: its user
 * begins each attempt and passes on why it failed.
 */

struct retry {
	/* The caller fills these. */
	struct loop *loop;
	struct reporter *to;
	const char *typed; /* the address as it was typed, for messages */
	uint64_t times;    /* so many attempts after the first; 0: no such limit */
	int64_t for_ms;    /* in all; 0: any time; below 0: no retry for a time */
	/* Begin another attempt; or, if over is not NULL, the time has passed: over says so. */
	void (*again)(struct retry *r, const struct err *over);

	struct timer next;
	int64_t began_ms, pause_ms;
	uint64_t failed;    /* attempts */
	struct err refusal; /* why the last one failed, if it was more than silence */
};

/* Begin, with the first attempt. Returns 0, or -1 when memory is out. */
int retry_begin(struct retry *r);

/* How long an attempt waits for silent addresses of a name once another has refused: then all of
 * them are asked again. A SYN is sent again after a second. */
enum { RETRY_PATIENCE_MS = 1000 };

/* Whether there may be more than one attempt. */
bool retry_is_wanted(const struct retry *r);

/* How long the next attempt may take, of the limit that each attempt has (0: none). */
int64_t retry_limit_ms(const struct retry *r, int64_t limit_ms);

/* An attempt has failed. Returns whether again will be called. If not, out has the error that the
 * run ends with: why, or that the time has passed. */
bool retry_failed(struct retry *r, const struct err *why, struct err *out);

/* An attempt has succeeded: report it, if others failed before. */
void retry_succeeded(struct retry *r);

/* No other attempt will be begun. Also for one that never began. */
void retry_end(struct retry *r);

#endif
