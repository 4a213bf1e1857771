#ifndef SOCKX_MODE_SHARED_H
#define SOCKX_MODE_SHARED_H

#include <stdbool.h>
#include <stdint.h>

/* The options that several modes have. A mode's row says which of them it takes. */
enum mode_takes {
	MODE_TAKES_LINES = 1,   /* --eol, --crlf and --raw */
	MODE_TAKES_NO_EOL = 2,  /* ... --eol none among them */
	MODE_TAKES_SETTLE = 4,  /* --settle */
	MODE_TAKES_REQUEST = 8, /* --request-timeout */
	MODE_TAKES_SPLICE = 16, /* --no-splice */
};

/* Which command runs it. */
enum mode_side { MODE_OF_SERVE, MODE_OF_CONNECT };

/* Their values. */
struct mode_shared {
	const char *eol;    /* "lf", "crlf" or "none" */
	bool crlf;          /* --crlf */
	bool raw;           /* --raw */
	int64_t settle_ms;  /* --settle */
	int64_t request_ms; /* --request-timeout; 0: none */
	bool no_splice;     /* --no-splice */
};

/* Whether they ask for CR LF. */
bool mode_sends_crlf(const struct mode_shared *shared);

#endif
