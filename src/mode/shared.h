#ifndef SOCKX_MODE_SHARED_H
#define SOCKX_MODE_SHARED_H

#include "cli/opt.h"

/* The options that several modes have: rows for a struct mode_shared. */
struct mode_shared {
	const char *eol;    /* "lf", "crlf" or "none" */
	bool crlf;          /* --crlf */
	bool raw;           /* --raw */
	int64_t settle_ms;  /* --settle */
	int64_t request_ms; /* --request-timeout; 0: none */
};

/* Add them, at the place of a struct mode_shared; settles: the modes that have --settle. */
void mode_shared_options(struct opt_set *set, size_t offset, const char *settles);

/* Add --request-timeout, in the same way. */
void mode_request_options(struct opt_set *set, size_t offset);

/* Whether they ask for CR LF. */
bool mode_sends_crlf(const struct mode_shared *shared);

/* Check what was given against the chosen mode: options of others, and what contradicts itself.
 * Returns 0, or -1 with err. */
int mode_options_check(const struct opt_set *set, const struct opt_args *args,
	const struct mode_shared *shared, const char *mode, struct err *err);

#endif
