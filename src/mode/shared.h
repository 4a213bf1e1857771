#ifndef SOCKX_MODE_SHARED_H
#define SOCKX_MODE_SHARED_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/opt.h"

/* The options that several modes have. A mode's row says which of them it takes. */
enum mode_takes {
	MODE_TAKES_LINES = 1,   /* --eol, --crlf and --raw */
	MODE_TAKES_NO_EOL = 2,  /* ... --eol none among them */
	MODE_TAKES_SETTLE = 4,  /* --settle */
	MODE_TAKES_REQUEST = 8, /* --request-timeout */
	MODE_TAKES_SPLICE = 16, /* --no-splice */
	MODE_TAKES_TARGET = 32, /* --to, --to-source, and of serve --connect-timeout */
};

/* Which command runs it. */
enum mode_side { MODE_OF_SERVE, MODE_OF_CONNECT };

/* Their values. */
struct mode_shared {
	const char *eol;       /* "lf", "crlf" or "none" */
	bool crlf;             /* --crlf */
	bool raw;              /* --raw */
	int64_t settle_ms;     /* --settle */
	int64_t request_ms;    /* --request-timeout; 0: none */
	bool no_splice;        /* --no-splice */
	struct opt_list to;    /* --to: addresses, each in one word (core/target.h) */
	const char *to_source; /* --to-source, or NULL */
	const char *to_tls_ca, *to_tls_name, *to_tls_pin; /* of those with TLS; NULL: not given */
	bool to_tls_no_verify;
	int64_t connect_timeout_ms; /* --connect-timeout, for each of them; not above 0: none */
};

/* Whether they ask for CR LF. */
bool mode_sends_crlf(const struct mode_shared *shared);

#endif
