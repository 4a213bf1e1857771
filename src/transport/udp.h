#ifndef SOCKX_TRANSPORT_UDP_H
#define SOCKX_TRANSPORT_UDP_H

#include "core/link.h"

/* UDP over IPv4 and IPv6 (udp(7)). A client's socket is connected; a server's serves all its peers,
 * answers from the address that was asked, and does not let itself be made part of a loop. */
extern const struct transport transport_udp;

#endif
