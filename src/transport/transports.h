#ifndef SOCKX_TRANSPORT_TRANSPORTS_H
#define SOCKX_TRANSPORT_TRANSPORTS_H

#include "core/link.h"

/* Which transport carries which kind of socket: one row each in transports.c. */

enum socket_kind { SOCKET_STREAM, SOCKET_DATAGRAM, SOCKET_SEQPACKET };

/* The transport for a kind of socket, on this machine by paths (local), or over IP. NULL: there is
 * none. */
const struct transport *transport_find(bool local, enum socket_kind kind);

#endif
