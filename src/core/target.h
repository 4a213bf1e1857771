#ifndef SOCKX_CORE_TARGET_H
#define SOCKX_CORE_TARGET_H

#include <stdbool.h>

#include "base/text.h"

/* An address with the way to travel there, read from one word. Which transport goes that way is for
 * others to know (transport/transports.h). */

enum travel {
	TRAVEL_UNSAID, /* TCP, unless an option says otherwise */
	TRAVEL_TCP,
	TRAVEL_UDP,
	TRAVEL_TLS,
	TRAVEL_UNIX, /* a stream, unless an option says otherwise */
	TRAVEL_UNIX_DATAGRAM,
	TRAVEL_UNIX_SEQPACKET,
};

enum { TARGET_PATH_MAX = 1025 };

struct target {
	enum travel by;
	struct endpoint at;
	char path[TARGET_PATH_MAX]; /* with any TRAVEL_UNIX, in place of at */
};

/* Read HOST, HOST:PORT, [v6]:PORT, [v6], :PORT, unix:PATH, unix-datagram:PATH, unix-seqpacket:PATH,
 * tcp://HOST:PORT, udp://HOST:PORT, tls://HOST:PORT (where HOST may be left out, PORT not). Returns
 * NULL, or what is wrong, as endpoint_split does. */
const char *target_read(const char *word, struct target *out);

/* Whether that reads word as the path of a Unix socket. */
bool target_is_path(const struct target *target);

/* The scheme of a travel as users write it: "udp://", "unix:"; "" for TRAVEL_UNSAID. */
const char *travel_scheme(enum travel by);

/* Whether word is a URL of some other kind, such as https://example.org/page; then out has its host
 * and port, which is the scheme's name where it has none. */
bool target_is_url(const char *word, struct endpoint *out);

#endif
