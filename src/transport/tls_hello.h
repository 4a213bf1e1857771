#ifndef SOCKX_TRANSPORT_TLS_HELLO_H
#define SOCKX_TRANSPORT_TLS_HELLO_H

#include <stdint.h>

#include "base/span.h"

/* What the first message of each side of TLS says in the clear, for the trace. */

enum { TLS_HELLO_VERSIONS_MAX = 8 };

struct tls_hello {
	uint16_t
		versions[TLS_HELLO_VERSIONS_MAX]; /* 0x0304 is 1.3: as offered, or the one chosen */
	size_t version_count;
	uint16_t cipher;  /* of a ServerHello: as IANA numbers them; else 0 */
	struct span name; /* of a ClientHello: the server that it wants (SNI); points into the
	                   * message; empty: not said */
};

/* Read a ClientHello or ServerHello, with the header of its handshake message (RFC 8446 sections
 * 4.1.2 and 4.1.3; RFC 5246 section 7.4.1 for older ones). Returns 0, or -1 where it is neither, or
 * ends within a field. Versions past TLS_HELLO_VERSIONS_MAX are left out. */
int tls_hello_read(struct span message, struct tls_hello *out);

/* "1.3", or NULL for one that is none of TLS's (RFC 8701 has clients offer such). */
const char *tls_hello_version(uint16_t version);

#endif
