#ifndef SOCKX_MODE_GREET_H
#define SOCKX_MODE_GREET_H

#include "core/framer.h"
#include "mode/mode.h"

/* greet: say a text to each client and close, at once or once the client has said its name. */

struct greet_conf {
	const char *greeting; /* with {name}, {peer} and {host} */
	bool ask;
};

enum { GREET_HOST_MAX = 256 };

/* A client that is silent for so long may wait for us as we do for it: a report says so. */
enum { GREET_SILENT_MS = 2000 };

/* A run: what all greetings have in common. */
struct greet_run {
	const struct greet_conf *conf;
	struct reporter *to;
	int64_t settle_ms, request_ms;
	bool asks; /* a name is waited for */
	char host[GREET_HOST_MAX];
};

struct greet_peer {
	struct framer framer;
};

#endif
