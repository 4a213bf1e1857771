#ifndef SOCKX_TRANSPORT_UNIX_H
#define SOCKX_TRANSPORT_UNIX_H

#include "core/link.h"

/* Unix sockets (unix(7)), by a path or an abstract name: streams, datagrams, and sequenced packets,
 * which are messages over a connection. */
extern const struct transport transport_unix, transport_unix_datagram, transport_unix_seqpacket;

#endif
